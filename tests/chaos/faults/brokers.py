"""5 and 9: brokers that are restarted, killed or away, one of one and one of three."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.chaos.fault import Fault
from tests.chaos.faults.kills import kill_by
from tests.support.cluster import UNCHECKED, Cluster, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.chaos.fault import Brokers
    from tests.chaos.harness import Chaos

#: The brokers of the faults that run now, by their folders.
RUNNING: dict[Path, Cluster] = {}

#: Seconds that brokers are away in the outage.
OUTAGE = 60.0
#: What a worker leaves with when a broker does not do its part: it is started again.
LEFT = frozenset({1})


def brokers(count: int, properties: str = "") -> Brokers:
    """Return what starts a cluster for one fault."""

    @contextmanager
    def start(folder: Path) -> Iterator[str]:
        with Cluster(folder / "brokers", count, properties) as cluster:
            RUNNING[folder] = cluster
            try:
                yield cluster.address
            finally:
                del RUNNING[folder]

    return start


def end_again_and_again(end: Callable[[Node], None], away: float) -> Callable[[Chaos], None]:
    """Return a strike that ends a node and brings it back ``away`` seconds later, and then waits for lag 0."""

    def strike(chaos: Chaos) -> None:
        nodes = RUNNING[chaos.folder].nodes
        chaos.start_workers(2, static=1)
        for number in range(chaos.times):
            chaos.pause(1, 3)
            node = nodes[number % len(nodes)]
            end(node)
            time.sleep(away)
            node.start()
            node.wait_until_it_answers()
            chaos.struck()
            chaos.wait_until_folded()

    return strike


FAULTS = (
    Fault(
        key="5-restart",
        title="the only broker: a clean restart",
        times=5,
        short=0,
        strike=end_again_and_again(Node.stop, 0),
        brokers=brokers(1),
        expected=LEFT,
    ),
    Fault(
        key="5-kill",
        title="the only broker: `kill -9`",
        times=5,
        short=1,
        strike=end_again_and_again(Node.kill, 0),
        brokers=brokers(1),
        expected=LEFT,
    ),
    Fault(
        key="5-outage",
        title=f"the only broker: away for {OUTAGE:.0f} s",
        times=1,
        short=0,
        strike=end_again_and_again(Node.kill, OUTAGE),
        brokers=brokers(1),
        expected=LEFT,
    ),
    Fault(
        key="5-markers",
        title="a broker that loses half the markers of a transaction whose owner dies",
        times=20,
        short=2,
        strike=kill_by(lambda chaos: ["--lose-markers", f"{chaos.random.randint(1, 20)}"]),
        brokers=brokers(1, UNCHECKED),
    ),
    Fault(
        key="9",
        title="one of three brokers: `kill -9`, back after 5 s",
        times=5,
        short=1,
        strike=end_again_and_again(Node.kill, 5),
        brokers=brokers(3),
        expected=LEFT,
        settings={"STREAKLINE_REPLICATION_FACTOR": "3"},
    ),
)
