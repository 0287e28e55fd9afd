"""Reading a request's body: never more than a bound, never for longer than a deadline."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from mailquay_webmail_api.http.problems import Problem, TooLarge

__all__ = ["is_json", "read_body"]


async def read_body(request: Request, *, limit_bytes: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it is larger; known at once where the client says its length.
        Problem: 408, it did not arrive in time; 400, the client went away.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit_bytes:
        raise TooLarge(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit_bytes:
                    raise TooLarge(limit_bytes)
    except TimeoutError:
        raise Problem(408, "the request took too long", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the request did not arrive whole") from None
    return bytes(body)


def is_json(request: Request) -> bool:
    """Whether the client says that the body is JSON; a page elsewhere cannot, unasked (CORS)."""
    media_type = request.headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == "application/json"
