"""COMPRESS (RFC 4978)."""

from functools import partial

from mailquay.net.stream import Stream
from mailquay_imap.deflate import Deflated
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session


async def handle_compress(session: Session, command: c.Compress) -> Ok:
    """COMPRESS DEFLATE: both directions, from behind the reply on, until the connection ends."""
    if command.mechanism != "DEFLATE":
        raise Bad("that compression is not known")
    if isinstance(session.stream, Deflated):
        raise No("DEFLATE is active already", code="COMPRESSIONACTIVE")
    session.after_reply = partial(_deflate, session, session.stream)
    return Ok("DEFLATE active")


async def _deflate(session: Session, stream: Stream) -> None:
    session.stream = Deflated(stream, session.data.take_rest())
