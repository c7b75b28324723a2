"""`streakline verify`: the rescan's answer beside streakline's, from the same moment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from psycopg import IsolationLevel

from app.errors import StreaklineError
from app.lag import Lag
from app.postgres.catalog import Table, find
from app.postgres.connection import connect
from app.postgres.differences import (
    BASELINE,
    DELETED,
    RACES,
    REFUSED,
    SEMANTIC,
    Explained,
    Line,
    compare,
    streakline_says,
    with_baseline,
    with_deleted,
    with_races,
    with_semantic_hits,
)
from app.postgres.import_state import ImportState, read_state
from app.postgres.rescan import QUERIES, Rescan, Rescanner
from app.postgres.sources import CACHE, FACTS, SOURCES
from app.postgres.sources import RACES as RACE_ROWS
from app.provision import Provisioner, TopicsError
from app.topics import IMPORT, INPUTS, Surroundings, specs
from app.view.reader import ScopeReader
from app.view.scope_view import stats as scope_stats
from tables.publishing import GATEWAY

if TYPE_CHECKING:
    from app.local.files import Report
    from app.postgres.connection import Connection
    from app.settings import Settings

#: Seconds after which whoever follows the tables should have come to where the snapshot is.
_FOLLOWED_WITHIN: Final = 60.0
#: While rows are written, the two sides are of the same moment by chance only: so often it is tried.
_ATTEMPTS: Final = 3


class NotImportedError(StreaklineError):
    """What the database has is not imported yet."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was compared, and how many seconds the two sides took to answer."""

    lines: list[Line]
    rescan_seconds: float
    streakline_seconds: float
    #: What to know of the import where something differs.
    notes: list[str]

    @property
    def is_clean(self) -> bool:
        """Say whether nothing differs that is not explained."""
        return all(line.is_explained for line in self.lines)


async def verify(settings: Settings, days: int, report: Report) -> Verdict:
    """Compare the gateway's scope with the rescan; the calendar by as many days.

    Raises ``StreaklineError`` where the database or the broker is not as it must be, the import has not
    finished, or nobody folds.
    """
    await _require_topics(settings)
    async with connect(settings, "streakline verify") as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        found = [await find(connection, source) for source in SOURCES]
        verifier = _Verifier(settings, connection, [table for table in found if table], report)
        verdict = await verifier.verify(days)
        for _ in range(_ATTEMPTS - 1):
            if verdict.is_clean or not verifier.is_followed:
                break
            verdict = await verifier.verify(days)
        return verdict


class _Verifier:
    def __init__(
        self, settings: Settings, connection: Connection, tables: list[Table], report: Report
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._tables = {table.name: table for table in tables}
        self._report = report
        self.is_followed = False

    async def verify(self, days: int) -> Verdict:
        async with self._connection.transaction():
            rescanner = Rescanner(self._connection, self._report)
            cursor = await self._connection.execute(QUERIES["moment"])
            row = await cursor.fetchone()
            assert row is not None
            today, xmax = row
            began = time.monotonic()
            theirs = await rescanner.rescan(today, days)
            rescan_seconds = time.monotonic() - began
            imported = await self._imported(xmax)
            await self._folded()
            began = time.monotonic()
            state = await ScopeReader(self._settings).read(GATEWAY)
            ours = streakline_says(state, scope_stats(state, today), today, days)
            streakline_seconds = time.monotonic() - began
            self._report("looking for what explains differences", 0, 0)
            explained = await self._explain(rescanner, theirs, ours, imported)
            lines = compare(theirs, ours, explained, sum(cell.tokens_saved for cell in state.cells.values()))
            return Verdict(lines, rescan_seconds, streakline_seconds, _notes(imported))

    async def _imported(self, xmax: int) -> ImportState:
        """Return the state of the import, once it has come to the snapshot. Raises ``NotImportedError``."""
        deadline = time.monotonic() + _FOLLOWED_WITHIN
        while True:
            state = await read_state(self._settings)
            for name, position in state.positions.items():
                if not position.is_done:
                    raise NotImportedError(f"{name} is not imported to its end: `streakline import` goes on")
            horizons = [each.horizon for each in state.positions.values() if each.horizon is not None]
            self.is_followed = bool(horizons)
            if all(horizon >= xmax for horizon in horizons):
                return state
            if time.monotonic() > deadline:
                raise NotImportedError(
                    "the tables are not followed up to now: does `streakline import --follow` run, and does "
                    "no transaction stay open?"
                )
            self._report("waiting for `streakline import --follow`", 0, 0)
            await asyncio.sleep(0.5)

    async def _folded(self) -> None:
        total = 0

        def on_progress(left: int) -> None:
            nonlocal total
            total = max(total, left)
            self._report("waiting for the fold", total - left, total)

        async with Lag(self._settings) as lag:
            await lag.wait_until_folded(on_progress)

    async def _explain(
        self, rescanner: Rescanner, theirs: Rescan, ours: Rescan, imported: ImportState
    ) -> Explained:
        """Apply the known differences to what the rescan says, one after the other."""
        steps: list[tuple[str, Rescan]] = []
        now = theirs
        refused = [
            (self._tables[name], list(rows))
            for name, rows in imported.refused.items()
            if rows and name in self._tables
        ]
        if refused:
            now = await rescanner.without_refused(refused, theirs)
            steps.append((REFUSED, now))
        now = with_semantic_hits(now, ours)
        steps.append((SEMANTIC, now))
        now = with_races(now, await rescanner.races_alone())
        steps.append((RACES, now))
        deleted = {
            source.table: await self._deleted(rescanner, source.table, imported)
            for source in (CACHE, RACE_ROWS, FACTS)
        }
        cache, facts = deleted[CACHE.table], deleted[FACTS.table]
        now = with_deleted(now, cache, len(deleted[RACE_ROWS.table]), sum(known == 1 for known in facts))
        steps.append((DELETED, now))
        now = with_baseline(now, self._settings.baseline)
        steps.append((BASELINE, now))
        tokens = await rescanner.cache_tokens(refused) + sum(row[1] for row in cache)
        return Explained(
            steps=steps,
            rounded=await rescanner.amounts_that_are_rounded() + len(cache),
            cache_tokens=tokens,
        )

    async def _deleted(self, rescanner: Rescanner, name: str, imported: ImportState) -> list[Any]:
        """Return what is known of the rows that are not there any more."""
        known = imported.known.get(name)
        if not known or name not in self._tables:
            return []
        there = await rescanner.identities(self._tables[name])
        return [
            msgspec.json.decode(value)
            for key, value in known.items()
            if msgspec.json.decode(key)[0] not in there
        ]


def _notes(imported: ImportState) -> list[str]:
    notes = [
        f"{name} is imported up to {position.until}; from there on the gateway's own events count"
        for name, position in imported.positions.items()
        if position.horizon is None
    ]
    return notes or (["the tables are followed"] if imported.positions else ["nothing was imported"])


async def _require_topics(settings: Settings) -> None:
    around = Surroundings.of(settings)
    needed = {around.topic(name) for name in (*INPUTS, IMPORT)}
    async with Provisioner(settings) as provisioner:
        findings = await provisioner.check([spec for spec in specs(around, {}) if spec.name in needed])
    if problems := [finding for finding in findings if finding.problem]:
        raise TopicsError(f"topic {problems[0].topic} {problems[0].problem}")
