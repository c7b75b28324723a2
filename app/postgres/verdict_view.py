"""How a verdict of `streakline verify` looks: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.postgres.differences import Line
    from app.postgres.verifying import Verdict


def verdict_table(verdict: Verdict) -> Table:
    """Return the two sides in columns; colours tell what is the same, what is explained and what differs."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("")
    table.add_column("rescan", justify="right")
    table.add_column("streakline", justify="right")
    table.add_column("")
    for line in verdict.lines:
        style = "green" if line.is_same else "yellow" if line.reasons else "bold red"
        table.add_row(line.name, line.rescan, line.streakline, Text(_said(line), style))
    return table


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Return the same as lines."""
    widths = [max(len(line.name) for line in verdict.lines)]
    widths += [max(6, *(len(line.rescan) for line in verdict.lines))]
    widths += [max(10, *(len(line.streakline) for line in verdict.lines))]
    yield f"{'':{widths[0]}}  {'rescan':>{widths[1]}}  {'streakline':>{widths[2]}}"
    for line in verdict.lines:
        sides = f"{line.rescan:>{widths[1]}}  {line.streakline:>{widths[2]}}"
        yield f"{line.name:{widths[0]}}  {sides}  {_said(line)}"


def timing(verdict: Verdict) -> str:
    """Return what the two answers cost."""
    return f"the rescan took {verdict.rescan_seconds:.2f} s, streakline {verdict.streakline_seconds:.2f} s"


def _said(line: Line) -> str:
    if line.is_same:
        return "same"
    return "; ".join(line.reasons) if line.reasons else "DIFFERS"
