"""A view with an address of its own, which it keeps over restarts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.local.network import HOST, free_port
from tests.support.view_process import start_view, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.deployment import Deployment


class View:
    """A view of a deployment; ``settings`` are those that it has beside the deployment's."""

    def __init__(self, deployment: Deployment, **settings: str) -> None:
        port = free_port()
        self.address = f"http://{HOST}:{port}/"
        self._deployment = deployment
        self._settings = {**settings, "STREAKLINE_VIEW_PORT": str(port)}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it from its being ready until the block ends; then it is killed."""
        with start_view(self._deployment, **self._settings) as process:
            wait_until_ready(process)
            yield
