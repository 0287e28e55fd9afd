"""``/api/messages/{id}/html``: a message's HTML, for the application's frame."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from mailquay.message.structure import decode_structure
from mailquay.runtime.service import Platform
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.http.problems import Problem
from mailquay_webmail_api.jmap.core.ids import parse_email_id
from mailquay_webmail_api.reading.page import make_page, page_policy

__all__ = ["reading_routes"]


def reading_routes(platform: Platform, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api")

    @router.get("/messages/{message}/html")
    async def html(request: Request, message: str) -> Response:
        account = (await gate.admit(request)).account
        images = request.query_params.get("images", "0")
        if images not in ("0", "1"):
            raise Problem(400, "images is 0 or 1")
        number = parse_email_id(message)
        bodies = {} if number is None else await platform.store.emails.bodies(account.id, [number])
        if number is None or number not in bodies:
            raise Problem(404, "there is no such message")
        body = bodies[number]
        page = await asyncio.to_thread(
            make_page,
            await platform.blobs.get(body),
            decode_structure(body.structure),
            account=account.id,
            email=number,
            allow_remote=images == "1",
        )
        if page is None:
            raise Problem(404, "the message has no HTML")
        headers = {
            "Content-Security-Policy": page_policy(allow_remote=images == "1"),
            "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "no-referrer",
            # A release may sanitise better: it is not kept for ever.
            "Cache-Control": "private, max-age=300",
            "Vary": "Cookie, Authorization",
        }
        return Response(page.encode("utf-8", "replace"), 200, headers, media_type="text/html")

    return router
