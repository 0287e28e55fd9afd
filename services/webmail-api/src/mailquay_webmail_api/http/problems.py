"""Errors over HTTP as problem details (RFC 9457).

::

    Problem                an answer that is no success
        TooLarge           413: the body is larger than the bound
        Unauthorized       401: nobody has signed in

`StoreUnavailable` and `BlobUnavailable` become 503; whatever else is raised is a bug: 500.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailquay.blobs import BlobUnavailable
from mailquay.store import StoreUnavailable

__all__ = ["Problem", "TooLarge", "Unauthorized", "install_problems", "problem_response"]

_LOG: Final = logging.getLogger(__name__)
#: After that a dependency that was away may be back.
_RETRY_SECONDS: Final = 5


class Problem(Exception):
    """An answer that is no success; ``kind`` is the problem's type URI."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.status: Final = status
        self.headers: Final = dict(headers or {})
        self.body: Final[dict[str, Any]] = {
            "type": kind,
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            **extra,
        }


class TooLarge(Problem):
    """The body is larger than the bound."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(413, f"more than {limit_bytes} bytes are not taken")


class Unauthorized(Problem):
    """Nobody has signed in, or no longer."""

    def __init__(self, challenge: str, detail: str = "you are not signed in") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": challenge})


def problem_response(problem: Problem) -> Response:
    """The problem as it goes out."""
    return Response(
        msgspec.json.encode(problem.body),
        problem.status,
        {"Cache-Control": "no-store", **problem.headers},
        media_type="application/problem+json",
    )


def _unavailable(error: Exception) -> Response:
    _LOG.warning("not answered: %s", error)
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    return problem_response(Problem(503, "try again in a moment", headers=headers))


def install_problems(app: FastAPI) -> None:
    """The one place where an error becomes an answer."""

    @app.exception_handler(Problem)
    async def _problem(_request: Request, error: Problem) -> Response:
        return problem_response(error)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        return problem_response(Problem(error.status_code, error.detail, headers=error.headers))

    @app.exception_handler(StoreUnavailable)
    async def _store(_request: Request, error: StoreUnavailable) -> Response:
        return _unavailable(error)

    @app.exception_handler(BlobUnavailable)
    async def _blobs(_request: Request, error: BlobUnavailable) -> Response:
        return _unavailable(error)

    @app.exception_handler(Exception)
    async def _bug(_request: Request, _error: Exception) -> Response:
        # Starlette raises it again after this answer, and the connection logs it.
        return problem_response(Problem(500, "something went wrong here"))
