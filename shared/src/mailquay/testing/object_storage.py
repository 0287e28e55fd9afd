"""An object storage that speaks as much of S3 as is asked of one, and refuses when it is told to.

In memory, for tests: ``python -m mailquay.testing.object_storage --port 9000``. What it is told
comes by ``PUT /-/refuse`` and ``PUT /-/serve``. Signatures are not looked at.
"""

import argparse
import hashlib
import itertools
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape, unescape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["ObjectStorage", "main"]

_PAGE: Final = 1000
_KEY: Final = re.compile("<Key>([^<]*)</Key>")


class ObjectStorage:
    """Buckets of objects; an ASGI application as ``app``."""

    def __init__(self) -> None:
        self.is_refusing = False
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = itertools.count(1)
        everything = Route("/{path:path}", self._serve, methods=["GET", "HEAD", "PUT", "POST"])
        self.app = Starlette(routes=[everything])

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve on a free port of loopback, in a thread; gives the URL."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            config = uvicorn.Config(self.app, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, args=([listening],))
            thread.start()
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()

    async def _serve(self, request: Request) -> Response:
        path, body = request.url.path, await request.body()
        if path in ("/-/refuse", "/-/serve"):
            self.is_refusing = path == "/-/refuse"
            return Response()
        if self.is_refusing:
            return _error(503, "SlowDown")
        match request.method:
            case "PUT":
                return self._put(request, path, body)
            case "POST" if "delete" in request.query_params:
                return self._delete(path, body)
            case "POST":
                return self._post(request, path)
        if "list-type" in request.query_params:
            return self._list(request, path)
        return self._get(request, path)

    def _put(self, request: Request, path: str, body: bytes) -> Response:
        if upload := request.query_params.get("uploadId"):
            self._uploads[upload][int(request.query_params["partNumber"])] = body
        else:
            self._objects[path] = (body, datetime.now(UTC))
        return Response(headers={"ETag": f'"{_etag(body)}"'})

    def _post(self, request: Request, path: str) -> Response:
        """Begin a multipart upload, or end one."""
        upload = request.query_params.get("uploadId")
        if upload is None:
            upload = str(next(self._numbers))
            self._uploads[upload] = {}
            return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        parts = self._uploads.pop(upload)
        body = b"".join(parts[number] for number in sorted(parts))
        self._objects[path] = (body, datetime.now(UTC))
        return _xml("CompleteMultipartUploadResult", f'<ETag>"{_etag(body)}"</ETag>')

    def _delete(self, bucket: str, body: bytes) -> Response:
        keys = _KEY.findall(body.decode())
        for key in keys:
            self._objects.pop(bucket.rstrip("/") + "/" + unescape(key), None)
        deleted = (f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return _xml("DeleteResult", "".join(deleted))

    def _get(self, request: Request, path: str) -> Response:
        if path not in self._objects:
            return _error(404, "NoSuchKey")
        body, when = self._objects[path]
        headers = {
            "ETag": f'"{_etag(body)}"',
            "Last-Modified": when.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        wanted = request.headers.get("range", "").removeprefix("bytes=")
        if not wanted:
            return Response(body, headers=headers)
        first, _, last = wanted.partition("-")
        start, end = int(first), min(int(last or len(body) - 1), len(body) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return Response(body[start : end + 1], 206, headers)

    def _list(self, request: Request, bucket: str) -> Response:
        root = bucket.rstrip("/") + "/"
        prefix = root + request.query_params.get("prefix", "")
        after = request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self._objects if key.startswith(prefix) and key > after)
        page = keys[:_PAGE]
        found = [
            f"<Contents><Key>{escape(key.removeprefix(root))}</Key>"
            f"<LastModified>{self._objects[key][1].isoformat()}</LastModified>"
            f'<ETag>"{_etag(self._objects[key][0])}"</ETag>'
            f"<Size>{len(self._objects[key][0])}</Size></Contents>"
            for key in page
        ]
        more = ""
        if len(keys) > len(page):
            more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
        return _xml("ListBucketResult", "".join(found) + more)


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _xml(name: str, content: str) -> Response:
    return Response(f"<{name}>{content}</{name}>", media_type="application/xml")


def _error(status: int, code: str) -> Response:
    content = f"<Error><Code>{code}</Code></Error>"
    return Response(content, status, media_type="application/xml")


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(ObjectStorage().app, host=options.bind, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
