"""DATA (RFC 5321 §4.1.1.4): the message itself, and what becomes of it."""

from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay_smtp_in.data import DataFault, DataReader
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session

_LOG: Final = structlog.get_logger(__name__)
_FAULTS: Final = {
    DataFault.TOO_LARGE: Reply.TOO_LARGE,
    DataFault.BARE_LINE_END: Reply.BARE_IN_MESSAGE,
    DataFault.FALSE_END: Reply.BARE_IN_MESSAGE,
    DataFault.NUL: Reply.NUL_IN_MESSAGE,
}


async def handle_data(session: Session, argument: str) -> None:
    """DATA: one reply, or in LMTP one for each recipient (RFC 2033 §4.2)."""
    if argument:
        raise Refused(Reply.NO_ARGUMENT)
    envelope = session.envelope
    if envelope is None:
        raise Refused(Reply.MAIL_FIRST)
    if not envelope.recipients:
        raise Refused(Reply.RECIPIENT_FIRST)
    session.say(Reply.SEND_DATA)
    limit = session.server.settings.smtp_in.max_message_bytes
    reader = DataReader(envelope.sending.message_limit(limit))
    await session.connection.read_message(reader)
    try:
        if reader.fault is None:
            replies = await session.server.acceptance.accept(
                envelope, reader.message(), session.arrival()
            )
        else:
            replies = [_FAULTS[reader.fault]] * len(envelope.recipients)
            metrics.SMTP_MESSAGES.labels("rejected").inc()
            _LOG.info("refused", reverse_path=envelope.reverse_path, fault=reader.fault.name)
    finally:
        session.reset()
    for reply in replies if session.role is Role.LMTP else [one_reply(replies)]:
        session.say(reply)
        if reply.startswith(b"2"):
            session.message_was_taken()
    if reader.fault is DataFault.FALSE_END:
        session.connection.farewell = Reply.OUT_OF_STEP


def one_reply(replies: list[bytes]) -> bytes:
    """SMTP has one reply for all recipients: a success only where each of them has the message.

    Where some have and some have not, the sender is to try again: who has it gets no second one.
    """
    kinds = set(replies)
    return replies[0] if len(kinds) == 1 else Reply.PARTLY_REFUSED
