"""The gateway's scope as rows of SQL: merged from the shares of all partitions, as everywhere. No I/O."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from app.domain.measures import Measures
from app.domain.progress import Held
from app.postgres.project import rows
from app.postgres.project.rows import SqlRow
from tables import days, gateway
from tables.codec import UnreadableRowError
from tables.counters import Counters
from tables.gateway import HELD_CODEC, Shares
from tables.publishing import GATEWAY


class GatewayScope:
    """The newest rows that the gateway's scope is merged from; ``baseline`` is its opening balance."""

    def __init__(self, baseline: Measures) -> None:
        self._baseline = baseline
        self._shares = Shares()
        self._held = Held()
        #: By month and partition.
        self._months: dict[str, dict[int, days.Month]] = defaultdict(dict)
        self._changed: set[str] = set()
        self._written_months: dict[str, days.Month] = {}
        self._written: dict[str, SqlRow] = {}

    def put(self, table: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row of a share, or of what the gateway has earned. Raises ``UnreadableRowError``."""
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row of the gateway")
        if table == gateway.SHARES:
            self._shares.put(key, value)
        elif table == gateway.HELD:
            self._held = HELD_CODEC.decode(value).held
        else:
            month, _ = days.split_key(key)
            self._months[month][partition] = days.CODEC.decode(value)
            self._changed.add(month)

    def rows(self) -> Iterator[tuple[str, SqlRow]]:
        """Yield (table of SQL, row) of what has changed since the last call."""
        for table, row in self._scope_rows():
            if self._written.get(table) != row:
                self._written[table] = row
                yield table, row
        for month in sorted(self._changed):
            merged = days.Month()
            for share in self._months[month].values():
                merged.add(share)
            before = self._written_months.get(month, _EMPTY)
            yield from (("days", row) for row in rows.days_rows(GATEWAY, merged.cells, before.cells))
            self._written_months[month] = merged
        self._changed.clear()

    def _scope_rows(self) -> Iterator[tuple[str, SqlRow]]:
        shares, sums = self._shares, self._sums()
        subscriptions = shares.subscriptions()
        yield (
            "counters",
            rows.counters_row(
                GATEWAY,
                sums,
                callers=sums.callers,
                subscriptions_active=sum(each.active for each in subscriptions),
                subscriptions_ever=sum(each.ever_active for each in subscriptions),
            ),
        )
        yield "levels", rows.levels_row(GATEWAY, sums, self._held.level)
        if names := shares.models():
            yield "models", rows.models_row(GATEWAY, names)
        active_days = shares.active_days()
        if active_days.active:
            yield "streaks", rows.streaks_row(GATEWAY, active_days)

    def _sums(self) -> Counters:
        sums = self._shares.counters()
        sums.tokens_saved += self._baseline.tokens_saved
        sums.cost_saved += self._baseline.cost_saved
        return sums


_EMPTY: Final = days.Month()
