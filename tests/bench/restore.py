"""How long a worker takes to restore, from its own log line and by the clock on the wall.

    python -m tests.bench.restore --callers 200000

Every caller has one request, so each has a row of counters, days, models and streaks. One worker folds them and is
stopped; then a bytes-only reader of the restored changelogs and a fresh worker take turns. A worker's "start to
folding" is from the start of its process: interpreter, imports and joining the group are in it.
"""

import asyncio
import json
import re
import statistics
import sys
import time
from dataclasses import dataclass

import click
import psutil

from app.cli.progress import progress
from app.factory import stages
from app.local.files import Report
from app.topics import Surroundings
from tests.bench import throughput
from tests.bench.folding import follow
from tests.bench.load import Load
from tests.bench.surroundings import WORKER, Bench, BenchError, Child, bench, finish

APP = "restored"
LINE = re.compile(r"restored (\d+) rows .* in ([\d.]+) s")


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore: rows and seconds as the log says, seconds from process start to folding, resident bytes."""

    rows: int
    seconds: float
    to_folding: float
    resident: int


@click.command
@click.option("--callers", default=200_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(callers: int, rounds: int) -> None:
    """Measure restores; print a Markdown table."""
    with bench("restore") as here, progress() as report:
        restores, readers, folded = asyncio.run(_measure(here, Load(callers, callers), rounds, report))
    print(_table(callers, restores, readers, folded))  # noqa: T201 - its output


async def _measure(
    here: Bench, load: Load, rounds: int, report: Report
) -> tuple[list[Restore], list[float], int]:
    await throughput.send(here, load, report)
    await here.create_topics(APP)
    with Child(WORKER, here.environment(APP), here.folder / "fold.log") as worker:

        def tick(done: int) -> None:
            worker.require_running()
            report("folding", done, load.events)

        await follow(here, APP, load.events, tick=tick)
        resident = _resident(worker)
        if (status := await worker.terminate()) != 0:
            raise BenchError(f"the worker that was asked to end did so with status {status}")
    restores, readers = [], []
    for number in range(1, rounds + 1):
        report("restoring", number, rounds)
        readers.append(await _read(here, number))
        restores.append(await _restore(here, number))
    return restores, readers, resident


async def _read(here: Bench, number: int) -> float:
    """Return the seconds that a bytes-only reader takes for what a restore reads."""
    settings = here.settings(APP)
    around = Surroundings.of(settings)
    topics = [
        part
        for stage in stages(settings, around)
        for table in stage.restored
        for part in ("--topic", around.changelog(table), str(stage.partitions))
    ]
    command = (sys.executable, "-m", "tests.bench.getmany", "--committed", *topics)
    with Child(command, here.environment(APP), here.folder / f"getmany-{number}.log") as reader:
        result = json.loads((await finish(reader, within=300)).splitlines()[-1])
    return float(result["from_start"])


def _resident(worker: Child) -> int:
    return int(psutil.Process(worker.process.pid).memory_info().rss)


async def _restore(here: Bench, number: int) -> Restore:
    with Child(WORKER, here.environment(APP), here.folder / f"restore-{number}.log") as worker:
        while "folding: " not in worker.output:
            worker.require_running()
            await asyncio.sleep(0.05)
        to_folding = time.monotonic() - worker.started
        resident = _resident(worker)
        found = LINE.search(worker.output)
        if found is None:
            raise BenchError("the worker's log does not say what was restored")
        await worker.terminate()
    return Restore(int(found[1]), float(found[2]), to_folding, resident)


def _table(callers: int, restores: list[Restore], readers: list[float], folded: int) -> str:
    seconds = [each.seconds for each in restores]
    folding = [each.to_folding for each in restores]
    rows = restores[0].rows
    median = statistics.median(seconds)
    base = statistics.median(readers)
    spread = f"{min(folding):.1f} to {max(folding):.1f} s"
    return "\n".join(
        [
            f"| {callers:,} callers with one request each, {rows:,} rows | median | lowest to highest |",
            "|---|---|---|",
            f"| bytes-only read of the same changelogs | {base:.1f} s | {min(readers):.1f} to {max(readers):.1f} s |",
            f"| restore, as the worker's log says | {median:.1f} s | {min(seconds):.1f} to {max(seconds):.1f} s |",
            f"| process start to folding | {statistics.median(folding):.1f} s | {spread} |",
            f"| restore, ratio to the bytes-only read | {median / base:.2f} | |",
            f"| rows per second of restore | {rows / median:,.0f} | |",
            f"| resident memory after folding them | {folded / 1e6:,.0f} MB | |",
            f"| resident memory after a restore | {max(each.resident for each in restores) / 1e6:,.0f} MB | |",
        ]
    )


if __name__ == "__main__":
    main()
