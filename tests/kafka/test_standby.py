from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.cluster import Cluster
from tests.support.deployment import PATIENCE, Deployment
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from app.local.broker import Broker

#: Seconds in which a member has told the group several times that it is there.
SOME_HEARTBEATS = 8.0


def test_a_worker_to_which_nothing_is_assigned_stands_by(broker: Broker, tmp_path: Path) -> None:
    """One worker more than there are partitions is ready, and takes over when the other one leaves."""
    deployment = Deployment(broker.address, tmp_path, STREAKLINE_PARTITIONS="1")
    deployment.create_topics()
    with deployment.start_worker() as first:
        first.wait_until_folding()
        with deployment.start_worker() as second:
            second.wait_until_folding()
            idle = [
                worker for worker in (first, second) if worker.log.endswith("folding: nothing assigned\n")
            ]
            assert len(idle) == 1, deployment.logs()
            assert idle[0].is_ready
            assert (first if idle[0] is second else second).stop() == 0
            deployment.send(list(Traffic(1, 1, deployment.home).events(100)))
            deployment.wait_until_folded()
            assert "folding: callers 0, gateway 0" in idle[0].log


def test_a_worker_that_stands_by_for_days_still_takes_over(broker: Broker, tmp_path: Path) -> None:
    """It fetches nothing all that time, and stays in the group."""
    deployment = Deployment(broker.address, tmp_path, STREAKLINE_PARTITIONS="1")
    deployment.create_topics()
    for_days = (sys.executable, "-m", "tests.support.idle_worker")
    with deployment.start_worker() as first:
        first.wait_until_folding()
        with deployment.start_worker(for_days) as second:
            second.wait_until_folding()
            time.sleep(SOME_HEARTBEATS)
            assert second.is_ready
            active, idle = (first, second) if "nothing assigned" in second.log else (second, first)
            assert active.stop() == 0
            deployment.send(list(Traffic(1, 1, deployment.home).events(100)))
            deployment.wait_until_folded()
            assert "folding: callers 0, gateway 0" in idle.log


def test_a_worker_that_the_group_does_not_take_says_why(tmp_path: Path) -> None:
    """What does not pass by itself, as a session shorter than the broker allows, is no endless wait."""
    with (
        tempfile.TemporaryDirectory(prefix="streakline-group-") as folder,
        Cluster(Path(folder), 1, "group.min.session.timeout.ms=20000\n") as cluster,
    ):
        deployment = Deployment(cluster.address, tmp_path)
        deployment.create_topics()
        with deployment.start_worker() as worker:
            worker.expect_end()
            assert worker.process.wait(PATIENCE) == 1, worker.log
        assert (
            "CRITICAL leaving: the group does not take this worker: InvalidSessionTimeoutError" in worker.log
        )
