"""The session's cookie (RFC 6265). No I/O here.

Its value is random and known to the browser alone; the store keeps a hash of it.
"""

import hashlib
import secrets

from starlette.requests import Request
from starlette.responses import Response

from mailquay.runtime.settings import WebSettings

__all__ = ["SessionCookie"]


class SessionCookie:
    """Reads and writes the cookie."""

    def __init__(self, settings: WebSettings) -> None:
        self._is_secure = settings.secure_cookies
        self._seconds = settings.session_ttl_seconds
        # The prefix lets a browser refuse one that a neighbouring host, or plain HTTP, has set.
        self.name = "__Host-mailquay" if self._is_secure else "mailquay"

    @staticmethod
    def make_token() -> str:
        """A new value."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def hash_token(token: str) -> bytes:
        """What is stored of a value."""
        return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

    def read(self, request: Request) -> str | None:
        """The value that a request has brought."""
        return request.cookies.get(self.name) or None

    def write(self, response: Response, token: str) -> None:
        """Give a value to the browser, or give it for longer."""
        response.set_cookie(
            self.name,
            token,
            max_age=self._seconds,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response) -> None:
        """Take the value away."""
        response.delete_cookie(
            self.name, path="/", secure=self._is_secure, httponly=True, samesite="lax"
        )
