"""Carries messages to one destination, one after the other, on one connection while it holds."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from mailquay.store.queue import Lease
from mailquay_smtp_out.bodies import WireMessage
from mailquay_smtp_out.connection import ConnectionFailed
from mailquay_smtp_out.dialer import Dialer, Link
from mailquay_smtp_out.jobs import Findings, Job, Result
from mailquay_smtp_out.protocol.dialogue import Envelope, Recipient, RecipientResult, Refused
from mailquay_smtp_out.protocol.replies import local_reply
from mailquay_smtp_out.routing import NoRoute

__all__ = ["Courier"]

#: Sessions that one attempt may hold: what two hosts put off waits for the next attempt.
SESSIONS_MAX: Final = 2
#: More recipients than a host takes at once (RFC 5321 §4.5.3.1.10).
_TOO_MANY_RECIPIENTS: Final = 452


class Courier:
    """One at a time may call it, with jobs of one destination and one relay.

    Args:
        dialer: opens sessions.
        holds: whether a lease is still ours.
        settle: is handed results as soon as they are known, so that little is forgotten when the
            process dies; takes them off the job's ``waiting``.
        recipients_max: recipients in one transaction.
    """

    def __init__(
        self,
        dialer: Dialer,
        *,
        holds: Callable[[Lease], bool],
        settle: Callable[[Job, Sequence[Result]], Awaitable[None]],
        recipients_max: int,
    ) -> None:
        self._dialer = dialer
        self._holds = holds
        self._settle = settle
        self._recipients_max = recipients_max
        self._link: Link | None = None
        self._sending: tuple[Lease, ...] = ()

    @property
    def unconfirmed(self) -> tuple[Lease, ...]:
        """Recipients whose message a host may have, that has not said so."""
        is_sent = self._link is not None and self._link.connection.is_body_sent
        return self._sending if is_sent else ()

    async def deliver(self, job: Job, message: WireMessage) -> Findings | None:
        """Make one attempt: every recipient whose lease is ours gets a result.

        Returns why when no host could be reached at all, and the same holds for the next message.
        """
        findings = Findings()
        has_session = self._link is not None
        if self._link is not None:
            await self._offer(self._link, job, message, findings)
        if self._remaining(job):
            has_session = await self._try_hosts(job, message, findings) or has_session
        if remaining := self._remaining(job):
            await self._settle(job, [findings.result(lease) for lease in remaining])
        return None if has_session or findings.is_final else findings

    async def close(self) -> None:
        """Take leave of the host."""
        if self._link is not None:
            link, self._link = self._link, None
            await link.connection.quit()

    def drop(self) -> None:
        """Let the connection go without a word."""
        if self._link is not None:
            self._link.connection.close()
            self._link = None

    def _remaining(self, job: Job) -> list[Lease]:
        return [lease for lease in job.waiting.values() if self._holds(lease)]

    async def _try_hosts(self, job: Job, message: WireMessage, findings: Findings) -> bool:
        """Go through the hosts until nobody waits; whether any of them opened a session."""
        try:
            way = self._dialer.way(job.relay)
            hosts = await self._dialer.hosts(job.domain, way)
        except NoRoute as error:
            findings.general.append((error.reply, None))
            return False
        sessions = 0
        for host in hosts:
            await self.close()
            try:
                self._link = await self._dialer.dial(host, way)
            except Refused as error:
                findings.general.append((error.reply, host.name))
                continue
            except ConnectionFailed as error:
                findings.general.append((local_reply(451, error.status, str(error)), host.name))
                continue
            sessions += 1
            await self._offer(self._link, job, message, findings)
            if not self._remaining(job) or sessions == SESSIONS_MAX:
                break
        return sessions > 0

    async def _offer(self, link: Link, job: Job, message: WireMessage, findings: Findings) -> None:
        """Offer the message for all who wait, over an open session."""
        host = link.host.name
        try:
            await self._transact(link, job, message, findings)
        except Refused as error:
            findings.general.append((error.reply, host))
            self.drop()
        except ConnectionFailed as error:
            reply = local_reply(451, error.status, str(error))
            if error.body_sent:
                # Another host at once would make sure that it comes twice.
                results = [
                    Result(lease, reply, host, possible_duplicate=True) for lease in self._sending
                ]
                await self._settle(job, results)
            findings.general.append((reply, host))
            self.drop()
        self._sending = ()

    async def _transact(
        self, link: Link, job: Job, message: WireMessage, findings: Findings
    ) -> None:
        """Run transactions of as many recipients as may go together."""
        pending = self._remaining(job)
        while pending:
            chunk, pending = pending[: self._recipients_max], pending[self._recipients_max :]
            if link.messages:
                await link.connection.reset()
            link.messages += 1
            # Asked at the last moment: from here on the message may arrive.
            self._sending = tuple(lease for lease in chunk if self._holds(lease))
            if not self._sending:
                continue
            results = await link.connection.send(
                link.session, _envelope(job, self._sending, message), message.data
            )
            pending = await self._take_down(link, job, results, findings) + pending

    async def _take_down(
        self, link: Link, job: Job, results: Sequence[RecipientResult], findings: Findings
    ) -> list[Lease]:
        """Note a transaction's results; returns who was one too many for it."""
        host, passes_dsn = link.host.name, link.session.offers("DSN")
        settled: list[Result] = []
        surplus: list[Lease] = []
        for lease, result in zip(self._sending, results, strict=True):
            if not result.reply.is_transient:
                settled.append(Result(lease, result.reply, host, passes_dsn))
                continue
            findings.by_recipient[lease.recipient_id] = (result.reply, host)
            if result.reply.code == _TOO_MANY_RECIPIENTS:
                surplus.append(lease)
        self._sending = ()
        if settled:
            await self._settle(job, settled)
        has_progress = any(result.reply.is_positive for result in settled)
        return surplus if has_progress else []


def _envelope(job: Job, leases: Sequence[Lease], message: WireMessage) -> Envelope:
    queued = job.message
    return Envelope(
        reverse_path=queued.reverse_path,
        recipients=tuple(
            Recipient(lease.address, lease.notify, lease.original_recipient) for lease in leases
        ),
        size=message.size,
        is_8bit=queued.is_8bit,
        smtputf8=queued.smtputf8,
        envelope_id=queued.envelope_id,
        ret=queued.ret,
    )
