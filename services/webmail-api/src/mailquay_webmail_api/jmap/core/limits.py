"""The limits a JMAP session declares (RFC 8620 §2), each with its reason. No I/O here."""

from dataclasses import dataclass

__all__ = ["JmapLimits"]


@dataclass(frozen=True, slots=True)
class JmapLimits:
    """What one client may ask for."""

    #: Largest upload; the largest message that SMTP takes.
    max_size_upload_bytes: int = 50 * 1024 * 1024
    max_concurrent_upload: int = 4
    #: One request's JSON; drafts carry their text here, attachments never.
    max_size_request_bytes: int = 10 * 1024 * 1024
    max_concurrent_requests: int = 8
    #: RFC 8620 §2 suggests 16 at least.
    max_calls_in_request: int = 32
    #: RFC 8620 §2 suggests 500 at least.
    max_objects_in_get: int = 500
    max_objects_in_set: int = 500
