"""Experience points and levels: level n begins at n * n * 53 points (the reference's computeLevel)."""

from math import isqrt
from typing import Final

from app.domain.measures import Measures

_POINTS_OF_LEVEL_1: Final = 53


def xp(m: Measures) -> int:
    """The experience points of a scope; like the measures they never fall."""
    return xp_from(m.tokens_saved, m.cache_hits, m.races, m.facts)


def xp_from(tokens_saved: int, cache_hits: int, races: int, facts: int) -> int:
    """The same from the four measures that count."""
    return tokens_saved // 240 + cache_hits * 50 + races * 25 + facts * 10


def level_of(points: int) -> int:
    """The level that so many points make: 1 below 212 (the reference has no level 0), 2 below 477, ..."""
    return isqrt(points // _POINTS_OF_LEVEL_1) or 1


def xp_for_next_level(points: int) -> int:
    """The next square times 53 above `points`, shown as the goal.

    As in the reference it is 53 below 53 points, though level 1 is held from 0 points on.
    """
    return xp_of_next_level_up(isqrt(points // _POINTS_OF_LEVEL_1))


def xp_of_next_level_up(level: int) -> int:
    """The least points whose level is above `level`."""
    next_level = level + 1
    return next_level * next_level * _POINTS_OF_LEVEL_1  # compiled, a power takes ten times as long
