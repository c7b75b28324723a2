"""Runs a fault: topics, producer and supervised workers around it, the wait for lag 0 and the verdict after it."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from tests.chaos.fault import Outcome
from tests.chaos.judge import judge
from tests.chaos.sender import Sender
from tests.chaos.state import Found
from tests.chaos.supervisor import Supervisor
from tests.chaos.traffic import Traffic
from tests.support.deployment import Deployment
from tests.support.lag import Lag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.chaos.fault import Fault, Progress
    from tests.chaos.supervisor import Slot


class Chaos:
    """What a fault has in its hands while it strikes."""

    def __init__(
        self,
        fault: Fault,
        *,
        times: int,
        seed: int,
        deployment: Deployment,
        workers: Supervisor,
        progress: Progress,
    ) -> None:
        self.fault = fault
        #: How often it is to strike.
        self.times = times
        self.random = random.Random(seed)
        self.deployment = deployment
        #: Of this fault alone; its brokers were started with the same.
        self.folder = workers.folder
        #: Supervised: what leaves is started again.
        self.workers = workers
        #: The longest time from a strike to everything being folded, in seconds.
        self.recovery = 0.0
        self.sender: Sender
        self._progress = progress
        self._struck = 0
        self._last_strike = time.monotonic()

    def start_workers(self, count: int, *, static: int = 0) -> list[Slot]:
        """Start workers, the first ``static`` of them with lasting names; return when the first one folds."""
        slots = [self.workers.start(static=number < static) for number in range(count)]
        slots[0].wait_until_folding()
        return slots

    def pause(self, shortest: float, longest: float) -> None:
        """Wait for a random number of seconds."""
        time.sleep(self.random.uniform(shortest, longest))

    def struck(self) -> None:
        """Say that the fault has happened once more: tells the progress, and time is taken from here on."""
        self._struck += 1
        self._last_strike = time.monotonic()
        self._progress(self.fault.title, self._struck, self.times)

    def wait_until_folded(self, patience: float | None = None) -> float:
        """Return when all that is in the inputs now is folded; seconds since the last strike, noted as recovery."""
        asyncio.run(self._wait_until_folded(patience or self.fault.patience))
        seconds = time.monotonic() - self._last_strike
        self.recovery = max(self.recovery, seconds)
        return seconds

    async def _wait_until_folded(self, patience: float) -> None:
        async with Lag(self.deployment.settings) as lag:
            await lag.wait_until_folded(patience)


def run(
    fault: Fault,
    address: str,
    folder: Path,
    progress: Progress,
    *,
    seed: int,
    short: bool = False,
    arguments: Sequence[str] = (),
) -> Outcome:
    """Run a fault and judge it. ``address`` is of the shared broker; ``arguments`` are for every worker.

    Raises ``AssertionError`` where workers do not do what they have to, which a broken safeguard may cause too.
    """
    began = time.monotonic()
    times = fault.short if short else fault.times
    events = (fault.short_events if short else None) or fault.events
    session = [] if fault.session is None else ["--session", str(fault.session)]
    with ExitStack() as stack:
        brokers = fault.brokers(folder) if fault.brokers is not None else nullcontext(address)
        deployment = Deployment(stack.enter_context(brokers), folder, **fault.settings)
        deployment.run("topics", "create")
        settings, around = deployment.settings, deployment.around
        workers = stack.enter_context(Supervisor(deployment.environ, folder, [*session, *arguments]))
        workers.expected = fault.expected
        chaos = Chaos(
            fault, times=times, seed=seed, deployment=deployment, workers=workers, progress=progress
        )
        traffic = Traffic(seed, settings.partitions, deployment.home, fault.mix)
        progress(fault.title, 0, times)
        with Sender(settings, around, traffic, rate=fault.rate, limit=events) as chaos.sender:
            fault.strike(chaos)
            if events is not None:
                chaos.sender.wait()
        chaos.wait_until_folded()
        workers.retire_all()
        verdict = judge(Found(settings))
        return Outcome(fault, times, verdict, chaos.recovery, time.monotonic() - began, workers.departures)
