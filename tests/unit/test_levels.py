import pytest

from app.domain.levels import level_of, xp, xp_for_next_level, xp_of_next_level_up
from app.domain.measures import Measures


def test_experience_weighs_tokens_hits_races_and_facts() -> None:
    """Points are a 240th of the tokens saved, 50 a cache hit, 25 a race and 10 a fact, and nothing else."""
    m = Measures(tokens_saved=1000, cache_hits=3, races=2, facts=7, requests=99, models=9, longest_streak=9)
    assert xp(m) == 4 + 150 + 50 + 70


@pytest.mark.parametrize(("tokens", "points"), [(0, 0), (239, 0), (240, 1), (479, 1), (480, 2)])
def test_tokens_count_in_whole_240s(tokens: int, points: int) -> None:
    """Tokens below the next 240 give no point."""
    assert xp(Measures(tokens_saved=tokens)) == points


@pytest.mark.parametrize(
    ("points", "level", "goal"),
    [
        (0, 1, 53),
        (52, 1, 53),
        (53, 1, 212),
        (211, 1, 212),
        (212, 2, 477),
        (476, 2, 477),
        (477, 3, 848),
        (38_908, 27, 41_552),
    ],
)
def test_level_1_has_two_goals(points: int, level: int, goal: int) -> None:
    """Level 1 lasts to 211 points with the goals 53 and 212, as in the reference; the later ones have one goal each."""
    assert level_of(points) == level
    assert xp_for_next_level(points) == goal


@pytest.mark.parametrize("level", [2, 3, 26, 27, 1_000, 13_000_000])
def test_a_level_begins_at_its_square_times_53(level: int) -> None:
    """Level n begins at n * n * 53 points, not one earlier."""
    begin = level * level * 53
    assert [level_of(begin - 1), level_of(begin), level_of(begin + 1)] == [level - 1, level, level]
    assert xp_of_next_level_up(level - 1) == begin
    assert xp_for_next_level(begin) == (level + 1) ** 2 * 53


def test_the_reference_calibration_holds() -> None:
    """About 9.3 million tokens saved make level 27, as the reference says of its curve."""
    assert level_of(xp(Measures(tokens_saved=9_304_882))) == 27
