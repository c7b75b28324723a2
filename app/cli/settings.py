"""`streakline settings`: every setting with its value."""

from __future__ import annotations

import os

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.settings import Settings


@click.command
def command() -> None:
    """Show every setting with its value, secrets hidden, and whether it was set.

    Where the output is not a terminal, a setting is one line: variable, value and `set` or `default`,
    separated by tabs.

    \b
    Example:
      STREAKLINE_PARTITIONS=16 streakline settings
    """
    rows = Settings.from_environ(os.environ).rows()
    console = Console()
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table("variable", "value", "", box=None, header_style="bold")
    for variable, value, source in rows:
        # Text, because a value may contain what rich takes for markup.
        table.add_row(variable, Text(value), source, style=None if source == "set" else "dim")
    console.print(table)
