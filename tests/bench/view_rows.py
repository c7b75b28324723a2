"""The rows of many callers and of a year of the gateway, as a worker would have written them: quick to make, and alike."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from app.domain.achievements import CALLER_ACHIEVEMENTS
from app.domain.measures import Measures
from app.domain.progress import Held, hold, judge
from app.domain.streaks import DaySet, add_day, longest_run
from tables import counters, days, gateway, models, streaks, unlocks
from tests.bench.load import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.topics import Surroundings

#: Days that the active ones are chosen from.
_CALENDAR_DAYS = 60
_YEAR = 365


class WrittenRow(NamedTuple):
    """A row, and where it belongs."""

    table: str
    partition: int
    key: bytes
    value: bytes


def rows(around: Surroundings, callers: int, active_days: int, today: int) -> Iterator[WrittenRow]:
    """Yield the rows of so many callers with so many active days each, then those of the gateway.

    ``today`` is the last day (days since 1970-01-01).
    """
    chance = random.Random(1)
    for number in range(callers):
        key = b"caller-%06d" % number
        home = around.partition_of(key)
        chosen = chance.sample(range(today - _CALENDAR_DAYS + 1, today + 1), active_days)
        cells = {day: days.Cell(chance.randint(1, 90), chance.randint(0, 9_000), 10**7) for day in chosen}
        for table, row_key, value in _scope(key, cells, chance):
            yield WrittenRow(table, home, row_key, value)
    yield from _gateway(around, callers, today, chance)


def _scope(
    key: bytes, cells: dict[int, days.Cell], chance: random.Random
) -> Iterator[tuple[str, bytes, bytes]]:
    found = _days(cells)
    row = counters.Counters(
        requests=sum(cell.requests for cell in cells.values()),
        tokens_saved=sum(cell.tokens_saved for cell in cells.values()),
        cost_saved=sum(cell.cost_saved for cell in cells.values()),
        cache_hits=chance.randint(0, 500),
        newest=_micros(max(cells)),
    )
    names = chance.sample(MODELS, 3)
    row.held = _held(row, len(names), found.longest)
    yield counters.TABLE, key, counters.CODEC.encode(row)
    yield models.TABLE, key, models.CODEC.encode(models.Models(names=set(names)))
    yield streaks.TABLE, key, streaks.CODEC.encode(found)
    yield from _months(key, cells)
    for position, each in enumerate(CALLER_ACHIEVEMENTS):
        if row.held.achievements >> position & 1:
            yield unlocks.TABLE, f"achievement/{each.id}\0".encode() + key, _unlock(key, max(cells))


def _held(row: counters.Counters, names: int, longest: int) -> Held:
    held = Held()
    measures = Measures(
        requests=row.requests,
        tokens_saved=row.tokens_saved,
        cost_saved=row.cost_saved,
        cache_hits=row.cache_hits,
        models=names,
        longest_streak=longest,
    )
    hold(held, judge(measures, held, gateway=False))
    return held


def _days(cells: Iterable[int]) -> streaks.ActiveDays:
    active: DaySet = {}
    for day in cells:
        add_day(active, day)
    return streaks.ActiveDays(active=active, requested=active, longest=longest_run(active))


def _months(key: bytes, cells: dict[int, days.Cell]) -> Iterator[tuple[str, bytes, bytes]]:
    months: dict[str, days.Month] = defaultdict(days.Month)
    for day, cell in cells.items():
        months[days.month_of(day)].cells[day] = cell
    for month, row in months.items():
        yield days.TABLE, days.key_of(month, key), days.CODEC.encode(row)


def _gateway(around: Surroundings, callers: int, today: int, chance: random.Random) -> Iterator[WrittenRow]:
    for number in range(around.partitions):
        cells = {
            day: days.Cell(chance.randint(10_000, 90_000), chance.randint(0, 10**7), 10**11)
            for day in range(today - _YEAR + 1, today + 1)
        }
        parts = {
            counters.TABLE: counters.CODEC.encode(
                counters.Counters(
                    requests=sum(cell.requests for cell in cells.values()),
                    tokens_saved=sum(cell.tokens_saved for cell in cells.values()),
                    callers=callers // around.partitions,
                    newest=_micros(today),
                )
            ),
            models.TABLE: models.CODEC.encode(models.Models(names=set(MODELS))),
            streaks.TABLE: streaks.CODEC.encode(_days(cells)),
        }
        for table, value in parts.items():
            yield WrittenRow(table, number, b"", value)
            yield WrittenRow(gateway.SHARES, 0, f"{number}/{table}/".encode(), value)
        for table, key, value in _months(b"", cells):
            yield WrittenRow(table, number, key, value)
    held = gateway.GatewayHeld(held=Held(achievements=2**12 - 1, level=40, stages=[4, 3, 2]))
    yield WrittenRow(gateway.HELD, 0, b"gateway", gateway.HELD_CODEC.encode(held))


def _unlock(key: bytes, day: int) -> bytes:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return unlocks.CODEC.encode(
        unlocks.Unlock(
            event_id="0123456789abcdef0123456789abcdef",
            achieved_at=at,
            recorded_at=at,
            cause_topic="gateway.requests",
            cause_partition=1,
            cause_offset=day,
            cause_id=key.decode(),
        )
    )


def _micros(day: int) -> int:
    return day * 86_400_000_000
