"""The Request object (RFC 8620 §3.3), checked as a whole before any call runs. No I/O here."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from mailquay_webmail_api.jmap.core.errors import RequestError
from mailquay_webmail_api.jmap.core.ijson import IJsonError, decode_ijson
from mailquay_webmail_api.jmap.core.limits import JmapLimits

__all__ = ["Invocation", "Request", "parse_request"]

#: More creation ids than a request can make use of.
_CREATED_IDS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Invocation:
    """A method call (RFC 8620 §3.2)."""

    name: str
    arguments: dict[str, Any]
    call_id: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; ``created_ids`` is None where it wants none back."""

    using: frozenset[str]
    calls: tuple[Invocation, ...]
    created_ids: dict[str, str] | None


def parse_request(body: bytes, capabilities: Collection[str], limits: JmapLimits) -> Request:
    """Read a request.

    Args:
        body: as it came.
        capabilities: those that may be used.
        limits: what may be asked for at once.

    Raises:
        RequestError: notJSON, notRequest, unknownCapability or limit (RFC 8620 §3.6.1).
    """
    try:
        document = decode_ijson(body)
    except IJsonError as error:
        raise RequestError("notJSON", f"the body is no I-JSON: {error}") from None
    if not isinstance(document, dict):
        raise _not_request("the body is not an object")
    using = _using(document.get("using"), capabilities)
    calls = document.get("methodCalls")
    if not isinstance(calls, list):
        raise _not_request("methodCalls is not a list")
    if len(calls) > limits.max_calls_in_request:
        raise RequestError(
            "limit",
            f"more than {limits.max_calls_in_request} calls in one request",
            limit="maxCallsInRequest",
        )
    invocations = tuple(_invocation(call, number) for number, call in enumerate(calls))
    return Request(using, invocations, _created_ids(document.get("createdIds")))


def _not_request(detail: str) -> RequestError:
    return RequestError("notRequest", detail)


def _using(value: object, capabilities: Collection[str]) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _not_request("using is not a list of strings")
    for name in value:
        if name not in capabilities:
            raise RequestError("unknownCapability", f"{name} is not known here")
    return frozenset(value)


def _invocation(value: object, number: int) -> Invocation:
    match value:
        case [str(name), dict(arguments), str(call_id)]:
            return Invocation(name, arguments, call_id)
    raise _not_request(f"methodCalls/{number} is not [name, arguments, call id]")


def _created_ids(value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _not_request("createdIds is not a map of ids")
    if len(value) > _CREATED_IDS_MAX:
        raise _not_request("createdIds has too many entries")
    return value
