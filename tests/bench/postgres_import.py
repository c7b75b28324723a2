"""What an import of a large history takes, and that kills in the middle of it change nothing.

    .venv/bin/python -m tests.bench.postgres_import --requests 1000000

A gateway's tables are filled with awkward rows. They are imported, folded and verified; then they are imported again into
another deployment, by an import that is killed ten times at random. Both deployments must have the same events, and
verify must have nothing unexplained to say.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.cli.progress import progress
from app.local.postgres import local_postgres
from app.topics import INPUTS, Surroundings
from tests.bench.surroundings import WORKER, Bench, BenchError, Child, bench
from tests.support.gateway_history import GATEWAY, REFUSED, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.local.files import Report

STREAKLINE: Final = (sys.executable, "-c", "from app.cli import main; main()")
_PATIENCE: Final = 1800.0


@click.command
@click.option("--requests", default=1_000_000, show_default=True)
@click.option("--cache-rows", default=50_000, show_default=True)
@click.option("--mcp-calls", default=100_000, show_default=True)
@click.option("--kills", default=10, show_default=True)
def main(requests: int, cache_rows: int, mcp_calls: int, kills: int) -> None:
    """Measure an import; print a Markdown table."""
    counts = {"requests": requests, "cache": cache_rows, "mcp_calls": mcp_calls}
    counts |= {"races": 1_000, "facts": 1_000, "subscriptions": 40}
    with bench("import") as here, progress() as report, ExitStack() as stack:
        report("starting PostgreSQL, and filling its tables", 0, 0)
        url = os.environ.get("STREAKLINE_DATABASE_URL") or stack.enter_context(local_postgres())
        os.environ["STREAKLINE_DATABASE_URL"] = url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(GATEWAY["create_tables"])
            connection.execute(GATEWAY["create_optional_tables"])
        fill(url, counts)
        print("\n".join(asyncio.run(_measure(here, counts, kills, report))))  # noqa: T201 - its output


async def _measure(here: Bench, counts: dict[str, int], kills: int, report: Report) -> Sequence[str]:
    await here.create_topics("whole")
    report("importing", 0, 0)
    took, _ = _run(here, "whole", "import")
    whole = await _events(here)
    with Child(WORKER, here.environment("whole"), here.folder / "worker.log"):
        report("folding and verifying", 0, 0)
        _, said = _run(here, "whole", "verify")
    unexplained = said.count("DIFFERS")
    other = replace(here, prefix=f"{here.prefix}again-")
    await other.create_topics("killed")
    killed = await _killed(other, kills, whole.total(), report)
    again = await _events(other)
    requests = counts["requests"]
    return [
        f"| {requests:,} requests, {counts['cache']:,} cache rows, {counts['mcp_calls']:,} MCP calls | |",
        "|---|---|",
        f"| import, from the start of the process to its end | {took.seconds:.1f} s |",
        f"| of which the import's own process computed | {took.computed:.1f} s |",
        f"| rows that break the contract, all of them named | {REFUSED} |",
        f"| figures of `verify` that differ without an explanation | {unexplained} |",
        f"| the rescan, and streakline's read, as `verify` says | {_times(said)} |",
        f"| killed {killed} times: events missing / twice / other | {_difference(whole, again)} |",
    ]


class Took(NamedTuple):
    """Seconds by the clock on the wall, and seconds that the program itself computed."""

    seconds: float
    computed: float


def _run(here: Bench, app_id: str, command: str) -> tuple[Took, str]:
    """Run a command to its end; return what it took, and what it printed."""
    began, computed = time.monotonic(), _computed()
    done = subprocess.run(
        (*STREAKLINE, command),
        env=here.environment(app_id),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    refused = f"{REFUSED} rows break the contract"
    if (
        done.returncode
        and not (command == "import" and refused in done.stderr)
        and "DIFFERS" not in done.stdout
    ):
        raise BenchError(f"{command} ended with status {done.returncode}: {done.stderr[-2000:]}")
    return Took(time.monotonic() - began, _computed() - computed), done.stdout


def _computed() -> float:
    """Return the seconds of processor time that programs took which we have run to their end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _killed(here: Bench, kills: int, events: int, report: Report) -> int:
    """Import with kills at random moments of the work that is left; return how many met it at work.

    What is left counts the events in the topics, those of killed transactions too: it errs towards an early kill.
    """
    chance = random.Random(7)
    async with _reader(here) as consumer:
        partitions = _inputs(here)
        for done in range(kills):
            log = here.folder / f"import-{done}.log"
            with Child((*STREAKLINE, "import"), here.environment("killed"), log) as child:
                written = await _written(consumer, partitions)
                mark = written + chance.uniform(0, 1) * max(events - written, 0) / (kills - done)
                while await _written(consumer, partitions) <= mark:
                    if child.process.poll() is not None:
                        return done
                    await asyncio.sleep(0.01)
            report("killing an import", done + 1, kills)
    _run(here, "killed", "import")
    return kills


async def _written(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> int:
    """Return how many records were ever written to the topics, committed or not."""
    return sum((await consumer.end_offsets(partitions)).values())


async def _events(here: Bench) -> Counter[str]:
    """Return how often each event is in the topics, by topic and value: what is committed."""
    around = Surroundings.of(here.settings("any"))
    found: Counter[str] = Counter()
    partitions = _inputs(here)
    name_of = {around.topic(name): name for name in INPUTS}
    async with _reader(here) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                found.update(f"{name_of[tp.topic]} {tp.partition} {hash(record.value)}" for record in records)
    return found


def _inputs(here: Bench) -> list[TopicPartition]:
    settings = here.settings("any")
    around = Surroundings.of(settings)
    return [
        TopicPartition(around.topic(name), number) for name in INPUTS for number in range(settings.partitions)
    ]


def _reader(here: Bench) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **here.settings("any").kafka_options(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )


def _difference(whole: Counter[str], again: Counter[str]) -> str:
    missing, more = whole - again, again - whole
    twice = sum(1 for count in again.values() if count > 1)
    return f"{missing.total():,} / {twice:,} / {more.total():,}"


def _times(said: str) -> str:
    found = re.search(r"the rescan took ([\d.]+) s, streakline ([\d.]+) s", said)
    return f"{found[1]} s, {found[2]} s" if found else "?"


if __name__ == "__main__":
    main()
