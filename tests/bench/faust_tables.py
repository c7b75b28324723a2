"""What Faust's own tables and its exactly-once mode do here, beside streakline's worker and a bytes-only reader.

    python -m tests.bench.faust_tables

Each Faust program runs twice on topics of its own: once undisturbed, for its speed, and once with three times
``kill -9`` at random moments, each followed by a start, for what it has counted in the end. Then the same for a
streakline worker with more events, because it is faster. Every wait has an end: what hangs is said to hang.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import click
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from app.cli.progress import progress
from app.engine.changelog import ChangelogReader
from app.local.files import Report
from tests.bench import throughput
from tests.bench.folding import counted, follow
from tests.bench.load import Load, produce, recount
from tests.bench.surroundings import PARTITIONS, WORKER, Bench, BenchError, Child, bench

KILLS = 3

#: Their changelogs are made beforehand. Where Faust makes them itself, its first start may find them without
#: partitions (``PartitionsMismatch``) and fail on every event until it is started again: seen in 1 of 8.
TABLES = ("requests", "tokens")
PROGRAM = (sys.executable, "-m", "tests.bench.faust_app", "worker", "--without-web", "-l", "info")

#: Seconds: without any progress after which a program hangs, and of a whole run.
HANGS_AFTER = 60.0
RUN_LIMIT = 300.0

#: Seconds that an agent must have been idle with nothing left to read. More than Faust's commit interval of 2.8 s.
SETTLED_AFTER = 8.0


@dataclass(frozen=True, slots=True)
class Variant:
    """A Faust program, and how many events it is given."""

    name: str
    title: str
    guarantee: str
    tables: bool
    events: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: Faust programs, and a streakline worker if it has a load."""

    faust: list[Variant]
    streakline: Load | None
    rounds: int


@dataclass(slots=True)
class Outcome:
    """What became of a run."""

    produced: int
    counted: int | None = None
    callers: int = 0
    wrong: int = 0
    rate: float | None = None
    notes: list[str] = field(default_factory=list)

    def compare(self, expected: Counter[str], actual: Counter[str]) -> None:
        """Compare caller by caller."""
        self.counted = actual.total()
        self.callers = len(expected)
        self.wrong = sum(actual[caller] != expected[caller] for caller in expected | actual)


@click.command
@click.option("--events", default=40_000, show_default=True, help="For a Faust program.")
@click.option("--streakline-events", default=400_000, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Of the undisturbed runs.")
@click.option("--seed", default=1, show_default=True, help="Of the moments to kill at.")
@click.option("--only", default="", help="One of: none, at-least-once, exactly-once, streakline.")
def main(events: int, streakline_events: int, rounds: int, seed: int, only: str) -> None:
    """Run all, print two Markdown tables."""
    variants = [
        Variant("none", "Faust agent, no table", "at_least_once", tables=False, events=events),
        Variant("at-least-once", "Faust agent, two tables", "at_least_once", tables=True, events=events),
        Variant("exactly-once", "the same, `exactly_once`", "exactly_once", tables=True, events=events),
    ]
    with bench("faust") as here, progress() as report:
        chosen = [each for each in variants if only in ("", each.name)]
        plan = Plan(chosen, Load(streakline_events) if only in ("", "streakline") else None, rounds)
        asyncio.run(_run(here, plan, random.Random(seed), report))


async def _run(here: Bench, plan: Plan, rng: random.Random, report: Report) -> None:
    rates: dict[str, list[float]] = {}
    killed: dict[str, Outcome] = {}
    load = plan.streakline
    if load is not None:
        await throughput.send(here, load, report)
    for number in range(1, plan.rounds + 1):
        if load is not None:
            rates.setdefault("aiokafka `getmany`, bytes only", []).append(await throughput.read(here, number))
            speed = await throughput.fold(here, f"speed-{number}", load, report)
            rates.setdefault("streakline worker, all rules on", []).append(speed)
        for variant in plan.faust:
            outcome = await run_faust(here, variant, f"{variant.name}-speed-{number}", [], report)
            if outcome.rate is not None:
                rates.setdefault(variant.title, []).append(outcome.rate)
            if outcome.rate is None or outcome.wrong or outcome.notes:
                killed[f"{variant.title}, never killed, run {number}"] = outcome
    for variant in plan.faust:
        if variant.tables:
            moments = [rng.uniform(2, 6) for _ in range(KILLS)]
            killed[variant.title] = await run_faust(here, variant, f"{variant.name}-killed", moments, report)
    if load is not None:
        moments = [rng.uniform(0.3, 1.5) for _ in range(KILLS)]
        killed["streakline worker"] = await run_streakline(here, load, moments, report)
    print(speeds(rates), outcomes(killed), sep="\n\n")  # noqa: T201 - its output


# -- Faust ---------------------------------------------------------------------------------------------------


async def run_faust(
    here: Bench, variant: Variant, name: str, kill_after: list[float], report: Report
) -> Outcome:
    """Run a program on topics of its own; kill it ``kill_after`` seconds after it is seen to fold, each time."""
    load = Load(variant.events)
    app_id, topic = here.prefix + name, f"{here.prefix}{name}-requests-in"
    await here.create_topics_of_its_own(topic, *changelogs(app_id))
    await produce(here.settings("any").kafka_options(), topic, PARTITIONS, load)
    run = FaustRun(here, environment(here, variant, name, topic), name, load.events, report)
    outcome = Outcome(load.events)
    await run.run(kill_after)
    outcome.notes += run.notes
    if not kill_after and run.folded == load.events:
        outcome.rate = (run.folded - 1) / (run.last - run.first)
    if variant.tables:
        outcome.compare(recount(load)[0], await table(here, f"{app_id}-requests-changelog"))
    await here.delete_topics(name)
    return outcome


def changelogs(app_id: str) -> list[str]:
    """Return the names of the program's changelogs."""
    return [f"{app_id}-{table}-changelog" for table in TABLES]


def environment(here: Bench, variant: Variant, name: str, topic: str) -> dict[str, str]:
    """Return the environment of a program that folds a topic (its full name); its app id is prefix and name."""
    return {
        **here.environment("any"),
        "BENCH_APP_ID": here.prefix + name,
        "BENCH_TOPIC": topic,
        "BENCH_TABLES": "yes" if variant.tables else "no",
        "BENCH_GUARANTEE": variant.guarantee,
        "BENCH_DATADIR": str(here.folder / name),
    }


class FaustRun:
    """One Faust worker after the other, as a supervisor would start them."""

    def __init__(
        self, here: Bench, environment: dict[str, str], name: str, events: int, report: Report
    ) -> None:
        self.notes: list[str] = []
        self.folded = 0
        self.first = self.last = 0.0
        self._here = here
        self._environment = environment
        self._name = name
        self._events = events
        self._report = report
        self._starts = 0
        self._child = self._start()

    def _start(self) -> Child:
        self._starts += 1
        self.folded = 0
        log = self._here.folder / f"{self._name}-{self._starts}.log"
        return Child(PROGRAM, self._environment, log)

    async def run(self, kill_after: Sequence[float]) -> None:
        """Fold to the end, killed so many seconds after it is seen to fold each time; ``notes`` say what happened."""
        try:
            await self._to_the_end(list(kill_after))
        except TimeoutError as exc:
            self.notes.append(str(exc))
        await self._stop()

    async def _to_the_end(self, kill_after: list[float]) -> None:
        """Return when nothing is left to read. Raises ``TimeoutError`` when it hangs."""
        began = moved = time.monotonic()
        kill_at: float | None = None
        while True:
            await asyncio.sleep(0.25)
            now, before = time.monotonic(), self.folded
            self._read_output()
            if self.folded > before:
                moved = now
                if kill_after and kill_at is None:
                    kill_at = now + kill_after.pop(0)
            if kill_at is not None and now >= kill_at:
                kill_at, moved = None, now
                self._child.kill()
                self._child = self._start()
            elif (status := self._child.process.poll()) is not None:
                self.notes.append(f"left by itself with status {status}: {_last_error(self._child)}")
                if len(self.notes) > KILLS:
                    raise TimeoutError("started no more")
                moved, self._child = now, self._start()
            lag = await self._lag()
            self._report(f"{self._name}: events left, start {self._starts}", lag, self._events)
            idle = now - moved
            if not lag and kill_at is None and idle > SETTLED_AFTER:
                if kill_after:
                    self.notes.append(f"done before the last {len(kill_after)} of {KILLS} kills")
                return
            if idle > HANGS_AFTER or now - began > RUN_LIMIT:
                raise TimeoutError(f"hangs: {lag} events uncommitted, nothing folded for {idle:.0f} s")

    def _read_output(self) -> None:
        for line in reversed(self._child.output.splitlines()):
            if line.startswith('{"folded"') and line.endswith("}"):
                said = json.loads(line)
                self.folded, self.first, self.last = said["folded"], said["first"], said["last"]
                return

    async def _lag(self) -> int:
        """Return how many events the group has not committed."""
        admin = AIOKafkaAdminClient(**self._here.settings("any").kafka_options())
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self._environment["BENCH_APP_ID"])
        except GroupCoordinatorNotAvailableError:
            return self._events  # the broker has had no group yet
        finally:
            await admin.close()
        topic = self._environment["BENCH_TOPIC"]
        committed: int = sum(max(each.offset, 0) for tp, each in offsets.items() if tp.topic == topic)
        return self._events - committed

    async def _stop(self) -> None:
        if self._child.process.poll() is None and await self._child.terminate(20) is None:
            self.notes.append("did not end within 20 s of SIGTERM")
        self._child.kill()


def _last_error(child: Child) -> str:
    lines = [line for line in child.output.splitlines() if "Error" in line or "Fenced" in line]
    return lines[-1][:160] if lines else "no error in its log"


async def table(here: Bench, changelog: str) -> Counter[str]:
    """Return a Faust table as its changelog has it, which is what the next worker would start with."""
    rows: dict[tuple[int, bytes], bytes | None] = {}

    def on_row(_topic: str, partition: int, key: bytes, value: bytes | None) -> None:
        rows[partition, key] = value

    async with ChangelogReader(here.settings("any").kafka_options()) as reader:
        await reader.read_to_end([TopicPartition(changelog, number) for number in range(PARTITIONS)], on_row)
    counts: Counter[str] = Counter()
    for (_, key), value in rows.items():
        counts[json.loads(key)] += json.loads(value) if value is not None else 0
    return counts


# -- streakline ----------------------------------------------------------------------------------------------


async def run_streakline(here: Bench, load: Load, kill_after: list[float], report: Report) -> Outcome:
    """Do the same to a streakline worker."""
    app_id = "killed"
    await here.create_topics(app_id)
    environment, outcome = here.environment(app_id), Outcome(load.events)
    moments = list(kill_after)
    child = Child(WORKER, environment, here.folder / "killed-1.log")
    kill_at: float | None = None
    at_start = 0

    def tick(done: int) -> None:
        nonlocal child, kill_at, at_start
        report("killed: events folded", done, load.events)
        child.require_running()
        if kill_at is None and moments and done > at_start:
            kill_at = time.monotonic() + moments.pop(0)
        if kill_at is not None and time.monotonic() >= kill_at:
            child.kill()
            kill_at, at_start = None, done
            child = Child(WORKER, environment, here.folder / f"killed-{KILLS - len(moments) + 1}.log")

    try:
        await follow(here, app_id, load.events, tick=tick)
        if moments or kill_at is not None:
            outcome.notes.append(f"done before kill {KILLS - len(moments)} of {KILLS}")
    except BenchError as exc:
        outcome.notes.append(str(exc))
    await child.terminate()
    actual = await counted(here, app_id)
    del actual[""]
    outcome.compare(recount(load)[0], actual)
    return outcome


# -- tables --------------------------------------------------------------------------------------------------


def speeds(rates: dict[str, list[float]]) -> str:
    """Return a Markdown table of events per second, with ratios to the fastest."""
    medians = {title: statistics.median(measured) for title, measured in rates.items()}
    best = max(medians.values(), default=1.0)
    lines = ["| program | events/s (median) | lowest to highest | ratio |", "|---|---|---|---|"]
    for title, measured in rates.items():
        median = medians[title]
        spread = f"{min(measured):,.0f} to {max(measured):,.0f}"
        lines.append(f"| {title} | {median:,.0f} | {spread} | {median / best:.4f} |")
    return "\n".join(lines)


def outcomes(killed: dict[str, Outcome]) -> str:
    """Return a Markdown table of what was counted."""
    lines = [
        "| after 3 x kill -9 | produced | counted | callers wrong | what happened |",
        "|---|---|---|---|---|",
    ]
    for title, each in killed.items():
        wrong = f"{each.wrong} of {each.callers}" if each.callers else ""
        number = f"{each.counted:,}" if each.counted is not None else ""
        lines.append(f"| {title} | {each.produced:,} | {number} | {wrong} | {'; '.join(each.notes)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
