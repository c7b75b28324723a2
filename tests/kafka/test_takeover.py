from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from tests.support.deployment import Deployment
from tests.support.traffic import Traffic

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker

#: Its session is as short as a broker allows, so that the other one takes over soon.
WORKER = (sys.executable, "-m", "tests.chaos.worker", "--session", "6")


def test_partitions_of_which_the_group_knows_no_offset_are_taken_over(broker: Broker, tmp_path: Path) -> None:
    """A worker that waits for records takes over from one that died before the group knew of any offset."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    with deployment.start_worker(WORKER) as dies, deployment.start_worker(WORKER) as stays:
        for worker in (dies, stays):
            worker.wait_until_folding()
        dies.process.send_signal(signal.SIGKILL)
        dies.__exit__()
        deployment.send(list(Traffic(1, deployment.settings.partitions, deployment.home).events(200)))
        deployment.wait_until_folded()
        assert stays.stop() == 0, stays.log
