"""Health over HTTP: ``/healthz`` (alive), ``/readyz`` (the truth), ``/metrics``."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mailquay.runtime import metrics

__all__ = ["Health", "HealthServer"]

#: A dependency is asked at most so often, however often the probe comes.
ASK_AGAIN_SECONDS = 2.0
ANSWER_SECONDS = 5.0


@dataclass(slots=True)
class _Check:
    ask: Callable[[], Awaitable[object]]
    is_critical: bool
    asked_at: float = -1e9
    error: str | None = None
    #: The question that is under way: whoever comes meanwhile waits for its answer.
    asking: "asyncio.Task[None] | None" = None


class Health:
    """Whether this process can do its work. A critical check that fails makes it not ready."""

    def __init__(self) -> None:
        self._checks: dict[str, _Check] = {}
        self.is_starting = True
        self.is_draining = False

    def add(self, name: str, ask: Callable[[], Awaitable[object]], *, is_critical: bool) -> None:
        """Add a dependency; ``ask`` really uses it, and raises when it cannot be."""
        self._checks[name] = _Check(ask, is_critical)

    async def report(self) -> tuple[bool, dict[str, str]]:
        """Whether we are ready, and each dependency's state."""
        await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
        states = {
            name: "ok" if check.error is None else check.error
            for name, check in self._checks.items()
        }
        is_ready = all(
            check.error is None or not check.is_critical for check in self._checks.values()
        )
        if self.is_starting or self.is_draining:
            is_ready = False
            states["process"] = "starting" if self.is_starting else "draining"
        return is_ready, states

    async def _ask(self, name: str, check: _Check) -> None:
        if check.asking is None:
            if time.monotonic() - check.asked_at < ASK_AGAIN_SECONDS:
                return
            check.asking = asyncio.create_task(self._answer(name, check))
        await asyncio.shield(check.asking)  # who gives up waiting leaves it to the others

    async def _answer(self, name: str, check: _Check) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check.ask()
            check.error = None
        except Exception as error:  # whatever it is, the dependency is of no use
            check.error = str(error) or type(error).__name__
        check.asked_at = time.monotonic()
        check.asking = None
        metrics.DEPENDENCY_UP.labels(name).set(check.error is None)
        metrics.DEPENDENCY_SECONDS.labels(name).set(check.asked_at - begun)


class HealthServer:
    """Serves a process' health and metrics."""

    def __init__(self, health: Health, bind: str, port: int) -> None:
        self._health = health
        self._socket = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((bind, port))
        self.port: int = self._socket.getsockname()[1]
        app = Starlette(
            routes=[
                Route("/healthz", self._alive),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
            ]
        )
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve, beside whatever else this loop does."""
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task = asyncio.create_task(self._serve())
        while not self._server.started and not self._task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # uvicorn has no event to wait for

    async def _serve(self) -> None:
        # `serve` would take the signals; the service has them.
        await self._server._serve(sockets=[self._socket])

    async def stop(self) -> None:
        """Serve no more."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2)

    async def _alive(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _ready(self, _request: Request) -> Response:
        is_ready, states = await self._health.report()
        status = "ready" if is_ready else "not ready"
        return JSONResponse({"status": status, "checks": states}, 200 if is_ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        body = await asyncio.to_thread(metrics.exposition)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")
