"""Uploads (RFC 8620 §6.1): bytes that a message may soon be made of."""

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from mailquay.runtime.service import Platform
from mailquay.store.errors import OverQuota
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.http.bodies import read_body
from mailquay_webmail_api.http.media import media_type
from mailquay_webmail_api.http.problems import Problem
from mailquay_webmail_api.jmap.core.errors import RequestError
from mailquay_webmail_api.jmap.core.ids import account_id, upload_id
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot

__all__ = ["upload_routes"]


def upload_routes(platform: Platform, gate: Gate, limits: JmapLimits) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/jmap")
    settings = platform.settings
    slots = AccountSlots(limits.max_concurrent_upload, settings.web.max_uploads)

    async def store(account: SignedIn, body: bytes, kind: str) -> dict[str, Any]:
        written = await platform.blobs.put_many(account.tenant_id, [body])
        ref = written.refs[0]
        number = await platform.store.uploads.add(
            account.id,
            written.packs[0],
            pack_offset=ref.pack_offset,
            stored_length=ref.stored_length,
            size=ref.size,
            sha256=ref.sha256,
            codec=ref.codec,
            media_type=kind,
            ttl_seconds=settings.blobs.upload_ttl_seconds,
            max_total_bytes=settings.web.max_unused_upload_bytes,
        )
        return {
            "accountId": account_id(account.id),
            "blobId": upload_id(number),
            "type": kind,
            "size": ref.size,
        }

    @router.post("/upload/{account}/")
    async def upload(request: Request, account: str) -> Response:
        signed_in = (await gate.admit(request)).account
        if account != account_id(signed_in.id):
            raise Problem(404, "there is no such account")
        kind = media_type(request.headers.get("content-type")) or "application/octet-stream"
        try:
            with slots.take(signed_in.id):
                body = await read_body(
                    request,
                    limit_bytes=limits.max_size_upload_bytes,
                    seconds=settings.web.upload_timeout_seconds,
                )
                stored = await store(signed_in, body, kind)
        except NoSlot:
            detail = "too many uploads at once"
            raise RequestError("limit", detail, status=429, limit="maxConcurrentUpload") from None
        except OverQuota as error:
            raise Problem(507, str(error)) from None
        return Response(msgspec.json.encode(stored), 201, media_type="application/json")

    return router
