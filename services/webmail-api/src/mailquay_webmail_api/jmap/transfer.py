"""Uploads and downloads (RFC 8620 §6.1, §6.2)."""

import re
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Final

import msgspec
from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mailquay.runtime.service import Platform
from mailquay.store.errors import OverQuota
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.http.bodies import read_body
from mailquay_webmail_api.http.disposition import attachment
from mailquay_webmail_api.http.problems import Problem
from mailquay_webmail_api.http.ranges import Unsatisfiable, parse_range
from mailquay_webmail_api.jmap.core.blobs import find_blob, load_blob
from mailquay_webmail_api.jmap.core.errors import RequestError
from mailquay_webmail_api.jmap.core.ids import account_id, upload_id
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot

__all__ = ["transfer_routes"]

_TYPE: Final = re.compile(r"[!#$&^_.+\-0-9A-Za-z]{1,127}/[!#$&^_.+\-0-9A-Za-z]{1,127}")
_CHUNK_BYTES: Final = 256 * 1024
#: What a blob id names never changes; but it is one person's.
_CACHE: Final = "private, max-age=31536000, immutable"


class _Anything(Convertor[str]):
    """The rest of a path: a file's name may hold slashes, and line ends too."""

    regex: ClassVar[str] = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def transfer_routes(platform: Platform, gate: Gate, limits: JmapLimits) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/jmap")
    settings = platform.settings
    slots = AccountSlots(limits.max_concurrent_upload, settings.web.max_uploads)

    async def store(account: SignedIn, body: bytes, media_type: str) -> dict[str, Any]:
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
            media_type=media_type,
            ttl_seconds=settings.blobs.upload_ttl_seconds,
            max_total_bytes=settings.web.max_unused_upload_bytes,
        )
        return {
            "accountId": account_id(account.id),
            "blobId": upload_id(number),
            "type": media_type,
            "size": ref.size,
        }

    @router.post("/upload/{account}/")
    async def upload(request: Request, account: str) -> Response:
        admission = await gate.admit(request)
        _check_account(account, admission.account)
        media_type = _media_type(request.headers.get("content-type")) or "application/octet-stream"
        try:
            with slots.take(admission.account.id):
                body = await read_body(
                    request,
                    limit_bytes=limits.max_size_upload_bytes,
                    seconds=settings.web.upload_timeout_seconds,
                )
                stored = await store(admission.account, body, media_type)
        except NoSlot:
            detail = "too many uploads at once"
            raise RequestError("limit", detail, status=429, limit="maxConcurrentUpload") from None
        except OverQuota as error:
            raise Problem(507, str(error)) from None
        return Response(msgspec.json.encode(stored), 201, media_type="application/json")

    @router.api_route("/download/{account}/{blob_id}/{name:anything}", methods=["GET", "HEAD"])
    async def download(request: Request, account: str, blob_id: str, name: str) -> Response:
        admission = await gate.admit(request)
        _check_account(account, admission.account)
        found = await find_blob(platform.store, platform.blobs, admission.account.id, blob_id)
        if found is None:
            raise Problem(404, "there is no such blob")
        etag = f'"{blob_id}"'
        headers = {
            "ETag": etag,
            "Cache-Control": _CACHE,
            "Vary": "Cookie, Authorization",
            "Accept-Ranges": "bytes",
            "Content-Disposition": attachment(name),
        }
        if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
            return Response(None, 304, headers)
        blob = await load_blob(platform.blobs, found)
        media_type = _media_type(request.query_params.get("accept")) or _media_type(blob.type)
        headers["Content-Type"] = media_type or "application/octet-stream"
        return _answer(request, blob.data, headers)

    return router


def _check_account(given: str, account: SignedIn) -> None:
    if given != account_id(account.id):
        raise Problem(404, "there is no such account")


def _media_type(text: str | None) -> str | None:
    """``type/subtype`` in lower case, its parameters left out; None for anything else."""
    plain = (text or "").partition(";")[0].strip()
    return plain.lower() if _TYPE.fullmatch(plain) else None


def _answer(request: Request, data: bytes, headers: dict[str, str]) -> Response:
    if_range = request.headers.get("if-range")
    field = request.headers.get("range") if if_range in (None, headers["ETag"]) else None
    try:
        part = parse_range(field, len(data))
    except Unsatisfiable:
        return Response(None, 416, {"Content-Range": f"bytes */{len(data)}"})
    first, end = part or (0, len(data))
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(data)}"
    headers["Content-Length"] = str(end - first)
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(None, status, headers)
    return StreamingResponse(_chunks(data, first, end), status, headers)


async def _chunks(data: bytes, first: int, end: int) -> AsyncIterator[bytes]:
    """So that what a slow client has not taken yet is not copied at once."""
    for start in range(first, end, _CHUNK_BYTES):
        yield data[start : min(start + _CHUNK_BYTES, end)]
