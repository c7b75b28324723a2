"""`streakline dead-letters`: what was refused, and sending it again."""

from __future__ import annotations

import asyncio
import heapq
import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.dead_letters import Letter, Wanted

REASONS = ("decode", "schema", "range", "future")


class Place(click.ParamType):
    """PARTITION:OFFSET of a dead letter."""

    name = "partition:offset"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return the two numbers."""
        partition, _, offset = str(value).partition(":")
        if not (partition.isdecimal() and offset.isdecimal()):
            self.fail(
                f"{value!r} is not PARTITION:OFFSET, as `streakline dead-letters list` shows it", param, ctx
            )
        return int(partition), int(offset)


def filters(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which letters are meant."""
    for option in (
        click.option("--letter", type=Place(), help="Only this one: PARTITION:OFFSET of the dead letter."),
        click.option("--topic", help="Only those that were read from this topic."),
        click.option("--reason", type=click.Choice(REASONS), help="Only those that were refused for it."),
    ):
        function = option(function)
    return function


@click.group
def command() -> None:
    """List what could not be counted, or send it again.

    A message that is no event is kept in the topic streakline.dead-letters, unchanged.

    \b
    Example:
      streakline dead-letters list
      streakline dead-letters replay --reason future
    """


@command.command("list")
@filters
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Show the newest so many."
)
@click.option("--values", is_flag=True, help="Show the messages themselves: they may hold what is private.")
@click.option("--json", "as_json", is_flag=True, help="Print each as one line of JSON.")
def list_(
    reason: str | None,
    topic: str | None,
    letter: tuple[int, int] | None,
    limit: int,
    *,
    values: bool,
    as_json: bool,
) -> None:
    """Show what was refused, where it came from and why; the newest last.

    \b
    Example:
      streakline dead-letters list --reason schema --limit 10
      streakline dead-letters list --letter 3:17 --values
      streakline dead-letters list --json | jq -r .message | sort | uniq -c
    """
    settings = Settings.from_environ(os.environ)
    wanted = _wanted(reason, topic, letter)
    newest, counts = asyncio.run(_newest(settings, wanted, limit, values=values))
    for each in newest:
        click.echo(_as_json(each, values=values) if as_json else _as_text(each, values=values))
    if not as_json:
        click.echo(_summary(counts, len(newest)))


@command.command
@filters
@click.option("--dry-run", is_flag=True, help="Only say how many would be sent.")
def replay(reason: str | None, topic: str | None, letter: tuple[int, int] | None, *, dry_run: bool) -> None:
    """Send the messages again, as they were, to the partitions where they were read.

    For what has become countable: by a new release, or because its time is not in the future any more. An
    event that was counted meanwhile counts nothing. Dead letters stay where they are, and what is refused
    again becomes one more.

    \b
    Example:
      streakline dead-letters replay --dry-run --reason future
      streakline dead-letters replay --letter 3:17
    """
    settings = Settings.from_environ(os.environ)
    wanted = _wanted(reason, topic, letter)
    if dry_run:
        _, counts = asyncio.run(_newest(settings, wanted, 1, values=False))
        click.echo(f"{counts.total():,} messages would be sent again")
    else:
        click.echo(f"sent {asyncio.run(_replay(settings, wanted)):,} messages again")


def _wanted(reason: str | None, topic: str | None, letter: tuple[int, int] | None) -> Wanted:
    from app.dead_letters import Wanted  # noqa: PLC0415 - wrong settings are said at once

    return Wanted(reason, topic, letter)


async def _newest(
    settings: Settings, wanted: Wanted, limit: int, *, values: bool
) -> tuple[list[Letter], Counter[str]]:
    """Return the newest of the letters that are meant, and how many there are by reason."""
    from app.dead_letters import DeadLetters  # noqa: PLC0415 - see above

    counts = Counter[str]()
    newest: list[tuple[Any, int, int, Letter]] = []
    async with DeadLetters(settings) as letters:
        async for each in letters.read(wanted):
            counts[each.refusal.reason] += 1
            kept = each if values else each._replace(value=None)
            heapq.heappush(newest, (each.at, each.partition, each.offset, kept))
            if len(newest) > limit:
                heapq.heappop(newest)
    return [each for *_, each in sorted(newest)], counts


async def _replay(settings: Settings, wanted: Wanted) -> int:
    from app.cli.progress import progress  # noqa: PLC0415 - see above
    from app.dead_letters import DeadLetters  # noqa: PLC0415

    async with DeadLetters(settings) as letters:
        with progress() as report:
            return await letters.replay(wanted, lambda sent: report("sending again", sent, 0))


def _as_text(letter: Letter, *, values: bool) -> str:
    refused = letter.refusal
    origin = f"{refused.place.topic}[{refused.place.partition}]@{refused.offset}"
    what = f"{refused.reason:<6}  {origin}  {refused.message}"
    line = f"{letter.at:%Y-%m-%d %H:%M:%S}  {letter.place:<8}  {what}"
    return f"{line}\n    {_printable(_text(letter.value) or '')}" if values else line


def _as_json(letter: Letter, *, values: bool) -> str:
    refused = letter.refusal
    fields: dict[str, object] = {
        "letter": letter.place,
        "at": letter.at.isoformat(),
        "topic": refused.place.topic,
        "partition": refused.place.partition,
        "offset": refused.offset,
        "reason": refused.reason,
        "error": refused.error,
        "message": refused.message,
    }
    if values:
        fields |= {"key": _text(letter.key), "value": _text(letter.value)}
    return json.dumps(fields, ensure_ascii=False)


def _text(value: bytes | None) -> str | None:
    """Return bytes as text; what is not UTF-8 is escaped."""
    return None if value is None else value.decode(errors="backslashreplace")


def _printable(text: str) -> str:
    """Escape what a terminal would not print but obey."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _summary(counts: Counter[str], shown: int) -> str:
    if not counts:
        return "nothing was refused"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
    older = (
        f" ({counts.total() - shown:,} older ones are not shown: --limit)" if counts.total() > shown else ""
    )
    return f"{counts.total():,} refused: {reasons}{older}"
