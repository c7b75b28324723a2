"""The installed view as a process on a port of its own, which it keeps over restarts."""

from __future__ import annotations

import time
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from app.local.network import HOST, free_port
from tests.support.deployment import STREAKLINE, Deployment
from tests.support.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

START_PATIENCE = 60.0


class View:
    """A view of a deployment; ``settings`` are those that it has beside the deployment's."""

    def __init__(self, deployment: Deployment, **settings: str) -> None:
        self.port = free_port()
        self.address = f"http://{HOST}:{self.port}/"
        self._environ = {**deployment.environ, "STREAKLINE_VIEW_PORT": str(self.port), **settings}
        self._log_file = deployment.folder / f"view-{self.port}.log"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it from its being ready until the block ends."""
        with Worker([str(STREAKLINE), "view"], self._environ, self._log_file) as process:
            self._wait_until_ready(process)
            yield

    def _wait_until_ready(self, process: Worker) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while not self._is_ready():
            process.fail_if_crashed()
            if time.monotonic() > deadline:
                pytest.fail(f"the view is not ready after {START_PATIENCE:.0f} s\n{process.log}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        connection = HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()
