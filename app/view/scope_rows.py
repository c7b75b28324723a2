"""The rows of one scope, as they are read from the changelogs, and what they say together. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from app.domain.measures import Measures
from app.domain.progress import Held
from tables import counters, days, gateway, models, streaks, unlocks
from tables.gateway import Shares
from tables.publishing import GATEWAY, scope_name
from tables.rows import Rows
from tables.scope import Scope
from tables.streaks import ActiveDays

#: The tables that a caller's scope is read from, all in the caller's home partition.
CALLER_TABLES: Final = (counters.TABLE, models.TABLE, streaks.TABLE, days.TABLE, unlocks.TABLE)

#: The tables that the gateway's scope is read from, of one partition each; its days are in every partition.
GATEWAY_TABLES: Final = (gateway.SHARES, gateway.HELD, gateway.UNLOCKS)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


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
    #: When what was earned (event time), by what it is (see ``tables.unlocks``).
    ledger: Mapping[str, datetime] = field(default_factory=dict)


def caller_state(
    caller_id: str,
    rows: Iterable[tuple[str, bytes]],
    months: Iterable[bytes],
    ledger: Mapping[str, datetime],
) -> ScopeState:
    """Return what the rows of a caller say: one of a table at most, and the months of its days.

    Raises ``UnreadableRowError``.
    """
    kept, key = Rows(), caller_id.encode()
    for table, value in rows:
        kept.put(table, key, value)
    scope = Scope(caller_id, kept.wake(key))
    return ScopeState(
        scope=scope_name(caller_id),
        seed=caller_id,
        measures=scope.measures(),
        held=scope.held,
        facts_superseded=scope.facts_superseded,
        active_days=scope.dates.row(),
        cells=_merged(months).cells,
        ledger=ledger,
    )


class CallerRows:
    """The newest rows of one caller. Rows of others are left alone, undecoded."""

    def __init__(self, caller_id: str) -> None:
        self.caller_id = caller_id
        self._key = caller_id.encode()
        self._rows: dict[str, bytes] = {}
        self._months: dict[str, bytes] = {}
        self._ledger: dict[str, bytes] = {}

    @property
    def is_known(self) -> bool:
        """Say whether anything was ever counted for the caller."""
        return counters.TABLE in self._rows

    def put(self, table: str, _partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row if it is the caller's; None, which no table writes today, removes it."""
        if table == unlocks.TABLE:
            what, caller_key = unlocks.split_key(key)
            if caller_key == self._key:
                _set(self._ledger, what, value)
        elif table == days.TABLE:
            month, caller_key = days.split_key(key)
            if caller_key == self._key:
                _set(self._months, month, value)
        elif key == self._key:
            _set(self._rows, table, value)

    def state(self) -> ScopeState:
        """Return what the rows say. Raises ``UnreadableRowError``."""
        ledger = {what: unlocks.CODEC.decode(value).achieved_at for what, value in self._ledger.items()}
        return caller_state(self.caller_id, self._rows.items(), self._months.values(), ledger)


class GatewayRows:
    """The newest rows of the gateway's scope; ``baseline`` is its opening balance.

    What they say is worked out again only as far as they have changed, so that it may be asked often.
    """

    def __init__(self, baseline: Measures) -> None:
        self._baseline = baseline
        self._shares = Shares()
        self._held = Held()
        self._ledger: dict[str, datetime] = {}
        self._rows_of_month: dict[str, dict[int, bytes]] = {}
        self._months: dict[str, days.Month] = {}
        self._state: ScopeState | None = None

    @property
    def held(self) -> Held:
        """Return what the gateway has earned."""
        return self._held

    @property
    def newest(self) -> int:
        """Return the newest event time of what was merged, in microseconds since the epoch; 0 without any."""
        return self._shares.counters().newest

    def put(self, table: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row if it is the gateway's. Raises ``UnreadableRowError``."""
        if table == days.TABLE:
            month, caller_key = days.split_key(key)
            if caller_key:
                return
            _set(self._rows_of_month.setdefault(month, {}), partition, value)
            self._months.pop(month, None)
        elif table == gateway.UNLOCKS:
            at = unlocks.CODEC.decode(value).achieved_at if value is not None else None
            _set(self._ledger, unlocks.split_key(key)[0], at)
        elif table == gateway.HELD:
            self._held = gateway.HELD_CODEC.decode(value).held if value is not None else Held()
        elif table == gateway.SHARES and value is not None:
            self._shares.put(key, value)
        self._state = None

    def state(self) -> ScopeState:
        """Return what the rows of all partitions say together. Raises ``UnreadableRowError``."""
        if self._state is None:
            self._state = self._merged_state()
        return self._state

    def _merged_state(self) -> ScopeState:
        shares = self._shares
        cells: dict[int, days.Cell] = {}
        for month, rows in self._rows_of_month.items():
            if month not in self._months:
                self._months[month] = _merged(rows.values())
            cells |= self._months[month].cells
        return ScopeState(
            scope=GATEWAY,
            seed=GATEWAY,
            measures=shares.measures(self._baseline),
            held=self._held,
            facts_superseded=shares.counters().facts_superseded,
            active_subscriptions=sum(each.active for each in shares.subscriptions()),
            active_days=shares.active_days(),
            cells=cells,
            ledger=dict(self._ledger),
        )


def _set(rows: dict[_Key, _Value], key: _Key, value: _Value | None) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value


def _merged(months: Iterable[bytes]) -> days.Month:
    total = days.Month()
    for month in months:
        total.add(days.CODEC.decode(month))
    return total
