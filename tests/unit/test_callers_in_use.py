"""Which callers a partition keeps decoded, and that nothing depends on it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import msgspec
import pytest

from agents import FOLDS
from app.engine.fold import Batch
from tables import counters
from tables.partition import KEPT, Partition
from tests.support.in_process import BROKER_TIME, NOW, Read, surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOM = 40
TOPIC = "gateway.requests"


class Traffic:
    """A partition with room for some callers, and the newest row of each caller."""

    def __init__(self) -> None:
        self.partition = Partition(0, replace(surroundings(1), scopes_in_use=ROOM))
        self.counted: dict[str, int] = {}
        self._offsets, self._newcomers = count(), count()

    def transaction(self, callers: Iterable[str], *, newcomers: int = 0) -> None:
        """Have each of them send a request, and some who never send again."""
        new = [f"new-{next(self._newcomers)}" for _ in range(newcomers)]
        records = [self._request(caller) for caller in (*callers, *new)]
        self.partition.fold_batch(FOLDS[TOPIC], Batch(TOPIC, 0, records), NOW)
        for row in self.partition.drain().rows:
            if row.table == counters.TABLE and row.key:
                self.counted[row.key.decode()] = counters.CODEC.decode(row.value or b"").requests

    def in_use(self, callers: Iterable[str]) -> int:
        """Return how many of them are in use."""
        return sum(caller.encode() in self.partition._scopes for caller in callers)

    def _request(self, caller: str) -> Read:
        offset = next(self._offsets)
        value = {
            "request_id": f"r{offset}",
            "caller_id": caller,
            "model": "m",
            "status": "success",
            "created_at": "2024-03-01T08:00:00Z",
        }
        return Read(TOPIC, 0, offset, BROKER_TIME, caller.encode(), msgspec.json.encode(value))


def test_who_comes_often_stays_in_use() -> None:
    """A crowd that comes once does not drive out those who come each time, and there are never too many."""
    traffic, regulars = Traffic(), [f"regular-{number}" for number in range(20)]
    traffic.transaction(regulars)
    for _ in range(29):
        traffic.transaction(regulars, newcomers=200)
        assert traffic.in_use(traffic.counted) == ROOM
    assert traffic.in_use(regulars) == len(regulars)
    assert {traffic.counted[caller] for caller in regulars} == {30}
    assert len(traffic.counted) == 20 + 29 * 200


def test_who_comes_late_takes_the_place_of_who_came_once() -> None:
    """Callers that go on to come are in use after a while; those that they replace count on where they were."""
    traffic, early, late = Traffic(), [f"early-{n}" for n in range(ROOM)], [f"late-{n}" for n in range(20)]
    traffic.transaction(early)
    assert traffic.in_use(early) == ROOM
    for _ in range(20 * KEPT):
        traffic.transaction(late)
    assert traffic.in_use(late) == len(late)
    traffic.transaction(early)
    assert {traffic.counted[caller] for caller in early} == {2}
    assert {traffic.counted[caller] for caller in late} == {20 * KEPT}


@pytest.mark.parametrize("crowd", [1, KEPT - 2, KEPT - 1, KEPT, 2 * KEPT - 1])
def test_who_comes_often_is_in_use_after_a_while_whoever_comes_before(crowd: int) -> None:
    """However many come once in each transaction, none who comes each time is left out forever."""
    traffic = Traffic()
    traffic.transaction(f"early-{number}" for number in range(ROOM))
    for turn in range(10 * KEPT):
        traffic.transaction([*(f"once-{turn}-{number}" for number in range(crowd)), "often"])
        if traffic.in_use(["often"]):
            break
    assert traffic.in_use(["often"])
    assert traffic.counted["often"] == turn + 1
