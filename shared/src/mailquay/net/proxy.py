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
_V1_PREFIX: Final = b"PROXY "
#: The longest version 1 header with its line end (§2.1).
_V1_MAX: Final = 107
#: Signature, version and command, family, length (§2.2).
_V2_FIXED: Final = 16
#: A version 2 header with more than this of addresses and TLVs is no honest one.
HEADER_MAX: Final = _V2_FIXED + 2048
_V1: Final = re.compile(
    rb"PROXY (?:(TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) (\d{1,5}) (\d{1,5})|"
    rb"UNKNOWN(?: [^\r\n]*)?)"
)
_LOCAL: Final = 0
_AF_UNSPEC, _AF_INET, _AF_INET6, _AF_UNIX = range(4)
_STREAM: Final = 1


class ProxyError(Exception):
    """These bytes begin no PROXY header."""


@dataclass(frozen=True, slots=True)
class NeedMore:
    """So far it may be one."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header of ``length`` bytes; ``source`` is None where the balancer speaks for itself."""

    length: int
    source: tuple[str, int] | None


def parse_proxy(data: bytes) -> ProxyHeader | NeedMore:
    """Read a header from the first bytes of a connection.

    Raises:
        ProxyError: it is none.
    """
    if data.startswith(_SIGNATURE):
        return _parse_v2(data)
    if data.startswith(_V1_PREFIX):
        return _parse_v1(data)
    if _SIGNATURE.startswith(data) or _V1_PREFIX.startswith(data):
        return NeedMore()
    raise ProxyError("no PROXY header")


def _parse_v1(data: bytes) -> ProxyHeader | NeedMore:
    line, end, _ = data[:_V1_MAX].partition(b"\r\n")
    if not end:
        if len(data) >= _V1_MAX or b"\n" in line:
            raise ProxyError("the header has no end")
        return NeedMore()
    match = _V1.fullmatch(line)
    if match is None:
        raise ProxyError("malformed header")
    length = len(line) + 2
    if match[1] is None:
        return ProxyHeader(length, None)
    version = 4 if match[1] == b"TCP4" else 6
    source, _ = (_address(match[n].decode(), version) for n in (2, 3))
    port, _ = (_port(match[n]) for n in (4, 5))
    return ProxyHeader(length, (source, port))


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ProxyError(str(error)) from error
    if address.version != version:
        raise ProxyError("the address is of the other family")
    return str(address)


def _port(digits: bytes) -> int:
    port = int(digits)
    if port > 65535:
        raise ProxyError("the port is out of range")
    return port


def _parse_v2(data: bytes) -> ProxyHeader | NeedMore:
    if len(data) < _V2_FIXED:
        return NeedMore()
    version_command, family_transport, length = struct.unpack("!BBH", data[12:_V2_FIXED])
    version, command = divmod(version_command, 16)
    family, transport = divmod(family_transport, 16)
    if version != 2 or command > 1:
        raise ProxyError("version or command is not known")
    end = _V2_FIXED + length
    if end > HEADER_MAX:
        raise ProxyError("the header is too long")
    if len(data) < end:
        return NeedMore()
    if command == _LOCAL or family in (_AF_UNSPEC, _AF_UNIX):
        return ProxyHeader(end, None)
    if transport != _STREAM:
        raise ProxyError("the connection is no stream")
    if family == _AF_INET and length >= 12:
        source, _, port, _ = struct.unpack("!4s4sHH", data[16:28])
        return ProxyHeader(end, (str(ipaddress.IPv4Address(source)), port))
    if family == _AF_INET6 and length >= 36:
        source, _, port, _ = struct.unpack("!16s16sHH", data[16:52])
        return ProxyHeader(end, (str(ipaddress.IPv6Address(source)), port))
    raise ProxyError("the address family is not known, or the addresses are cut")
