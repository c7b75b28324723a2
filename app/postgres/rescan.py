"""The rescan: what gamification.ts computes, by its own queries, in one snapshot of the database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from app.domain.events import EPOCH_ORDINAL
from app.domain.money import NANOS_PER_DOLLAR
from app.postgres.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from app.local.files import Report
    from app.postgres.catalog import Table
    from app.postgres.connection import Connection

QUERIES: Final = load_queries("verify")
NOTHING: Final = SQL("")

#: A table and the keys of some of its rows, as JSON.
Refused = tuple["Table", list[str]]

#: The stats of the reference, by their names; money as nano-dollars, which here may have a fraction.
Stats = dict[str, "int | Decimal"]

_COLUMNS: Final = (
    *("totalRequests", "uniqueCallers", "uniqueModels", "daysActive"),
    *("cacheHits", "totalTokensSaved", "totalCostSaved"),
)


@dataclass(frozen=True, slots=True)
class Rescan:
    """What the reference says: its stats, its active days (the newest 365), its calendar by day."""

    today: date
    stats: Stats
    days: frozenset[int] = frozenset()
    calendar: Mapping[int, tuple[int, int]] = field(default_factory=dict)


class Rescanner:
    """Runs the queries within the transaction of a connection, which must be REPEATABLE READ."""

    def __init__(self, connection: Connection, report: Report) -> None:
        self._connection = connection
        self._report = report

    async def rescan(self, today: date, days: int) -> Rescan:
        """Return what the reference computes, by its queries as they are. Takes as long as they take."""
        found = await self._stats_and_days(today, NOTHING)
        self._report(f"rescanning: the calendar of {days} days", 0, 0)
        rows = await self._rows(QUERIES["calendar"], {"days": days})
        return replace(found, calendar={day_of(day): (count, tokens) for day, count, tokens in rows})

    async def without_refused(self, tables: Sequence[Refused], like: Rescan) -> Rescan:
        """Return the same without some rows."""
        with_ = await self._with_of(tables)
        found = await self._stats_and_days(like.today, with_)
        cells = dict.fromkeys(like.calendar, (0, 0))
        for day, count, tokens in await self._rows(_with("calendar_without_refused", with_)):
            if day is not None and day_of(day) in cells:
                before = cells[day_of(day)]
                cells[day_of(day)] = (before[0] + count, before[1] + (tokens or 0))
        return replace(found, calendar=cells)

    async def _with_of(self, tables: Sequence[Refused]) -> Composable:
        """Return the WITH that puts tables without some of their rows in their place."""
        if not tables:
            return NOTHING
        return SQL("WITH {}").format(SQL(", ").join([await self._without(*each) for each in tables]))

    async def _without(self, table: Table, keys: list[str]) -> Composable:
        [(schema,)] = await self._rows(QUERIES["schema"], {"table": table.name})
        return QUERIES["without_refused"].format(
            table=Identifier(table.name),
            schema=Identifier(schema),
            key=SQL(", ").join(SQL("t.{}::text").format(Identifier(column)) for column in table.key),
            keys=Literal(keys),
        )

    async def _stats_and_days(self, today: date, with_: Composable) -> Rescan:
        self._report("rescanning: the stats", 0, 0)
        [row] = await self._rows(_with("stats", with_))
        stats: Stats = dict(zip(_COLUMNS, row, strict=True))
        stats["totalCostSaved"] *= NANOS_PER_DOLLAR
        stats["semanticHits"] = 0
        stats["raceWins"] = await self._optional("races_and_facts", with_)
        stats["factsStored"] = await self._optional("facts", with_)
        stats["subscriptionsConfigured"] = await self._optional("subscriptions", with_)
        self._report("rescanning: the days", 0, 0)
        days = [day for (day,) in await self._rows(_with("days", with_))]
        # A row without a time has the newest day of all there, and to JavaScript it is the first of 1970.
        stats["streakDays"] = _streak([day_of(day) if day else 0 for day in days], day_of(today))
        return Rescan(today, stats, frozenset(day_of(day) for day in days if day))

    async def races_alone(self) -> int:
        """Return how many races there are, whether there is a fact or not."""
        return await self._optional("races_alone", NOTHING)

    async def identities(self, table: Table) -> set[str]:
        """Return what the rows of a table are known by."""
        return {str(identity) for (identity,) in await self._rows(table.format("identities"))}

    async def cache_tokens(self, refused: Sequence[Refused]) -> int:
        """Return what the cache has saved on all days together, without the rows that were refused."""
        [(tokens,)] = await self._rows(_with("cache_tokens", await self._with_of(refused)))
        return int(tokens)

    async def amounts_that_are_rounded(self) -> int:
        """Return how many amounts have more decimals than a nano-dollar."""
        [(count,)] = await self._rows(QUERIES["amounts_that_are_rounded"])
        return int(count)

    async def _optional(self, query: str, with_: Composable) -> int:
        """Return the first number of a query; 0 where a table is missing, as the reference has it."""
        with suppress(psycopg.errors.UndefinedTable):
            async with self._connection.transaction():  # a savepoint
                [row] = await self._rows(_with(query, with_))
                return int(row[0])
        return 0

    async def _rows(self, query: Any, params: Mapping[str, Any] | None = None) -> list[Any]:
        return await (await self._connection.execute(query, params)).fetchall()


def _with(query: str, with_: Composable) -> Composable:
    return QUERIES[query].format(**{"with": with_})


def _streak(days: Sequence[int], today: int) -> int:
    """Return what the reference makes of the active days, the newest first, in its own way."""
    streak = 0
    if days and today - days[0] <= 1:
        while streak < len(days) and days[streak] == days[0] - streak:
            streak += 1
    return streak


def day_of(day: date) -> int:
    """Return days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL
