from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.deployment import Deployment
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


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
