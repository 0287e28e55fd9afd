"""One handler a command: what it does, and in which state it may (RFC 1939 §4 to §7)."""

from collections.abc import Mapping
from typing import Final

from mailquay_pop3.handlers.auth import handle_auth
from mailquay_pop3.handlers.capa import handle_capa
from mailquay_pop3.handlers.maildrop import (
    handle_dele,
    handle_list,
    handle_noop,
    handle_retr,
    handle_rset,
    handle_stat,
    handle_top,
    handle_uidl,
)
from mailquay_pop3.handlers.quit import handle_quit
from mailquay_pop3.handlers.stls import handle_stls
from mailquay_pop3.handlers.user import handle_pass, handle_user
from mailquay_pop3.session import Handler, State

__all__ = ["HANDLERS"]

HANDLERS: Final[Mapping[str, tuple[State, Handler]]] = {
    "CAPA": (State.ANY, handle_capa),
    "QUIT": (State.ANY, handle_quit),
    "STLS": (State.AUTHORIZATION, handle_stls),
    "USER": (State.AUTHORIZATION, handle_user),
    "PASS": (State.AUTHORIZATION, handle_pass),
    "AUTH": (State.AUTHORIZATION, handle_auth),
    "STAT": (State.TRANSACTION, handle_stat),
    "LIST": (State.TRANSACTION, handle_list),
    "UIDL": (State.TRANSACTION, handle_uidl),
    "RETR": (State.TRANSACTION, handle_retr),
    "TOP": (State.TRANSACTION, handle_top),
    "DELE": (State.TRANSACTION, handle_dele),
    "RSET": (State.TRANSACTION, handle_rset),
    "NOOP": (State.TRANSACTION, handle_noop),
}
