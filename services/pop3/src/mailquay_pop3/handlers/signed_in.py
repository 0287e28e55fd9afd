"""What follows a sign-in by whatever means, and what follows one that failed."""

from typing import Final

import structlog

from mailquay.identity import AuthError, Throttled, Unavailable
from mailquay.store.accounts import Account
from mailquay_pop3.maildrop import MailDrop
from mailquay_pop3.replies import ConnectionEnd, Refused
from mailquay_pop3.session import Session

__all__ = ["enter", "refuse", "require_secure"]

_LOG: Final = structlog.get_logger(__name__)


def require_secure(session: Session) -> None:
    """Refuse a password in the clear, before it is sent where that can still be prevented.

    Raises:
        Refused
    """
    if not session.may_sign_in:
        raise Refused("[AUTH] sign in over TLS")


async def enter(session: Session, account: Account) -> None:
    """The TRANSACTION state begins, with the maildrop as it is now (RFC 1939 §4)."""
    session.drop = await MailDrop.open(session.server.store, account)
    _LOG.info("signed in", address=account.address, client=session.stream.peer.address)
    count = len(session.drop.places)
    session.say(f"+OK {count} message{'' if count == 1 else 's'}")


def refuse(session: Session, error: AuthError) -> Refused:
    """What to raise of a sign-in that failed (RFC 3206).

    Raises:
        ConnectionEnd: the client has tried too often.
    """
    _LOG.info("sign-in failed", client=session.stream.peer.address, reason=str(error))
    if isinstance(error, Throttled):
        session.say("-ERR [SYS/TEMP] too many failed sign-ins, try again later")
        raise ConnectionEnd("refused")
    if isinstance(error, Unavailable):
        return Refused("[SYS/TEMP] the accounts cannot be read, try again later")
    return Refused("[AUTH] name or password are wrong")
