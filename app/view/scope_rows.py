"""The rows of one scope, as they are read from the changelogs, and what they say together. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from app.domain.measures import Measures
from app.domain.progress import Held
from tables import counters, days, gateway, models, streaks, unlocks
from tables.gateway import Shares
from tables.partition import CODECS
from tables.publishing import GATEWAY, scope_name
from tables.rows import Rows
from tables.scope import Scope
from tables.streaks import ActiveDays
from tables.unlocks import Unlock

#: The tables that a caller's scope is read from, all in the caller's home partition.
CALLER_TABLES: Final = (counters.TABLE, models.TABLE, streaks.TABLE, days.TABLE, unlocks.TABLE)

#: The tables that the gateway's scope is read from, of one partition each; its days are in every partition.
GATEWAY_TABLES: Final = (gateway.SHARES, gateway.HELD, gateway.UNLOCKS)

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeState:
    """All that is known of a scope, whatever day it is today."""

    scope: str
    #: What its name is picked by: the caller's id, or "gateway".
    seed: str
    measures: Measures
    held: Held
    facts_superseded: int = 0
    active_subscriptions: int = 0
    active_days: ActiveDays = field(default_factory=ActiveDays)
    #: What happened on each day, by day (days since 1970-01-01 UTC).
    cells: Mapping[int, days.Cell] = field(default_factory=dict)
    #: When what was earned, by what it is (see ``tables.unlocks``).
    ledger: Mapping[str, Unlock] = field(default_factory=dict)


class CallerRows:
    """The newest rows of one caller. Rows of others are left alone, undecoded."""

    def __init__(self, caller_id: str) -> None:
        self.caller_id = caller_id
        self._key = caller_id.encode()
        self._rows: dict[tuple[str, bytes], bytes] = {}
        self._ledger: dict[str, bytes] = {}

    @property
    def is_known(self) -> bool:
        """Say whether anything was ever counted for the caller."""
        return (counters.TABLE, self._key) in self._rows

    def put(self, table: str, _partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row if it is the caller's; None, which no table writes today, removes it."""
        if table == unlocks.TABLE:
            what, caller_key = unlocks.split_key(key)
            if caller_key == self._key:
                _set(self._ledger, what, value)
        elif self._is_ours(table, key):
            _set(self._rows, (table, key), value)

    def _is_ours(self, table: str, key: bytes) -> bool:
        return (days.split_key(key)[1] if table == days.TABLE else key) == self._key

    def state(self) -> ScopeState:
        """Return what the rows say. Raises ``UnreadableRowError``."""
        rows = Rows(CODECS)
        for (table, key), value in self._rows.items():
            rows.put(table, key, value)
        scope = Scope(self.caller_id, rows)
        return ScopeState(
            scope=scope_name(self.caller_id),
            seed=self.caller_id,
            measures=scope.measures(),
            held=scope.counters.held,
            facts_superseded=scope.counters.facts_superseded,
            active_days=scope.streaks,
            cells=_cells(value for (table, _), value in self._rows.items() if table == days.TABLE),
            ledger=_decoded(self._ledger),
        )


class GatewayRows:
    """The newest rows of the gateway's scope; ``baseline`` is its opening balance."""

    def __init__(self, baseline: Measures) -> None:
        self._baseline = baseline
        self._shares = Shares()
        self._held: bytes | None = None
        self._ledger: dict[str, bytes] = {}
        self._months: dict[tuple[int, bytes], bytes] = {}

    def put(self, table: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row if it is the gateway's. Raises ``UnreadableRowError``."""
        if table == gateway.SHARES and value is not None:
            self._shares.put(key, value)
        elif table == gateway.HELD:
            self._held = value
        elif table == gateway.UNLOCKS:
            _set(self._ledger, unlocks.split_key(key)[0], value)
        elif table == days.TABLE and not days.split_key(key)[1]:
            _set(self._months, (partition, key), value)

    def state(self) -> ScopeState:
        """Return what the rows of all partitions say together. Raises ``UnreadableRowError``."""
        shares = self._shares
        return ScopeState(
            scope=GATEWAY,
            seed=GATEWAY,
            measures=shares.measures(self._baseline),
            held=gateway.HELD_CODEC.decode(self._held).held if self._held is not None else Held(),
            facts_superseded=shares.counters().facts_superseded,
            active_subscriptions=sum(each.active for each in shares.subscriptions()),
            active_days=shares.active_days(),
            cells=_cells(self._months.values()),
            ledger=_decoded(self._ledger),
        )


def _set(rows: dict[_Key, bytes], key: _Key, value: bytes | None) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value


def _cells(months: Iterable[bytes]) -> dict[int, days.Cell]:
    total = days.Month()
    for month in months:
        total.add(days.CODEC.decode(month))
    return total.cells


def _decoded(ledger: Mapping[str, bytes]) -> dict[str, Unlock]:
    return {what: unlocks.CODEC.decode(value) for what, value in ledger.items()}
