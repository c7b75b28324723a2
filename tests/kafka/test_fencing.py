from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from tests.support.cluster import Cluster
from tests.support.deployment import PATIENCE, Deployment
from tests.support.topics import configure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.worker import Worker

#: The worker, with a deadline that a test can wait for.
IMPATIENT = """
import app.engine.tasks
from app.cli import main

app.engine.tasks.FENCE_DEADLINE = 5.0
main()
"""

#: Whoever comes next takes its place in the group at once.
NAME = {"STREAKLINE_INSTANCE_ID": "one"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Topics on a broker of their own, which can never end the transaction that an owner of ``callers 0`` has left."""
    folder: Path = tmp_path_factory.mktemp("fencing")
    with Cluster(folder / "brokers", 1) as cluster:
        deployment = Deployment(cluster.address, folder)
        deployment.create_topics()
        asyncio.run(leave_a_transaction_that_never_ends(deployment))
        yield deployment


async def leave_a_transaction_that_never_ends(deployment: Deployment) -> None:
    """Write to a topic in a transaction, then let the topic take nothing more, not even the marker of its end."""
    options, around = deployment.settings.kafka_options(), deployment.around
    topic = around.output_topic("level-up")
    producer = AIOKafkaProducer(**options, transactional_id=f"{around.group_id}-callers-0")
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"left behind", partition=0)
    await configure(deployment.settings, [topic], {"max.message.bytes": "1"})
    await producer.stop()  # which does not end a transaction


def wait_until_fencing(worker: Worker) -> None:
    """Return when a worker is about to take over what the group has given it."""
    deadline = time.monotonic() + PATIENCE
    while "taking over" not in worker.log:
        worker.fail_if_crashed()
        assert time.monotonic() < deadline, worker.log
        time.sleep(0.05)


def test_a_worker_that_cannot_fence_leaves(deployment: Deployment) -> None:
    """A broker that does not end the transaction of the owner before: the worker leaves with status 1 and says so."""
    with deployment.start_worker((sys.executable, "-c", IMPATIENT, "worker"), **NAME) as worker:
        assert worker.process.wait(PATIENCE) == 1, worker.log
    assert worker.log.strip().endswith(
        "CRITICAL leaving: the broker has not ended the transactions of the owner before in 5 s"
    )


def test_sigterm_ends_a_worker_that_cannot_fence(deployment: Deployment) -> None:
    """It leaves within the 15 s of the contract, though with status 1, because something is wrong."""
    with deployment.start_worker(**NAME) as worker:
        wait_until_fencing(worker)
        assert worker.stop() == 1, worker.log
