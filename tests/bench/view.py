"""How soon a view is ready, how quickly it answers, and what it takes.

    .venv/bin/python -m tests.bench.view

The rows of all callers are written straight into the changelogs; then the view is started, once for each round.
The answers are timed by ``hey`` (Debian: ``apt-get install hey``), 200 requests a second for each route, one
route after the other. Other programs on the machine show in all times, most in the high percentiles: of each
route the round with the lowest is printed beside the highest, and beside the times what the process took of a
processor, which others change little.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import psutil
from aiokafka import AIOKafkaProducer

from app.cli.progress import progress
from app.domain.calendar import day_of
from app.topics import Surroundings
from tables import counters
from tests.bench import load
from tests.bench.surroundings import PARTITIONS, Bench, BenchError, Child, bench
from tests.bench.view_rows import rows

if TYPE_CHECKING:
    from app.local.files import Report

APP = "viewed"
VIEW = (sys.executable, "-c", "from app.cli import main; main()", "view")

CALLER = "caller:caller-000042"
ROUTES = (
    "/healthz/live",  # nothing but the server, for comparison
    *(
        f"/v1/scopes/{scope}/{part}"
        for scope in ("gateway", CALLER)
        for part in ("stats", "buddy", "achievements")
    ),
    *(
        f"/v1/scopes/{scope}/{part}"
        for scope in ("gateway", CALLER)
        for part in ("calendar", "events", "forecast")
    ),
    "/v1/leaderboard",
    "/v1/catalog",
)

#: Requests a second, from so many connections.
RATE = 200
CONNECTIONS = 4

_BATCH_BYTES = 512 * 1024
_IN_FLIGHT = 64
_CHUNK = 20_000


@dataclass
class Measured:
    """One start of the view."""

    ready: float
    #: Processor seconds until then.
    processor: float
    resident: int
    #: Milliseconds of every answer, sorted, by route.
    answers: dict[str, list[float]] = field(default_factory=dict)
    #: Milliseconds of a processor that an answer took on the average, by route.
    cost: dict[str, float] = field(default_factory=dict)


@click.command
@click.option("--callers", type=click.IntRange(1), default=100_000, show_default=True)
@click.option(
    "--days", type=click.IntRange(1, 60), default=40, show_default=True, help="Active days of each caller."
)
@click.option(
    "--requests", type=click.IntRange(CONNECTIONS), default=1_000, show_default=True, help="Per route."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
def main(callers: int, days: int, requests: int, rounds: int) -> None:
    """Measure a view; print Markdown tables."""
    if shutil.which("hey") is None:
        raise click.ClickException(
            "hey is not installed: https://github.com/rakyll/hey, or apt-get install hey"
        )
    with bench("view") as here, progress() as report:
        written, measured = asyncio.run(_measure(here, callers, days, requests, rounds, report))
    print(_table(callers, days, written, measured))  # noqa: T201 - its output


async def _measure(  # noqa: PLR0917 - the options
    here: Bench, callers: int, days: int, requests: int, rounds: int, report: Report
) -> tuple[int, list[Measured]]:
    await here.create_topics(APP)
    written = await _write(here, callers, days, report)
    few = load.Load(20_000, 2_000, 1)
    await load.produce(here.settings(APP).kafka_options(), here.prefix, PARTITIONS, few)
    measured = []
    for number in range(1, rounds + 1):
        report("starting the view", number, rounds)
        with Child(VIEW, _environment(here), here.folder / f"view-{number}.log") as view:
            ready, processor = await _ready(view), _processor(view)
            await asyncio.sleep(2)  # the feed is read
            one = Measured(ready, processor, psutil.Process(view.process.pid).memory_info().rss)
            for place, route in enumerate(ROUTES, start=1):
                report(f"round {number}: asking", place, len(ROUTES))
                before = _processor(view)
                one.answers[route] = await asyncio.to_thread(_ask, view, route, requests)
                one.cost[route] = 1000 * (_processor(view) - before) / requests
            measured.append(one)
    return written, measured


def _environment(here: Bench) -> dict[str, str]:
    return {**here.environment(APP), "STREAKLINE_VIEW_PORT": "0"}


async def _write(here: Bench, callers: int, days: int, report: Report) -> int:
    """Write all rows; return how many."""
    settings = here.settings(APP)
    around = Surroundings.of(settings)
    today = day_of(datetime.now(UTC).date())
    written = done = 0
    async with AIOKafkaProducer(**settings.kafka_options(), max_batch_size=_BATCH_BYTES) as producer:
        batches: dict[tuple[str, int], Any] = {}
        sent: list[Any] = []

        async def send(target: tuple[str, int]) -> None:
            sent.append(await producer.send_batch(batches.pop(target), target[0], partition=target[1]))
            if len(sent) > _IN_FLIGHT:
                await sent.pop(0)

        for table, partition, key, value in rows(around, callers, days, today):
            target = (around.changelog(table), partition)
            if target not in batches:
                batches[target] = producer.create_batch()
            if batches[target].append(key=key, value=value, timestamp=None) is None:
                await send(target)
                batches[target] = producer.create_batch()
                batches[target].append(key=key, value=value, timestamp=None)
            written += 1
            done += table == counters.TABLE and bool(key)
            if not written % _CHUNK:
                report("writing the rows of callers", done, callers)
        for target in list(batches):
            await send(target)
        for acknowledged in sent:
            await acknowledged
    return written


async def _ready(view: Child) -> float:
    """Return the seconds from the start of the process until the view was ready."""
    while "ready: " not in view.output:
        view.require_running()
        await asyncio.sleep(0.05)
    started = datetime.fromtimestamp(psutil.Process(view.process.pid).create_time(), UTC)
    line = next(line for line in view.output.splitlines() if "ready: " in line)
    said = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").astimezone()
    return (said - started).total_seconds()


def _processor(view: Child) -> float:
    """Return the processor seconds that the view has taken."""
    times = psutil.Process(view.process.pid).cpu_times()
    return float(times.user + times.system)


def _ask(view: Child, route: str, requests: int) -> list[float]:
    """Return the milliseconds of every answer, sorted. Raises ``BenchError`` if one was not 200."""
    found = re.search(r"serving on (http://\S+)/", view.output)
    assert found is not None
    command = [
        "hey",
        "-n",
        str(requests),
        "-c",
        str(CONNECTIONS),
        "-q",
        str(RATE // CONNECTIONS),
        "-o",
        "csv",
    ]
    done = subprocess.run([*command, found[1] + route], capture_output=True, text=True, check=True)
    answers = list(csv.DictReader(io.StringIO(done.stdout)))
    if len(answers) != requests or any(answer["status-code"] != "200" for answer in answers):
        raise BenchError(f"{route}: not every one of {requests} answers was 200")
    return sorted(1000 * float(answer["response-time"]) for answer in answers)


def _table(callers: int, days: int, written: int, measured: list[Measured]) -> str:
    ready = [each.ready for each in measured]
    resident = max(each.resident for each in measured)
    lines = [
        f"| {callers:,} callers of {days} active days, a year of the gateway: {written:,} rows | median | lowest to highest |",
        "|---|---|---|",
        f"| from the start of the process to ready | {statistics.median(ready):.1f} s | {min(ready):.1f} to {max(ready):.1f} s |",
        f"| of a processor, until then | {statistics.median(each.processor for each in measured):.1f} s | |",
        f"| memory of the view | {resident / 1e6:,.0f} MB | |",
        "",
        f"| {RATE} requests a second | of a processor | median | 99 % within: best round | all rounds |",
        "|---|---|---|---|---|",
    ]
    for route in ROUTES:
        of_rounds = [each.answers[route] for each in measured]
        middle = statistics.median(_percentile(each, 0.5) for each in of_rounds)
        high = sorted(_percentile(each, 0.99) for each in of_rounds)
        cost = statistics.median(each.cost[route] for each in measured)
        times = f"{middle:.1f} ms | {high[0]:.1f} ms | {high[0]:.1f} to {high[-1]:.1f} ms"
        lines.append(f"| `{route}` | {cost:.2f} ms | {times} |")
    return "\n".join(lines)


def _percentile(answers: list[float], share: float) -> float:
    return answers[min(len(answers) - 1, int(len(answers) * share))]


if __name__ == "__main__":
    main()
