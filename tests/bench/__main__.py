"""streakline beside what a user would take instead, in one run: ``make bench``.

That is ``.venv/bin/python -m tests.bench``. Every part starts from nothing on one broker and prints a Markdown table;
with ``--out`` all tables and the plots are written there: those of a whole run to ``bench.md``, those of some parts to a
file of their own, so that they do not take the place of the others.
"""

import asyncio
import os
import platform
import re
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.progress import progress
from app.cli.signals import end_like_ctrl_c
from tests.bench.parts import FULL, PARTS, QUICK, Section, machine
from tests.bench.subjects import SUBJECTS
from tests.bench.surroundings import bench


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
@click.option("--many", type=int, help=f"Events of the part `growth`. [default: {FULL.many}]")
@click.option("--restored", type=int, multiple=True, help=f"Callers of the part `restore`. {FULL.restored}")
@click.option("--rounds", type=int, help=f"Of each program. [default: {FULL.rounds}]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder for bench.md and the plots; for some parts alone, bench-<parts>.md.",
)
def main(
    *,
    quick: bool,
    parts: tuple[str, ...],
    programs: tuple[str, ...],
    callers: tuple[int, ...],
    events: int | None,
    many: int | None,
    restored: tuple[int, ...],
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
        crowd_rounds=rounds or base.crowd_rounds,
        crowd_programs=programs or base.crowd_programs,
        restored=restored or base.restored,
        many=many or base.many,
    )
    began, sections = time.monotonic(), dict[str, Section]()
    end_like_ctrl_c()
    with bench("bench") as here, progress() as report:
        for name in parts or PARTS:
            sections[name] = asyncio.run(PARTS[name](here, plan, report))
            print(f"\n{sections[name].text}\n", flush=True)  # noqa: T201 - its output
    if out:
        write(out, sections, round((time.monotonic() - began) / 60))


def write(out: Path, sections: dict[str, Section], minutes: int) -> None:
    """Write tables and plots to a folder, those of some parts to a file of their own; say which files."""
    some = "" if sections.keys() == PARTS.keys() else f"Only {', '.join(sections)}, of {len(PARTS)} parts. "
    when = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[2]
    head = (
        f"`{_command()}`, {when}: {machine()}, Python {platform.python_version()}; {minutes} minutes. {some}The load average "
        f"of the last quarter of an hour was {load:.0f}: where that is more than a few, others were at work on the cores, "
        "speeds by the clock and delays say little, and those by processor time are to be compared."
    )
    text = "\n\n".join(["# Bench", head, *(section.text for section in sections.values())])
    files = {f"bench-{'-'.join(sections)}.md" if some else "bench.md": text + "\n"}
    for section in sections.values():
        files |= section.pictures
    out.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (out / file).write_text(content, encoding="utf-8")
    print(f"written to {out}: {', '.join(files)}")  # noqa: T201 - its output


def _command() -> str:
    """Return what was run, with the options that say what was measured."""
    options = " ".join(sys.argv[1:])
    options = re.sub(r"--out[ =]\S+ ?", "", options).strip()
    return f"make bench ARGS='{options}'" if options else "make bench"


if __name__ == "__main__":
    main()
