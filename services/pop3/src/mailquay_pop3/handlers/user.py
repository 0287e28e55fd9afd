"""USER and PASS (RFC 1939 §7)."""

from mailquay.identity import AuthError
from mailquay_pop3.handlers.signed_in import enter, refuse, require_secure
from mailquay_pop3.protocol.commands import Command, SyntaxFault
from mailquay_pop3.replies import Refused
from mailquay_pop3.session import Session


async def handle_user(session: Session, command: Command) -> None:
    """USER: whether that is anyone is not told."""
    require_secure(session)
    name = command.argument.strip()
    if not name:
        raise SyntaxFault("a name is needed")
    session.username = name
    session.say("+OK send PASS")


async def handle_pass(session: Session, command: Command) -> None:
    """PASS, once after each USER; spaces are the password's."""
    require_secure(session)
    if session.username is None:
        raise Refused("send USER first")
    username, session.username = session.username, None
    try:
        account = await session.server.authenticator.verify_password(
            username, command.argument, remote=session.stream.peer.address
        )
    except AuthError as error:
        raise refuse(session, error) from error
    await enter(session, account)
