"""Whether `streakline project` keeps up with changed rows, how far it is behind, and whether kill -9 harms it.

    .venv/bin/python -m tests.bench.projection --rate 20000 --seconds 30 --kills 20

Rows come from real folds and are written to the changelogs by this program, in transactions ten times a second; a
worker would take the processor that is measured. First the tables are filled, then rows change at the rate, then
more slowly while the projector is killed. A row's lag is from the commit of its transaction in Kafka until another
connection sees it in PostgreSQL. In the end all tables are compared with the changelogs. PostgreSQL is a local one,
from the extra `local`, with fsync on.
"""

import asyncio
import os
import random
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, NamedTuple

import click
import psutil
import psycopg

from app.cli.progress import progress
from app.engine.fold import Message
from app.engine.transactions import TransactionalWriter
from app.local.files import Report
from app.local.postgres import local_postgres
from tests.bench.changed_rows import ChangedRows
from tests.bench.surroundings import PARTITIONS, Bench, BenchError, Child, bench, finish
from tests.support.deployment import Deployment
from tests.support.projected import by_the_changelogs, differences, in_the_database

PROJECT: Final = (sys.executable, "-c", "from app.cli import main; main()", "project")

#: Transactions in a second.
PACE: Final = 10

HISTORY_DAYS: Final = 42

_STALLED_AFTER: Final = 60.0

#: The share of the rate at which rows change while the projector is killed.
_KILLED_SHARE: Final = 0.25

_LINE: Final = re.compile(r"the tables equal the changelogs: ([\d,]+) rows in ([\d.]+) s")
_BACKEND: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = 'streakline project' AND datname = current_database()"
_OFFSETS: Final = "SELECT topic, partition, next_offset FROM streakline.offsets"


class Slice(NamedTuple):
    """What one transaction has written: when it was committed, and the offsets behind its rows."""

    committed: float
    ends: dict[tuple[str, int], int]

    def is_in(self, reached: dict[tuple[str, int], int]) -> bool:
        """Say whether offsets that were reached are behind all of its rows."""
        return all(reached[place] >= end for place, end in self.ends.items())


@click.command
@click.option("--callers", default=20_000, show_default=True)
@click.option("--history", default=300_000, show_default=True, help="Rows of the first fill.")
@click.option("--rate", default=20_000, show_default=True, help="Changed rows in a second.")
@click.option("--seconds", default=30, show_default=True)
@click.option("--kills", default=20, show_default=True)
def main(callers: int, history: int, rate: int, seconds: int, kills: int) -> None:
    """Measure the projection; print a Markdown table."""
    with bench("projection") as here, database() as url, progress() as report:
        run = partial(_Run, here, url, callers, report)
        lines = asyncio.run(_all(run, history, rate, seconds, kills))
    print("\n".join(lines))  # noqa: T201 - its output


async def _all(run: "Callable[[], _Run]", history: int, rate: int, seconds: int, kills: int) -> list[str]:
    return await run().all(history, rate, seconds, kills)


def _processor_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a PostgreSQL of our own that keeps what it has acknowledged."""
    with local_postgres() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = on".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield url


class _Run:
    """One deployment, one database, one writer."""

    def __init__(self, here: Bench, url: str, callers: int, report: Report) -> None:
        self._here = here
        self._url = url
        self._report = report
        self._deployment = Deployment(
            here.address,
            here.folder,
            STREAKLINE_TOPIC_PREFIX=here.prefix,
            STREAKLINE_PARTITIONS=str(PARTITIONS),
        )
        self._rows = ChangedRows(self._deployment.around, callers)
        self._writer = TransactionalWriter(self._deployment.settings.kafka_options(), f"{here.prefix}writer")
        self._connection = psycopg.connect(url, autocommit=True)
        self._written: list[Slice] = []
        self._next: dict[tuple[str, int], int] = defaultdict(int)

    async def all(self, history: int, rate: int, seconds: int, kills: int) -> list[str]:
        """Return the lines of a table."""
        await self._here.create_topics(self._deployment.settings.app_id)
        await self._writer.fence()
        try:
            lines = ["| what | measured |", "|---|---|"]
            lines.append(await self._fill(history))
            lines += await self._keep_up(rate, seconds)
            lines.append(await self._kill(round(rate * _KILLED_SHARE), kills))
        finally:
            self._connection.close()
            await self._writer.stop()
        return lines

    async def _fill(self, history: int) -> str:
        written, day = 0, 0
        while written < history:
            rows = self._rows.rows(history // HISTORY_DAYS, day)
            await self._write(rows)
            written += len(rows)
            self._report("writing a history, in rows", written, history)
            day = (day + 1) % HISTORY_DAYS
        with self._projector("fill", "--once") as projector:
            output = await finish(projector, within=600)
        found = _LINE.search(output)
        if found is None:
            raise BenchError(f"the projector has not said what it did:\n{output}")
        rows_read, took = int(found[1].replace(",", "")), float(found[2])
        return f"| first fill of {rows_read:,} rows | {took:.1f} s, {rows_read / took:,.0f} rows/s |"

    async def _keep_up(self, rate: int, seconds: int) -> list[str]:
        prepared = list(self._slices(rate, seconds))
        with self._projector("follow") as projector:
            await self._ready(projector)
            processes = (projector.process.pid, self._backend())
            before, began = [_processor_seconds(pid) for pid in processes], time.monotonic()
            watching = asyncio.create_task(self._watch(projector, len(prepared)))
            for number, rows in enumerate(prepared):
                await asyncio.sleep(began + number / PACE - time.monotonic())
                await self._write(rows)
                self._report("changing rows, in tenths of a second", number, len(prepared))
            seen = await watching
            spent = [_processor_seconds(pid) - then for pid, then in zip(processes, before, strict=True)]
            await projector.terminate()
        rows_written = sum(map(len, prepared))
        lags = sorted(at - each.committed for at, each in zip(seen, self._written, strict=True))
        costs = [f"{seconds / rows_written * 1e6:.1f} us" for seconds in spent]
        offered = rows_written / (self._written[-1].committed - began)
        spread = f"median {statistics.median(lags):.2f} s, 95 % below {lags[len(lags) * 95 // 100]:.2f} s"
        return [
            f"| changed rows written to Kafka, {rate:,} a second wanted, for {seconds} s | {offered:,.0f} rows/s |",
            f"| of these in PostgreSQL | {rows_written / (seen[-1] - began):,.0f} rows/s |",
            f"| from the commit in Kafka until PostgreSQL shows it | {spread}, longest {lags[-1]:.2f} s |",
            f"| processor time for a row: of the projector, of PostgreSQL | {' and '.join(costs)} |",
            f"| load of the machine meanwhile | {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores |",
        ]

    def _slices(self, rate: int, seconds: int) -> Iterator[list[Message]]:
        """Yield the rows of each transaction, made before anything is measured."""
        for number in range(seconds * PACE):
            self._report("folding events into rows to write, in tenths of a second", number, seconds * PACE)
            yield self._rows.rows(rate // PACE, HISTORY_DAYS)

    async def _write(self, rows: list[Message]) -> None:
        """Write rows in a transaction; note which offsets they have: one record each, then a marker."""
        counts = Counter((each.topic, each.partition) for each in rows)
        await self._writer.write(rows)
        ends = {place: self._next[place] + count for place, count in counts.items()}
        self._written.append(Slice(time.monotonic(), ends))
        self._next.update({place: end + 1 for place, end in ends.items()})

    async def _watch(self, projector: Child, count: int) -> list[float]:
        """Return when each of the next so many transactions was seen in the database."""
        self._written.clear()
        seen: list[float] = []
        moved = time.monotonic()
        while len(seen) < count:
            await asyncio.sleep(0.02)
            projector.require_running()
            reached = await asyncio.to_thread(self._reached)
            now = time.monotonic()
            while len(seen) < len(self._written) and self._written[len(seen)].is_in(reached):
                seen.append(now)
                moved = now
            if now - moved > _STALLED_AFTER:
                raise BenchError(f"nothing has come into the tables for {_STALLED_AFTER:.0f} s")
        return seen

    def _reached(self) -> dict[tuple[str, int], int]:
        found = self._connection.execute(_OFFSETS).fetchall()
        return {(topic, partition): next_offset for topic, partition, next_offset in found}

    def _backend(self) -> int:
        """Return the process of the server that works for the projector."""
        found = self._connection.execute(_BACKEND).fetchone()
        if found is None:
            raise BenchError("the projector is not connected")
        return int(found[0])

    async def _ready(self, projector: Child) -> None:
        while "the tables equal the changelogs" not in projector.output:
            projector.require_running()
            await asyncio.sleep(0.05)

    def _projector(self, name: str, *options: str) -> Child:
        environment = {**self._deployment.environ, "STREAKLINE_DATABASE_URL": self._url}
        return Child((*PROJECT, *options), environment, self._here.folder / f"project-{name}.log")

    async def _kill(self, rate: int, kills: int) -> str:
        rnd, stop = random.Random(kills), asyncio.Event()
        changing = asyncio.create_task(self._change_until(stop, rate))
        try:
            for number in range(kills):
                self._report("killing the projector", number, kills)
                before = self._reached()
                with self._projector(f"killed-{number}") as projector:
                    while self._reached() == before:
                        projector.require_running()
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(rnd.uniform(0, 0.5))
        finally:
            stop.set()
            rows = await changing
        with self._projector("after", "--once") as projector:
            await finish(projector, within=600)
        wrong = await asyncio.to_thread(self._differences)
        if wrong:
            raise BenchError(f"{len(wrong)} rows differ from the changelogs, among them {wrong[:3]}")
        return (
            f"| killed {kills} times while {rows:,} rows changed: rows that differ from the changelogs | 0 |"
        )

    async def _change_until(self, stop: asyncio.Event, rate: int) -> int:
        rows_written = 0
        while not stop.is_set():
            began = time.monotonic()
            rows = self._rows.rows(rate // PACE, HISTORY_DAYS + 1)
            await self._write(rows)
            rows_written += len(rows)
            await asyncio.sleep(began + 1 / PACE - time.monotonic())
        return rows_written

    def _differences(self) -> list[tuple[object, ...]]:
        return differences(in_the_database(self._url), by_the_changelogs(self._deployment))


if __name__ == "__main__":
    main()
