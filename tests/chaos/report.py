"""What is said while the suite runs, and the table in the end."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from tests.chaos.fault import Outcome, Progress

#: Differences that are told in words, of each fault.
TOLD = 5
#: Seconds between two plain lines about the same fault.
QUIET = 10.0

HEADER = ("key", "fault", "times", "events", "missing", "extra", "wrong", "longest time to lag 0")


@contextmanager
def shown(console: Console) -> Iterator[Progress]:
    """Yield a function that shows how far a fault is: a bar for each on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console) as bars:
        tasks: dict[str, object] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what.replace("`", ""), total=total)
            bars.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield show


def _lines(console: Console) -> Progress:
    began = time.monotonic()
    said: dict[str, float] = {}

    def show(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what not in said or done == total or now - said[what] > QUIET:
            said[what] = now
            console.print(f"{now - began:6.0f} s  {what}: {done} of {total}", markup=False, highlight=False)

    return show


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def row(outcome: Outcome) -> tuple[object, ...]:
    """Return a fault's row."""
    verdict = outcome.verdict
    return (
        f"`{outcome.fault.key}`",
        outcome.fault.title,
        outcome.times,
        f"{verdict.events:,}",
        *(len(each) for each in (verdict.missing, verdict.extra, verdict.wrong)),
        f"{outcome.recovery:.1f} s",
    )


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the table, the first differences in words, and the workers that left for reasons of their own."""
    parts = [table(HEADER, map(row, outcomes))]
    for outcome in outcomes:
        differences = outcome.verdict.differences
        more = [f"... and {len(differences) - TOLD} more"] if len(differences) > TOLD else []
        parts += [
            f"{outcome.fault.title}:\n" + "\n".join(f"  {each}" for each in [*lines, *more])
            for lines in (differences[:TOLD],)
            if lines
        ]
        left = Counter((each.status, reason(each.last_line)) for each in outcome.surprises)
        parts += [
            f"{outcome.fault.title}: {count} x left with status {status}: {reason}"
            for (status, reason), count in left.most_common()
        ]
    return "\n\n".join(parts)


def reason(line: str) -> str:
    """Return a line of a log without its date and time."""
    return line.split(" ", 2)[-1][:160]
