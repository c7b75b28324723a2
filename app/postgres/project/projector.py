"""Keeping tables equal to the changelogs: read, turn into rows of SQL, write, and again."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from aiokafka.errors import KafkaError

from app.domain.measures import Measures
from app.local.files import Report
from app.postgres.connection import connect
from app.postgres.project.batch import CALLER_TABLES, GATEWAY_TABLES, Batch, Place
from app.postgres.project.errors import ProjectionError
from app.postgres.project.follower import Follower
from app.postgres.project.projection import Projection
from app.postgres.project.store import Store
from app.postgres.schema import grant_reading, migrate
from app.settings import Settings
from app.topics import Surroundings
from tables.codec import UnreadableRowError

#: Rows that wait at most while others are written; more are left to Kafka.
_MOST_WAITING: Final = 50_000

#: Seconds to wait for rows: with nothing to write, and while there is.
_IDLE: Final = 0.2
_BUSY: Final = 0.01

#: Seconds between two looks whether broker and database are still there, and two lines about the work.
_LOOK_EVERY: Final = 5.0
_TELL_EVERY: Final = 60.0

#: Called with a line for the person who runs it.
Say = Callable[[str], None]

#: Makes what shows long work as it goes, for as long as it takes.
MakeProgress = Callable[[], AbstractContextManager[Report]]


async def project(
    settings: Settings, stop: asyncio.Event, progress: MakeProgress, say: Say, *, rebuild: bool, once: bool
) -> None:
    """Keep the tables equal to the changelogs until ``stop`` is set; with ``once`` until they are equal.

    ``rebuild`` empties the tables first. Raises ``StreaklineError`` with one line where anything is in
    the way. Nothing is lost by that: the next start goes on from the offsets in the database.
    """
    opening = settings.baseline
    baseline = Measures(tokens_saved=opening.tokens_saved, cost_saved=opening.cost_saved)
    places = [
        *(Place(table, number) for table in CALLER_TABLES for number in range(settings.partitions)),
        *(Place(table, 0) for table in GATEWAY_TABLES),
    ]
    try:
        async with (
            connect(settings, "streakline project") as connection,
            Follower(settings, places) as follower,
        ):
            store = Store(connection, Surroundings.of(settings), places)
            await store.lock()
            for name in await migrate(connection):
                say(f"applied {name} to the schema streakline")
            if notice := await grant_reading(connection):
                say(notice)
            await follower.begin(await store.prepare(rebuild=rebuild))
            projection = Projection(baseline)
            await store.write(projection.restore(await store.shares()))
            await Projector(follower, store, projection, progress, say).run(stop, once=once)
    except UnreadableRowError as error:
        raise ProjectionError(
            f"a changelog cannot be read, was it written by another release? {error}"
        ) from error
    except KafkaError as error:
        raise ProjectionError(f"Kafka at {settings.bootstrap_servers} says: {error!r}") from error


class Projector:
    """Reads while it writes: what comes meanwhile is the next batch, small when idle and large under load."""

    def __init__(
        self, follower: Follower, store: Store, projection: Projection, progress: MakeProgress, say: Say
    ) -> None:
        self._follower = follower
        self._store = store
        self._projection = projection
        self._progress = progress
        self._say = say
        self._batch = Batch()
        self._writing: asyncio.Task[None] | None = None
        self._rows = 0
        self._looked = time.monotonic()

    async def run(self, stop: asyncio.Event, *, once: bool) -> None:
        """Write what there is, then what comes, until stopped; with ``once`` only what there is."""
        try:
            if await self._catch_up(stop) and not once:
                await self._keep_up(stop)
            await self._written()
        finally:
            if self._writing is not None:
                self._writing.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await self._writing

    async def _catch_up(self, stop: asyncio.Event) -> bool:
        """Write all rows that there are now; return whether nobody stopped it."""
        began, ends = time.monotonic(), await self._follower.ends()
        positions = await self._follower.positions()
        first = sum(positions.values())
        total = sum(max(0, ends[place] - at) for place, at in positions.items())
        with self._progress() as report:
            while any(at < ends[place] for place, at in positions.items()):
                report("catching up with the changelogs, in offsets", sum(positions.values()) - first, total)
                if stop.is_set():
                    return False
                await self._step()
                positions = await self._follower.positions()
            await self._flush()
        self._say(f"the tables equal the changelogs: {self._rows:,} rows in {time.monotonic() - began:.1f} s")
        return True

    async def _keep_up(self, stop: asyncio.Event) -> None:
        told, rows = time.monotonic(), self._rows
        while not stop.is_set():
            await self._step()
            if time.monotonic() - told > _TELL_EVERY:
                if self._rows > rows:
                    behind = await self._behind()
                    self._say(f"{self._rows - rows:,} rows in the last minute, {behind:,} offsets behind")
                told, rows = time.monotonic(), self._rows

    async def _step(self) -> None:
        """Read what has come, and have it written as soon as what came before is."""
        fetched = await self._follower.poll(_BUSY if self._batch.taken else _IDLE)
        for place, records in fetched.items():
            self._batch.take(place, records)
        if self._writing is not None and (self._writing.done() or self._batch.taken >= _MOST_WAITING):
            await self._written()
        if self._writing is None and self._batch.taken:
            self._writing = asyncio.create_task(self._write(self._batch))
            self._batch = Batch()
        if self._writing is None and time.monotonic() - self._looked > _LOOK_EVERY:
            await self._store.ping()
            await self._follower.ends()
            self._looked = time.monotonic()

    async def _write(self, batch: Batch) -> None:
        await self._store.write(self._projection.changes(batch))
        self._rows += batch.taken

    async def _written(self) -> None:
        """Wait until what is being written is; raises what went wrong with it."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _flush(self) -> None:
        await self._written()
        batch, self._batch = self._batch, Batch()
        await self._write(batch)

    async def _behind(self) -> int:
        positions, ends = await self._follower.positions(), await self._follower.ends()
        return sum(max(0, ends[place] - at) for place, at in positions.items())
