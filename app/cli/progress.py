"""Progress of long work: one changing line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.local.files import Report

_QUIET_SECONDS = 5.0  # between two plain lines about the same work
_TOO_EARLY = 2.0  # seconds before which the time left is not estimated
_MINUTES_FROM = 120


@contextmanager
def progress(console: Console | None = None) -> Iterator[Report]:
    """Yield a function that shows work as it goes: what is being done, how much of it is done, of how much.

    Whatever is shown is on stderr, so that a command's output stays clean. Each piece of work ends with the
    time it took.
    """
    console = console or Console(stderr=True, highlight=False, soft_wrap=True)
    lines = _Lines(console)
    if not console.is_terminal:
        yield lines.report
        lines.end()
        return
    with console.status("") as status:

        def report(what: str, done: int, total: int) -> None:
            lines.report(what, done, total, show=status.update)

        yield report
        lines.end()


def _left(seconds: float, done: int, total: int) -> str:
    """Return how long the rest takes if it goes on as it did; nothing while nobody can know."""
    if seconds < _TOO_EARLY or not 0 < done < total:
        return ""
    left = round(seconds * (total - done) / done)
    return f", about {left // 60} min left" if left > _MINUTES_FROM else f", about {left} s left"


class _Lines:
    """Which work is under way, since when, and when a line about it was last printed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.what = ""
        self.began = self.printed = 0.0

    def report(self, what: str, done: int, total: int, show: Callable[[str], None] | None = None) -> None:
        now = time.monotonic()
        if what != self.what:
            self.end()
            self.what, self.began, self.printed = what, now, 0.0
        text = f"{what}: {done:,} of {total:,}{_left(now - self.began, done, total)}" if total else what
        if show:
            show(text)
        elif now - self.printed > _QUIET_SECONDS:
            self.console.print(text + " ...")
            self.printed = now

    def end(self) -> None:
        """Say how long the work that ends here took."""
        if self.what:
            self.console.print(f"{self.what}: {time.monotonic() - self.began:.1f} s")
        self.what = ""
