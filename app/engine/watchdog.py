"""The watchdog: a worker that has partitions and something to fold, but gets nowhere, must leave."""

import asyncio
import faulthandler
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from app.engine.leave import leave
from app.engine.progress import Offsets, Progress
from app.engine.sources import Sources

if TYPE_CHECKING:
    from app.engine.app import App

logger = logging.getLogger(__name__)

#: Seconds without progress after which a worker leaves, and how often it is looked at meanwhile.
STUCK_AFTER = 60.0
LOOKS = 6

#: Seconds that the thread has to end.
STOP_WITHIN = 2.0


class Watchdog(Service):
    """Looks after the tasks from a thread of its own: a fold that hangs would hold it up in any other."""

    logger = logging.getLogger("faust")

    def __init__(
        self, app: "App", kafka_options: Mapping[str, Any], *, stuck_after: float = STUCK_AFTER
    ) -> None:
        super().__init__()
        self._app = app
        self._kafka_options = kafka_options
        self._every = stuck_after / LOOKS
        self._progress = Progress(stuck_after)
        self._generation = -1
        #: How far each partition holds nothing but transaction markers, aborted and compacted records.
        self._nothing_up_to: dict[TopicPartition, int] = {}
        self._blind = False
        self._done = asyncio.Event()
        self._thread_loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    async def on_start(self) -> None:
        """Begin to look."""
        self._thread.start()

    async def on_stop(self) -> None:
        """Look no more."""
        self._thread_loop.call_soon_threadsafe(self._done.set)
        await asyncio.to_thread(self._thread.join, STOP_WITHIN)

    def _run(self) -> None:
        try:
            self._thread_loop.run_until_complete(self._watch())
        except Exception as exc:  # noqa: BLE001 - a watchdog that is gone must not go unnoticed
            leave("the watchdog failed", exc)
        finally:
            self._thread_loop.close()

    async def _watch(self) -> None:
        while not self._done.is_set():
            try:
                async with Sources(self._kafka_options) as sources:
                    while await self._sleep():
                        await self._look(sources)
            except (KafkaError, TimeoutError, OSError) as exc:
                if not self._blind:
                    logger.warning("where the sources end cannot be asked, no watchdog meanwhile: %s", exc)
                self._blind = True
                await self._sleep()

    async def _sleep(self) -> bool:
        """Wait until it is time to look; return False as soon as there is nothing to look after any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._done.wait()
        return not self._done.is_set()

    async def _look(self, sources: Sources) -> None:
        app, generation = self._app, self._app.consumer_generation_id
        # Nothing is owned while partitions are taken away or restored.
        positions = app.tasks.committed()
        if not positions or generation != self._generation:
            self._generation = generation
            self._progress.forget()
        if not positions:
            return
        async with asyncio.timeout(2 * self._every):
            ends = await self._foldable_ends(sources, positions)
        if self._blind:
            logger.warning("where the sources end can be asked again")
        self._blind = False
        stuck = self._progress.look(time.monotonic(), positions, ends)
        if stuck and app.tasks.any_open and app.consumer_generation_id == generation:
            faulthandler.dump_traceback()  # where every thread is: no values, lines of code only
            more = f" ({len(stuck) - 1} more partitions are stuck)" if len(stuck) > 1 else ""
            leave(f"{stuck[0]}{more}")

    async def _foldable_ends(self, sources: Sources, positions: Offsets) -> dict[TopicPartition, int]:
        """Return where the sources end; a partition that holds nothing to fold any more ends at its position.

        Only one that stands still is looked into.
        """
        ends = await sources.ends(positions)
        for tp, end in ends.items():
            position = positions[tp]
            if position < end and self._nothing_up_to.get(tp) != end:
                standing = self._progress.is_at(tp, position)
                if standing and await sources.hold_nothing(tp, position, end):
                    self._nothing_up_to[tp] = end
            if self._nothing_up_to.get(tp) == end:
                ends[tp] = position
        return ends
