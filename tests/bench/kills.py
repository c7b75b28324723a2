"""What stock Faust and streakline have counted after three times ``kill -9``, each followed by a start.

    .venv/bin/python -m tests.bench.kills

The moments are random, with a seed. Every wait has an end: what hangs is said to hang.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import click

from app.cli.progress import progress
from app.cli.signals import end_like_ctrl_c
from app.local.files import Report
from tests.bench.contest import prepare
from tests.bench.expected import Total
from tests.bench.load import Load
from tests.bench.subjects.python_programs import Faust, FaustExactlyOnce
from tests.bench.subjects.streakline import Streakline
from tests.bench.subjects.subject import Run, Subject, said
from tests.bench.surroundings import Bench, Child, bench
from tests.bench.table import markdown

KILLS = 3

#: Seconds: without any progress after which a program hangs, and of a whole run.
HANGS_AFTER = 60.0
RUN_LIMIT = 300.0

#: Seconds that all must have been done for. More than Faust's commit interval of 2.8 s.
SETTLED_AFTER = 8.0


@dataclass(frozen=True, slots=True)
class Killed:
    """A program, its events, and the least and the most seconds from its first progress to a kill."""

    subject: Subject
    events: int
    least: float
    most: float


@dataclass(slots=True)
class Outcome:
    """What became of a run."""

    events: int
    counted: int = 0
    wrong: int = 0
    callers: int = 0
    notes: list[str] = field(default_factory=list)


@click.command
@click.option("--events", default=20_000, show_default=True, help="For a Faust program.")
@click.option("--streakline-events", default=400_000, show_default=True, help="It is faster.")
@click.option("--seed", default=1, show_default=True, help="Of the moments to kill at.")
def main(events: int, streakline_events: int, seed: int) -> None:
    """Run all, print a Markdown table."""
    killed = [
        Killed(Faust(), events, 2, 6),
        Killed(FaustExactlyOnce(), events, 2, 6),
        Killed(Streakline(), streakline_events, 0.3, 1.5),
    ]
    end_like_ctrl_c()
    with bench("kills") as here, progress() as report:
        rows = asyncio.run(_run(here, killed, random.Random(seed), report))
    head = (f"after {KILLS} x kill -9", "events", "counted", "callers wrong", "what happened")
    print(markdown(head, rows))  # noqa: T201 - its output


async def _run(here: Bench, killed: list[Killed], rng: random.Random, report: Report) -> list[list[str]]:
    rows = []
    for each in killed:
        moments = [rng.uniform(each.least, each.most) for _ in range(KILLS)]
        run = replace(await prepare(here, Load(each.events), report), name=f"{each.subject.name}-killed")
        outcome = await kill(each.subject, run, moments)
        wrong = f"{outcome.wrong:,} of {outcome.callers:,}"
        numbers = [f"{outcome.events:,}", f"{outcome.counted:,}", wrong]
        rows.append([each.subject.title.replace("*", ""), *numbers, "; ".join(outcome.notes)])
        await run.bench.delete_topics()
    return rows


async def kill(subject: Subject, run: Run, moments: list[float]) -> Outcome:
    """Kill a program so many seconds after it is seen to get on, each time; compare what it has counted in the end."""
    supervised = Supervised(subject, run)
    totals = await supervised.fold(moments)
    counted = sum(
        total.requests + total.hits + total.races + total.facts + total.superseded
        for total in totals.values()
    )
    wrong = run.expected.wrong(totals)
    return Outcome(run.expected.counted(), counted, wrong, len(run.expected.scopes), supervised.notes)


class Supervised:
    """One process after the other, as a supervisor would start them. ``notes`` say what happened."""

    def __init__(self, subject: Subject, run: Run) -> None:
        self.notes: list[str] = []
        self._subject = subject
        self._run = run
        self._starts = 0

    async def fold(self, moments: Sequence[float]) -> Mapping[str, Total]:
        """Fold to the end, killed so many seconds after it is seen to get on each time; return what it has counted."""
        await self._subject.create_topics(self._run)
        self._child = self._start()
        try:
            await self._to_the_end(list(moments))
        except TimeoutError as exc:
            self.notes.append(str(exc))
        await self._stop()
        return await self._subject.totals(self._run, self._child)

    def _start(self) -> Child:
        self._starts += 1
        command, environment = self._subject.command(self._run), self._subject.environment(self._run)
        return Child(command, environment, self._run.bench.folder / f"{self._run.app}-{self._starts}.log")

    async def _to_the_end(self, moments: list[float]) -> None:
        """Return when all is done for a while. Raises ``TimeoutError`` when it hangs."""
        run, committed, folded, kill_at = self._run, 0, 0, 0.0
        began = moved = time.monotonic()
        async with self._subject.progress(run, self._child) as done:
            while True:
                await asyncio.sleep(0.25)
                now, events = time.monotonic(), await done()
                run.report(f"{run.name}: start {self._starts}", events, run.load.events)
                samples = said(self._child)
                if events > committed or (samples and samples[-1].events > folded):
                    committed, folded, moved = events, samples[-1].events if samples else 0, now
                    if moments and not kill_at:
                        kill_at = now + moments.pop(0)
                if kill_at and now >= kill_at:
                    kill_at, folded, moved = 0.0, 0, now
                    self._child.kill()
                    self._child = self._start()
                elif (status := self._child.process.poll()) is not None:
                    self.notes.append(f"left by itself with status {status}")
                    if len(self.notes) > KILLS:
                        raise TimeoutError("started no more")
                    moved, self._child = now, self._start()
                idle = now - moved
                if events >= run.load.events and not kill_at and idle > SETTLED_AFTER:
                    if moments:
                        self.notes.append(f"done before the last {len(moments)} of {KILLS} kills")
                    return
                if idle > HANGS_AFTER or now - began > RUN_LIMIT:
                    raise TimeoutError(
                        f"hangs: {run.load.events - events} events uncommitted, nothing done for {idle:.0f} s"
                    )

    async def _stop(self) -> None:
        """End what still runs."""
        if self._child.process.poll() is None and await self._child.terminate(20) is None:
            self.notes.append("did not end within 20 s of SIGTERM")
        self._child.kill()


if __name__ == "__main__":
    main()
