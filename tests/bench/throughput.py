"""How many request events one worker folds in a second, beside a bytes-only reader of the same topic.

    python -m tests.bench.throughput --events 1000000

All events are there before anything starts. The reader, a worker with a fresh state, and one that remembers no
identities take turns. A worker's
time is from its first commit to its last as a read_committed reader sees them: process start and restore are not
in it, all rules, transactions and the gateway's stage are. Each round checks that every event was counted once.
"""

import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from typing import Final

import click

from app.cli.progress import progress
from app.domain.quick import COMPILED
from app.local.files import Report
from tests.bench.folding import counted, follow, rate
from tests.bench.load import Load, produce
from tests.bench.surroundings import PARTITIONS, REQUESTS, WORKER, Bench, BenchError, Child, bench, finish

READER: Final = "aiokafka `getmany`, bytes only"
FORGETFUL: Final = (sys.executable, "-m", "tests.bench.forgetful_worker", "worker")
WORKERS: Final = {
    "streakline worker, all rules on": WORKER,
    # What is compiled cannot be patched.
    **({} if COMPILED else {"the same without identities": FORGETFUL}),
}


@click.command
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--callers", default=1_700, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(events: int, callers: int, rounds: int) -> None:
    """Measure a worker beside a bytes-only reader; print a Markdown table."""
    with bench("throughput") as here, progress() as report:
        measured = asyncio.run(_measure(here, Load(events, callers), rounds, report))
    print(table(events, measured))  # noqa: T201 - its output


async def _measure(here: Bench, load: Load, rounds: int, report: Report) -> dict[str, list[float]]:
    await send(here, load, report)
    measured: dict[str, list[float]] = {name: [] for name in (READER, *WORKERS)}
    for number in range(1, rounds + 1):
        measured[READER].append(await read(here, number))
        for index, (name, command) in enumerate(WORKERS.items(), start=1):
            app_id = f"round-{number}-{index}"
            measured[name].append(await fold(here, app_id, load, report, command))
            await here.delete_topics(f"{app_id}.")
    return measured


async def send(here: Bench, load: Load, report: Report) -> None:
    """Make the topics and send the load."""
    await here.create_topics("any")
    topic, options = here.prefix + REQUESTS, here.settings("any").kafka_options()
    await produce(options, topic, PARTITIONS, load, lambda done: report("sending", done, load.events))


async def read(here: Bench, number: int) -> float:
    """Return the records per second of a bytes-only reader."""
    topic = ("--topic", here.prefix + REQUESTS, str(PARTITIONS))
    command = (sys.executable, "-m", "tests.bench.getmany", *topic)
    with Child(command, here.environment("any"), here.folder / f"getmany-{number}.log") as reader:
        result = json.loads((await finish(reader, within=300)).splitlines()[-1])
    return float(result["after_first"] / result["seconds"])


async def fold(
    here: Bench, app_id: str, load: Load, report: Report, command: Sequence[str] = WORKER
) -> float:
    """Return the events per second of a worker that starts with nothing. Raises ``BenchError`` if it miscounts."""
    await here.create_topics(app_id)
    with Child(command, here.environment(app_id), here.folder / f"worker-{app_id}.log") as worker:

        def tick(done: int) -> None:
            worker.require_running()
            report(f"{app_id}: folding", done, load.events)

        samples = await follow(here, app_id, load.events, tick=tick)
        await worker.terminate()
    if (total := (await counted(here, app_id))[""]) != load.events:
        raise BenchError(f"{total} requests are counted of {load.events}")
    return rate(samples)


def table(events: int, measured: dict[str, list[float]]) -> str:
    """Return a Markdown table of events per second: medians, what they lie between, ratios to the first line."""
    base = statistics.median(next(iter(measured.values())))
    lines = [
        f"| {events:,} request events, {PARTITIONS} partitions | events/s (median) | lowest to highest | ratio |",
        "|---|---|---|---|",
    ]
    for name, rates in measured.items():
        median, low, high = statistics.median(rates), min(rates), max(rates)
        lines.append(f"| {name} | {median:,.0f} | {low:,.0f} to {high:,.0f} | {median / base:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
