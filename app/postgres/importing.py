"""`streakline import`: the history of a gateway's tables, up to a cut-over, and what comes behind it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from psycopg import IsolationLevel
from psycopg.types.json import set_json_loads

from app.errors import StreaklineError
from app.postgres.catalog import QUERIES, find
from app.postgres.chunks import chunks
from app.postgres.connection import DatabaseError, connect
from app.postgres.import_state import Position, read_state
from app.postgres.reading import Reading, Tally
from app.postgres.sources import CACHE, SOURCES
from app.provision import Provisioner, TopicsError
from app.topics import IMPORT, INPUTS, Surroundings, specs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from app.local.files import Report
    from app.postgres.catalog import Table
    from app.postgres.chunks import Chunks
    from app.postgres.connection import Connection
    from app.settings import Settings

#: Seconds that a row's time may lie before the beginning of its transaction, if the gateway's clock sets it.
MARGIN: Final = 300

#: Seconds after which it is written down how far all is followed, though nothing came.
_WRITTEN_DOWN_AFTER = 2.0
#: A table without an index that finds what changed is compared in full, for at most this share of the time.
_SHARE_OF_COMPARING = 0.05


class CutOverError(StreaklineError):
    """The cut-over contradicts what was imported before."""


class Running(NamedTuple):
    """What still runs in the database: since when, the same with the margin, and what makes it unknown."""

    since: str
    floor: str
    is_hidden: bool
    has_prepared: bool
    is_replica: bool


class Import:
    """One run of an import. Made by ``importing``."""

    def __init__(
        self, connection: Connection, tables: Sequence[Table], chunks: Chunks, reading: Reading
    ) -> None:
        self.state = reading.state
        self.tables = tables
        self._connection = connection
        self._chunks = chunks
        self._reading = reading

    @property
    def tally(self) -> Tally:
        """Return what this run has done."""
        return self._reading.tally

    # -- history -------------------------------------------------------------------------------------------

    async def cut_over(self, before: datetime | None, tell: Callable[[str], None]) -> str:
        """Return the cut-over as the database writes it, once no transaction that began before it still runs.

        Without one, it is the beginning of the oldest transaction that runs, or now.
        """
        running = await self._running()
        if before is None:
            return running.since
        cursor = await self._connection.execute("SELECT %s::timestamptz::text", (before.isoformat(),))
        [until] = await cursor.fetchone() or ("",)
        told = False
        while _moment(running.since) < before:
            if not told:
                tell(
                    f"waiting for a transaction that began at {running.since}: it may add rows before {until}"
                )
            told = True
            await asyncio.sleep(0.5)
            running = await self._running()
        return str(until)

    async def history(self, until: str) -> None:
        """Import all rows before ``until`` that are not imported yet."""
        for table in self.tables:
            position = self.state.positions.get(table.name)
            if position is not None and position.horizon is not None:
                raise CutOverError(f"{table.name} is followed already: start the import with --follow")
            await self._history_of(table, until, position)
        await self._chunks.flush()

    async def _history_of(self, table: Table, until: str, position: Position | None) -> None:
        if position is not None and _moment(until) < _moment(position.until):
            raise CutOverError(
                f"{table.name} is imported up to {position.until}, or is to be: --before cannot be earlier"
            )
        if position is None:
            position = Position(until=until)
        elif position.is_done and _moment(position.until) < _moment(until):
            position = Position(until=until, since=position.until, rows=position.rows)
        async with self._snapshot() as (_, now):
            if not table.source.grows_only:
                position = msgspec.structs.replace(position, until=until, is_done=True)
                await self._reading.compare(table, position, now)
                await self._chunks.put([self.state.put_position(table.name, position)])
                return
            await self._reading.again(table, now)
            if not position.is_done:
                await self._reading.history(table, position, await self._estimate(table), now)
        if _moment(position.until) < _moment(until):  # another run's cut-over came first
            await self._history_of(table, until, self.state.positions[table.name])

    async def not_before(self, until: str) -> dict[str, int]:
        """Return how many rows of each table are not before the cut-over, where there are any."""
        counts = {}
        for table in self.tables:
            if table.source.grows_only or (table.source is CACHE and table.time is not None):
                cursor = await self._connection.execute(table.format("rows_not_before"), {"until": until})
                [count] = await cursor.fetchone() or (0,)
                counts[table.name] = int(count)
        return {name: count for name, count in counts.items() if count}

    # -- what comes behind it ------------------------------------------------------------------------------

    async def follow(self, interval: float) -> AsyncIterator[None]:
        """Import the history, then for ever what is new; yield after each look.

        Raises ``DatabaseError`` where new rows could not be found, or not surely.
        """
        for table in self.tables:
            if table.source.grows_only or table.source is CACHE:
                table.require_index()
        await self._begin_to_follow()
        compared = {table.name: 0.0 for table in self.tables if not table.source.grows_only}
        written_down = time.monotonic()
        while True:
            before = self.tally.events.total()
            running = await self._running(to_follow=True)
            async with self._snapshot() as (horizon, now):
                for table in self.tables:
                    await self._look(table, horizon, running, now, compared)
            if self.tally.events.total() > before or time.monotonic() - written_down > _WRITTEN_DOWN_AFTER:
                written_down = time.monotonic()
                positions = self.state.positions
                await self._chunks.put([self.state.put_position(name, positions[name]) for name in positions])
            await self._chunks.flush()
            yield
            await asyncio.sleep(interval)

    async def _begin_to_follow(self) -> None:
        """Import the history of each table up to where it is followed from."""
        running = await self._running(to_follow=True)
        for table in self.tables:
            position = self.state.positions.get(table.name)
            if position is None or position.horizon is None:
                until = running.floor
                if position is not None and _moment(position.until) > _moment(until):
                    until = position.until
                await self._history_of(table, until, position)
                position = self.state.positions[table.name]
                position = msgspec.structs.replace(position, horizon=0, floor=position.until)
                await self._chunks.put([self.state.put_position(table.name, position)])
            elif table.source.grows_only:
                async with self._snapshot() as (_, now):
                    await self._reading.again(table, now)
        await self._chunks.flush()

    async def _look(
        self, table: Table, horizon: int, running: Running, now: datetime, compared: dict[str, float]
    ) -> None:
        """Import what is new in a table. The snapshot must be younger than ``running``."""
        name, position = table.name, self.state.positions[table.name]
        assert position.floor is not None
        if horizon < (position.horizon or 0):
            raise DatabaseError(
                f"the database is younger than what was imported of {name}: another one, or restored from a "
                "backup? Import it under another STREAKLINE_APP_ID, or go back to the one before"
            )
        if position.target is None:
            floor = position.floor
            if not running.has_prepared and _moment(running.floor) > _moment(floor):
                floor = running.floor
            position = msgspec.structs.replace(position, target=(horizon, floor))
        if table.source.grows_only:
            position = await self._reading.settled(table, position, now)
        elif table.source is CACHE:
            position = await self._reading.changed(table, position, now)
        elif time.monotonic() >= compared[name]:
            began = time.monotonic()
            await self._reading.compare(table, position, now)
            compared[name] = time.monotonic() + (time.monotonic() - began) / _SHARE_OF_COMPARING
            position = msgspec.structs.replace(position, target=None, horizon=horizon)
        else:
            position = msgspec.structs.replace(position, target=None)
        self.state.positions[name] = position

    # -- the database --------------------------------------------------------------------------------------

    async def _running(self, *, to_follow: bool = False) -> Running:
        cursor = await self._connection.execute(QUERIES["running"], {"margin": MARGIN})
        running = Running(*(await cursor.fetchone() or ()))
        if running.is_hidden:
            raise DatabaseError(
                "sessions of other roles hide since when their transactions run, so that late rows could be "
                "missed: GRANT pg_read_all_stats to the role of the import"
            )
        if to_follow and running.is_replica:
            raise DatabaseError("a replica does not know which transactions run: follow the primary server")
        return running

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[tuple[int, datetime]]:
        """Begin to read what is there now; yield the horizon of transactions, and the time by the server."""
        async with self._connection.transaction():
            cursor = await self._connection.execute(QUERIES["horizon"])
            row = await cursor.fetchone()
            assert row is not None
            yield row[0], row[1]

    async def _estimate(self, table: Table) -> int:
        cursor = await self._connection.execute(QUERIES["estimate"], {"table": table.name})
        row = await cursor.fetchone()
        return int(row[0]) if row else 0


@asynccontextmanager
async def importing(settings: Settings, report: Report) -> AsyncIterator[Import]:
    """Yield the only import of the deployment; an older one that still runs is ended.

    Raises ``StreaklineError`` where the database, the broker or one of the topics is not as it must be.
    """
    around = Surroundings.of(settings)
    async with connect(settings, "streakline import") as connection:
        tables = [table for source in SOURCES if (table := await find(connection, source))]
        for table in tables:
            if table.source.grows_only:
                table.require(table.source.times)
        await _require_topics(settings, around)
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        set_json_loads(_as_it_is, connection)  # a row is an event as the database writes it
        async with chunks(settings) as writer:
            state = await read_state(settings)
            reading = Reading(connection, around, writer, state, report)
            yield Import(connection, tables, writer, reading)


async def _require_topics(settings: Settings, around: Surroundings) -> None:
    needed = {around.topic(name) for name in (*INPUTS, IMPORT)}
    async with Provisioner(settings) as provisioner:
        findings = await provisioner.check([spec for spec in specs(around, {}) if spec.name in needed])
    if problems := [finding for finding in findings if finding.problem]:
        raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")


def _as_it_is(json: str | bytes) -> bytes:
    return json.encode() if isinstance(json, str) else bytes(json)


def _moment(text: str) -> datetime:
    """Return a time that the database wrote."""
    return datetime.fromisoformat(text)
