from hypothesis import given
from hypothesis import strategies as st

from app.domain.levels import level_of, xp_for_next_level, xp_of_next_level_up


def compute_level(xp: int) -> tuple[int, int]:
    """The reference's computeLevel, literally: the level and the points shown as its goal."""
    level = 1
    while xp >= level * level * 53:
        level += 1
    return level - 1 or 1, level * level * 53


near_borders = st.builds(lambda n, off: max(0, n * n * 53 + off), st.integers(0, 2_000), st.integers(-2, 2))
points = st.integers(0, 10**8) | near_borders


@given(points)
def test_the_closed_form_is_the_references_loop(xp: int) -> None:
    """Level and goal are what the reference's loop finds."""
    assert (level_of(xp), xp_for_next_level(xp)) == compute_level(xp)


@given(points)
def test_the_next_level_up_is_the_least_that_is_higher(xp: int) -> None:
    """One point below the next level up the level is the same, and there it is higher."""
    level = level_of(xp)
    up = xp_of_next_level_up(level)
    assert up > xp
    assert level_of(up - 1) == level
    assert level_of(up) == level + 1


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_more_points_are_never_a_lower_level(a: int, b: int) -> None:
    """The level never falls as points grow, however many they are."""
    low, high = sorted((a, b))
    assert level_of(low) <= level_of(high)
