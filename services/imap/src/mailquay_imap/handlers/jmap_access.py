"""GETJMAPACCESS (RFC 9698): where the same mail is served by JMAP, with the same ids."""

from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.session import Session


async def handle_getjmapaccess(session: Session, _command: c.GetJmapAccess) -> Ok:
    """GETJMAPACCESS, where it is known how JMAP is reached."""
    url = session.server.settings.web.public_url
    if url is None:
        raise Bad("nobody has said where JMAP is")
    session.write(f'* JMAPACCESS "{url.rstrip("/")}/.well-known/jmap"\r\n'.encode())
    return Ok()
