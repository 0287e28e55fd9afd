"""The TRANSACTION state (RFC 1939 §5, §7): looking, fetching, marking as deleted.

Sizes are those of the messages as they are stored. One that was stored with lone CRs or LFs, which
only IMAP's APPEND lets in, becomes a little longer on its way (§11).
"""

from mailquay.runtime import metrics
from mailquay_pop3.protocol.commands import Command
from mailquay_pop3.protocol.multiline import listing, multiline, top
from mailquay_pop3.session import Session


async def handle_stat(session: Session, command: Command) -> None:
    """STAT."""
    command.require_no_argument()
    present = session.maildrop.present()
    session.say(f"+OK {len(present)} {sum(place.size for _, place in present)}")


async def handle_list(session: Session, command: Command) -> None:
    """LIST, of one message or of all."""
    drop, numbers = session.maildrop, command.numbers(0, 1)
    if numbers:
        session.say(f"+OK {numbers[0]} {drop.place(numbers[0]).size}")
        return
    present = drop.present()
    session.say(f"+OK {len(present)} messages")
    session.write(listing(f"{number} {place.size}" for number, place in present))


async def handle_uidl(session: Session, command: Command) -> None:
    """UIDL, of one message or of all."""
    drop, numbers = session.maildrop, command.numbers(0, 1)
    if numbers:
        session.say(f"+OK {numbers[0]} {drop.unique_id(drop.place(numbers[0]))}")
        return
    session.say("+OK unique-ids follow")
    session.write(listing(f"{number} {drop.unique_id(p)}" for number, p in drop.present()))


async def handle_retr(session: Session, command: Command) -> None:
    """RETR."""
    (number,) = command.numbers(1, 1)
    raw, _ = await session.maildrop.body(session.server.store, session.server.blobs, number)
    metrics.POP3_RETRIEVED.inc()
    session.say(f"+OK {len(raw)} octets")
    for piece in multiline(raw):
        await session.write_large(piece)


async def handle_top(session: Session, command: Command) -> None:
    """TOP: the header and some lines of the body."""
    number, lines = command.numbers(2, 2)
    raw, body = await session.maildrop.body(session.server.store, session.server.blobs, number)
    session.say("+OK top of message follows")
    for piece in multiline(top(raw, body.header_length, lines)):
        await session.write_large(piece)


async def handle_dele(session: Session, command: Command) -> None:
    """DELE: it is marked, and goes on QUIT."""
    (number,) = command.numbers(1, 1)
    drop = session.maildrop
    drop.place(number)
    drop.deleted.add(number)
    session.say(f"+OK message {number} is marked as deleted")


async def handle_rset(session: Session, command: Command) -> None:
    """RSET: no message is marked any more."""
    command.require_no_argument()
    session.maildrop.deleted.clear()
    session.say(f"+OK {len(session.maildrop.places)} messages")


async def handle_noop(session: Session, command: Command) -> None:
    """NOOP."""
    command.require_no_argument()
    session.say("+OK")
