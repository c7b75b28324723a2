"""A row of a changelog as rows of SQL. Pure: no I/O.

Amounts are exact decimals of dollars, days are dates, and a count beyond what ``bigint`` holds is the largest
that it does.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from app.domain.events import EPOCH_ORDINAL
from app.domain.levels import xp_for_next_level, xp_from
from app.domain.streaks import DaySet, count_days, iter_days, run_around
from tables.counters import Counters
from tables.days import Cell
from tables.publishing import scope_name
from tables.streaks import ActiveDays
from tables.unlocks import Unlock

SqlRow: TypeAlias = tuple[Any, ...]

BIGINT: Final = 2**63 - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# PostgreSQL's text has no NUL, and a caller's id may. What stands for it stands for itself twice, so that
# no two texts become one.
_NUL = "␀"


def text(value: str) -> str:
    """Return a text as PostgreSQL can hold it: different ones stay different, nearly all are unchanged."""
    if "\0" in value or _NUL in value:
        return value.replace(_NUL, _NUL * 2).replace("\0", f"{_NUL}0")
    return value


def scope_of(caller_key: bytes) -> str:
    """Return the scope of a key: the caller's id, or nothing for the gateway."""
    return text(scope_name(caller_key.decode()))


def dollars(nanos: int) -> Decimal:
    """Return an amount exactly."""
    return Decimal(nanos).scaleb(-9)


def bigint(value: int) -> int:
    """Return a count, or the largest that is stored."""
    return min(value, BIGINT)


def counters_row(
    scope: str, sums: Counters, *, callers: int, subscriptions_active: int = 0, subscriptions_ever: int = 0
) -> SqlRow:
    """Return the row of ``counters``."""
    return (
        scope,
        bigint(sums.requests),
        bigint(sums.tokens_saved),
        dollars(sums.cost_saved),
        bigint(sums.cache_hits),
        bigint(sums.semantic_hits),
        callers,
        bigint(sums.races),
        bigint(sums.facts_stored),
        bigint(sums.facts_superseded),
        subscriptions_active,
        subscriptions_ever,
        _EPOCH + timedelta(microseconds=sums.newest) if sums.newest else None,
    )


def levels_row(scope: str, sums: Counters, level: int) -> SqlRow:
    """Return the row of ``levels``."""
    points = xp_from(sums.tokens_saved, sums.cache_hits, sums.races, sums.facts_stored)
    return (scope, level, bigint(points), bigint(xp_for_next_level(points)))


def models_row(scope: str, names: Iterable[str]) -> SqlRow:
    """Return the row of ``models``."""
    return (scope, sorted(map(text, names)))


def streaks_row(scope: str, days: ActiveDays) -> SqlRow:
    """Return the row of ``streaks``."""
    newest = max(iter_days(days.active), default=None)
    return (
        scope,
        None if newest is None else _date(newest),
        0 if newest is None else run_around(days.active, newest),
        days.longest,
        count_days(days.active),
        count_days(days.requested),
        _multirange(days.active),
        _multirange(days.requested),
    )


def days_rows(scope: str, cells: Mapping[int, Cell], before: Mapping[int, Cell]) -> Iterator[SqlRow]:
    """Return the rows of ``days`` that differ from what was written before; a day never goes away."""
    for day, cell in cells.items():
        if before.get(day) != cell:
            amount = dollars(cell.cost_saved)
            yield (scope, _date(day), bigint(cell.requests), bigint(cell.tokens_saved), amount)


def unlocks_row(scope: str, earned: str, unlock: Unlock) -> SqlRow:
    """Return the row of ``unlocks``."""
    return (
        scope,
        earned,
        unlock.event_id,
        unlock.achieved_at,
        unlock.recorded_at,
        unlock.cause_topic,
        unlock.cause_partition,
        unlock.cause_offset,
        None if unlock.cause_id is None else text(unlock.cause_id),
    )


def _date(day: int) -> date:
    return date.fromordinal(day + EPOCH_ORDINAL)


def _multirange(days: DaySet) -> str:
    """Return the runs of days as a ``datemultirange``."""
    runs: list[list[int]] = []
    for day in iter_days(days):
        if runs and runs[-1][1] == day - 1:
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return "{" + ",".join(f"[{_date(first)},{_date(last)}]" for first, last in runs) + "}"
