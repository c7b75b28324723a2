"""`streakline watch`: unlocks and level-ups as they are published."""

from __future__ import annotations

import asyncio
import contextlib
import os

import click

from app.cli.scope import ScopeType
from app.cli.signals import end_like_ctrl_c
from app.settings import Settings


@click.command
@click.option("--scope", type=ScopeType(), help="Only those of gateway, or of caller:<id>.")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest instead of the next one.")
@click.option("--json", "as_json", is_flag=True, help="Print each message as one line of JSON.")
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
def command(scope: str | None, count: int | None, *, from_beginning: bool, as_json: bool) -> None:
    """Follow unlocks, level-ups and evolutions as they are published, until Ctrl-C.

    Reads committed messages only, without a consumer group: watching changes nothing, and any number may.

    \b
    Example:
      streakline watch
      streakline watch --from-beginning --scope caller:ada
      streakline watch --json | jq -r .scope
    """
    settings = Settings.from_environ(os.environ)
    end_like_ctrl_c()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_watch(settings, scope, count, from_beginning=from_beginning, as_json=as_json))


async def _watch(
    settings: Settings, scope: str | None, count: int | None, *, from_beginning: bool, as_json: bool
) -> None:
    import msgspec  # noqa: PLC0415 - wrong settings are said at once

    from app.cli.console import output  # noqa: PLC0415
    from app.view.follow import Follower  # noqa: PLC0415
    from app.view.messages import line  # noqa: PLC0415

    console = output()
    seen = 0
    async with Follower(settings, from_beginning=from_beginning) as follower:
        click.echo(f"watching {scope or 'all scopes'} on {settings.bootstrap_servers}, Ctrl-C ends", err=True)
        async for name, value, message in follower.messages():
            if scope is not None and message.scope != scope:
                continue
            if as_json:
                click.echo(msgspec.json.encode({"type": name, **msgspec.json.decode(value)}))
            else:
                console.print(line(message), soft_wrap=True)
            seen += 1
            if seen == count:
                return
