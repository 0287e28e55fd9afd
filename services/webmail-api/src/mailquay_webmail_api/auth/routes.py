"""``/auth``: a browser signs in, asks who it is, and signs out."""

import secrets

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailquay.runtime.settings import WebSettings
from mailquay.store import Store
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.http.bodies import is_json, read_body
from mailquay_webmail_api.http.problems import Problem

__all__ = ["auth_routes"]

_BODY_MAX_BYTES = 16 * 1024
_NO_STORE = {"Cache-Control": "no-store"}


class _Login(msgspec.Struct):
    address: str
    password: str


def auth_routes(store: Store, gate: Gate, settings: WebSettings) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/auth")

    @router.post("/login")
    async def login(request: Request) -> Response:
        gate.refuse_other_sites(request)
        given = await _read_login(request, settings)
        account = await gate.verify_password(request, given.address.strip(), given.password)
        if (previous := gate.cookie.read(request)) is not None:
            await store.sessions.remove(gate.cookie.hash_token(previous))
        token, csrf_token = gate.cookie.make_token(), secrets.token_urlsafe(32)
        await store.sessions.add(
            gate.cookie.hash_token(token),
            account.id,
            csrf_token,
            credential_version=account.credential_version,
            user_agent=request.headers.get("user-agent", ""),
            remote_address=request.client.host if request.client else "",
            ttl_seconds=settings.session_ttl_seconds,
        )
        signed_in = SignedIn(account.id, account.tenant_id, account.address, account.display_name)
        response = _who(signed_in, csrf_token)
        gate.cookie.write(response, token)
        return response

    @router.get("/session")
    async def session(request: Request) -> Response:
        admission = await gate.admit(request)
        token = gate.cookie.read(request)
        if admission.session is None or token is None:
            raise Problem(400, "a password in each request makes no session")
        response = _who(admission.account, admission.session.csrf_token)
        gate.cookie.write(response, token)
        return response

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        admission = await gate.admit(request)
        if admission.session is not None:
            await store.sessions.remove(admission.token_hash)
        response = Response(None, 204, _NO_STORE)
        gate.cookie.clear(response)
        return response

    return router


async def _read_login(request: Request, settings: WebSettings) -> _Login:
    if not is_json(request):
        raise Problem(415, "the body must be application/json")
    body = await read_body(
        request, limit_bytes=_BODY_MAX_BYTES, seconds=settings.request_timeout_seconds
    )
    try:
        given = msgspec.json.decode(body, type=_Login)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not a sign-in: {error}") from None
    if not given.address.strip() or not given.password:
        raise Problem(400, "address and password are needed")
    return given


def _who(account: SignedIn, csrf_token: str) -> JSONResponse:
    return JSONResponse(
        {
            "address": account.address,
            "displayName": account.display_name,
            "csrfToken": csrf_token,
        },
        headers=_NO_STORE,
    )
