"""The worker's own small HTTP server: is it alive, does it fold, and its metrics."""

import logging

from aiohttp import web
from mode import Service

from app.engine.app import App
from app.engine.leave import leave
from app.metrics import CONTENT_TYPE, WorkerMetrics, exposed

logger = logging.getLogger(__name__)


class HealthServer(Service):
    """Serves ``/healthz/live``, ``/healthz/ready`` and ``/metrics``.

    It is ready (else 503) when all assigned partitions are restored.
    """

    logger = logging.getLogger("faust")

    def __init__(self, app: App, metrics: WorkerMetrics, host: str, port: int) -> None:
        super().__init__()
        self._app = app
        self._metrics = metrics
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Listen; port 0 takes any free port, which the log tells."""
        server = web.Application()
        server.router.add_get("/healthz/live", self._live)
        server.router.add_get("/healthz/ready", self._ready)
        server.router.add_get("/metrics", self._exposed)
        self._runner = web.AppRunner(server, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as exc:
            leave(f"nothing can listen on {self._host}:{self._port}, set STREAKLINE_WORKER_PORT", exc)
        host, port = self._runner.addresses[0][:2]
        logger.info("health on http://%s:%d/healthz/ready", host, port)

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        if self._app.is_ready:
            return web.json_response({"status": "ready"})
        remaining = self._app.tasks.restore_remaining
        return web.json_response({"status": "restoring", "offsets_remaining": remaining}, status=503)

    async def _exposed(self, _: web.Request) -> web.Response:
        return web.Response(body=exposed(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE})
