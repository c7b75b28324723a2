"""`streakline import`: the history of a gateway's tables, and what comes behind it."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app.cli.signals import end_like_ctrl_c
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.postgres.import_state import Refused
    from app.postgres.reading import Tally

#: Refused rows that are shown; --refused shows all.
_SHOWN = 20
#: Seconds between two lines about what was followed.
_TOLD_EVERY = 5.0


class Moment(click.ParamType):
    """A time in RFC 3339; without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time, which must not be in the future."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-03-01T08:00:00Z", param, ctx)
        at = at.replace(tzinfo=at.tzinfo or UTC)
        if at > datetime.now(UTC):
            self.fail(f"{value} is in the future: rows may still come before it", param, ctx)
        return at


@click.command
@click.option(
    "--before",
    type=Moment(),
    help="Import what is before this time; from it on the gateway's own events count.  [default: now]",
)
@click.option(
    "--follow", is_flag=True, help="Go on with rows that are new, for a gateway that only writes SQL."
)
@click.option(
    "--interval",
    type=click.FloatRange(0.01),
    default=1.0,
    show_default=True,
    help="With --follow: seconds between two looks.",
)
@click.option(
    "--refused", is_flag=True, help="Only list the rows that break the contract, as imported so far."
)
def command(before: datetime | None, interval: float, *, follow: bool, refused: bool) -> None:
    """Take the history of a gateway's PostgreSQL tables over, each row once.

    Reads request_tracking, response_cache, mcp_tool_calls and, where they exist, race_mode_results,
    caller_knowledge and subscription_quota_window, and sends the events that they are. It may be stopped,
    killed and started again at any time: it goes on where it stands. STREAKLINE_DATABASE_URL names the
    database.

    \b
    Example:
      streakline import --before 2026-03-01T08:00:00Z
      streakline import --follow

    Exit status: 0 all rows are imported, 1 some break the contract (they are listed) or it failed.
    """
    settings = Settings.from_environ(os.environ)
    if follow and before is not None:
        raise click.UsageError("--follow has no cut-over: leave out --before")
    end_like_ctrl_c()
    import logging  # noqa: PLC0415 - wrong settings are said at once

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is raised, too
    if refused:
        rows = asyncio.run(_refused(settings))
        _show_refused(rows, limit=len(rows))
    elif follow:
        try:
            rows = asyncio.run(_follow(settings, interval))
        except KeyboardInterrupt:
            click.echo("stopped; `streakline import --follow` goes on where it stands")
            return
    else:
        rows = asyncio.run(_import(settings, before))
    if rows and not refused:
        _show_refused(rows, limit=_SHOWN)
        raise SystemExit(1)


async def _import(settings: Settings, before: datetime | None) -> list[Refused]:
    from app.cli.progress import progress  # noqa: PLC0415 - see above
    from app.postgres.importing import importing  # noqa: PLC0415

    with progress() as report:
        async with importing(settings, report) as run:
            until = await run.cut_over(before, lambda text: click.echo(text, err=True))
            await run.history(until)
            not_before = await run.not_before(until)
    _show(run.tally, [table.name for table in run.tables])
    click.echo(f"imported all rows before {until}")
    for name, count in not_before.items():
        click.echo(f"{count:,} rows of {name} are not before it: left to the gateway's own events")
    return run.state.all_refused()


async def _follow(settings: Settings, interval: float) -> list[Refused]:
    from app.cli.progress import progress  # noqa: PLC0415 - see above
    from app.postgres.importing import importing  # noqa: PLC0415

    with progress() as report:
        async with importing(settings, report) as run:
            told, shown = 0.0, -1
            async for _ in run.follow(interval):
                events = run.tally.events.total()
                if events != shown and time.monotonic() - told > _TOLD_EVERY:
                    told, shown = time.monotonic(), events
                    refused = len(run.state.all_refused())
                    click.echo(f"following: {events:,} events so far, {refused:,} rows break the contract")
    return []


async def _refused(settings: Settings) -> list[Refused]:
    from app.postgres.import_state import read_state  # noqa: PLC0415 - see above

    return (await read_state(settings)).all_refused()


def _show(tally: Tally, names: Sequence[str]) -> None:
    for name in names:
        click.echo(f"{name:26}{tally.rows[name]:>12,} rows{tally.events[name]:>12,} events")


def _show_refused(rows: Sequence[Refused], limit: int) -> None:
    for row in rows[:limit]:
        click.echo(f"{row.table} {row.row}: {row.problem}", err=True)
    more = f", {len(rows) - limit:,} of them not shown (--refused lists all)" if len(rows) > limit else ""
    if rows:
        click.echo(
            f"{len(rows):,} rows break the contract and are not imported{more}: correct them in the database "
            "and start the import again",
            err=True,
        )
    else:
        click.echo("no row was refused")
