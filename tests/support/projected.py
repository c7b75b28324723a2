"""What the tables of the projection must be, from the changelogs by plain Python, and what they are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from aiokafka import TopicPartition
from psycopg.sql import SQL, Identifier

from app.domain.streaks import iter_days
from app.engine.changelog import ChangelogReader
from tables import counters, days, gateway, models, streaks, subscriptions, unlocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.deployment import Deployment

Table = dict[tuple[Any, ...], tuple[Any, ...]]
Tables = dict[str, Table]

EPOCH = date(1970, 1, 1)

#: The columns that are compared, and of how many of them, from the first on, the key is.
COLUMNS = {
    "counters": (
        [
            "scope",
            "requests",
            "tokens_saved",
            "cost_saved",
            "cache_hits",
            "semantic_hits",
            "callers",
            "races",
            "facts_stored",
            "facts_superseded",
            "subscriptions_active",
            "subscriptions_ever",
            "newest_event_at",
        ],
        1,
    ),
    "levels": (["scope", "level", "xp"], 1),
    "models": (["scope", "names", "count"], 1),
    "streaks": (
        ["scope", "last_active_day", "last_run", "longest_run", "active_day_count", "request_day_count"],
        1,
    ),
    "days": (["scope", "day", "requests", "tokens_saved", "cost_saved"], 2),
    "unlocks": (
        [
            "scope",
            "earned",
            "event_id",
            "achieved_at",
            "recorded_at",
            "cause_topic",
            "cause_offset",
            "cause_id",
        ],
        2,
    ),
}

ROWS = SQL("SELECT {columns} FROM streakline.{table}")
RUNS = SQL("SELECT scope, lower(run), upper(run) FROM streakline.streaks, unnest({column}) run")


def in_the_database(url: str) -> Tables:
    """Return the rows of all tables, by key; runs and sets of days as they are counted from the ranges."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        tables: Tables = {}
        for table, (columns, key) in COLUMNS.items():
            query = ROWS.format(columns=SQL(", ").join(map(Identifier, columns)), table=Identifier(table))
            tables[table] = {row[:key]: row[key:] for row in connection.execute(query).fetchall()}
        for column in ("active_days", "request_days"):
            found: dict[tuple[Any, ...], set[date]] = defaultdict(set)
            for scope, first, end in connection.execute(RUNS.format(column=Identifier(column))).fetchall():
                found[scope,] |= {first + timedelta(number) for number in range((end - first).days)}
            tables[column] = {scope: tuple(sorted(each)) for scope, each in found.items()}
    return tables


def differences(found: Tables, expected: Tables) -> list[tuple[Any, ...]]:
    """Return (table, key, what is found, what is expected) where the two are not the same."""
    return [
        (table, key, found[table].get(key), expected[table].get(key))
        for table in expected
        for key in {*found[table], *expected[table]}
        if found[table].get(key) != expected[table].get(key)
    ]


def by_the_changelogs(deployment: Deployment) -> Tables:
    """Return what the tables must hold. Every row is read anew."""
    rows = deployment.read_rows(
        "counters", "models", "streaks", "days", "unlocks", "gateway-held", "gateway-unlocks"
    )
    tables: Tables = {name: {} for name in (*COLUMNS, "active_days", "request_days")}
    for key, value in rows["counters"].items():
        if key:
            sums = counters.CODEC.decode(value)
            scope = _scope(key)
            _put_sums(tables, scope, sums, callers=min(sums.requests, 1), subscribed=(0, 0))
            tables["levels"][scope,] = (sums.held.level, _xp(sums))
    for key, value in rows["models"].items():
        if key:
            names = sorted(models.CODEC.decode(value).names)
            tables["models"][_scope(key),] = (names, len(names))
    for key, value in rows["streaks"].items():
        if key:
            row = streaks.CODEC.decode(value)
            _put_days(tables, _scope(key), iter_days(row.active), iter_days(row.requested))
    _put_cells(tables, deployment)
    for table in ("unlocks", "gateway-unlocks"):
        for key, value in rows[table].items():
            earned, caller = unlocks.split_key(key)
            scope = _scope(caller)
            each = unlocks.CODEC.decode(value)
            about = (each.event_id, each.achieved_at, each.recorded_at)
            cause = (each.cause_topic, each.cause_offset, each.cause_id)
            tables["unlocks"][scope, earned] = (*about, *cause)
    _put_gateway(tables, deployment, rows["gateway-held"])
    return tables


def _put_gateway(tables: Tables, deployment: Deployment, held: dict[bytes, bytes]) -> None:
    parts: dict[str, list[Any]] = defaultdict(list)
    codecs: dict[str, Any] = {
        "counters": counters.CODEC,
        "models": models.CODEC,
        "streaks": streaks.CODEC,
        "subscriptions": subscriptions.CODEC,
    }
    for key, value in deployment.read_rows("gateway-shares")["gateway-shares"].items():
        table = key.split(b"/")[1].decode()
        parts[table].append(codecs[table].decode(value))
    if not parts:
        return
    total = counters.Counters()
    for each in parts["counters"]:
        for name in ("requests", "tokens_saved", "cost_saved", "cache_hits", "semantic_hits", "races"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        total.facts_stored += each.facts_stored
        total.facts_superseded += each.facts_superseded
        total.callers += each.callers
        total.newest = max(total.newest, each.newest)
    total.tokens_saved += deployment.settings.baseline.tokens_saved
    total.cost_saved += deployment.settings.baseline.cost_saved
    active = sum(each.active for each in parts["subscriptions"])
    ever = sum(each.ever_active for each in parts["subscriptions"])
    _put_sums(tables, "gateway", total, callers=total.callers, subscribed=(active, ever))
    level = gateway.HELD_CODEC.decode(held[b"gateway"]).held.level if held else 1
    tables["levels"]["gateway",] = (level, _xp(total))
    names = sorted({name for each in parts["models"] for name in each.names})
    if names:
        tables["models"]["gateway",] = (names, len(names))
    active_days = {day for each in parts["streaks"] for day in iter_days(each.active)}
    requested = {day for each in parts["streaks"] for day in iter_days(each.requested)}
    if active_days:
        _put_days(tables, "gateway", active_days, requested)


def _put_cells(tables: Tables, deployment: Deployment) -> None:
    """Put the days of callers as they are, and those of the shares, of all partitions, together."""
    cells: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (_, key), value in asyncio.run(_newest(deployment, days.TABLE)).items():
        scope = _scope(days.split_key(key)[1])
        for day, cell in days.CODEC.decode(value).cells.items():
            total = cells[scope, EPOCH + timedelta(day)]
            for index, amount in enumerate((cell.requests, cell.tokens_saved, cell.cost_saved)):
                total[index] += amount
    for place, (requests, tokens, nanos) in cells.items():
        tables["days"][place] = (requests, tokens, _dollars(nanos))


async def _newest(deployment: Deployment, table: str) -> dict[tuple[int, bytes], bytes]:
    """Return the newest value of each partition and key: a share has the same key in all partitions."""
    values: dict[tuple[int, bytes], bytes] = {}

    def on_row(_topic: str, partition: int, key: bytes, value: bytes | None) -> None:
        assert value is not None, "no row is removed"
        values[partition, key] = value

    topic, partitions = deployment.around.changelog(table), range(deployment.settings.partitions)
    async with ChangelogReader(deployment.settings.kafka_options()) as reader:
        await reader.read_to_end([TopicPartition(topic, number) for number in partitions], on_row)
    return values


def _put_sums(
    tables: Tables, scope: str, sums: counters.Counters, *, callers: int, subscribed: tuple[int, int]
) -> None:
    tables["counters"][scope,] = (
        sums.requests,
        sums.tokens_saved,
        _dollars(sums.cost_saved),
        sums.cache_hits,
        sums.semantic_hits,
        callers,
        sums.races,
        sums.facts_stored,
        sums.facts_superseded,
        *subscribed,
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=sums.newest) if sums.newest else None,
    )


def _put_days(tables: Tables, scope: str, active: Iterable[int], requested: Iterable[int]) -> None:
    """Put the days and the runs in them, counted one by one."""
    dates = sorted(EPOCH + timedelta(day) for day in active)
    asked = sorted(EPOCH + timedelta(day) for day in requested)
    run = longest = 0
    for before, day in zip([None, *dates], dates, strict=False):
        run = run + 1 if before is not None and day - before == timedelta(1) else 1
        longest = max(longest, run)
    tables["streaks"][scope,] = (dates[-1], run, longest, len(dates), len(asked))
    tables["active_days"][scope,] = tuple(dates)
    if asked:
        tables["request_days"][scope,] = tuple(asked)


#: How callers are spelled whose ids text cannot hold as they are.
SPELLED = {"nul\0": "nul␀0", "␀": "␀␀"}


def _scope(caller_key: bytes) -> str:
    caller = caller_key.decode()
    return f"caller:{SPELLED.get(caller, caller)}" if caller else "gateway"


def _xp(sums: counters.Counters) -> int:
    return sums.tokens_saved // 240 + sums.cache_hits * 50 + sums.races * 25 + sums.facts_stored * 10


def _dollars(nanos: int) -> Decimal:
    return Decimal(nanos) / 10**9
