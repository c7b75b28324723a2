"""Where commands print: text as it is, and no error where a terminal cannot show a character."""

from __future__ import annotations

import io
import sys

from rich.console import Console


def output(*, stderr: bool = False) -> Console:
    """Return a console on stdout, or on stderr, that changes nothing of what it prints."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def has_colours(console: Console) -> bool:
    """Say whether colours can tell things apart here; NO_COLOR asks for none."""
    return console.color_system is not None and not console.no_color
