"""`streakline verify`: whether streakline says what the SQL rescan says."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from app.postgres.differences import Line
    from app.postgres.verifying import Verdict


@click.command
@click.option(
    "--days", type=click.IntRange(1), default=365, show_default=True, help="How many days of the calendar."
)
def command(days: int) -> None:
    """Compare streakline with the SQL rescan that it replaces, figure by figure.

    Runs the rescan's own queries in one snapshot of the database, waits until all that was sent by then is
    folded, and prints both sides: the twelve stats, the active days, the calendar. The rescan takes as long
    as it takes. Compare in a quiet moment: rows that are written meanwhile are on one side only.

    \b
    Example:
      streakline verify
      streakline verify --days 30

    Exit status: 0 nothing differs but what the README explains, 1 something does.
    """
    settings = Settings.from_environ(os.environ)
    import logging  # noqa: PLC0415 - wrong settings are said at once

    from app.cli.console import output  # noqa: PLC0415
    from app.cli.progress import progress  # noqa: PLC0415
    from app.postgres.verifying import verify  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is raised, too
    with progress() as report:
        verdict = asyncio.run(verify(settings, days, report))
    console = output()
    if console.is_terminal:
        console.print(_table(verdict))
    else:
        for line in _plain(verdict):
            console.print(line, soft_wrap=True)
    console.print(
        f"the rescan took {verdict.rescan_seconds:.2f} s, streakline {verdict.streakline_seconds:.2f} s",
        soft_wrap=True,
    )
    if verdict.is_clean:
        console.print("nothing differs that is not explained", soft_wrap=True)
        return
    for note in verdict.notes:
        console.print(note, soft_wrap=True)
    console.print(f"{sum(not line.is_explained for line in verdict.lines)} figures differ", soft_wrap=True)
    sys.exit(1)


def _said(line: Line) -> str:
    if line.is_same:
        return "same"
    return "; ".join(line.reasons) if line.reasons else "DIFFERS"


def _plain(verdict: Verdict) -> Iterator[str]:
    widths = [max(len(line.name) for line in verdict.lines)]
    widths += [max(6, *(len(line.rescan) for line in verdict.lines))]
    widths += [max(10, *(len(line.streakline) for line in verdict.lines))]
    yield f"{'':{widths[0]}}  {'rescan':>{widths[1]}}  {'streakline':>{widths[2]}}"
    for line in verdict.lines:
        sides = f"{line.rescan:>{widths[1]}}  {line.streakline:>{widths[2]}}"
        yield f"{line.name:{widths[0]}}  {sides}  {_said(line)}"


def _table(verdict: Verdict) -> Table:
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("")
    table.add_column("rescan", justify="right")
    table.add_column("streakline", justify="right")
    table.add_column("")
    for line in verdict.lines:
        style = "green" if line.is_same else "yellow" if line.reasons else "bold red"
        table.add_row(line.name, line.rescan, line.streakline, Text(_said(line), style))
    return table
