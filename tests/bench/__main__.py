"""streakline beside what a user would take instead, in one run: ``make bench``, or ``python -m tests.bench``.

Every part starts from nothing on one broker and prints a Markdown table; with ``--out`` all tables and the plots are
written there.
"""

import asyncio
import os
import platform
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import psutil

from app.cli.progress import progress
from app.local.broker import KAFKA_VERSION
from app.local.files import Report
from tests.bench import contest, plot, restore, table
from tests.bench.load import Load
from tests.bench.subjects import SUBJECTS
from tests.bench.surroundings import Bench, bench


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    events: int
    callers: tuple[int, ...]
    programs: tuple[str, ...]
    restored: tuple[int, ...]


class Section(NamedTuple):
    """What a part found: a Markdown text, and pictures by the names of their files."""

    text: str
    pictures: dict[str, str]


FULL: Final = Plan(3, 1_000_000, (1_000, 100_000), tuple(SUBJECTS), (10_000, 100_000, 1_000_000))
QUICK: Final = Plan(1, 100_000, (1_000,), tuple(SUBJECTS), (10_000,))


async def speed(here: Bench, plan: Plan, report: Report) -> Section:
    """Compare events per second, processor time, memory and bytes written."""
    texts, pictures = [], {}
    subjects = [SUBJECTS[name]() for name in plan.programs]
    for callers in plan.callers:
        load = Load(plan.events, callers)
        scores = await contest.rounds(here, subjects, load, plan.rounds, report)
        title = f"{plan.events:,} events of {callers:,} callers"
        texts.append(f"### {title}\n\n{table.contest(subjects, scores)}")
        pictures[f"bench-{callers}.svg"] = plot.bars(
            f"Events per second, one worker: {title}",
            f"Median of {plan.rounds} interleaved rounds on {machine()}; the line is the spread. More is better.",
            [table.bar(subject, scores[subject.name]) for subject in subjects],
        )
    return Section("\n\n".join(texts), pictures)


async def restores(here: Bench, plan: Plan, report: Report) -> Section:
    """Measure restores and memory."""
    restored = [await restore.measure(here, callers, plan.rounds, report) for callers in plan.restored]
    restored.append(await restore.measure(here, plan.restored[0], plan.rounds, report, identities=True))
    return Section(f"### Restore and memory\n\n{table.restores(restored)}", {})


PARTS: Final[dict[str, Callable[[Bench, Plan, Report], Coroutine[Any, Any, Section]]]] = {
    "speed": speed,
    "restore": restores,
}


def machine() -> str:
    """Say what the figures are of."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, broker (Kafka {KAFKA_VERSION}) on the same machine"


@click.command
@click.option(
    "--quick", is_flag=True, help="A small run of everything, to see that it runs: minutes, not figures."
)
@click.option("--part", "parts", type=click.Choice(list(PARTS)), multiple=True, help="[default: all]")
@click.option(
    "--program", "programs", type=click.Choice(list(SUBJECTS)), multiple=True, help="[default: all]"
)
@click.option("--callers", type=int, multiple=True, help=f"Of the load; several make several. {FULL.callers}")
@click.option("--events", type=int, help=f"Of the load. [default: {FULL.events}]")
@click.option("--rounds", type=int, help=f"Of each program. [default: {FULL.rounds}]")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for bench.md and the plots.")
def main(
    *,
    quick: bool,
    parts: tuple[str, ...],
    programs: tuple[str, ...],
    callers: tuple[int, ...],
    events: int | None,
    rounds: int | None,
    out: Path | None,
) -> None:
    """Measure, print Markdown tables, and write them with plots to a folder."""
    base = QUICK if quick else FULL
    plan = replace(
        base,
        rounds=rounds or base.rounds,
        events=events or base.events,
        callers=callers or base.callers,
        programs=programs or base.programs,
    )
    sections: dict[str, Section] = {}
    with bench() as here, progress() as report:
        for name in parts or PARTS:
            sections[name] = asyncio.run(PARTS[name](here, plan, report))
            print(f"\n{sections[name].text}\n")  # noqa: T201 - its output
    if out:
        _write(out, sections)


def _write(out: Path, sections: dict[str, Section]) -> None:
    when = datetime.now(UTC).date().isoformat()
    head = f"Written by `make bench` on {when}: {machine()}, Python {platform.python_version()}."
    out.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(["# Bench", head, *(section.text for section in sections.values())])
    (out / "bench.md").write_text(text + "\n", encoding="utf-8")
    for section in sections.values():
        for file, picture in section.pictures.items():
            (out / file).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
