"""What a sender asks to be told: RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. Pure.

RFC 3461 §4; values are handed on as they were given, but for the case of their words.
"""

import re
from typing import Final

from mailquay.message.dsn import decode_xtext
from mailquay_smtp_in.syntax import ParameterFault

__all__ = ["read_envelope_id", "read_notify", "read_original_recipient", "read_ret"]

#: RFC 3461 §5.4, §4.2.
_ENVELOPE_ID_MAX: Final = 100
_ORIGINAL_RECIPIENT_MAX: Final = 500
_XTEXT: Final = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*"
_ENVELOPE_ID: Final = re.compile(_XTEXT)
#: ``addr-type ";" xtext``; an internationalised address stands there as it is (RFC 6533 §3).
_ORIGINAL_RECIPIENT: Final = re.compile(rf"[A-Za-z0-9-]+;{_XTEXT}|(?i:utf-8);[^\s=\x00-\x1f\x7f]+")
_EVENTS: Final = ("SUCCESS", "FAILURE", "DELAY")
_NEVER: Final = "NEVER"


def read_ret(value: str) -> str:
    """``FULL`` or ``HDRS`` (RFC 3461 §4.3).

    Raises:
        ParameterFault: it is neither.
    """
    if value.upper() not in ("FULL", "HDRS"):
        raise ParameterFault("RET is FULL or HDRS")
    return value.upper()


def read_envelope_id(value: str) -> str:
    """An ENVID, as xtext of printable ASCII (RFC 3461 §4.4).

    Raises:
        ParameterFault: it is none.
    """
    if not 0 < len(value) <= _ENVELOPE_ID_MAX or not _ENVELOPE_ID.fullmatch(value):
        raise ParameterFault("ENVID is malformed")
    if not all(" " <= character <= "~" for character in decode_xtext(value)):
        raise ParameterFault("ENVID is not printable")
    return value


def read_notify(value: str) -> str:
    """``NEVER``, or the events, in capitals (RFC 3461 §4.1).

    Raises:
        ParameterFault: it is neither.
    """
    words = value.upper().split(",")
    if words == [_NEVER]:
        return _NEVER
    if not set(words) <= set(_EVENTS):
        raise ParameterFault("NOTIFY is NEVER, or of SUCCESS, FAILURE and DELAY")
    return ",".join(word for word in _EVENTS if word in words)


def read_original_recipient(value: str) -> str:
    """An ORCPT: a type of address, and an address of that type (RFC 3461 §4.2).

    Raises:
        ParameterFault: it is none.
    """
    if len(value) > _ORIGINAL_RECIPIENT_MAX or not _ORIGINAL_RECIPIENT.fullmatch(value):
        raise ParameterFault("ORCPT is malformed")
    return value
