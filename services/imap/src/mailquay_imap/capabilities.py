"""What CAPABILITY says, by state (RFC 9051 §6.1.1, §7.2.2)."""

from typing import TYPE_CHECKING, Final

from mailquay.identity.authenticator import MECHANISMS

if TYPE_CHECKING:
    from mailquay_imap.session import Session

__all__ = ["ENABLEABLE", "capabilities", "may_sign_in"]

_ALWAYS: Final = ("IMAP4rev1", "IMAP4rev2", "LITERAL+", "SASL-IR", "ID", "ENABLE")
_SIGNED_IN: Final = (
    "IDLE", "NAMESPACE", "CHILDREN", "UNSELECT", "UIDPLUS", "MOVE", "SPECIAL-USE",
    "CREATE-SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS", "STATUS=SIZE", "ESEARCH", "SEARCHRES",
    "CONDSTORE", "OBJECTID", "BINARY", "QUOTA", "QUOTA=RES-STORAGE",
)  # fmt: skip
#: What ENABLE knows (RFC 5161, RFC 7162 §3.1, RFC 9051 §6.3.1).
ENABLEABLE: Final = frozenset(("CONDSTORE", "IMAP4REV2"))


def may_sign_in(session: "Session") -> bool:
    """Whether a password may travel on this connection."""
    is_secure = session.stream.tls is not None
    return is_secure or session.server.settings.imap.allow_plaintext_auth


def capabilities(session: "Session") -> list[str]:
    """The capabilities that hold for this connection now."""
    found = list(_ALWAYS)
    if session.account is None:
        if session.stream.tls is None and session.server.tls.is_configured:
            found.append("STARTTLS")
        if may_sign_in(session):
            found += [f"AUTH={mechanism}" for mechanism in MECHANISMS]
        else:
            found.append("LOGINDISABLED")
        return found
    found += _SIGNED_IN
    found.append(f"APPENDLIMIT={session.server.settings.imap.max_append_bytes}")
    return found
