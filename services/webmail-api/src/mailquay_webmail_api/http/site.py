"""The built browser application: few files, held in memory with their compressed forms.

Files below ``/assets/`` carry a hash of their content in their names and never change; the page
that names them is asked for anew each time.
"""

import asyncio
import gzip
import hashlib
import mimetypes
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard
from starlette.requests import Request
from starlette.responses import Response

from mailquay_webmail_api.http.problems import Problem

__all__ = ["Site"]

_CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "frame-src 'self'",  # a message's HTML, which brings a policy of its own
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    )
)
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_NO_CACHE: Final = "no-cache"
_COMPRESSED: Final = ("text/", "application/javascript", "application/json", "image/svg+xml")
_LOOK_AGAIN_SECONDS: Final = 1.0
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mailquay</title></head>
<body><h1>The webmail has not been built</h1>
<p>The mail server runs, and JMAP, IMAP and POP3 with it; only the browser application is missing.
In the project's folder, <code>make web</code> builds it; then load this page again.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    etag: str
    cache_control: str
    #: By Content-Encoding; ``""`` is the file as it is.
    bodies: Mapping[str, bytes]


class Site:
    """Serves the files of a folder; a build that is new is noticed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or _default_folder()
        self._files: dict[str, _File] = {}
        self._built_at: int | None = None
        self._looked_at = -1e9
        self._loading = asyncio.Lock()

    async def respond(self, request: Request) -> Response:
        """Answer with a file, or with the application's page for a place inside of it.

        Raises:
            Problem: 404, or 405 for what is not reading.
        """
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, "this can only be read", headers={"Allow": "GET, HEAD"})
        await self._look()
        path = request.url.path
        if path in ("/", "/index.html") or path == "/mail" or path.startswith("/mail/"):
            page = self._files.get("/index.html")
            if page is None:
                return Response(_NOT_BUILT, 503, {"Retry-After": "10"}, media_type="text/html")
            return _answer(request, page)
        if (file := self._files.get(path)) is None:
            raise Problem(404, "there is nothing here")
        return _answer(request, file)

    async def _look(self) -> None:
        """Read the folder when there is a build that is not the one we hold."""
        if time.monotonic() - self._looked_at < _LOOK_AGAIN_SECONDS:
            return
        async with self._loading:
            if time.monotonic() - self._looked_at < _LOOK_AGAIN_SECONDS:
                return
            self._looked_at = time.monotonic()
            built_at = await asyncio.to_thread(_built_at, self._folder)
            if built_at != self._built_at:
                self._files = await asyncio.to_thread(_read, self._folder)
                self._built_at = built_at


def _default_folder() -> Path:
    """The package's own folder when it is installed, the build's beside the sources."""
    own = Path(__file__).parents[1] / "static"
    return own if own.is_dir() else Path(__file__).parents[3] / "web" / "dist"


def _built_at(folder: Path) -> int | None:
    try:
        return (folder / "index.html").stat().st_mtime_ns
    except OSError:
        return None


def _read(folder: Path) -> dict[str, _File]:
    if not folder.is_dir():
        return {}
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        # Nothing that starts with a dot is meant to be served, and no link leads out.
        if path.is_file() and not path.is_symlink() and "/." not in f"/{name}":
            files[f"/{name}"] = _file(f"/{name}", path.read_bytes())
    return files


def _file(name: str, body: bytes) -> _File:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media_type.startswith("text/") or media_type.endswith("/javascript"):
        media_type += "; charset=utf-8"
    bodies = {"": body}
    if media_type.startswith(_COMPRESSED):
        packed = {
            "gzip": gzip.compress(body, 9, mtime=0),
            "zstd": zstandard.ZstdCompressor(19).compress(body),
        }
        bodies |= {how: data for how, data in packed.items() if len(data) < len(body)}
    is_hashed = name.startswith("/assets/")
    return _File(
        media_type,
        f'"{hashlib.sha256(body).hexdigest()[:24]}"',
        _IMMUTABLE if is_hashed else _NO_CACHE,
        bodies,
    )


def _answer(request: Request, file: _File) -> Response:
    accepted = {
        coding.split(";")[0].strip()
        for coding in request.headers.get("accept-encoding", "").lower().split(",")
        if "q=0" not in coding.replace(" ", "").split(";")[1:]
    }
    coding = next((how for how in ("zstd", "gzip") if how in accepted and how in file.bodies), "")
    # A representation each (RFC 9110 §8.8.3.3): they differ, so do their tags.
    etag = f'{file.etag[:-1]}-{coding}"' if coding else file.etag
    headers = {"Cache-Control": file.cache_control, "ETag": etag, "Vary": "Accept-Encoding"}
    if file.media_type.startswith("text/html"):
        headers["Content-Security-Policy"] = _CSP
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(None, 304, headers)
    if coding:
        headers["Content-Encoding"] = coding
    return Response(file.bodies[coding], 200, headers, media_type=file.media_type)
