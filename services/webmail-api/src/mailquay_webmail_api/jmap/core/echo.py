"""Core/echo (RFC 8620 §4)."""

from mailquay_webmail_api.jmap.core.context import Context, JsonObject

__all__ = ["echo"]


async def echo(_context: Context, arguments: JsonObject) -> JsonObject:
    """Give the arguments back."""
    return arguments
