"""RCPT (RFC 5321 §4.1.1.3): who is unknown here is refused here, not by a bounce."""

from dataclasses import replace
from typing import Final

import structlog

from mailquay.delivery.recipients import ResolvedRecipient, Verdict
from mailquay.identity import AddressError
from mailquay.runtime import metrics
from mailquay.store import StoreUnavailable
from mailquay_smtp_in.dsn import read_notify, read_original_recipient
from mailquay_smtp_in.envelope import Envelope
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.session import Session
from mailquay_smtp_in.syntax import ParameterFault, PathFault, parse_path

_LOG: Final = structlog.get_logger(__name__)
#: Accounts and addresses that an envelope's recipients may mean in all, aliases followed.
_TARGETS_MAX: Final = 20_000
#: The label that a verdict counts under, its reply, and whether the client could know better.
_REFUSALS: Final = {
    Verdict.FOREIGN: ("relay_denied", Reply.RELAY_DENIED, True),
    Verdict.OVER_QUOTA: ("over_quota", Reply.OVER_QUOTA, False),
    Verdict.UNKNOWN: ("unknown", Reply.UNKNOWN_USER, True),
    Verdict.DISABLED: ("unknown", Reply.DISABLED_USER, True),
}


async def handle_rcpt(session: Session, argument: str) -> None:
    """RCPT: for a client that has signed in also elsewhere."""
    envelope = session.envelope
    if envelope is None:
        raise Refused(Reply.MAIL_FIRST)
    try:
        path = parse_path(argument, "TO:")
        notify, original = _read_parameters(session, path.parameters)
    except PathFault as error:
        raise Refused(Reply.syntax("5.1.3", str(error))) from error
    except ParameterFault as error:
        raise Refused(Reply.syntax("5.5.4", str(error))) from error
    address = path.address
    if not address:  # RFC 5321 §4.5.5: the null path is for MAIL
        raise Refused(Reply.BAD_RECIPIENT)
    if not address.isascii() and not envelope.smtputf8:
        raise Refused(Reply.NEEDS_SMTPUTF8)
    if len(envelope.recipients) >= session.server.settings.smtp_in.max_recipients:
        metrics.SMTP_RECIPIENTS.labels("too_many").inc()
        raise Refused(Reply.TOO_MANY_RECIPIENTS, is_mistake=False)
    try:
        recipient = await session.server.recipients.resolve(address, size=envelope.declared_size)
    except AddressError as error:
        raise Refused(Reply.BAD_RECIPIENT) from error
    except StoreUnavailable:
        metrics.SMTP_RECIPIENTS.labels("deferred").inc()
        raise
    if recipient.verdict is Verdict.FOREIGN and session.own is not None:
        if not envelope.sending.outbound:
            metrics.SMTP_RECIPIENTS.labels("relay_denied").inc()
            raise Refused(Reply.OUTBOUND_DENIED, is_mistake=False)
        recipient = recipient.relayed()
    if recipient.verdict is not Verdict.ACCEPTED:
        label, reply, is_mistake = _REFUSALS[recipient.verdict]
        metrics.SMTP_RECIPIENTS.labels(label).inc()
        _LOG.info("recipient refused", recipient=recipient.address, reply=reply.decode("ascii"))
        raise Refused(reply, is_mistake=is_mistake)
    _add(envelope, replace(recipient, notify=notify, original_recipient=original))
    metrics.SMTP_RECIPIENTS.labels("accepted").inc()
    session.recipient_was_right()
    session.say(Reply.RECIPIENT_OK)


def _read_parameters(session: Session, parameters: dict[str, str]) -> tuple[str | None, str | None]:
    """NOTIFY and ORCPT, None where they were not given."""
    notify = original = None
    for name, value in parameters.items():
        match name:
            case "NOTIFY" if session.may_ask_reports:
                notify = read_notify(value)
            case "ORCPT" if session.may_ask_reports:
                original = read_original_recipient(value)
            case _:
                raise Refused(Reply.PARAMETER)
    return notify, original


def _add(envelope: Envelope, recipient: ResolvedRecipient) -> None:
    targets = len(recipient.local) + len(recipient.remote)
    if envelope.targets + targets > _TARGETS_MAX:
        metrics.SMTP_RECIPIENTS.labels("too_many").inc()
        raise Refused(Reply.TOO_MANY_RECIPIENTS, is_mistake=False)
    envelope.recipients.append(recipient)
    envelope.targets += targets
