"""What CAPABILITY says, by state (RFC 9051 §6.1.1, §7.2.2)."""

from typing import TYPE_CHECKING, Final

from mailquay.net.channel import Channel
from mailquay_imap.deflate import Deflated

if TYPE_CHECKING:
    from mailquay_imap.session import Session

__all__ = ["ENABLEABLE", "capabilities", "may_sign_in", "sign_in_channel"]

_ALWAYS: Final = (
    "IMAP4rev1",  # RFC 3501
    "IMAP4rev2",  # RFC 9051
    "LITERAL+",  # RFC 7888
    "SASL-IR",  # RFC 4959
    "ID",  # RFC 2971
    "ENABLE",  # RFC 5161
    "LANGUAGE",  # RFC 5255
)
_SIGNED_IN: Final = (
    "IDLE",  # RFC 2177
    "NAMESPACE",  # RFC 2342
    "NOTIFY",  # RFC 5465
    "CHILDREN",  # RFC 3348
    "UNSELECT",  # RFC 3691
    "UIDPLUS",  # RFC 4315
    "MOVE",  # RFC 6851
    "SPECIAL-USE", "CREATE-SPECIAL-USE",  # RFC 6154
    "LIST-EXTENDED",  # RFC 5258
    "LIST-STATUS",  # RFC 5819
    "STATUS=SIZE",  # RFC 8438
    "ESEARCH",  # RFC 4731
    "SEARCHRES",  # RFC 5182
    "CONDSTORE", "QRESYNC",  # RFC 7162
    "SORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES",  # RFC 5256
    "THREAD=REFS",  # draft-ietf-morg-inthread
    "SORT=DISPLAY",  # RFC 5957
    "I18NLEVEL=1",  # RFC 5255
    "ESORT", "CONTEXT=SEARCH", "CONTEXT=SORT",  # RFC 5267
    "PARTIAL",  # RFC 9394
    "UNAUTHENTICATE",  # RFC 8437
    "MULTIAPPEND",  # RFC 3502
    "CATENATE",  # RFC 4469
    "REPLACE",  # RFC 8508
    "INPROGRESS",  # RFC 9585
    "UIDONLY",  # RFC 9586
    "UIDBATCHES",  # RFC 10022
    "UTF8=ACCEPT",  # RFC 6855
    "MULTISEARCH",  # RFC 7377
    "WITHIN",  # RFC 5032
    "SAVEDATE",  # RFC 8514
    "PREVIEW",  # RFC 8970
    "OBJECTID",  # RFC 8474
    "BINARY",  # RFC 3516
    "QUOTA", "QUOTA=RES-STORAGE",  # RFC 9208
)  # fmt: skip
#: What ENABLE knows (RFC 5161, RFC 7162 §3.1, RFC 9051 §6.3.1).
ENABLEABLE: Final = frozenset(("CONDSTORE", "IMAP4REV2", "QRESYNC", "UIDONLY", "UTF8=ACCEPT"))


def may_sign_in(session: "Session") -> bool:
    """Whether a password may travel on this connection."""
    is_secure = session.stream.tls is not None
    return is_secure or session.server.settings.imap.allow_plaintext_auth


def sign_in_channel(session: "Session") -> Channel:
    """What signing in may build on; what is hidden has not been offered (RFC 5802 §6)."""
    channel = session.stream.channel
    is_hidden = "AUTH=SCRAM-SHA-256-PLUS" in session.hidden
    return channel.without_bindings() if is_hidden else channel


def capabilities(session: "Session") -> list[str]:
    """The capabilities that hold for this connection now, but for those that are hidden."""
    found = _offered(session)
    if not session.hidden:
        return found
    return [name for name in found if name.upper() not in session.hidden]


def _offered(session: "Session") -> list[str]:
    found = list(_ALWAYS)
    if session.account is None:
        is_plain = session.stream.tls is None and not isinstance(session.stream, Deflated)
        if is_plain and session.server.tls.is_configured:
            found.append("STARTTLS")
        if may_sign_in(session):
            names = session.server.authenticator.mechanisms(sign_in_channel(session))
            found += [f"AUTH={name}" for name in names]
        else:
            found.append("LOGINDISABLED")
        return found
    found += _SIGNED_IN
    if session.server.settings.web.public_url is not None:
        found.append("JMAPACCESS")  # RFC 9698
    if not isinstance(session.stream, Deflated):
        found.append("COMPRESS=DEFLATE")  # RFC 4978
    found.append(f"APPENDLIMIT={session.server.settings.imap.max_append_bytes}")
    return found
