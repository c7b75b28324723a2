"""A scope in a terminal: the buddy, what it has earned, its streak, its calendar and its forecast."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.domain.buddy import BuddyState
from app.domain.forecast import Forecast, Trend
from app.domain.levels import xp_of_next_level_up
from app.domain.stats import Stats
from app.view import words
from app.view.calendar_grid import grid, weeks_that_fit
from app.view.scope_view import Achievements, Locked, ScopeView
from tables.publishing import GATEWAY

#: Wider than this, lines are hard to follow with the eye.
WIDEST = 110
_LEVEL_BAR = 14
_PROGRESS_BAR = 12
_ROOM_FOR_BARS = 92
_TREND: dict[Trend, str] = {"up": "rising", "flat": "steady", "down": "falling"}


def picture(view: ScopeView, width: int, *, coloured: bool = True) -> RenderableType:
    """Return a scope as it is drawn on a terminal of so many columns."""
    narrow = min(width, WIDEST)
    return Group(
        buddy_panel(view.scope, view.buddy, narrow),
        Text(),
        Padding(_stats(view.stats, view.scope), (0, 2)),
        Text(),
        Padding(Group(*_achievements(view.achievements, bars=width >= _ROOM_FOR_BARS)), (0, 2)),
        Text(),
        Padding(_streak(view), (0, 2)),
        Padding(Group(*grid(view.calendar, weeks_that_fit(narrow - 4), coloured=coloured)), (0, 2)),
        Text(),
        Padding(_pace(view.forecast), (0, 2)),
    )


def buddy_panel(scope: str, buddy: BuddyState, width: int) -> Panel:
    """Return the buddy in a frame: its picture, and beside it who it is, its level, mood and words."""
    style = words.RARITY_STYLE[buddy.rarity]
    columns = Table.grid(padding=(0, 3))
    columns.add_column(vertical="middle", no_wrap=True)
    columns.add_column(vertical="middle")
    columns.add_row(Text("\n".join(buddy.ascii_art), style), Group(*_who(buddy, style)))
    title = Text(scope, "bold", overflow="ellipsis")
    return Panel(columns, title=title, title_align="left", border_style=style, padding=(1, 2), width=width)


def _who(buddy: BuddyState, style: str) -> Iterator[Text]:
    yield Text.assemble((buddy.name, f"bold {style}"), f" the {buddy.species}")
    yield Text(
        f"{buddy.stage}, stage {buddy.stage_index + 1} of {buddy.total_stages} · {buddy.rarity}", words.QUIET
    )
    yield Text()
    yield Text.assemble(
        (f"level {buddy.level} ", "bold"),
        words.bar(level_share(buddy), _LEVEL_BAR),
        f" {words.number(buddy.xp)} of {words.number(buddy.xp_for_next_level)} XP",
    )
    yield Text(f"{words.number(buddy.tokens_saved)} tokens and {words.dollars(buddy.cost_saved)} saved")
    yield Text.assemble(streak_words(buddy.streak_days), (f" · {buddy.mood}", words.QUIET))
    pets = [words.PET_ICON[each.id] for each in buddy.unlocked_species if each.unlocked]
    if pets:
        yield Text.assemble(("pets ", words.QUIET), " ".join(pets))
    yield Text()
    yield Text(f"“{buddy.speech}”", "italic")


def level_share(buddy: BuddyState) -> float:
    """Return how much of the way from its level to the next the buddy has gone, 0 to 1."""
    begin = xp_of_next_level_up(buddy.level - 1) if buddy.level > 1 else 0
    return min(1.0, max(0.0, (buddy.xp - begin) / (buddy.xp_for_next_level - begin)))


def streak_words(days: int) -> str:
    """Return the current streak."""
    return f"{words.icon('🔥')} {days}-day streak" if days else "no streak today"


def _stats(stats: Stats, scope: str) -> Table:
    table = Table.grid(padding=(0, 3))
    cells = [
        Text.assemble((words.number(value), "bold"), (f" {name}", words.QUIET))
        for name, value in numbers(stats, scope)
    ]
    half = (len(cells) + 1) // 2
    table.add_row(*cells[:half])
    table.add_row(*cells[half:])
    return table


def numbers(stats: Stats, scope: str) -> Iterator[tuple[str, int]]:
    """Return the stats that are not beside the buddy, by the words for them."""
    yield words.plural("request", stats.total_requests), stats.total_requests
    yield words.plural("active day", stats.days_active), stats.days_active
    if scope == GATEWAY:
        yield words.plural("caller", stats.unique_callers), stats.unique_callers
    yield words.plural("model", stats.unique_models), stats.unique_models
    if scope == GATEWAY:
        yield words.plural("subscription", stats.subscriptions_configured), stats.subscriptions_configured
    yield words.plural("cache hit", stats.cache_hits), stats.cache_hits
    yield "semantic", stats.semantic_hits
    yield words.plural("race", stats.race_wins), stats.race_wins
    yield words.plural("fact", stats.facts_stored), stats.facts_stored


def _achievements(achievements: Achievements, *, bars: bool) -> Iterator[RenderableType]:
    unlocked, locked = achievements.unlocked, achievements.locked
    yield Text.assemble(
        ("Achievements ", "bold"),
        words.bar(achievements.progress / 100, _PROGRESS_BAR, words.GOOD),
        f" {len(unlocked)} of {len(unlocked) + len(locked)}",
    )
    yield Text()
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    for has in unlocked:
        when = f"{has.achieved_at:%Y-%m-%d}" if has.achieved_at else ""
        title = Text.assemble(words.icon(has.icon), (f" {has.title}", "bold"))
        table.add_row(title, Text(has.description), Text(when, words.QUIET))
    for each in sorted(locked, key=_share, reverse=True):
        title = Text(f"{words.icon(each.icon)} {each.title}", words.QUIET)
        progress = words.bar(_share(each), _PROGRESS_BAR).append(" ") if bars else Text()
        table.add_row(title, Text(each.description, words.QUIET), progress.append(so_far(each), "default"))
    yield table


def _share(locked: Locked) -> float:
    return locked.value / locked.threshold


def so_far(locked: Locked) -> str:
    """Return how far the scope is on the way to an achievement."""
    if locked.id.startswith("cost-"):
        return f"{words.dollars(locked.value)} of {words.dollars(locked.threshold)}"
    return f"{words.number(locked.value)} of {words.number(locked.threshold)}"


def pace_words(forecast: Forecast) -> str:
    """Return what will be saved if the last days go on."""
    if not forecast.based_on_days:
        return "nothing was saved so far"
    spans = ((7, forecast.next_7_days_savings), (30, forecast.next_30_days_savings))
    return ", ".join(f"{words.dollars(saved)} in {days} days" for days, saved in spans) + (
        f", {words.dollars(forecast.next_365_days_savings)} in a year"
    )


def pace_reason(forecast: Forecast) -> str:
    """Return what the forecast rests on."""
    average = f"{words.dollars(forecast.daily_average)} a day"
    return f"{_TREND[forecast.trend]}, {average} over {words.counted(forecast.based_on_days, 'day')}"


def _pace(forecast: Forecast) -> Text:
    reason = f"\n{pace_reason(forecast)}" if forecast.based_on_days else ""
    return Text.assemble(("At this pace ", "bold"), pace_words(forecast), (reason, words.QUIET))


def _streak(view: ScopeView) -> Text:
    longest = f" · longest {words.counted(view.longest_streak, 'day')}"
    return Text.assemble(("Streak ", "bold"), streak_words(view.stats.streak_days), (longest, words.QUIET))
