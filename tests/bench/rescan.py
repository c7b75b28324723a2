"""The cost of an answer: the rescan's queries beside streakline's view, on the same history of a gateway.

    .venv/bin/python -m tests.bench.rescan --requests 10000 --requests 100000 --requests 1000000

For each size a gateway's tables are filled and analysed, the reference's queries for its stats and for its calendar run (a
query is stopped after two minutes), the history is imported and folded, and the view is asked for the same two answers.
The rescan's times are of the second run, with all that fits in memory; the view's are medians of a hundred answers.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import psycopg

from app.cli.progress import progress
from app.lag import Lag
from app.local.network import free_port
from app.local.postgres import local_postgres
from app.postgres.queries import load_queries
from tests.bench.lines import Series, lines
from tests.bench.surroundings import WORKER, Bench, BenchError, Child, bench, finish
from tests.support.gateway_history import GATEWAY, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.local.files import Report

QUERIES: Final = load_queries("verify")
STATS: Final = ("stats", "races_and_facts", "facts", "subscriptions", "days")
#: Seconds after which a query of the rescan is stopped.
LIMIT: Final = 120.0
PROGRAM: Final = (sys.executable, "-c", "from app.cli import main; main()")
_ANSWERS: Final = 100
_IMPORT_WITHIN: Final = 3600.0


class Cost(NamedTuple):
    """Seconds for the stats and for the calendar; LIMIT stands for more."""

    stats: float
    calendar: float


class Measured(NamedTuple):
    """What one size took; seconds of the import and the fold are what streakline pays once. None: not run."""

    requests: int
    rescan: Cost
    view: Cost | None = None
    imported: float | None = None
    folded: float | None = None


@click.command
@click.option("--requests", multiple=True, type=int, default=(10_000, 100_000, 1_000_000), show_default=True)
@click.option("--rescan-only", multiple=True, type=int, help="Sizes at which only the rescan is measured.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write the plot there, an SVG.")
def main(requests: Sequence[int], rescan_only: Sequence[int], plot: Path | None) -> None:
    """Measure the rescan and the view; print a Markdown table."""
    sizes = sorted([*((size, True) for size in requests), *((size, False) for size in rescan_only)])
    with progress() as report:
        measured = [_measure(size, report, both=both) for size, both in sizes]
    print("\n".join(_table(measured)))  # noqa: T201 - its output
    if plot:
        plot.write_text(_plot(measured), encoding="utf-8")


def _measure(requests: int, report: Report, *, both: bool) -> Measured:
    with ExitStack() as stack:
        url = stack.enter_context(local_postgres())
        os.environ["STREAKLINE_DATABASE_URL"] = url
        report(f"{requests:,} requests: filling the tables", 0, 0)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(GATEWAY["create_tables"])
            connection.execute(GATEWAY["create_optional_tables"])
            counts = {"requests": requests, "cache": requests // 20, "mcp_calls": requests // 10}
            fill(url, {**counts, "races": 100, "facts": 100, "subscriptions": 40}, bad=False)
            connection.execute("VACUUM ANALYZE")
            report(f"{requests:,} requests: rescanning", 0, 0)
            rescan = _rescan(connection)
        if not both:
            return Measured(requests, rescan)
        return asyncio.run(_streakline(stack.enter_context(bench("rescan")), requests, rescan, report))


def _rescan(connection: psycopg.Connection) -> Cost:
    connection.execute(f"SET statement_timeout = '{LIMIT:.0f}s'")
    connection.execute("SET TimeZone = 'UTC'")
    empty = psycopg.sql.SQL("")
    stats = [QUERIES[name].format(**{"with": empty}) for name in STATS]
    return Cost(_seconds(connection, stats), _seconds(connection, [QUERIES["calendar"]]))


def _seconds(connection: psycopg.Connection, queries: Sequence[psycopg.sql.Composable]) -> float:
    """Return what the queries took together the second time; LIMIT where they were stopped."""
    took = 0.0
    for _ in range(2):
        began = time.monotonic()
        for query in queries:
            try:
                params = {"days": 365} if "%(days)s" in query.as_string() else None
                connection.execute(query, params).fetchall()  # type: ignore[call-overload]
            except psycopg.errors.QueryCanceled:
                return LIMIT
        took = time.monotonic() - began
    return took


async def _streakline(here: Bench, requests: int, rescan: Cost, report: Report) -> Measured:
    """Import and fold the history, and ask the view."""
    await here.create_topics("rescan")
    environment = here.environment("rescan")
    report(f"{requests:,} requests: importing", 0, 0)
    began = time.monotonic()
    with Child((*PROGRAM, "import"), environment, here.folder / "import.log") as child:
        await finish(child, _IMPORT_WITHIN)
    imported = time.monotonic() - began
    began = time.monotonic()
    report(f"{requests:,} requests: folding", 0, 0)
    with Child(WORKER, environment, here.folder / "worker.log"):
        async with Lag(here.settings("rescan")) as lag:
            await lag.wait_until_folded(lambda _: None)
    folded = time.monotonic() - began
    port = free_port()
    with Child(
        (*PROGRAM, "view"), {**environment, "STREAKLINE_VIEW_PORT": str(port)}, here.folder / "view.log"
    ) as view:
        address = f"http://127.0.0.1:{port}"
        while not await asyncio.to_thread(_answers, f"{address}/healthz/ready"):
            view.require_running()
            await asyncio.sleep(0.2)
        scope = f"{address}/v1/scopes/gateway"
        cost = Cost(
            await asyncio.to_thread(_median, f"{scope}/stats"),
            await asyncio.to_thread(_median, f"{scope}/calendar"),
        )
    return Measured(requests, rescan, cost, imported, folded)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _median(url: str) -> float:
    """Return the median of the seconds that an answer takes, with a new connection each."""
    took = []
    for _ in range(_ANSWERS):
        began = time.monotonic()
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own
            if not answer.read():
                raise BenchError(f"{url} has no answer")
        took.append(time.monotonic() - began)
    return statistics.median(took)


def _table(measured: Sequence[Measured]) -> list[str]:
    lines_ = [
        "| requests | rescan: stats | rescan: calendar | view: stats | view: calendar | import, once | fold, once |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in measured:
        theirs = [_said(seconds) for seconds in each.rescan]
        ours = [f"{seconds * 1000:.1f} ms" for seconds in each.view] if each.view else ["not run"] * 2
        once = ["not run" if seconds is None else f"{seconds:.0f} s" for seconds in each[3:]]
        lines_.append(f"| {' | '.join([f'{each.requests:,}', *theirs, *ours, *once])} |")
    return lines_


def _said(seconds: float) -> str:
    if seconds >= LIMIT:
        return f"stopped at {LIMIT:.0f} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _plot(measured: Sequence[Measured]) -> str:
    series = [
        Series("rescan: calendar", [(each.requests, each.rescan.calendar) for each in measured], "theirs"),
        Series("rescan: stats", [(each.requests, each.rescan.stats) for each in measured], "theirs"),
        Series(
            "streakline: calendar",
            [(each.requests, each.view.calendar) for each in measured if each.view],
            "ours",
        ),
    ]
    note = f"PostgreSQL 18, two shared cores; open circles were stopped at {LIMIT:.0f} s; {datetime.now(UTC):%Y-%m-%d}"
    return lines("What one answer costs", "requests in the history", note, series, LIMIT)


if __name__ == "__main__":
    main()
