"""A view that loses its broker: it stays alive, tells the truth, and comes back by itself."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from app.view.changelog_tail import FRESH_WITHIN
from tests.support.cluster import Cluster
from tests.support.deployment import Deployment, Sending
from tests.support.view_process import ask, is_ready, scope, start_view, wait_until, wait_until_ready


def requests(first: int, count: int) -> list[Sending]:
    """Requests of ada."""
    return [
        Sending(
            "gateway.requests",
            number % 4,
            json.dumps(
                {
                    "request_id": f"r{number}",
                    "caller_id": "ada",
                    "model": "m",
                    "status": "ok",
                    "created_at": "2026-03-01T10:00:00Z",
                }
            ).encode(),
        )
        for number in range(first, first + count)
    ]


def fold(deployment: Deployment, messages: list[Sending]) -> None:
    """Send messages to a worker of their own."""
    with deployment.start_worker() as worker:
        deployment.send(messages)
        deployment.wait_until_folded()
        assert worker.stop() == 0


def test_a_view_outlives_its_broker(tmp_path: Path) -> None:
    """While the broker is away the view is alive, not ready, and answers what it knew; then it follows again."""
    with (
        tempfile.TemporaryDirectory(prefix="streakline-view-") as folder,
        Cluster(Path(folder), 1) as cluster,
    ):
        [node] = cluster.nodes
        deployment = Deployment(cluster.address, tmp_path)
        deployment.create_topics()
        fold(deployment, requests(0, 40))
        with start_view(deployment) as view:
            wait_until_ready(view)
            known = scope(view, "caller:ada", "stats")
            assert known["totalRequests"] == 40

            node.kill()
            lost = time.monotonic()
            wait_until(lambda: not is_ready(view), view)
            assert time.monotonic() - lost < FRESH_WITHIN + 15  # and a busy machine
            answer = ask(view, "/healthz/ready")
            assert (answer.status, answer.json()["status"]) == (503, "stale")
            assert ask(view, "/healthz/live").status == 200
            assert scope(view, "caller:ada", "stats") == known
            assert "\nstreakline_view_ready 0.0\n" in ask(view, "/metrics").body.decode()

            node.start()
            node.wait_until_it_answers()
            wait_until_ready(view)
            fold(deployment, requests(40, 30))
            wait_until(lambda: scope(view, "caller:ada", "stats")["totalRequests"] == 70, view)
            wait_until(lambda: len(scope(view, "gateway", "events?limit=200")) == 70, view)
            wait_until_ready(view)
            said = [line.partition(" ")[2].split(" ", 1)[1] for line in view.log.splitlines()]
            assert [line for line in said if "not ready: the broker does not answer" in line] == [
                "WARNING not ready: the broker does not answer; what is known is answered meanwhile"
            ]
            assert "INFO everything is read again" in said
            assert len(said) < 20
            assert view.stop() == 0
