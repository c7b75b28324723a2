from __future__ import annotations

import io

from rich.console import Console

from app.postgres.differences import HEATMAP, REFUSED, Line
from app.postgres.verdict_view import timing, verdict_lines, verdict_table
from app.postgres.verifying import Verdict

VERDICT = Verdict(
    [
        Line("totalRequests", "1,006", "1,000", is_same=False, reasons=(REFUSED,)),
        Line("cacheHits", "5", "5", is_same=True),
        Line("daysActive", "5", "4", is_same=False),
        Line(
            "calendar: tokens saved", "10 (2 days)", "11 (2 days)", is_same=False, reasons=(HEATMAP, REFUSED)
        ),
    ],
    rescan_seconds=12.345,
    streakline_seconds=0.01,
    notes=[],
)
LINES = f"""\
                             rescan   streakline
totalRequests                 1,006        1,000  explained: 1
cacheHits                         5            5  same
daysActive                        5            4  DIFFERS
calendar: tokens saved  10 (2 days)  11 (2 days)  explained: 2, 1
1: {REFUSED}
2: {HEATMAP}
"""


def test_as_lines() -> None:
    """Each figure is a line; reasons are numbered and said once, below."""
    assert "".join(f"{line}\n" for line in verdict_lines(VERDICT)) == LINES


def test_as_a_table() -> None:
    """A terminal of 80 columns shows the same, with nothing cut or wrapped."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(verdict_table(VERDICT))
    assert isinstance(console.file, io.StringIO)
    shown = [line.split() for line in console.file.getvalue().splitlines()]
    assert shown == [line.split() for line in LINES.splitlines()]


def test_what_is_clean() -> None:
    """One figure that differs is enough; explained ones do no harm."""
    assert not VERDICT.is_clean
    assert Verdict([line for line in VERDICT.lines if line.is_explained], 0, 0, []).is_clean
    assert timing(VERDICT) == "the rescan took 12.35 s, streakline 0.01 s"
