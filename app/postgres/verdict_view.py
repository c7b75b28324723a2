"""How a verdict of `streakline verify` looks: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from app.postgres.differences import Line
    from app.postgres.verifying import Verdict


def verdict_table(verdict: Verdict) -> RenderableType:
    """Return the two sides in columns; colours tell what is the same, what is explained and what differs."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("rescan", justify="right", no_wrap=True)
    table.add_column("streakline", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    reasons = _reasons(verdict)
    for line in verdict.lines:
        style = "green" if line.is_same else "yellow" if line.reasons else "bold red"
        table.add_row(line.name, line.rescan, line.streakline, Text(_said(line, reasons), style))
    return Group(table, *(Text(f"  {text}", "yellow") for text in _notes(reasons)))


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Return the same as lines."""
    widths = [max(len(line.name) for line in verdict.lines)]
    widths += [max(6, *(len(line.rescan) for line in verdict.lines))]
    widths += [max(10, *(len(line.streakline) for line in verdict.lines))]
    reasons = _reasons(verdict)
    yield f"{'':{widths[0]}}  {'rescan':>{widths[1]}}  {'streakline':>{widths[2]}}"
    for line in verdict.lines:
        sides = f"{line.rescan:>{widths[1]}}  {line.streakline:>{widths[2]}}"
        yield f"{line.name:{widths[0]}}  {sides}  {_said(line, reasons)}"
    yield from _notes(reasons)


def timing(verdict: Verdict) -> str:
    """Return what the two answers cost."""
    return f"the rescan took {verdict.rescan_seconds:.2f} s, streakline {verdict.streakline_seconds:.2f} s"


def _reasons(verdict: Verdict) -> list[str]:
    """Return the reasons that are given, each once, in the order in which they are needed."""
    return list(dict.fromkeys(reason for line in verdict.lines for reason in line.reasons))


def _said(line: Line, reasons: list[str]) -> str:
    if line.is_same:
        return "same"
    numbers = ", ".join(str(reasons.index(reason) + 1) for reason in line.reasons)
    return f"explained: {numbers}" if numbers else "DIFFERS"


def _notes(reasons: list[str]) -> Iterator[str]:
    for number, reason in enumerate(reasons, start=1):
        yield f"{number}: {reason}"
