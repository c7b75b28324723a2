"""From rows of changelogs to rows of SQL. No I/O; it remembers shares and what was written last."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.domain.measures import Measures
from app.postgres.project import rows
from app.postgres.project.batch import Batch, Place, Reached
from app.postgres.project.gateway import GatewayScope
from app.postgres.project.rows import SqlRow
from tables import counters, days, gateway, models, streaks, unlocks

#: Encoded months of callers that are remembered, about 400 bytes each: of one that was written before,
#: only the days that differ are written again.
MONTHS: Final = 200_000


@dataclass(slots=True)
class Changes:
    """What one SQL transaction writes: rows, and the keys of rows to delete, by table of SQL; and offsets."""

    reached: Mapping[Place, Reached] = field(default_factory=dict)
    rows: dict[str, list[SqlRow]] = field(default_factory=lambda: defaultdict(list))
    deleted: dict[str, list[SqlRow]] = field(default_factory=lambda: defaultdict(list))


class Projection:
    """Turns batches into changes, in order: each builds on those before it.

    ``baseline`` is the opening balance of the gateway's scope.
    """

    def __init__(self, baseline: Measures, most_months: int = MONTHS) -> None:
        self._gateway = GatewayScope(baseline)
        self._months: dict[bytes, bytes] = {}
        self._most_months = most_months

    def restore(self, shares: Iterable[tuple[str, int, bytes, bytes]]) -> Changes:
        """Take the shares of the database: (table, partition, key, value); return what they say together.

        Raises ``UnreadableRowError``.
        """
        for table, partition, key, value in shares:
            self._gateway.put(table, partition, key, value)
        changes = Changes()
        self._merge_shares(changes)
        return changes

    def changes(self, batch: Batch) -> Changes:
        """Return what a batch changes. Raises ``UnreadableRowError``."""
        changes = Changes(batch.reached)
        for place, newest in batch.rows():
            for key, value in newest.items():
                if _is_shared(place.table, key):
                    self._gateway.put(place.table, place.partition, key, value)
                    changes.rows["shares"].append((place.table, place.partition, key, value))
                elif value is None:
                    self._delete(place.table, key, changes)
                elif (
                    key
                ):  # the other rows with an empty key are shares, which the gateway's stage republishes
                    self._write(place.table, key, value, changes)
        if changes.rows.get("shares"):
            self._merge_shares(changes)
        return changes

    def _merge_shares(self, changes: Changes) -> None:
        for table, row in self._gateway.rows():
            changes.rows[table].append(row)

    def _write(self, table: str, key: bytes, value: bytes, changes: Changes) -> None:
        written = changes.rows
        if table == counters.TABLE:
            scope, sums = rows.scope_of(key), counters.CODEC.decode(value)
            written["counters"].append(rows.counters_row(scope, sums, callers=1 if sums.requests else 0))
            written["levels"].append(rows.levels_row(scope, sums, sums.held.level))
        elif table == days.TABLE:
            before = self._months.pop(key, None)
            cells = {} if before is None else days.CODEC.decode(before).cells
            scope = rows.scope_of(days.split_key(key)[1])
            written["days"] += rows.days_rows(scope, days.CODEC.decode(value).cells, cells)
            self._remember(key, value)
        elif table == models.TABLE:
            written["models"].append(rows.models_row(rows.scope_of(key), models.CODEC.decode(value).names))
        elif table == streaks.TABLE:
            written["streaks"].append(rows.streaks_row(rows.scope_of(key), streaks.CODEC.decode(value)))
        else:
            earned, caller_key = unlocks.split_key(key)
            unlock = unlocks.CODEC.decode(value)
            written["unlocks"].append(rows.unlocks_row(rows.scope_of(caller_key), earned, unlock))

    def _delete(self, table: str, key: bytes, changes: Changes) -> None:
        """No table deletes a row today; one that will must not be left here."""
        if table == days.TABLE:
            self._months.pop(key, None)
            month, caller_key = days.split_key(key)
            changes.deleted["days"].append((rows.scope_of(caller_key), date.fromisoformat(f"{month}-01")))
        elif table in {unlocks.TABLE, gateway.UNLOCKS}:
            earned, caller_key = unlocks.split_key(key)
            changes.deleted["unlocks"].append((rows.scope_of(caller_key), earned))
        else:
            for each in ("counters", "levels") if table == counters.TABLE else (table,):
                changes.deleted[each].append((rows.scope_of(key),))

    def _remember(self, key: bytes, value: bytes) -> None:
        self._months[key] = value
        if len(self._months) > self._most_months:
            del self._months[next(iter(self._months))]


def _is_shared(table: str, key: bytes) -> bool:
    return table in {gateway.SHARES, gateway.HELD} or (table == days.TABLE and not days.split_key(key)[1])
