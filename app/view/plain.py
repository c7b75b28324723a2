"""A scope as plain lines, for where the output is not a terminal: no colours, no frames, nothing cut."""

from collections.abc import Iterator

from app.domain.buddy import BuddyState
from app.view import words
from app.view.calendar_grid import grid
from app.view.scope_view import Achievements, ScopeView
from app.view.terminal import numbers, pace_reason, pace_words, so_far, streak_words

WEEKS = 26


def plain_lines(view: ScopeView) -> Iterator[str]:
    """Return a scope as lines."""
    yield view.scope
    yield ""
    yield from (line.rstrip() for line in view.buddy.ascii_art)
    yield ""
    yield from buddy_lines(view.buddy)
    yield ""
    yield ", ".join(f"{value:,} {name}" for name, value in numbers(view.stats, view.scope))
    yield ""
    yield from _achievements(view.achievements)
    yield ""
    streak = streak_words(view.stats.streak_days)
    yield f"{streak}, longest {words.counted(view.longest_streak, 'day')}, the last {WEEKS} weeks:"
    yield from (line.plain for line in grid(view.calendar, WEEKS, coloured=False))
    yield ""
    reason = f" ({pace_reason(view.forecast)})" if view.forecast.based_on_days else ""
    yield f"at this pace: {pace_words(view.forecast)}{reason}"


def buddy_lines(buddy: BuddyState) -> Iterator[str]:
    """Return who the buddy is and how it does."""
    stage = f"{buddy.stage}, stage {buddy.stage_index + 1} of {buddy.total_stages}"
    yield f"{buddy.name} the {buddy.species} ({stage}, {buddy.rarity}), {buddy.mood}"
    yield f"level {buddy.level}, {buddy.xp:,} of {buddy.xp_for_next_level:,} XP"
    yield f"{buddy.tokens_saved:,} tokens and {words.dollars(buddy.cost_saved)} saved"
    yield f'"{buddy.speech}"'


def _achievements(achievements: Achievements) -> Iterator[str]:
    unlocked, locked = achievements.unlocked, achievements.locked
    yield f"{len(unlocked)} of {len(unlocked) + len(locked)} achievements ({achievements.progress}%)"
    for has in unlocked:
        when = f"{has.achieved_at:%Y-%m-%d}" if has.achieved_at else ""
        yield f"{when:10}  {words.icon(has.icon)} {has.title}: {has.description}"
    for each in locked:
        yield f"{'locked':10}  {words.icon(each.icon)} {each.title}: {each.description} ({so_far(each)})"
