"""JMAP's errors, on their three levels (RFC 8620 §3.6).

::

    RequestError           the whole request: problem details (RFC 9457), an HTTP status
    MethodError            one method call: an "error" response in its place
    SetError               one object of a /set, /copy or /import

No I/O here.
"""

from typing import Any, Final

__all__ = ["MethodError", "RequestError", "SetError"]

JsonObject = dict[str, Any]


class RequestError(Exception):
    """The request as a whole cannot be processed (RFC 8620 §3.6.1)."""

    def __init__(self, kind: str, detail: str, *, status: int = 400, **extra: object) -> None:
        super().__init__(detail)
        self.status: Final = status
        self.problem: Final[JsonObject] = {
            "type": f"urn:ietf:params:jmap:error:{kind}",
            "status": status,
            "detail": detail,
            **extra,
        }


class MethodError(Exception):
    """A method call failed (RFC 8620 §3.6.2); the calls after it still run."""

    def __init__(self, kind: str, description: str | None = None, **extra: object) -> None:
        super().__init__(description or kind)
        self.response: Final[JsonObject] = {"type": kind, **extra}
        if description:
            self.response["description"] = description

    @classmethod
    def invalid_arguments(cls, description: str) -> "MethodError":
        """An argument is missing, of the wrong type, or of no meaning here."""
        return cls("invalidArguments", description)


class SetError(Exception):
    """One object could not be created, updated or destroyed (RFC 8620 §5.3)."""

    def __init__(self, kind: str, description: str | None = None, **extra: object) -> None:
        super().__init__(description or kind)
        self.response: Final[JsonObject] = {"type": kind, **extra}
        if description:
            self.response["description"] = description

    @classmethod
    def invalid_properties(cls, description: str, *properties: str) -> "SetError":
        """Properties that are unknown, of the wrong type, or not settable."""
        return cls("invalidProperties", description, properties=list(properties))
