"""Reading scopes from the changelogs, once. Only the rows of the wanted scope are decoded."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from itertools import islice

from aiokafka import TopicPartition

from app.domain.measures import Measures
from app.engine.changelog import ChangelogReader, OnProgress
from app.errors import StreaklineError
from app.provision import Provisioner
from app.settings import Settings
from app.topics import Surroundings, specs
from app.view.scope_rows import CALLER_TABLES, GATEWAY_TABLES, CallerRows, GatewayRows, ScopeState
from tables import counters, days
from tables.codec import UnreadableRowError
from tables.counters import Counters
from tables.publishing import GATEWAY, scope_name

#: Called with (table, partition, key, value) for every row.
OnRow = Callable[[str, int, bytes, bytes | None], None]

#: Of callers that an unknown one may have been meant for, no more than these are looked at.
_CANDIDATES = 10_000
_NAMED = 4


class UnknownScopeError(StreaklineError):
    """Nothing was ever counted for the scope."""


class UnreadableStateError(StreaklineError):
    """A changelog holds what this release cannot read."""


class ScopeReader:
    """Reads scopes as the changelogs have them at the time of the call. Needs no worker, and hurts none."""

    def __init__(self, settings: Settings, on_progress: OnProgress | None = None) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._around = Surroundings.of(settings)
        self._every_partition = range(settings.partitions)

    async def read(self, scope: str) -> ScopeState:
        """Return what is known of ``gateway`` or ``caller:<id>``.

        Raises ``UnknownScopeError`` for a caller without events, and other ``StreaklineError`` where the
        broker does not answer or a topic is not as it must be.
        """
        return await (self._gateway() if scope == GATEWAY else self._caller(scope.removeprefix("caller:")))

    async def callers(self) -> dict[str, Counters]:
        """Return the counters of all callers by their ids: for a few thousands of them, not for millions."""
        rows: dict[bytes, bytes] = {}

        def on_row(_table: str, _partition: int, key: bytes, value: bytes | None) -> None:
            if key and value is not None:
                rows[key] = value

        await self._read([(counters.TABLE, number) for number in self._every_partition], on_row)
        return {key.decode(): counters.CODEC.decode(value) for key, value in rows.items()}

    async def _gateway(self) -> ScopeState:
        opening = self._settings.baseline
        rows = GatewayRows(Measures(tokens_saved=opening.tokens_saved, cost_saved=opening.cost_saved))
        merged = [(table, 0) for table in GATEWAY_TABLES]
        await self._read([*merged, *((days.TABLE, number) for number in self._every_partition)], rows.put)
        return rows.state()

    async def _caller(self, caller_id: str) -> ScopeState:
        rows = CallerRows(caller_id)
        home = self._around.partition_of(caller_id.encode())
        await self._read([(table, home) for table in CALLER_TABLES], rows.put)
        if not rows.is_known:
            raise await self._unknown(caller_id)
        return rows.state()

    async def _unknown(self, caller_id: str) -> UnknownScopeError:
        ids: set[bytes] = set()

        def on_row(_table: str, _partition: int, key: bytes, _value: bytes | None) -> None:
            if key and len(ids) < _CANDIDATES:
                ids.add(key)

        await self._read([(counters.TABLE, number) for number in self._every_partition], on_row)
        names = sorted(key.decode() for key in ids)
        similar = get_close_matches(caller_id, names, _NAMED)
        others = [name for name in names if name not in similar]
        known = [GATEWAY, *(scope_name(name) for name in islice([*similar, *others], _NAMED))]
        return UnknownScopeError(f"no events of {scope_name(caller_id)} yet: known are {', '.join(known)}")

    async def _read(self, wanted: Sequence[tuple[str, int]], on_row: OnRow) -> None:
        """Pass all rows of the wanted partitions of tables to ``on_row``."""
        table_of = {self._around.changelog(table): table for table, _ in wanted}
        partitions = [TopicPartition(self._around.changelog(table), number) for table, number in wanted]
        await self._require(table_of)
        try:
            async with ChangelogReader(self._settings.kafka_options()) as reader:
                await reader.read_to_end(
                    partitions,
                    lambda topic, number, key, value: on_row(table_of[topic], number, key, value),
                    self._on_progress,
                )
        except UnreadableRowError as error:
            raise UnreadableStateError(
                f"a changelog cannot be read, was it written by another release? {error}"
            ) from error

    async def _require(self, table_of: dict[str, str]) -> None:
        """Raise where the broker or a changelog is missing, before a consumer would wait for it."""
        counts = {
            table: 1 if table in GATEWAY_TABLES else self._settings.partitions for table in table_of.values()
        }
        needed = [spec for spec in specs(self._around, counts) if spec.name in table_of]
        async with Provisioner(self._settings) as provisioner:
            await provisioner.require(needed)
