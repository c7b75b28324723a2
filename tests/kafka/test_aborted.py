from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support import rows as stored
from tests.support.deployment import Deployment, Sending
from tests.support.rows import caller_stats

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

TOPIC = "gateway.requests"
FORWARDED_BY = ("topic", "partition", "offset", "timestamp")


def request(number: int) -> bytes:
    """Return a request of Ada's."""
    fields = {"request_id": f"r{number}", "caller_id": "ada", "model": "m-1", "status": "ok"}
    return json.dumps({**fields, "created_at": "2024-03-01T08:00:00Z"}).encode()


def test_what_was_never_committed_is_never_counted(broker: Broker, tmp_path: Path) -> None:
    """Messages of aborted transactions are not counted, neither a producer's nor those a killed worker forwarded.

    A worker that is killed while it forwards leaves such messages behind, and its successor sends them again.
    """
    deployment = Deployment(broker.address, tmp_path)
    deployment.run("topics", "create")
    home = deployment.home("ada")
    origin = (f"{deployment.prefix}{TOPIC}", str((home + 1) % 4), "0", "1709280000000")
    headers = tuple(
        (f"streakline.forwarded.{name}", text.encode())
        for name, text in zip(FORWARDED_BY, origin, strict=True)
    )
    with deployment.start_worker() as worker:
        deployment.send([Sending(TOPIC, home, request(1))])
        deployment.send([Sending(TOPIC, home, request(2))], abort=True)
        deployment.send([Sending("forwarded", home, request(3), b"ada", headers)], abort=True)
        deployment.send([Sending(TOPIC, home, request(4))])
        deployment.wait_until_folded()
        rows = deployment.read_rows(*stored.CALLER_TABLES)
        assert worker.stop() == 0
    assert caller_stats(rows, "ada", 0).totalRequests == 2
