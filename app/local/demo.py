"""The demo: a Kafka, topics, a worker and a view of its own, six weeks of traffic, and a check of the result.

Nothing is left behind: the topics have a prefix of this run and are deleted, worker and view are stopped, and
so is the Kafka if the demo started it.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest
from typing import Any, Protocol

from app.domain.measures import Measures
from app.domain.published import Published
from app.errors import StreaklineError
from app.factory import topic_specs
from app.local.demo_program import Program
from app.local.demo_setup import answers, dashboard, delete_topics, from_home
from app.local.demo_traffic import Folded, Sender, Totals, sender
from app.local.sample import traffic, trickle
from app.provision import Provisioner
from app.settings import Settings
from app.view.follow import Follower
from app.view.reader import ScopeReader
from app.view.scope_rows import ScopeState
from tables.publishing import GATEWAY, scope_name

SEED = 7

#: Seconds until the view must answer.
FIRST_ANSWER = 60.0
#: Seconds until the worker must have folded: its first event, and all of them once they are sent.
_FIRST_UNLOCK = 60.0
_ALL_FOLDED = 60.0
_TOP_CALLERS = 5


class DemoError(StreaklineError):
    """What streakline counted is not what was sent, or took too long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo has shown: the gateway, the busiest callers, and what all of it is compared with."""

    gateway: ScopeState
    callers: Sequence[ScopeState]
    sent: Totals
    seconds: float


class Screen(Protocol):
    """What the demo tells as it goes."""

    def step(self, done: str) -> None:
        """Say that a piece of the set-up is done."""

    def doing(self, what: str) -> None:
        """Say what is under way."""

    def progress(self, at: datetime | None, folded: int, total: int) -> None:
        """Say how far the traffic is: when it is now, events folded, events in all (0: nobody knows)."""

    def published(self, message: Published) -> None:
        """Take a message of the output topics."""

    def finale(self, outcome: Outcome) -> None:
        """Show what has become of the traffic."""


class Demo:
    """One run, on a Kafka that runs. ``own`` is what `own_environ` returned; ``settings`` have it already."""

    def __init__(self, settings: Settings, own: Mapping[str, str], screen: Screen) -> None:
        self._settings = settings
        self._screen = screen
        self._worker = Program("worker", own, settings.data_dir)
        self._view = Program("view", own, settings.data_dir)
        self._dashboard = dashboard(own)
        self._folded = Folded(settings)
        self._reader = ScopeReader(settings)
        self._unlocked = asyncio.Event()
        #: Set when all sample traffic is folded and shown; only then is Ctrl-C the way to end.
        self.is_shown = False

    async def run(self, seconds: float, *, stay: bool) -> None:
        """Send the sample traffic in ``seconds`` and show what becomes of it; ``stay``: then go on, live.

        Raises ``StreaklineError`` when the result is not exactly what was sent, or the worker ends.
        """
        self._screen.step(f"Apache Kafka on {self._settings.bootstrap_servers}")
        async with AsyncExitStack() as stack:
            topics = await self._create_topics()
            stack.push_async_callback(self._delete_topics, topics)
            self._screen.doing("starting a worker and a view")
            await stack.enter_async_context(self._worker)
            await stack.enter_async_context(self._view)
            follower = await stack.enter_async_context(Follower(self._settings, from_beginning=True))
            sending = await stack.enter_async_context(sender(self._settings))
            stack.callback(self._begin_to_stop)
            await first_of(
                self._play(sending, seconds, stay=stay),
                self._show_published(follower),
                self._folded.follow(),
                self._worker.died(),
                self._view.died(),
            )

    async def _play(self, sending: Sender, seconds: float, *, stay: bool) -> None:
        await self._view.wait_for(answers(self._dashboard), FIRST_ANSWER, "the view does not answer")
        self._screen.step(f"the dashboard is at {self._dashboard}")
        samples = list(traffic(SEED, datetime.now(UTC)))
        await sending.send(samples[:1])
        late = "the worker has not folded the first event"
        await self._worker.wait_for(self._unlocked.wait(), _FIRST_UNLOCK, late)
        began = time.monotonic()
        async with _beside(self._show_progress(sending, len(samples))):
            await sending.play(samples[1:], seconds)
            gateway = await self._all_folded(sending.sent)
        took = time.monotonic() - began
        self._screen.finale(Outcome(gateway, await self._top_callers(), sending.sent, took))
        self.is_shown = True
        if stay:
            async with _beside(self._show_progress(sending, 0)):
                await sending.trickle(trickle(SEED))

    def _begin_to_stop(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must leave nothing behind
        self._screen.doing("stopping the worker and the view")

    async def _create_topics(self) -> list[str]:
        self._screen.doing("creating topics")
        async with Provisioner(self._settings) as provisioner:
            created = await provisioner.create(topic_specs(self._settings))
        self._screen.step(f"{len(created)} topics, all {self._settings.topic_prefix}*")
        return created

    async def _delete_topics(self, topics: Sequence[str]) -> None:
        self._screen.doing("removing the topics")
        await delete_topics(self._settings, topics)

    async def _show_published(self, follower: Follower) -> None:
        async for followed in follower.messages():
            if not self._unlocked.is_set():
                self._screen.step(f"a worker folds (its log: {from_home(self._worker.log_file)})")
                self._unlocked.set()
            self._screen.published(followed.message)

    async def _show_progress(self, sending: Sender, total: int) -> None:
        while True:
            self._screen.progress(sending.at, self._folded.events, total)
            await asyncio.sleep(0.1)

    async def _all_folded(self, sent: Totals) -> ScopeState:
        """Return the gateway when all is folded. Raises ``DemoError`` if its totals are not what was sent."""
        late = f"the worker has not folded all {sent.events:,} events"
        await self._worker.wait_for(self._folded.reach(sent.events), _ALL_FOLDED, late)
        # The gateway's stage comes after the partitions: a little later, and forwarded events later still.
        deadline = time.monotonic() + _ALL_FOLDED
        while True:
            gateway = await self._reader.read(GATEWAY)
            wrong = _differences(gateway.measures, self._settings, sent)
            if not wrong:
                break
            if time.monotonic() > deadline:
                raise DemoError("; ".join(wrong))
            await asyncio.sleep(0.2)
        counted = {caller: row.requests for caller, row in (await self._reader.callers()).items()}
        for caller, requests in sent.requests.items():
            if counted.get(caller, 0) != requests:
                raise DemoError(
                    f"{requests} requests of {caller} were sent, {counted.get(caller, 0)} are counted"
                )
        return gateway

    async def _top_callers(self) -> list[ScopeState]:
        callers = await self._reader.callers()
        top = nlargest(_TOP_CALLERS, callers, key=lambda caller: callers[caller].tokens_saved)
        return [await self._reader.read(scope_name(caller)) for caller in top]


def _differences(counted: Measures, settings: Settings, sent: Totals) -> list[str]:
    """Return what of the gateway's totals is not what was sent, beyond its opening balance."""
    opening = settings.baseline
    pairs = {
        "requests": (counted.requests, sent.requests.total()),
        "callers": (counted.callers, len(sent.requests)),
        "cache hits": (counted.cache_hits, sent.cache_hits),
        "tokens saved": (counted.tokens_saved - opening.tokens_saved, sent.tokens_saved),
        "nano-dollars saved": (counted.cost_saved - opening.cost_saved, sent.cost_saved),
    }
    return [
        f"{want:,} {name} were sent, {have:,} are counted"
        for name, (have, want) in pairs.items()
        if have != want
    ]


@asynccontextmanager
async def _beside(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something that does not end by itself beside the block."""
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def first_of(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, and end the others; raises what that one raised."""
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
