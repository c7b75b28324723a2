from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from app.domain.achievements import ACHIEVEMENTS
from app.domain.calendar import day_of
from app.domain.measures import Measures
from app.domain.progress import Held, hold, judge
from app.domain.streaks import add_day
from app.view import words
from app.view.calendar_grid import weeks_that_fit
from app.view.plain import plain_lines
from app.view.scope_rows import ScopeState
from app.view.scope_view import ScopeView, scope_view
from app.view.svg import to_svg
from app.view.terminal import picture
from tables.days import Cell
from tables.streaks import ActiveDays

GOLDEN = Path(__file__).with_name("golden")
TODAY = date(2026, 3, 11)


@pytest.fixture
def view() -> ScopeView:
    """The gateway after ten weeks, with some achievements and the pets that it can have."""
    active, cells = ActiveDays(), {}
    for back in range(70):
        if back % 7 != 4 and back not in range(20, 24):
            day = day_of(TODAY) - back
            add_day(active.active, day)
            add_day(active.requested, day)
            cells[day] = Cell(requests=90 - back + 25 * (back % 3), cost_saved=(90 - back) * 2_500_000)
    active.longest = 9
    measures = Measures(
        requests=5123,
        tokens_saved=4_567_890,
        cost_saved=12_345_678_900,
        cache_hits=61,
        semantic_hits=7,
        callers=2,
        models=4,
        facts=12,
        longest_streak=9,
        subscriptions=1,
    )
    held = Held()
    hold(held, judge(measures, held, gateway=True))
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    ledger = {
        f"achievement/{each.id}": at + timedelta(days=3 * number) for number, each in enumerate(ACHIEVEMENTS)
    }
    return scope_view(
        ScopeState(
            scope="gateway",
            seed="gateway",
            measures=measures,
            held=held,
            facts_superseded=2,
            active_subscriptions=1,
            active_days=active,
            cells=cells,
            ledger=ledger,
        ),
        TODAY,
    )


def printed(view: ScopeView, width: int, *, coloured: bool = False) -> str:
    """What a terminal of so many columns shows, without the codes for colours."""
    console = Console(
        width=width, file=io.StringIO(), force_terminal=True, color_system=None, highlight=False
    )
    with console.capture() as capture:
        console.print(picture(view, width, coloured=coloured))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def compare(text: str, name: str) -> None:
    """Compare with a file; a missing file is written, to be looked at and kept."""
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was missing and is written: look at it, and keep it if it is right")
    assert text == path.read_text(encoding="utf-8")


def test_a_narrow_terminal(view: ScopeView) -> None:
    """On 80 columns everything is there and nothing is cut."""
    compare(printed(view, 80), "show-80.txt")


def test_plain_lines(view: ScopeView) -> None:
    """Where the output is no terminal it is plain lines, without frames."""
    text = "\n".join(plain_lines(view)) + "\n"
    compare(text, "show-plain.txt")
    assert "\x1b" not in text
    assert "│" not in text


@pytest.mark.parametrize("width", [40, 79, 80, 92, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(view: ScopeView, width: int) -> None:
    """No line is wider than the terminal, in cells."""
    lines = printed(view, width, coloured=True).splitlines()
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_from_80_columns_on(view: ScopeView, width: int) -> None:
    """From 80 columns on no text ends in an ellipsis."""
    assert "…" not in printed(view, width)


def test_the_closest_locked_achievement_comes_first(view: ScopeView) -> None:
    """What is locked is sorted by how little is missing."""
    text = printed(view, 120)
    shares = {each.title: each.value / each.threshold for each in view.achievements.locked}
    assert len(shares) == 7
    assert sorted(shares, key=text.index) == sorted(shares, key=lambda title: -shares[title])


def test_without_colours_the_glyphs_tell_the_level(view: ScopeView) -> None:
    """A terminal without colours shows five glyphs, one with colours squares."""
    assert all(glyph in printed(view, 80, coloured=False) for glyph in "·░▒▓█")
    assert "▓" not in printed(view, 80, coloured=True)


@pytest.mark.parametrize("emoji", [each.icon for each in ACHIEVEMENTS] + list(words.PET_ICON.values()))
def test_icons_take_two_cells(emoji: str) -> None:
    """Every icon takes two cells, and none has the selector on whose width terminals disagree."""
    assert cell_len(words.icon(emoji)) == 2
    assert "\ufe0f" not in words.icon(emoji)


@pytest.mark.parametrize(("width", "weeks"), [(20, 8), (78, 37), (116, 52), (300, 52)])
def test_the_calendar_takes_what_fits(width: int, weeks: int) -> None:
    """As many weeks as fit, at most a year."""
    assert weeks_that_fit(width) == weeks


@pytest.mark.parametrize(("share", "filled"), [(0, 0), (0.001, 1), (0.5, 5), (0.999, 9), (1, 10), (3, 10)])
def test_a_bar_is_full_only_when_it_is_complete(share: float, filled: int) -> None:
    """What is begun shows, and what is not complete is not full."""
    assert words.bar(share, 10).plain == "━" * filled + "─" * (10 - filled)


def test_a_scope_without_anything_can_be_shown() -> None:
    """Before the first event there is the dragon's egg, and nothing fails."""
    state = ScopeState(scope="gateway", seed="gateway", measures=Measures(), held=Held())
    text = printed(scope_view(state, TODAY), 80)
    assert "Egg, stage 1 of 5" in text
    assert "no streak today" in text
    assert "At this pace nothing was saved so far" in text


def test_a_picture_places_every_word(view: ScopeView) -> None:
    """The SVG has every word, escaped, at its own place, and fetches nothing."""
    svg = to_svg([picture(view, 100)], 100, "a < b")
    assert "<title>a &lt; b</title>" in svg
    assert ">Hello Gateway</text>" in svg
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
