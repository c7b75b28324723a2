"""4, 5 and 6 too: transactions that their owner leaves open, that the broker refuses, that a producer aborts."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from app.domain.published import OUTPUTS
from tests.chaos.fault import Fault
from tests.chaos.faults.groups import SESSION
from tests.chaos.points import STOPS
from tests.chaos.traffic import Mix, Traffic
from tests.support.topics import configure

if TYPE_CHECKING:
    from tests.chaos.harness import Chaos
    from tests.chaos.supervisor import Slot
    from tests.support.deployment import Deployment

#: Messages of one transaction.
SIZE = 500

#: Bytes of the largest batch that a topic takes: none but the markers of transactions, and the broker's default.
#: Without room for its markers a transaction would never end, and nobody could take its id over.
MARKERS, ANYTHING = 100, 1_048_588


#: Seconds that a worker has to come to a transaction that publishes something, and another to take over.
COMES_THERE = 120.0


def stop_before_write(chaos: Chaos) -> None:
    """Stop a worker that is about to write a transaction, see ``_stop``."""
    _stop(chaos, "write")


def stop_before_commit(chaos: Chaos) -> None:
    """Stop a worker with all of a transaction written, see ``_stop``."""
    _stop(chaos, "commit")


def _stop(chaos: Chaos, before: str) -> None:
    """Have a worker stop, and let it go on when another has taken its partitions over."""
    started = 0

    def arguments() -> list[str]:
        nonlocal started
        started += 1
        return ["--stop-before", f"{before}:{chaos.random.randint(1, 20)}"] if started <= chaos.times else []

    partitions = chaos.deployment.settings.partitions
    [heir] = chaos.start_workers(1, static=1)
    victim = chaos.workers.start(static=True, arguments=arguments)
    for _ in range(chaos.times):
        victim.wait_until(lambda: STOPS in victim.log, "stop", COMES_THERE)
        openings = victim.openings
        time.sleep(SESSION)
        heir.wait_until(lambda: _owns_all(heir, partitions), "take over all partitions", COMES_THERE)
        victim.thaw()
        victim.wait_until_open_again(openings)
        chaos.struck()


def _owns_all(slot: Slot, partitions: int) -> bool:
    opened = [line for line in slot.log.splitlines() if "folding: " in line]
    numbers = " ".join(str(number) for number in range(partitions))
    return bool(opened) and opened[-1].endswith(f"folding: callers {numbers}, gateway 0")


def abort(chaos: Chaos) -> None:
    """Send events in transactions that are aborted; they bear identities of events that do happen."""
    chaos.start_workers(2)
    deployment = chaos.deployment
    traffic = Traffic(
        chaos.random.getrandbits(32), deployment.settings.partitions, deployment.home, Mix(bad=0.05)
    )
    for _ in range(chaos.times):
        deployment.send(traffic.take(SIZE), abort=True)
        chaos.struck()
        chaos.pause(0.1, 1)


def refuse(chaos: Chaos) -> None:
    """Have the output topics take nothing for a while: workers cannot commit, and leave again and again."""
    slots = chaos.start_workers(2, static=2)
    for _ in range(chaos.times):
        for slot in slots:
            slot.wait_until_folding()
        chaos.pause(0, 1)
        asyncio.run(_limit_outputs(chaos.deployment, MARKERS))
        chaos.pause(2, 4)
        asyncio.run(_limit_outputs(chaos.deployment, ANYTHING))
        chaos.struck()
        chaos.wait_until_folded()


async def _limit_outputs(deployment: Deployment, size: int) -> None:
    topics = [deployment.around.output_topic(output) for output in OUTPUTS]
    await configure(deployment.settings, topics, {"max.message.bytes": str(size)})


FAULTS = (
    Fault(
        key="4-write",
        title="SIGSTOP before a transaction, SIGCONT when another has taken over",
        times=4,
        short=0,
        strike=stop_before_write,
        session=SESSION,
        expected=frozenset({1}),
    ),
    Fault(
        key="4-commit",
        title="SIGSTOP before a commit, SIGCONT when another has taken over",
        times=4,
        short=0,
        strike=stop_before_commit,
        session=SESSION,
        expected=frozenset({1}),
    ),
    Fault(
        key="5-refusal",
        title="a broker that refuses what is published for some seconds",
        times=4,
        short=0,
        strike=refuse,
        expected=frozenset({1}),
    ),
    Fault(
        key="6-aborted",
        title=f"transactions of {SIZE} events that their producer aborts",
        times=20,
        short=0,  # tests/kafka/test_aborted.py
        strike=abort,
    ),
)
