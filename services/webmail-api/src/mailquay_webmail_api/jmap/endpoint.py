"""``/jmap/session`` and ``/jmap/api`` (RFC 8620 §2, §3)."""

import asyncio
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from mailquay.runtime.service import Platform
from mailquay_webmail_api.auth.gate import Admission, Gate
from mailquay_webmail_api.http.bodies import is_json, read_body
from mailquay_webmail_api.http.problems import Problem, TooLarge, problem_response
from mailquay_webmail_api.jmap.core.context import Context
from mailquay_webmail_api.jmap.core.dispatch import Dispatcher
from mailquay_webmail_api.jmap.core.errors import RequestError
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.core.request import Request, parse_request
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot
from mailquay_webmail_api.jmap.methods import CAPABILITIES
from mailquay_webmail_api.jmap.session import SessionMaker

__all__ = ["api_routes", "install_request_errors", "limits_of"]

#: A larger request is parsed in a thread.
_INLINE_BYTES: Final = 64 * 1024
_NO_STORE: Final = {"Cache-Control": "no-cache, no-store, must-revalidate"}


def limits_of(platform: Platform) -> JmapLimits:
    """The limits with what is a setting."""
    return JmapLimits(max_size_upload_bytes=platform.settings.web.max_upload_bytes)


def install_request_errors(app: FastAPI) -> None:
    """Errors of a whole request are problem details with types of their own (RFC 8620 §3.6.1)."""

    @app.exception_handler(RequestError)
    async def _refused(_request: HttpRequest, error: RequestError) -> Response:
        extra = {k: v for k, v in error.problem.items() if k not in ("type", "status", "detail")}
        headers = {"Retry-After": "1"} if error.status == 429 else {}
        kind, detail = error.problem["type"], error.problem["detail"]
        return problem_response(Problem(error.status, detail, kind=kind, headers=headers, **extra))


def api_routes(platform: Platform, gate: Gate, limits: JmapLimits) -> APIRouter:
    """The routes."""
    router = APIRouter()
    sessions = SessionMaker(platform.settings, limits)
    dispatcher = Dispatcher(CAPABILITIES)
    slots = AccountSlots(limits.max_concurrent_requests, platform.settings.web.max_requests)
    seconds = platform.settings.web.request_timeout_seconds

    async def read(http: HttpRequest) -> Request:
        if not is_json(http):
            raise RequestError("notJSON", "the Content-Type is not application/json")
        try:
            body = await read_body(http, limit_bytes=limits.max_size_request_bytes, seconds=seconds)
        except TooLarge as error:
            raise RequestError("limit", str(error), status=413, limit="maxSizeRequest") from None
        if len(body) <= _INLINE_BYTES:
            return parse_request(body, CAPABILITIES, limits)
        return await asyncio.to_thread(parse_request, body, CAPABILITIES, limits)

    @router.get("/.well-known/jmap")
    @router.get("/jmap/session")
    async def session(http: HttpRequest) -> Response:
        admission = await gate.admit(http)
        return _json(sessions.make(admission.account, base_url=_base_url(http, admission)))

    @router.post("/jmap/api")
    async def api(http: HttpRequest) -> Response:
        admission = await gate.admit(http)
        account = admission.account
        try:
            with slots.take(account.id):
                request = await read(http)
                context = Context(
                    account,
                    platform.store,
                    platform.blobs,
                    platform.deliverer,
                    platform.bus,
                    platform.settings,
                    limits,
                )
                answer = await dispatcher.run(request, context)
        except NoSlot:
            raise RequestError(
                "limit",
                "too many requests at once",
                status=429,
                limit="maxConcurrentRequests",
            ) from None
        return _json({**answer, "sessionState": sessions.state(account)})

    return router


def _base_url(http: HttpRequest, admission: Admission) -> str:
    """Nothing for our own page; for others, who may want whole URLs, as we were called."""
    if admission.session is not None:
        return ""
    return f"{http.url.scheme}://{http.headers.get('host', '')}"


def _json(value: dict[str, Any]) -> Response:
    try:
        body = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A sender's bytes that are no UTF-8, carried as lone surrogates.
        body = msgspec.json.encode(_clean(value))
    return Response(body, 200, _NO_STORE, media_type="application/json")


def _clean(value: Any) -> Any:
    """The value with U+FFFD for what no JSON may hold (RFC 7493 §2.1)."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value
