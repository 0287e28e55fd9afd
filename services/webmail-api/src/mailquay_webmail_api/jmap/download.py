"""Downloads (RFC 8620 §6.2): messages, their parts, uploads; never anything that runs here."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import ClassVar, Final

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mailquay.blobs import BlobStore
from mailquay.runtime.service import Platform
from mailquay.store.types import AccountId
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.http.disposition import attachment
from mailquay_webmail_api.http.media import media_type
from mailquay_webmail_api.http.problems import Problem
from mailquay_webmail_api.http.ranges import Unsatisfiable, parse_range
from mailquay_webmail_api.jmap.core.blobs import FoundBlob, find_blob, load_blob
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot

__all__ = ["download_routes"]

_CHUNK_BYTES: Final = 256 * 1024
#: A larger one counts while it is held in memory for its reader.
_LARGE_BYTES: Final = 1024 * 1024
_LARGE_PER_ACCOUNT: Final = 8
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


def download_routes(platform: Platform, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/jmap")
    slots = AccountSlots(_LARGE_PER_ACCOUNT, platform.settings.web.max_downloads)

    @router.api_route("/download/{account}/{blob_id}/{name:anything}", methods=["GET", "HEAD"])
    async def download(request: Request, account: str, blob_id: str, name: str) -> Response:
        signed_in = (await gate.admit(request)).account
        if account != account_id(signed_in.id):
            raise Problem(404, "there is no such account")
        found = await find_blob(platform.store, platform.blobs, signed_in.id, blob_id)
        if found is None:
            raise Problem(404, "there is no such blob")
        kind = media_type(request.query_params.get("accept")) or media_type(found.type)
        headers = {
            "ETag": f'"{blob_id}"',
            "Cache-Control": _CACHE,
            "Vary": "Cookie, Authorization",
            "Accept-Ranges": "bytes",
            "Content-Type": kind or "application/octet-stream",
            "Content-Disposition": attachment(name),
        }
        known = request.headers.get("if-none-match", "").split(",")
        if headers["ETag"] in [tag.strip() for tag in known]:
            return Response(None, 304, headers)
        return _Download(platform.blobs, found, slots, signed_in.id, headers)

    return router


class _Download(Response):
    """Reads a blob and sends it; a large one holds a slot until it is sent, or cannot be."""

    def __init__(
        self,
        blobs: BlobStore,
        found: FoundBlob,
        slots: AccountSlots,
        account: AccountId,
        headers: dict[str, str],
    ) -> None:
        super().__init__()
        self._blobs = blobs
        self._found = found
        self._slots = slots
        self._account = account
        self._fields = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_large = self._found.location.size > _LARGE_BYTES
        try:
            with self._slots.take(self._account) if is_large else nullcontext():
                data = (await load_blob(self._blobs, self._found)).data
                await _answer(Request(scope), data, self._fields)(scope, receive, send)
        except NoSlot:
            again = {"Retry-After": "5"}
            raise Problem(429, "too many downloads at once", headers=again) from None


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
