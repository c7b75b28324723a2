"""What a deployment says: the state in its changelogs, by the product's own readers, and what it has published."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.domain.achievements import ACHIEVEMENTS
from app.domain.measures import Measures
from app.domain.progress import Held, holds, stages_held
from app.domain.published import OUTPUTS
from app.domain.species import SPECIES
from app.domain.streaks import iter_days
from app.engine.changelog import ChangelogReader
from app.topics import DEAD_LETTERS, INPUTS, Surroundings
from app.view.scope_rows import GATEWAY_TABLES, GatewayRows, ScopeState
from tables import counters, days, models, streaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.settings import Settings

#: Days of the tables are counted from here; the recount's are ordinals.
EPOCH = 719_163
TABLES = (counters.TABLE, models.TABLE, streaks.TABLE, days.TABLE)

Numbers = dict[str, Any]


class Found:
    """All that can be read of a deployment. Its methods block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._around = Surroundings.of(settings)

    # -- the state -----------------------------------------------------------------------------------------

    def numbers(self) -> dict[str, Numbers]:
        """Return what the changelogs say of every scope, under the names of the recount."""
        rows: dict[str, dict[bytes, bytes]] = {table: {} for table in TABLES}
        gateway = GatewayRows(Measures())

        def on_row(table: str, partition: int, key: bytes, value: bytes | None) -> None:
            gateway.put(table, partition, key, value)
            if table in rows:
                if value is None:
                    rows[table].pop(key, None)
                else:
                    rows[table][key] = value

        asyncio.run(self._read_changelogs(on_row))
        found = dict(_callers(rows))
        merged = gateway.state()
        found["gateway"] = {
            **_sums(merged.measures, merged.facts_superseded),
            **_held(merged.held),
            **_days(merged),
            "models": gateway._shares.models(),
            "callers": merged.measures.callers,
            "configured": merged.active_subscriptions,
            "subscribed": merged.measures.subscriptions,
        }
        return found

    async def _read_changelogs(self, on_row: Callable[[str, int, bytes, bytes | None], None]) -> None:
        around, count = self._around, self._settings.partitions
        tables = {**dict.fromkeys(TABLES, count), **dict.fromkeys(GATEWAY_TABLES, 1)}
        table_of = {around.changelog(table): table for table in tables}
        wanted = [TopicPartition(around.changelog(t), number) for t in tables for number in range(tables[t])]
        async with ChangelogReader(self._settings.kafka_options()) as reader:
            await reader.read_to_end(wanted, lambda t, number, k, v: on_row(table_of[t], number, k, v))

    # -- messages ------------------------------------------------------------------------------------------

    def inputs(self, take: Callable[[str, Any], None]) -> None:
        """Pass the topic (without prefix) and every committed record of the inputs to ``take``."""
        asyncio.run(self._read({self._around.topic(name): name for name in INPUTS}, take))

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Return the committed messages of each output topic, those of a scope in their order."""
        found: dict[str, list[dict[str, Any]]] = {output: [] for output in OUTPUTS}
        topics = {self._around.output_topic(output): output for output in OUTPUTS}
        asyncio.run(self._read(topics, lambda output, record: found[output].append(json.loads(record.value))))
        return found

    def dead_letters(self) -> list[Any]:
        """Return the committed records of the dead letters."""
        found: list[Any] = []
        topics = {self._around.topic(DEAD_LETTERS): ""}
        asyncio.run(self._read(topics, lambda _, record: found.append(record)))
        return found

    def place_of(self, cause: Mapping[str, Any]) -> tuple[str, int, int]:
        """Return where a cause was read, without the prefix."""
        return cause["topic"].removeprefix(self._around.prefix), cause["partition"], cause["offset"]

    async def _read(self, topics: Mapping[str, str], take: Callable[[str, Any], None]) -> None:
        """Read topics of the callers' partitions to their end."""
        consumer = AIOKafkaConsumer(
            **self._settings.kafka_options(),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        async with consumer:
            wanted = [TopicPartition(t, n) for t in topics for n in range(self._settings.partitions)]
            ends = {tp: end for tp, end in (await consumer.end_offsets(wanted)).items() if end}
            consumer.assign(list(ends))
            while ends:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        take(topics[tp.topic], record)
                ends = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}


def _callers(rows: Mapping[str, Mapping[bytes, bytes]]) -> Iterable[tuple[str, Numbers]]:
    cells: dict[bytes, dict[int, Any]] = {}
    for key, value in rows[days.TABLE].items():
        _, caller = days.split_key(key)
        cells.setdefault(caller, {}).update(days.CODEC.decode(value).cells)
    for key, value in rows[counters.TABLE].items():
        if not key:
            continue  # a partition's share
        stored = counters.CODEC.decode(value)
        names, active = rows[models.TABLE].get(key), rows[streaks.TABLE].get(key)
        state = ScopeState(
            scope="",
            seed="",
            measures=Measures(
                requests=stored.requests,
                tokens_saved=stored.tokens_saved,
                cost_saved=stored.cost_saved,
                cache_hits=stored.cache_hits,
                semantic_hits=stored.semantic_hits,
                races=stored.races,
                facts=stored.facts_stored,
            ),
            held=stored.held,
            active_days=streaks.CODEC.decode(active) if active else streaks.ActiveDays(),
            cells=cells.get(key, {}),
        )
        yield (
            f"caller:{key.decode()}",
            {
                **_sums(state.measures, stored.facts_superseded),
                **_held(stored.held),
                **_days(state),
                "models": set(models.CODEC.decode(names).names) if names else set(),
            },
        )


def _sums(measures: Measures, superseded: int) -> Numbers:
    return {
        "requests": measures.requests,
        "hits": measures.cache_hits,
        "semantic": measures.semantic_hits,
        "tokens": measures.tokens_saved,
        "nanos": measures.cost_saved,
        "races": measures.races,
        "stored": measures.facts,
        "superseded": superseded,
    }


def _held(held: Held) -> Numbers:
    return {
        "level": held.level,
        "achievements": {each.id for each in ACHIEVEMENTS if holds(held, each)},
        "stages": {(each.id, index) for each in SPECIES for index in range(stages_held(held, each))},
    }


def _days(state: ScopeState) -> Numbers:
    active = state.active_days
    return {
        "longest": active.longest,
        "active": {day + EPOCH for day in iter_days(active.active)},
        "requested": {day + EPOCH for day in iter_days(active.requested)},
        "days": {
            day + EPOCH: (cell.requests, cell.tokens_saved, cell.cost_saved)
            for day, cell in state.cells.items()
        },
    }
