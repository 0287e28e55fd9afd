"""The PROXY protocol, versions 1 and 2: who the client is, as a load balancer tells it. Pure.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["HEADER_MAX", "NeedMore", "ProxyError", "ProxyHeader", "parse_proxy"]

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V1_MAX: Final = 107
#: A version 2 header with more than this of addresses and TLVs is no honest one.
HEADER_MAX: Final = 16 + 2048
_V1: Final = re.compile(
    rb"PROXY (?:(TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) (\d{1,5}) (\d{1,5})|"
    rb"UNKNOWN[^\r\n]*)\r\n"
)


class ProxyError(Exception):
    """These bytes begin no PROXY header."""


@dataclass(frozen=True, slots=True)
class NeedMore:
    """So far it may be one."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header of ``length`` bytes; ``source`` is None for the balancer's own checks."""

    length: int
    source: tuple[str, int] | None


def parse_proxy(data: bytes) -> ProxyHeader | NeedMore:
    """Read a header from the first bytes of a connection.

    Raises:
        ProxyError: it is none.
    """
    if data.startswith(_SIGNATURE):
        return _parse_v2(data)
    may_begin = _SIGNATURE.startswith(data) or b"PROXY ".startswith(data[:6])
    if may_begin and b"PROXY"[: len(data)] != data[:5] and len(data) < len(_SIGNATURE):
        return NeedMore()
    if may_begin and b"\n" not in data and len(data) < _V1_MAX:
        return NeedMore()
    match = _V1.match(data[: _V1_MAX + 1])
    if match is None:
        raise ProxyError("no PROXY header")
    if match[1] is None:
        return ProxyHeader(match.end(), None)
    source = _address(match[2].decode(), 4 if match[1] == b"TCP4" else 6)
    return ProxyHeader(match.end(), (source, int(match[4])))


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ProxyError(str(error)) from error
    if address.version != version:
        raise ProxyError("the address is of the other family")
    return str(address)


def _parse_v2(data: bytes) -> ProxyHeader | NeedMore:
    if len(data) < 16:
        return NeedMore()
    version_command, family, length = struct.unpack("!BBH", data[12:16])
    if version_command >> 4 != 2 or version_command & 15 > 1:
        raise ProxyError("version or command is not known")
    end = 16 + length
    if end > HEADER_MAX:
        raise ProxyError("the header is too long")
    if len(data) < end:
        return NeedMore()
    if version_command & 15 == 0:  # LOCAL
        return ProxyHeader(end, None)
    if family == 0x11 and length >= 12:
        return ProxyHeader(
            end, (str(ipaddress.IPv4Address(data[16:20])), struct.unpack("!H", data[24:26])[0])
        )
    if family == 0x21 and length >= 36:
        return ProxyHeader(
            end, (str(ipaddress.IPv6Address(data[16:32])), struct.unpack("!H", data[48:50])[0])
        )
    if family == 0:
        return ProxyHeader(end, None)
    raise ProxyError("the address family is not known")
