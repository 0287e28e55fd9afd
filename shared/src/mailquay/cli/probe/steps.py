"""A probe's steps, in their order: one that fails keeps none from being tried that can be."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from mailquay.cli.probe.failures import FAILURES, ProbeFailed, describe
from mailquay.cli.probe.imap import delete_by_imap, read_by_imap
from mailquay.cli.probe.jmap import delete_by_jmap, read_by_jmap
from mailquay.cli.probe.letters import Letter, Way, new_run, write_letter
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.pop3 import read_by_pop3
from mailquay.cli.probe.servers import Server, Servers, Trust
from mailquay.cli.probe.smtp import send_by_mx, send_by_submission
from mailquay.cli.probe.waiting import Found

__all__ = ["Outcome", "Probe", "Step"]


class Outcome(StrEnum):
    """How a step ended; one whose mail never came in is skipped."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and what the server said or what is wrong with it."""

    name: str
    server: str
    outcome: Outcome
    seconds: float
    said: str


_Read = Callable[[Server, Trust, Login, list[Letter], float], Found]


class Probe:
    """One run; blocks.

    Args:
        servers: whom it speaks to.
        login: the account that writes to itself.
        trust: how the servers are known.
        sender: of the message to the MX.
        timeout_seconds: for an answer, and for mail to arrive in each step.
    """

    def __init__(
        self, servers: Servers, login: Login, trust: Trust, *, sender: str, timeout_seconds: float
    ) -> None:
        self._servers = servers
        self._login = login
        self._trust = trust
        self._sender = sender
        self._timeout_seconds = timeout_seconds
        self._token = new_run()
        self._letters: list[Letter] = []
        self._read: Found = {}

    def run(self) -> list[Step]:
        """Every step."""
        servers = self._servers
        readers: list[tuple[str, Server | None, _Read]] = [
            ("imap", servers.imap, read_by_imap),
            ("pop3", servers.pop3, read_by_pop3),
            ("jmap", servers.jmap, read_by_jmap),
        ]
        steps = [
            _run("mx", str(servers.smtp), self._send_by_mx),
            _run("submission", str(servers.submission), self._send_by_submission),
        ]
        for name, server, read in readers:
            if server is None:
                continue
            if self._letters:
                steps.append(_run(name, str(server), partial(self._compare, server, read)))
            else:
                steps.append(_skipped(name, str(server)))
        where = " ".join(str(server) for server in (servers.imap, servers.jmap) if server)
        steps.append(
            _run("cleanup", where, self._clean_up) if self._letters else _skipped("cleanup", where)
        )
        return steps

    def _send_by_mx(self) -> str:
        letter, reply = send_by_mx(
            self._servers.smtp,
            self._trust,
            self._login.account,
            lambda is_8bit: self._write(Way.MX, self._sender, is_8bit=is_8bit),
            self._timeout_seconds,
        )
        self._letters.append(letter)
        return reply

    def _send_by_submission(self) -> str:
        letter, reply = send_by_submission(
            self._servers.submission,
            self._trust,
            self._login,
            lambda is_8bit: self._write(Way.SUBMISSION, self._login.account, is_8bit=is_8bit),
            self._timeout_seconds,
        )
        self._letters.append(letter)
        return reply

    def _write(self, way: Way, sender: str, *, is_8bit: bool) -> Letter:
        account = self._login.account
        return write_letter(way, self._token, sender=sender, recipient=account, is_8bit=is_8bit)

    def _compare(self, server: Server, read: _Read) -> str:
        """Read what was sent, and see that it is what other protocols have read, to the byte."""
        found = read(server, self._trust, self._login, self._letters, self._timeout_seconds)
        for letter in self._letters:
            if self._read.setdefault(letter.way, found[letter.way]) != found[letter.way]:
                raise ProbeFailed(f"{letter.message_id} is another here than by other protocols")
        return f"read {len(found)}, {sum(map(len, found.values()))} bytes as they were sent"

    def _clean_up(self) -> str:
        """Delete what came by the MX by JMAP, the other by IMAP; both, where one is all there is.

        A message that comes later stays: its Message-ID is told by the step that missed it.
        """
        servers, arguments = self._servers, (self._trust, self._login)
        if servers.jmap is None:
            delete_by_imap(servers.imap, *arguments, self._letters, self._timeout_seconds)
            return f"deleted {len(self._letters)} by IMAP"
        first = self._letters[:1]
        try:
            delete_by_jmap(servers.jmap, *arguments, first, self._timeout_seconds)
        except FAILURES as error:
            delete_by_imap(servers.imap, *arguments, self._letters, self._timeout_seconds)
            raise ProbeFailed(f"JMAP: {describe(error)}; deleted by IMAP") from error
        try:
            delete_by_imap(servers.imap, *arguments, self._letters, self._timeout_seconds)
        except FAILURES as error:
            delete_by_jmap(servers.jmap, *arguments, self._letters, self._timeout_seconds)
            raise ProbeFailed(f"IMAP: {describe(error)}; deleted by JMAP") from error
        return f"deleted {len(self._letters)} by IMAP and JMAP"


def _run(name: str, server: str, work: Callable[[], str]) -> Step:
    begun = time.perf_counter()
    try:
        said, outcome = work(), Outcome.OK
    except FAILURES as error:
        said, outcome = describe(error), Outcome.FAILED
    return Step(name, server, outcome, round(time.perf_counter() - begun, 4), said)


def _skipped(name: str, server: str) -> Step:
    return Step(name, server, Outcome.SKIPPED, 0.0, "no message was taken")
