"""`streakline verify`: whether streakline says what the SQL rescan says."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from app.settings import Settings


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
    from app.postgres.verdict_view import timing, verdict_lines, verdict_table  # noqa: PLC0415
    from app.postgres.verifying import verify  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is raised, too
    with progress() as report:
        verdict = asyncio.run(verify(settings, days, report))
    console = output()
    if console.is_terminal:
        console.print(verdict_table(verdict))
    else:
        for line in verdict_lines(verdict):
            console.print(line, soft_wrap=True)
    console.print(timing(verdict), soft_wrap=True)
    if verdict.is_clean:
        console.print("nothing differs that is not explained", soft_wrap=True)
        return
    for note in verdict.notes:
        console.print(note, soft_wrap=True)
    console.print(f"{sum(not line.is_explained for line in verdict.lines)} figures differ", soft_wrap=True)
    sys.exit(1)
