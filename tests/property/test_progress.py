from hypothesis import given
from hypothesis import strategies as st

from app.domain.levels import level_of, xp, xp_of_next_level_up
from app.domain.measures import Measures
from app.domain.money import NANOS_PER_DOLLAR
from app.domain.progress import (
    AchievementEarned,
    Held,
    LevelReached,
    Progress,
    StageReached,
    hold,
    is_due,
    judge,
    next_thresholds,
)
from app.domain.species import SPECIES, is_unlocked, stage_index


def around(*borders: int) -> st.SearchStrategy[int]:
    """The values at these borders, one below and one above."""
    return st.builds(int.__add__, st.sampled_from(borders), st.integers(-1, 1))


# What a measure grows to. Growing to a value, and not by one, makes small examples meet borders exactly; that the
# largest value stays makes every order of the same moves end the same.
LEVEL_BORDERS = [n * n * 53 for n in range(2, 40)]
VALUES = {
    "requests": st.integers(1, 20) | around(100, 1_000, 10_000),
    "tokens_saved": st.integers(1, 1_000)
    | around(1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000)
    | around(*(border * 240 for border in LEVEL_BORDERS)),
    "cost_saved": around(*(cents * NANOS_PER_DOLLAR // 100 for cents in (1, 100, 1_000, 10_000))),
    "cache_hits": st.integers(1, 40),
    "semantic_hits": st.integers(1, 3),
    "callers": st.integers(1, 5),
    "models": st.integers(1, 7),
    "races": st.integers(1, 40),
    "facts": st.integers(1, 100),
    "longest_streak": st.integers(1, 10) | around(30),
    "subscriptions": st.integers(1, 5),
}
# The measures that several rules look at come often: alone they would rarely meet.
NAMES = [*VALUES, *["tokens_saved"] * 6, *["longest_streak", "cache_hits", "facts"] * 2]
move = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), VALUES[name]))
histories = st.lists(move, max_size=60)


def grow(m: Measures, name: str, to: int) -> None:
    """Let one measure grow to a value, if it is not there yet."""
    setattr(m, name, max(to, getattr(m, name)))


def judge_always(moves: list[tuple[str, int]], *, gateway: bool) -> tuple[list[list[Progress]], Held]:
    """What each move earns when every one is judged."""
    m, held, earned = Measures(), Held(), []
    for name, to in moves:
        grow(m, name, to)
        progress = judge(m, held, gateway=gateway)
        hold(held, progress)
        earned.append(progress)
    return earned, held


@given(histories, st.booleans())
def test_judging_at_thresholds_is_judging_always(moves: list[tuple[str, int]], gateway: bool) -> None:  # noqa: FBT001
    """Judging only when a threshold is reached earns the same, at the same events, as judging every event."""
    m, held, earned = Measures(), Held(), list[list[Progress]]()
    thresholds = next_thresholds(m, held, gateway=gateway)
    for name, to in moves:
        grow(m, name, to)
        progress: list[Progress] = []
        if is_due(m, thresholds) or xp(m) >= xp_of_next_level_up(held.level):
            progress = judge(m, held, gateway=gateway)
            hold(held, progress)
            thresholds = next_thresholds(m, held, gateway=gateway)
        earned.append(progress)
    assert (earned, held) == judge_always(moves, gateway=gateway)


@given(histories, st.booleans())
def test_after_judging_the_same_measures_are_not_due(moves: list[tuple[str, int]], gateway: bool) -> None:  # noqa: FBT001
    """A hot path is not asked again before a measure has grown."""
    m, held = Measures(), Held()
    for name, to in moves:
        grow(m, name, to)
        hold(held, judge(m, held, gateway=gateway))
        assert not is_due(m, next_thresholds(m, held, gateway=gateway))
        assert xp(m) < xp_of_next_level_up(held.level)


@given(histories.flatmap(lambda moves: st.tuples(st.just(moves), st.permutations(moves))), st.booleans())
def test_order_does_not_decide_what_is_held(
    orders: tuple[list[tuple[str, int]], list[tuple[str, int]]],
    gateway: bool,  # noqa: FBT001
) -> None:
    """The same events in another order end with the same achievements, level and stages."""
    a, b = orders
    assert judge_always(a, gateway=gateway)[1] == judge_always(b, gateway=gateway)[1]


@given(histories, st.booleans())
def test_judging_once_at_the_end_holds_the_same(moves: list[tuple[str, int]], gateway: bool) -> None:  # noqa: FBT001
    """One judgement of all events together ends with what a judgement of each ends with."""
    m, held = Measures(), Held()
    for name, to in moves:
        grow(m, name, to)
    hold(held, judge(m, held, gateway=gateway))
    assert held == judge_always(moves, gateway=gateway)[1]


@given(histories, st.booleans())
def test_nothing_is_earned_twice(moves: list[tuple[str, int]], gateway: bool) -> None:  # noqa: FBT001
    """Over the life of a scope no achievement, no level and no stage is earned twice, and levels join up."""
    earned = [progress for batch in judge_always(moves, gateway=gateway)[0] for progress in batch]
    achievements = [each.achievement.id for each in earned if isinstance(each, AchievementEarned)]
    stages = [(each.species.id, each.stage_index) for each in earned if isinstance(each, StageReached)]
    levels = [each for each in earned if isinstance(each, LevelReached)]
    assert len(achievements) == len(set(achievements))
    assert len(stages) == len(set(stages))
    assert [each.from_level for each in levels] == [1, *(each.level for each in levels)][: len(levels)]


@given(histories)
def test_what_is_held_is_what_the_measures_say(moves: list[tuple[str, int]]) -> None:
    """A scope that is always judged holds the level and the stages that its measures make."""
    m = Measures()
    for name, to in moves:
        grow(m, name, to)
    held = judge_always(moves, gateway=True)[1]
    assert held.level == level_of(xp(m))
    assert held.stages == [
        stage_index(species, m.tokens_saved) + 1 if is_unlocked(species, m) else 0 for species in SPECIES
    ]
