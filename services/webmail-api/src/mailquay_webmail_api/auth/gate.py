"""Lets requests in, by a cookie or by a password.

A browser shows its session's cookie and, for what changes anything, the session's CSRF token. A
script sends HTTP Basic (RFC 7617); no page of another site makes a browser send that, so it needs
no token.
"""

import base64
import binascii
import hmac
import math
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request

from mailquay.identity import AuthenticationFailed, Authenticator, Throttled, Unavailable
from mailquay.runtime.settings import WebSettings
from mailquay.store import Store
from mailquay.store.accounts import Account
from mailquay.store.errors import NotFound
from mailquay.store.sessions import WebSession
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.auth.cookie import SessionCookie
from mailquay_webmail_api.auth.origin import is_from_elsewhere
from mailquay_webmail_api.http.problems import Problem, Unauthorized

__all__ = ["Admission", "Gate"]

_LOG: Final = structlog.get_logger(__name__)
_BASIC: Final = 'Basic realm="Mailquay", charset="UTF-8"'
#: No browser knows this scheme, so that none shows a window of its own over our sign-in.
_COOKIE: Final = 'Cookie realm="Mailquay"'
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in, and how: by a session's cookie, or by a password."""

    account: SignedIn
    session: WebSession | None
    #: The cookie's hash, or the version of the password; what `Gate.is_valid` looks at.
    token_hash: bytes = b""
    credential_version: int = 0


class Gate:
    """Admits requests for one process."""

    def __init__(self, store: Store, authenticator: Authenticator, settings: WebSettings) -> None:
        self.cookie = SessionCookie(settings)
        self._store = store
        self._authenticator = authenticator
        self._settings = settings

    async def admit(self, request: Request) -> Admission:
        """Find out who a request is from.

        Raises:
            Unauthorized: nobody, or with the wrong password.
            Problem: 403 without the CSRF token or from another site; 429; 503.
        """
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return await self._admit_password(request, authorization)
        token = self.cookie.read(request)
        session = None if token is None else await self._find(token)
        if token is None or session is None:
            raise self._unauthorized(request)
        if request.method not in _SAFE:
            self._refuse_forgery(request, session)
        return Admission(_of_session(session), session, self.cookie.hash_token(token))

    async def is_valid(self, admission: Admission) -> bool:
        """Whether it still holds: not signed out, password not changed, account not disabled."""
        if admission.session is not None:
            found = await self._store.sessions.find(
                admission.token_hash, ttl_seconds=self._settings.session_ttl_seconds
            )
            return found is not None
        try:
            account = await self._store.accounts.get(admission.account.id)
        except NotFound:
            return False
        return account.is_active and account.credential_version == admission.credential_version

    def refuse_other_sites(self, request: Request) -> None:
        """Let no other site's page ask for this.

        Raises:
            Problem: 403.
        """
        if is_from_elsewhere(request.headers, self._settings.public_url):
            raise Problem(403, "this was asked for by a page of another site")

    async def verify_password(self, request: Request, username: str, password: str) -> Account:
        """Check a name and a password; the client's address counts failures.

        Raises:
            Unauthorized: they are wrong.
            Problem: 429 after too many failures; 503.
        """
        remote = request.client.host if request.client else ""
        try:
            return await self._authenticator.verify_password(username, password, remote=remote)
        except AuthenticationFailed as error:
            _LOG.info("sign-in failed", client=remote)
            raise self._unauthorized(request, str(error)) from None
        except Throttled as error:
            headers = {"Retry-After": str(math.ceil(error.retry_after))}
            raise Problem(429, str(error), headers=headers) from None
        except Unavailable:
            headers = {"Retry-After": "5"}
            raise Problem(503, "nobody can sign in at the moment", headers=headers) from None

    async def _admit_password(self, request: Request, authorization: str) -> Admission:
        username, password = _basic(authorization) or ("", "")
        if not username:
            raise self._unauthorized(request, "only HTTP Basic is taken")
        account = await self.verify_password(request, username, password)
        signed_in = SignedIn(account.id, account.tenant_id, account.address, account.display_name)
        return Admission(signed_in, None, credential_version=account.credential_version)

    async def _find(self, token: str) -> WebSession | None:
        return await self._store.sessions.find(
            self.cookie.hash_token(token), ttl_seconds=self._settings.session_ttl_seconds
        )

    def _refuse_forgery(self, request: Request, session: WebSession) -> None:
        self.refuse_other_sites(request)
        shown = request.headers.get("x-csrf-token", "").encode("latin-1")
        if not hmac.compare_digest(shown, session.csrf_token.encode()):
            raise Problem(403, "the X-CSRF-Token field is missing or not this session's")

    @staticmethod
    def _unauthorized(request: Request, detail: str = "you are not signed in") -> Unauthorized:
        is_page = "sec-fetch-mode" in request.headers and "authorization" not in request.headers
        return Unauthorized(_COOKIE if is_page else _BASIC, detail)


def _of_session(session: WebSession) -> SignedIn:
    return SignedIn(session.account_id, session.tenant_id, session.address, session.display_name)


def _basic(authorization: str) -> tuple[str, str] | None:
    """Name and password of ``Basic <base64>``; None for anything else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    username, colon, password = text.partition(":")
    return (username, password) if colon else None
