"""`streakline project`: tables of SQL that follow the changelogs."""

from __future__ import annotations

import asyncio
import os
import signal

import click

from app.settings import Settings


@click.command
@click.option("--once", is_flag=True, help="Leave when the tables equal the changelogs of now.")
@click.option("--rebuild", is_flag=True, help="Empty the tables first, and fill them anew.")
def command(*, once: bool, rebuild: bool) -> None:
    """Keep tables in PostgreSQL equal to the changelogs, until SIGTERM or Ctrl-C.

    They are in the schema streakline of the database that STREAKLINE_DATABASE_URL names, which this command
    makes and brings up to date. One per database. It may be killed at any time.

    \b
    Example:
      streakline project
      streakline project --once
      psql "$STREAKLINE_DATABASE_URL" -c 'TABLE streakline.stats'
    """
    settings = Settings.from_environ(os.environ)
    asyncio.run(_project(settings, once=once, rebuild=rebuild))


async def _project(settings: Settings, *, once: bool, rebuild: bool) -> None:
    from app.cli.progress import progress  # noqa: PLC0415 - wrong settings are said at once
    from app.postgres.project.projector import project  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)

    def say(line: str) -> None:
        click.echo(line, err=True)

    await project(settings, stop, progress, say, rebuild=rebuild, once=once)
