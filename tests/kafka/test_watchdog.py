from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import rows as stored
from tests.support.deployment import PATIENCE, Deployment, Sending
from tests.support.rows import caller_stats

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker
    from tests.support.worker import Worker

TOPIC = "gateway.requests"

#: Seconds without progress after which the worker of these tests leaves.
LIMIT = 6


def request(number: int, caller: str = "ada") -> bytes:
    """Return a request of a caller."""
    fields = {"request_id": f"r{number}", "caller_id": caller, "model": "m-1", "status": "ok"}
    return json.dumps({**fields, "created_at": "2024-03-01T08:00:00Z"}).encode()


@pytest.fixture
def deployment(broker: Broker, tmp_path: Path) -> Deployment:
    """Topics of its own for each test."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    return deployment


def start(deployment: Deployment, where: str) -> Worker:
    """Start a worker that hangs there when it meets an event of the caller ``hang``."""
    return deployment.start_worker((sys.executable, "-m", "tests.support.sick_worker", str(LIMIT), where))


@pytest.mark.parametrize("where", ["fold", "commit"])
def test_a_worker_that_gets_nowhere_leaves(deployment: Deployment, where: str) -> None:
    """Whether a fold hangs, and the event loop with it, or a commit: it leaves with status 1 and says where it stood."""
    home = deployment.home("hang")
    with start(deployment, where) as worker:
        deployment.send([Sending(TOPIC, home, request(1))])
        deployment.wait_until_folded()
        deployment.send([Sending(TOPIC, home, request(2, "hang")), Sending(TOPIC, home, request(3))])
        assert worker.process.wait(PATIENCE) == 1, worker.log
    [line] = [line for line in worker.log.splitlines() if "leaving: " in line]
    name = re.escape(f"{deployment.around.topic(TOPIC)}[{home}]")
    assert re.search(
        rf"CRITICAL leaving: {name} stands at offset 1 and ends at 3: nothing was committed for \d+ s$", line
    )
    with deployment.start_worker():
        deployment.wait_until_folded()
    rows = deployment.read_rows(*stored.CALLER_TABLES)
    assert caller_stats(rows, "hang", 0).totalRequests == 1


def test_what_cannot_be_folded_is_no_lag(deployment: Deployment) -> None:
    """Aborted records at the end of a partition do not move a position: a worker that waits behind them stays."""
    with start(deployment, "nowhere") as worker:
        deployment.send([Sending(TOPIC, 0, request(1))])
        deployment.wait_until_folded()
        deployment.send([Sending(TOPIC, 0, request(2)), Sending(TOPIC, 1, request(3))], abort=True)
        time.sleep(3 * LIMIT)
        worker.fail_if_crashed()
        deployment.send([Sending(TOPIC, 0, request(4))])
        deployment.wait_until_folded()
        assert worker.stop() == 0
        assert "WARNING" not in worker.log
