"""Reading a table of the gateway into Kafka: its history once, then what is new, and what has changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.sql import SQL

from app.domain.events import BadMessage
from app.engine.fold import Message
from app.postgres.import_state import Position, Refused
from app.postgres.row_events import CHANGES, Sending, row_of, subscription_gone
from app.postgres.sources import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from psycopg.sql import Composable, Composed

    from app.local.files import Report
    from app.postgres.catalog import Table
    from app.postgres.chunks import Chunks
    from app.postgres.connection import Connection
    from app.postgres.import_state import ImportState
    from app.topics import Surroundings

#: Rows of one transaction.
CHUNK = 20_000

#: Seconds in which the question for the next chunk goes out.
_ASKED_WITHIN = 0.001

#: A row as it is read: the JSON of its event, its time and its key, both as texts of the database.
Row = tuple[Any, ...]


@dataclass(slots=True)
class Tally:
    """What was done in a run, by table."""

    rows: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)


class Reading:
    """Reads tables within transactions of one connection; keeps what was done in the state and the tally.

    All methods may be interrupted at any point and be called again, in this process or the next: what was
    committed is not sent again.
    """

    def __init__(
        self,
        connection: Connection,
        around: Surroundings,
        chunks: Chunks,
        state: ImportState,
        report: Report,
    ) -> None:
        self._connection = connection
        self._around = around
        self._chunks = chunks
        self.state = state
        self._report = report
        self.tally = Tally()

    # -- tables that only grow -----------------------------------------------------------------------------

    async def history(self, table: Table, position: Position, total: int, now: datetime) -> None:
        """Import the rows before ``position.until`` that are not yet, in the order of their time."""
        behind: Composable = SQL("TRUE")
        if position.after is not None:
            behind = table.behind(position.after)
        elif position.since is not None:
            behind = table.from_time(position.since)
        query = table.format("rows_before", after=behind)
        sending = Sending(table.source, self._around, now)
        async for rows in self._chunks_of(query, {"until": position.until}):
            messages = self._events(table, rows, sending)
            after = tuple(map(str, rows[-1][1:]))
            position = msgspec.structs.replace(position, after=after, rows=position.rows + len(rows))
            await self._chunks.put([*messages, self.state.put_position(table.name, position)])
            self._report(table.name, position.rows, max(total, position.rows))
        position = msgspec.structs.replace(position, after=None, is_done=True)
        await self._chunks.put([self.state.put_position(table.name, position)])

    async def settled(self, table: Table, position: Position, now: datetime) -> Position:
        """Import the rows of ``position.target``, a range of transactions; return the position behind it."""
        assert position.target is not None
        horizon, floor = position.target
        params = self._range(position)
        behind: Composable = SQL("TRUE") if position.after is None else table.behind(position.after)
        sending = Sending(table.source, self._around, now)
        async for rows in self._chunks_of(table.format("rows_settled", after=behind), params):
            messages = self._events(table, rows, sending)
            after = tuple(map(str, rows[-1][1:]))
            position = msgspec.structs.replace(position, after=after, rows=position.rows + len(rows))
            await self._chunks.put([*messages, self.state.put_position(table.name, position)])
        async for rows in self._chunks_of(table.format("rows_settled_without_time"), params):
            await self._chunks.put(self._events(table, rows, sending))
        return msgspec.structs.replace(position, after=None, target=None, horizon=horizon, floor=floor)

    async def again(self, table: Table, now: datetime) -> None:
        """Look at the rows once more that were refused, and at those that have no time."""
        sending = Sending(table.source, self._around, now)
        refused = self.state.refused.get(table.name, {})
        if refused:
            rows = await self._all(table.format("rows_again"), {"keys": list(refused)})
            still_there = {_key(row[2:]) for row in rows}
            gone = [self.state.put_refused(table.name, key, None) for key in {*refused} - still_there]
            await self._chunks.put([*gone, *self._events(table, rows, sending)])
        async for rows in self._chunks_of(table.format("rows_without_time"), {}):
            await self._chunks.put(self._events(table, rows, sending))

    def _events(self, table: Table, rows: Sequence[Row], sending: Sending) -> list[Message]:
        """Return the events of rows, and notes about those that break the contract."""
        messages, notes, name = [], [], table.name
        refused = self.state.refused.get(name, {})
        make = sending.message
        for row in rows:
            try:
                messages.append(make(row[0]))
            except BadMessage as bad:
                notes += self._refuse(table, row, bad)
            else:
                if refused and (key := _key(row[2:])) in refused:
                    notes.append(self.state.put_refused(name, key, None))
        self.tally.rows[name] += len(rows)
        self.tally.events[name] += len(messages)
        return messages + notes

    # -- tables whose rows change --------------------------------------------------------------------------

    async def compare(self, table: Table, position: Position, now: datetime) -> None:
        """Import what all rows before ``position.until`` have become since they were last looked at."""
        before: Composable = SQL("TRUE")
        # Subscriptions are what there is now: they have no history that a cut-over could divide.
        if table.time is not None and table.source is not SUBSCRIPTIONS and position.horizon is None:
            before = table.before_time(position.until)
        name = table.name
        missing = set(self.state.known.get(name, {}))
        mended = set(self.state.refused.get(name, {}))
        done = 0
        async for rows in self._chunks_of(table.format("all_rows", before=before), {}):
            messages = self._changes(table, rows, position.until, now, missing)
            mended.difference_update(_key(row[2:]) for row in rows)
            await self._chunks.put(messages)
            self._report(name, done := done + len(rows), 0)
        if table.source is SUBSCRIPTIONS:
            await self._chunks.put(self._gone(table, missing, now))
        await self._chunks.put([self.state.put_refused(name, key, None) for key in sorted(mended)])

    async def changed(self, table: Table, position: Position, now: datetime) -> Position:
        """Import what rows have become that ``position.target`` wrote; return the position behind it."""
        assert position.target is not None
        horizon, floor = position.target
        query = table.format("rows_settled", after=SQL("TRUE"))
        async for rows in self._chunks_of(query, self._range(position)):
            await self._chunks.put(self._changes(table, rows, position.until, now, set()))
        return msgspec.structs.replace(position, target=None, horizon=horizon, floor=floor)

    def _changes(
        self, table: Table, rows: Sequence[Row], until: str, now: datetime, missing: set[str]
    ) -> list[Message]:
        """Return what rows have become, and what is known of them now; take them out of what is missing."""
        name, messages = table.name, list[Message]()
        sending, change_of = Sending(table.source, self._around, now), CHANGES[name]
        known, refused = self.state.known.get(name, {}), self.state.refused.get(name, {})
        for row in rows:
            try:
                values = row_of(row[0])
                if table.time is None:
                    values["created_at"] = _iso(until)
                key = _key([values[table.source.identity]])
                missing.discard(key)
                before = msgspec.json.decode(known[key]) if key in known else None
                change = change_of(sending, values, before)
                events = [sending.message(msgspec.json.encode(event)) for event in change.events]
            except BadMessage as bad:
                messages += self._refuse(table, row, bad)
                continue
            if events:
                messages += [*events, self.state.put_known(name, key, change.known)]
                known = self.state.known[name]
                self.tally.events[name] += len(events)
            if refused and _key(row[2:]) in refused:
                messages.append(self.state.put_refused(name, _key(row[2:]), None))
        self.tally.rows[name] += len(rows)
        return messages

    def _gone(self, table: Table, missing: set[str], now: datetime) -> list[Message]:
        """Return that subscriptions have no row any more."""
        sending = Sending(table.source, self._around, now)
        known = self.state.known.get(table.name, {})
        messages = []
        for key in sorted(each for each in missing if msgspec.json.decode(known[each])):
            change = subscription_gone(msgspec.json.decode(key)[0], now)
            messages += [sending.message(msgspec.json.encode(event)) for event in change.events]
            messages.append(self.state.put_known(table.name, key, change.known))
            self.tally.events[table.name] += 1
        return messages

    # -- both ----------------------------------------------------------------------------------------------

    def _refuse(self, table: Table, row: Row, bad: BadMessage) -> list[Message]:
        """Note that a row breaks the contract, unless that is known."""
        key = _key(row[2:])
        said = ", ".join(f"{column}={value}" for column, value in zip(table.key, row[2:], strict=True))
        refused = Refused(table.name, said, str(bad))
        if self.state.refused.get(table.name, {}).get(key) == refused:
            return []
        return [self.state.put_refused(table.name, key, refused)]

    def _range(self, position: Position) -> Mapping[str, Any]:
        assert position.target is not None
        horizon, _ = position.target
        span = horizon - position.horizon if position.horizon else _EVERY
        return {"floor": position.floor, "horizon": horizon, "span": min(span, _EVERY)}

    async def _chunks_of(self, query: Composed, params: Mapping[str, Any]) -> AsyncIterator[list[Row]]:
        """Yield rows in chunks from a cursor of the server, which keeps all others there.

        The server makes the next chunk while this one is worked on: meanwhile the connection is taken.
        """
        async with self._connection.cursor(name="streakline_import") as cursor:
            await cursor.execute(query, params)
            fetching = asyncio.create_task(cursor.fetchmany(CHUNK))
            try:
                while rows := await fetching:
                    fetching = asyncio.create_task(cursor.fetchmany(CHUNK))
                    await asyncio.sleep(_ASKED_WITHIN)
                    yield rows
            finally:
                await asyncio.wait([fetching])

    async def _all(self, query: Composed, params: Mapping[str, Any]) -> list[Row]:
        return await (await self._connection.execute(query, params)).fetchall()


#: Numbers of transactions are compared by their distance, which has 31 bits.
_EVERY = 2**31 - 1


def _key(values: Sequence[Any]) -> str:
    """Return the key of a row as text."""
    return msgspec.json.encode(list(values)).decode()


def _iso(moment: str) -> str:
    """Return a time of the database, which is in UTC, as RFC 3339."""
    return moment.replace(" ", "T").replace("+00", "Z")
