"""`streakline show`: a scope in the terminal."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.scope import ScopeType
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

_QUIET_SECONDS = 3.0


@click.command
@click.argument("scope", type=ScopeType(), default="gateway")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as the HTTP interface does.")
def command(scope: str, *, as_json: bool) -> None:
    """Show the buddy, the achievements, the streak, the calendar and the forecast of a scope.

    SCOPE is gateway (the default) or caller:<id>. It is read from the changelogs: no worker needs to run.
    Where the output is not a terminal, it is plain lines.

    \b
    Example:
      streakline show
      streakline show caller:ada
      streakline show --json | jq .buddy.level
    """
    settings = Settings.from_environ(os.environ)
    import msgspec  # noqa: PLC0415 - wrong settings are said at once

    from app.cli.console import has_colours, output  # noqa: PLC0415
    from app.view.plain import plain_lines  # noqa: PLC0415
    from app.view.reader import ScopeReader  # noqa: PLC0415
    from app.view.scope_view import scope_view  # noqa: PLC0415
    from app.view.terminal import picture  # noqa: PLC0415

    state = asyncio.run(ScopeReader(settings, _progress()).read(scope))
    view = scope_view(state, datetime.now(UTC).date())
    if as_json:
        click.echo(msgspec.json.encode(view.parts()))
        return
    console = output()
    if console.is_terminal:
        console.print(picture(view, console.width, coloured=has_colours(console)))
    else:
        for line in plain_lines(view):
            console.print(line, soft_wrap=True)


def _progress() -> Callable[[int], None]:
    """Make what says, every few seconds, how many offsets are still to be read; quick reads are silent."""
    told = time.monotonic()

    def tell(remaining: int) -> None:
        nonlocal told
        if time.monotonic() - told > _QUIET_SECONDS:
            told = time.monotonic()
            click.echo(f"reading the changelogs: {remaining:,} offsets to go", err=True)

    return tell
