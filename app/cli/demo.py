"""`streakline demo`: all of it at work, on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.signals import end_like_ctrl_c
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long the sample traffic takes, in seconds.
_TO_LOOK_AT = 22.0
_UNWATCHED = 6.0


@click.command
@click.option("--exit", "ends", is_flag=True, help="End when the sample traffic is folded and checked.")
@click.option(
    "--postgres",
    is_flag=True,
    help="A gateway that has its history in PostgreSQL: import, fold, compare, follow.",
)
@click.option("--seconds", type=click.FloatRange(0), hidden=True)
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), hidden=True)
def command(seconds: float | None, record: Path | None, *, ends: bool, postgres: bool) -> None:
    """See streakline at work on this machine: Kafka, a worker, the dashboard, six weeks of traffic.

    Starts a local Apache Kafka if none is configured, says where the dashboard is, shows unlocks and
    level-ups as they are published, and in the end the buddy; then goes on with live traffic until Ctrl-C.
    Everything that it started is stopped and its topics are removed. Exit status: 0 what was counted is what
    was sent, 1 it is not.

    \b
    Example:
      streakline demo
      streakline demo --exit
      streakline demo --postgres
    """
    Settings.from_environ(os.environ)
    from app.cli.console import output  # noqa: PLC0415 - wrong settings are said at once
    from app.cli.progress import progress  # noqa: PLC0415
    from app.local.demo import Demo  # noqa: PLC0415
    from app.local.demo_postgres import PostgresDemo  # noqa: PLC0415
    from app.local.demo_screen import DemoScreen  # noqa: PLC0415
    from app.local.demo_setup import dashboard, local_kafka, own_environ  # noqa: PLC0415
    from app.local.postgres import local_postgres  # noqa: PLC0415

    end_like_ctrl_c()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # topics that are new make it talk
    console = output()
    own = own_environ(os.environ)
    if seconds is None:
        seconds = _TO_LOOK_AT if console.is_terminal or record else _UNWATCHED
    with ExitStack() as stack:
        with progress() as report:
            settings = stack.enter_context(local_kafka(os.environ | own, report))
            if postgres:
                report("starting PostgreSQL", 0, 0)
                own["STREAKLINE_DATABASE_URL"] = stack.enter_context(local_postgres())
                settings = Settings.from_environ(os.environ | own)
        screen = DemoScreen(console, _how_to_go_on(own, dashboard(own), stay=not ends))
        demo: Demo | PostgresDemo
        if postgres:
            demo = PostgresDemo(settings, own, screen)
            running = demo.run(stay=not ends)
        else:
            demo = Demo(settings, own, screen)
            running = demo.run(seconds, stay=not ends)
        try:
            with screen:
                asyncio.run(running)
        except KeyboardInterrupt:
            if not demo.is_shown:
                raise
            stack.callback(console.print, "everything that the demo started is stopped")
        if record:
            screen.save(record)


def _how_to_go_on(own: Mapping[str, str], address: str, *, stay: bool) -> list[str]:
    program = sys.argv[0] if "/" in sys.argv[0] and sys.argv[0].endswith("streakline") else "streakline"
    if not stay:
        same = "demo --postgres" if "STREAKLINE_DATABASE_URL" in own else "demo"
        return [f"`{program} {same}` without --exit goes on, live, with a dashboard."]
    database = own.get("STREAKLINE_DATABASE_URL")
    return [
        f"Live traffic goes on until Ctrl-C. The dashboard is at {address}",
        "Look around from another terminal:",
        f"  export STREAKLINE_TOPIC_PREFIX={own['STREAKLINE_TOPIC_PREFIX']}",
        f"  {program} show",
        f"  {program} show caller:ada",
        f"  {program} watch",
        *([f"  export STREAKLINE_DATABASE_URL='{database}'", f"  {program} verify"] if database else []),
    ]
