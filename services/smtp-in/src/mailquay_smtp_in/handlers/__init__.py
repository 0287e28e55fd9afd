"""One handler a command: what it does, and when it may (RFC 5321 §4.1.1, §4.1.4)."""

from collections.abc import Mapping
from typing import Final

from mailquay_smtp_in.handlers.auth import handle_auth
from mailquay_smtp_in.handlers.data import handle_data
from mailquay_smtp_in.handlers.hello import handle_ehlo, handle_helo, handle_lhlo
from mailquay_smtp_in.handlers.mail import handle_mail
from mailquay_smtp_in.handlers.plain import (
    handle_expn,
    handle_help,
    handle_noop,
    handle_other_protocol,
    handle_quit,
    handle_rset,
    handle_vrfy,
)
from mailquay_smtp_in.handlers.rcpt import handle_rcpt
from mailquay_smtp_in.handlers.starttls import handle_starttls
from mailquay_smtp_in.session import Handler

__all__ = ["HANDLERS"]

HANDLERS: Final[Mapping[bytes, Handler]] = {
    b"HELO": handle_helo,
    b"EHLO": handle_ehlo,
    b"LHLO": handle_lhlo,
    b"STARTTLS": handle_starttls,
    b"AUTH": handle_auth,
    b"MAIL": handle_mail,
    b"RCPT": handle_rcpt,
    b"DATA": handle_data,
    b"RSET": handle_rset,
    b"NOOP": handle_noop,
    b"HELP": handle_help,
    b"VRFY": handle_vrfy,
    b"EXPN": handle_expn,
    b"QUIT": handle_quit,
    **dict.fromkeys((b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT"), handle_other_protocol),
}
