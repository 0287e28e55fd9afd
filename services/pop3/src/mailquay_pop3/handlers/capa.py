"""CAPA (RFC 2449 §5): what is offered here and now."""

from typing import Final

from mailquay_pop3.protocol.commands import Command
from mailquay_pop3.protocol.multiline import listing
from mailquay_pop3.session import Session

#: APOP is not among them: it needs the password as it is (RFC 1939 §7), and that is nowhere kept.
_ALWAYS: Final = (
    "TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "LOGIN-DELAY 0", "EXPIRE NEVER",
    "IMPLEMENTATION Mailquay",
)  # fmt: skip


async def handle_capa(session: Session, command: Command) -> None:
    """CAPA."""
    command.require_no_argument()
    names = list(_ALWAYS)
    if session.may_start_tls:
        names.append("STLS")
    if session.may_sign_in:
        mechanisms = session.server.authenticator.mechanisms(session.stream.channel)
        names += ["USER", "SASL " + " ".join(mechanisms)]
    session.say("+OK capabilities follow")
    session.write(listing(names))
