from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka import TopicPartition

from app.engine.app import SESSION_TIMEOUT
from tests.support import rows as stored
from tests.support.deployment import PATIENCE, Deployment, Sending
from tests.support.rows import caller_stats
from tests.support.topics import delete_records

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

TOPIC = "gateway.requests"

#: Seconds after which a fetch that waits for records has come back without any.
FETCH_RETURNS = 1.5


def request(number: int) -> bytes:
    """Return a request of Ada's."""
    fields = {"request_id": f"r{number}", "caller_id": "ada", "model": "m-1", "status": "ok"}
    return json.dumps({**fields, "created_at": "2024-03-01T08:00:00Z"}).encode()


@pytest.fixture
def deployment(broker: Broker, tmp_path: Path) -> Deployment:
    """Topics of its own for each test."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.run("topics", "create")
    return deployment


def test_records_deleted_under_a_running_worker_are_seen(deployment: Deployment) -> None:
    """A worker that retention overtakes leaves with a line that says where; the next says what is lost and goes on."""
    home = deployment.home("ada")
    with deployment.start_worker() as worker:
        deployment.send([Sending(TOPIC, home, request(number)) for number in range(10)])
        deployment.wait_until_folded()
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(FETCH_RETURNS)
        assert FETCH_RETURNS < SESSION_TIMEOUT / 2  # or it would leave for another reason
        deployment.send([Sending(TOPIC, home, request(number)) for number in range(10, 30)])
        partition = TopicPartition(deployment.around.topic(TOPIC), home)
        asyncio.run(delete_records(deployment.settings, partition, before=25))
        worker.process.send_signal(signal.SIGCONT)
        assert worker.process.wait(PATIENCE) == 1, worker.log
        name = re.escape(f"{deployment.around.topic(TOPIC)}[{home}]")
        assert re.search(
            rf"leaving: {name} does not hold offset 10 any more \(it holds 25 to 29\)", worker.log
        )
    with deployment.start_worker() as worker:
        deployment.workers = [worker]
        deployment.wait_until_folded()
        assert worker.stop() == 0
        assert re.search(rf"ERROR {name}: offsets 10 to 24 were deleted by retention", worker.log)
    rows = deployment.read_rows(*stored.CALLER_TABLES)
    assert caller_stats(rows, "ada", 0).totalRequests == 10 + 5


def test_gaps_that_belong_to_kafka_are_no_loss(deployment: Deployment) -> None:
    """Transaction markers and aborted records leave offsets out; a worker goes on over them, also alone at the end."""
    home = deployment.home("ada")
    with deployment.start_worker() as worker:
        for number in range(0, 6, 2):
            deployment.send([Sending(TOPIC, home, request(number))], abort=True)
            deployment.send([Sending(TOPIC, home, request(number + 1))])
            deployment.wait_until_folded()
        deployment.send([Sending(TOPIC, home, request(6))], abort=True)
        deployment.wait_until_folded()
        rows = deployment.read_rows(*stored.CALLER_TABLES)
        assert worker.stop() == 0
    assert caller_stats(rows, "ada", 0).totalRequests == 3
