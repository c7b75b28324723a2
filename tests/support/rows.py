"""The rows of the changelogs as a reader understands them: the twelve stats of a scope, and its days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.streaks import iter_days
from tables import counters, days, models, streaks, subscriptions

if TYPE_CHECKING:
    from collections.abc import Mapping


Rows = dict[str, dict[bytes, bytes]]

#: What `Deployment.read_rows` must read for these functions.
CALLER_TABLES = (counters.TABLE, days.TABLE, models.TABLE, streaks.TABLE, subscriptions.TABLE)
GATEWAY_SHARES = "gateway-shares"


@dataclass
class Stats:
    """The twelve stats under the names of the reference; money in nano-dollars."""

    totalRequests: int = 0  # noqa: N815
    totalTokensSaved: int = 0  # noqa: N815
    totalCostSaved: int = 0  # noqa: N815
    cacheHits: int = 0  # noqa: N815
    semanticHits: int = 0  # noqa: N815
    uniqueCallers: int = 0  # noqa: N815
    uniqueModels: int = 0  # noqa: N815
    raceWins: int = 0  # noqa: N815
    factsStored: int = 0  # noqa: N815
    streakDays: int = 0  # noqa: N815
    subscriptionsConfigured: int = 0  # noqa: N815
    daysActive: int = 0  # noqa: N815


def caller_stats(rows: Rows, caller_id: str, today: int) -> Stats:
    """Return the stats of a caller on a day."""
    key = caller_id.encode()
    sums = counters.CODEC.decode(rows[counters.TABLE][key])
    names = rows[models.TABLE].get(key)
    active = rows[streaks.TABLE].get(key)
    activity = streaks.CODEC.decode(active) if active else streaks.ActiveDays()
    return _stats(
        [sums],
        set(models.CODEC.decode(names).names) if names else set(),
        set(iter_days(activity.active)),
        set(iter_days(activity.requested)),
        callers=1 if sums.requests else 0,
        subscribed=0,
        today=today,
    )


def gateway_stats(rows: Rows, today: int) -> Stats:
    """Return the stats of the gateway on a day, from the shares that its stage has merged."""
    shares = rows[GATEWAY_SHARES]
    parts: dict[str, list[Any]] = {"counters": [], "models": [], "streaks": [], "subscriptions": []}
    codecs: Mapping[str, Any] = {
        "counters": counters.CODEC,
        "models": models.CODEC,
        "streaks": streaks.CODEC,
        "subscriptions": subscriptions.CODEC,
    }
    for key, value in shares.items():
        table = key.split(b"/")[1].decode()
        parts[table].append(codecs[table].decode(value))
    return _stats(
        parts["counters"],
        {name for part in parts["models"] for name in part.names},
        {day for part in parts["streaks"] for day in iter_days(part.active)},
        {day for part in parts["streaks"] for day in iter_days(part.requested)},
        callers=sum(part.callers for part in parts["counters"]),
        subscribed=sum(part.active for part in parts["subscriptions"]),
        today=today,
    )


def day_cells(rows: Rows, caller_id: str) -> dict[int, tuple[int, int, int]]:
    """Return (requests, tokens saved, nano-dollars saved) of each day of a caller, or of all shares for ``""``."""
    cells = {}
    for key, value in rows[days.TABLE].items():
        month, caller_key = days.split_key(key)
        if caller_key == caller_id.encode():
            for day, cell in days.CODEC.decode(value).cells.items():
                assert days.month_of(day) == month
                cells[day] = (cell.requests, cell.tokens_saved, cell.cost_saved)
    return cells


def _stats(
    sums: list[counters.Counters],
    names: set[str],
    active: set[int],
    requested: set[int],
    *,
    callers: int,
    subscribed: int,
    today: int,
) -> Stats:
    stored = sum(each.facts_stored for each in sums)
    superseded = sum(each.facts_superseded for each in sums)
    return Stats(
        totalRequests=sum(each.requests for each in sums),
        totalTokensSaved=sum(each.tokens_saved for each in sums),
        totalCostSaved=sum(each.cost_saved for each in sums),
        cacheHits=sum(each.cache_hits for each in sums),
        semanticHits=sum(each.semantic_hits for each in sums),
        uniqueCallers=callers,
        uniqueModels=len(names),
        raceWins=sum(each.races for each in sums),
        factsStored=max(0, stored - superseded),
        streakDays=_streak(active, today),
        subscriptionsConfigured=subscribed,
        daysActive=len(requested),
    )


def _streak(active: set[int], today: int) -> int:
    newest = max(active, default=None)
    if newest is None or newest < today - 1:
        return 0
    length = 0
    while newest - length in active:
        length += 1
    return length
