"""The service: its application, its port, and its end."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from mailquay.runtime.service import Platform, Service
from mailquay_webmail_api.auth.gate import Gate
from mailquay_webmail_api.auth.routes import auth_routes
from mailquay_webmail_api.http.hardening import Hardening
from mailquay_webmail_api.http.problems import install_problems
from mailquay_webmail_api.http.server import WebServer
from mailquay_webmail_api.http.site import Site
from mailquay_webmail_api.jmap.download import download_routes
from mailquay_webmail_api.jmap.endpoint import api_routes, install_request_errors, limits_of
from mailquay_webmail_api.jmap.push import PushStreams, push_routes
from mailquay_webmail_api.jmap.upload import upload_routes
from mailquay_webmail_api.reading.routes import reading_routes

__all__ = ["make_application", "start"]


def make_application(platform: Platform, gate: Gate, streams: PushStreams) -> FastAPI:
    """Everything that is served, by its path."""
    settings = platform.settings.web
    app = FastAPI(title="Mailquay", openapi_url=None, redirect_slashes=False)
    install_problems(app)
    install_request_errors(app)
    limits = limits_of(platform)
    app.include_router(auth_routes(platform.store, gate, settings))
    app.include_router(api_routes(platform, gate, limits))
    app.include_router(upload_routes(platform, gate, limits))
    app.include_router(download_routes(platform, gate))
    app.include_router(push_routes(streams, gate))
    app.include_router(reading_routes(platform, gate))
    site = Site(settings.static_folder)

    # Last: whatever is none of the above is the browser application's.
    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def _site(request: Request) -> Response:
        return await site.respond(request)

    return app


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    if settings.web.port is None:
        return Service({}, _nothing)
    gate = Gate(platform.store, platform.authenticator, settings.web)
    streams = PushStreams(platform, gate)
    app = Hardening(make_application(platform, gate, streams), settings.web)
    server = WebServer(app, settings, settings.web.port)
    server.start()

    async def drain() -> None:
        streams.close()
        await server.stop()

    return Service({"http": server.port}, drain)


async def _nothing() -> None:
    """Nothing was served."""
