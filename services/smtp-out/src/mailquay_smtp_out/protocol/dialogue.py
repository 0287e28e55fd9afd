"""The client's side of an SMTP session, as generators: they yield actions and are sent replies.

No I/O here: the shell in `..connection` carries each action out. So the dialogue reads from top
to bottom as RFC 5321 §3 tells it, and every path can be tested with a list of replies.

========== =========================================== =============================
action      the shell must                              and send back
========== =========================================== =============================
`Write`     write the bytes                             None
`WriteBody` write the message, dots stuffed             None
`Read`      wait for one reply within the time-out      the `Reply`
`Upgrade`   start TLS, dropping what was buffered       None
========== =========================================== =============================
"""

import base64
import re
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailquay_smtp_out.protocol.replies import Reply, local_reply

__all__ = [
    "Action",
    "Envelope",
    "Read",
    "Recipient",
    "RecipientResult",
    "Refused",
    "Session",
    "SessionPolicy",
    "TlsLevel",
    "Upgrade",
    "Wait",
    "Write",
    "WriteBody",
    "greet",
    "reset",
    "send_message",
]


#: What can stand in a path (RFC 5321 §4.1.2, RFC 6531 §3.3): nothing that ends the path or the
#: command line early.
_ADDRESS: Final = re.compile(
    r"""(?:"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"|[^\s"<>@\x00-\x1f\x7f]+)@[^\s"<>@\x00-\x1f\x7f]+"""
)
_XTEXT: Final = re.compile(r"[!-~]{1,500}")  # RFC 3461 §4


class Wait(Enum):
    """What is waited for, and the seconds that RFC 5321 §4.5.3.2 grants it."""

    GREETING = ("greeting", 300)
    COMMAND = ("command", 300)
    DATA = ("DATA", 120)
    FINAL_DOT = ("final dot", 600)

    @property
    def label(self) -> str:
        """The phase in a word, for logs and DSNs."""
        return self.value[0]

    @property
    def seconds(self) -> int:
        """The RFC's time-out; the shell may wait less, never more."""
        return self.value[1]


class TlsLevel(Enum):
    """How much TLS a destination must have; opportunistic as in RFC 7435."""

    OFF = "off"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes to put on the wire."""

    data: bytes


@dataclass(frozen=True, slots=True)
class WriteBody:
    """Put the message on the wire, with its final dot."""


@dataclass(frozen=True, slots=True)
class Read:
    """Wait for one reply."""

    wait: Wait


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Start TLS; a handshake that fails ends the session."""


Action = Write | WriteBody | Read | Upgrade


class Refused(Exception):
    """The peer will not talk with us at all; another host, or later, may do better.

    ``reply`` is never positive: one that was, and made no sense, is told of in another.
    """

    def __init__(self, reply: Reply, *, at: str) -> None:
        if reply.is_positive:
            reply = local_reply(451, "4.5.0", f"{at} was answered by {reply.code}")
        super().__init__(f"{at}: {reply}")
        self.reply: Final = reply
        self.at: Final = at


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """What this side asks of a session."""

    helo_name: str
    tls: TlsLevel = TlsLevel.OPPORTUNISTIC
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What EHLO told: upper-case keywords and their parameters (RFC 5321 §4.1.1.1)."""

    extensions: dict[str, str]
    is_tls: bool

    def offers(self, keyword: str) -> bool:
        """Whether the peer named this extension."""
        return keyword in self.extensions

    @property
    def size_limit(self) -> int:
        """Largest message in bytes (RFC 1870); 0 when none was declared."""
        value = self.extensions.get("SIZE", "")
        return int(value) if value.isascii() and value.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward-path with its DSN parameters (RFC 3461 §4)."""

    address: str
    notify: str | None = None
    original_recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL and RCPT say of one message."""

    reverse_path: str
    recipients: tuple[Recipient, ...]
    size: int
    is_8bit: bool = False
    smtputf8: bool = False
    envelope_id: str | None = None
    ret: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What became of one recipient; a positive reply means the peer has the message."""

    recipient: Recipient
    reply: Reply


def greet(policy: SessionPolicy) -> Generator[Action, Reply | None, Session]:
    """Open a session: greeting, EHLO, STARTTLS and AUTH as the policy asks.

    Raises:
        Refused: the peer, or the policy, ends it here.
    """
    greeting = yield from _read(Wait.GREETING)
    if greeting.code != 220:
        raise Refused(greeting, at="greeting")
    session = yield from _hello(policy, is_tls=False)
    if policy.tls is not TlsLevel.OFF and session.offers("STARTTLS"):
        reply = yield from _command(b"STARTTLS")
        if reply.code == 220:
            yield Upgrade()
            session = yield from _hello(policy, is_tls=True)
    if policy.tls is TlsLevel.REQUIRED and not session.is_tls:
        raise Refused(local_reply(451, "4.7.5", "TLS is required and was not to be had"), at="TLS")
    if policy.username is not None:
        yield from _authenticate(session, policy)
    return session


def reset() -> Generator[Action, Reply | None, None]:
    """Be sure that the peer is there, and in no transaction, before another one (RSET).

    Raises:
        Refused: it has something against it.
    """
    reply = yield from _command(b"RSET")
    if reply.code != 250:
        raise Refused(reply, at="RSET")


def send_message(
    session: Session, envelope: Envelope
) -> Generator[Action, Reply | None, tuple[RecipientResult, ...]]:
    """Run one mail transaction (RFC 5321 §3.3), pipelined where the peer can (RFC 2920).

    One result a recipient, in their order.
    """
    if problem := _unfit(session, envelope):
        return tuple(RecipientResult(r, problem) for r in envelope.recipients)
    commands = [_mail_from(session, envelope)]
    commands += [_rcpt_to(session, recipient) for recipient in envelope.recipients]
    if session.offers("PIPELINING"):
        yield Write(b"".join([*commands, b"DATA\r\n"]))
        replies = yield from _read_each(len(commands))
    else:
        replies = yield from _one_by_one(commands)
        if any(reply.is_positive for reply in replies[1:]):
            yield Write(b"DATA\r\n")
    mail, rcpts = replies[0], replies[1:]
    if not mail.is_positive:
        rcpts = [mail] * len(envelope.recipients)
    any_accepted = any(reply.is_positive for reply in rcpts)
    if not any_accepted and not session.offers("PIPELINING"):
        yield from _command(b"RSET")
        return _results(envelope, rcpts)
    final = yield from _data(any_accepted)
    return _results(envelope, [final if reply.is_positive else reply for reply in rcpts])


def _read_each(count: int) -> Generator[Action, Reply | None, list[Reply]]:
    """Read the replies of ``count`` pipelined commands."""
    replies: list[Reply] = []
    while len(replies) < count:
        reply = yield from _read(Wait.COMMAND)
        replies.append(reply)
    return replies


def _one_by_one(commands: list[bytes]) -> Generator[Action, Reply | None, list[Reply]]:
    """Say MAIL and each RCPT in turn; after a refused MAIL the rest is not said."""
    replies: list[Reply] = []
    for command in commands:
        yield Write(command)
        reply = yield from _read(Wait.COMMAND)
        replies.append(reply)
        if not replies[0].is_positive:
            break
    return replies


def _data(any_accepted: bool) -> Generator[Action, Reply | None, Reply]:
    """Read DATA's reply and send the message; the reply that decides for those accepted."""
    go = yield from _read(Wait.DATA)
    if go.code != 354:
        if go.is_positive:
            return local_reply(451, "4.5.0", f"DATA was answered by {go.code}")
        return go
    if not any_accepted:
        # Pipelined DATA that was let in with no recipient: an empty message ends it
        # (RFC 2920 §3.1).
        yield Write(b".\r\n")
        return (yield from _read(Wait.FINAL_DOT))
    yield WriteBody()
    final = yield from _read(Wait.FINAL_DOT)
    if 300 <= final.code < 400:
        return local_reply(451, "4.5.0", f"the message was answered by {final.code}")
    return final


def _results(envelope: Envelope, replies: list[Reply]) -> tuple[RecipientResult, ...]:
    return tuple(
        RecipientResult(recipient, reply)
        for recipient, reply in zip(envelope.recipients, replies, strict=True)
    )


def _unfit(session: Session, envelope: Envelope) -> Reply | None:
    """Why this message cannot go over this session, if so."""
    addresses = [r.address for r in envelope.recipients]
    addresses += [envelope.reverse_path] if envelope.reverse_path else []
    if not all(_ADDRESS.fullmatch(address) for address in addresses):
        return local_reply(553, "5.1.3", "an address holds what no command line may")
    if (envelope.smtputf8 or not all(a.isascii() for a in addresses)) and not session.offers(
        "SMTPUTF8"
    ):
        return local_reply(550, "5.6.7", "the next host has no SMTPUTF8 (RFC 6531)")
    if envelope.is_8bit and not session.offers("8BITMIME"):
        return local_reply(550, "5.6.3", "the next host has no 8BITMIME (RFC 6152)")
    if 0 < session.size_limit < envelope.size:
        return local_reply(552, "5.3.4", f"the next host takes {session.size_limit} bytes at most")
    return None


def _mail_from(session: Session, envelope: Envelope) -> bytes:
    parts = [f"MAIL FROM:<{envelope.reverse_path}>"]
    parts += [f"SIZE={envelope.size}"] if session.offers("SIZE") else []
    parts += ["BODY=8BITMIME"] if envelope.is_8bit else []
    parts += ["SMTPUTF8"] if envelope.smtputf8 else []
    if session.offers("DSN"):
        parts += _parameter("RET", envelope.ret) + _parameter("ENVID", envelope.envelope_id)
    return (" ".join(parts) + "\r\n").encode()


def _rcpt_to(session: Session, recipient: Recipient) -> bytes:
    parts = [f"RCPT TO:<{recipient.address}>"]
    if session.offers("DSN"):
        parts += _parameter("NOTIFY", recipient.notify)
        parts += _parameter("ORCPT", recipient.original_recipient)
    return (" ".join(parts) + "\r\n").encode()


def _parameter(name: str, value: str | None) -> list[str]:
    """A parameter, where there is one and its value is xtext: a space would begin another."""
    return [f"{name}={value}"] if value is not None and _XTEXT.fullmatch(value) else []


def _hello(policy: SessionPolicy, *, is_tls: bool) -> Generator[Action, Reply | None, Session]:
    reply = yield from _command(b"EHLO " + policy.helo_name.encode())
    if reply.is_permanent:
        reply = yield from _command(b"HELO " + policy.helo_name.encode())
        if reply.code == 250:
            return Session({}, is_tls)
    if reply.code != 250:
        raise Refused(reply, at="EHLO")
    extensions: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, value = line.strip().partition(" ")
        extensions[keyword.upper()] = value.strip()
    return Session(extensions, is_tls)


def _authenticate(session: Session, policy: SessionPolicy) -> Generator[Action, Reply | None, None]:
    """AUTH PLAIN or LOGIN at a smarthost (RFC 4954 §4), never in the clear."""
    mechanisms = session.extensions.get("AUTH", "").upper().split()
    username, password = (policy.username or "").encode(), (policy.password or "").encode()
    if not session.is_tls:
        raise Refused(local_reply(454, "4.7.0", "no TLS, so no password is sent"), at="AUTH")
    if "PLAIN" in mechanisms:
        response = base64.b64encode(b"\0" + username + b"\0" + password)
        reply = yield from _command(b"AUTH PLAIN " + response)
    elif "LOGIN" in mechanisms:
        reply = yield from _command(b"AUTH LOGIN")
        for secret in (username, password):
            if reply.code == 334:
                reply = yield from _command(base64.b64encode(secret))
    else:
        raise Refused(local_reply(454, "4.7.0", "no mechanism in common"), at="AUTH")
    if reply.code != 235:
        # Our password is wrong, not the mail: it waits until someone has put that right.
        raise Refused(local_reply(454, "4.7.8", f"the password was refused: {reply}"), at="AUTH")


def _command(line: bytes) -> Generator[Action, Reply | None, Reply]:
    yield Write(line + b"\r\n")
    return (yield from _read(Wait.COMMAND))


def _read(wait: Wait) -> Generator[Action, Reply | None, Reply]:
    """Wait for a reply; a 421 may stand in any place and ends the session (RFC 5321 §3.8)."""
    reply = yield Read(wait)
    if not isinstance(reply, Reply):
        raise TypeError("a Read action must be answered by a Reply")
    if reply.code == 421:
        raise Refused(reply, at=wait.label)
    return reply
