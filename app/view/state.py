"""All scopes in memory, as the changelogs have them. Pure: no I/O, and no clock.

Rows stay encoded until somebody asks for their scope: they are small that way, and few are asked for. What
concerns all callers together (who holds what, who is ahead) is kept while rows are taken.
"""

from array import array
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from app.domain.achievements import ACHIEVEMENTS, CALLER_ACHIEVEMENTS, Achievement
from app.domain.events import microseconds
from app.domain.measures import Measures
from app.domain.progress import holds
from app.view.scope_rows import CALLER_TABLES, GATEWAY_TABLES, GatewayRows, ScopeState, caller_state
from app.view.standings import Standings
from tables import counters, days, models, streaks, unlocks
from tables.codec import UnreadableRowError
from tables.counters import Counters
from tables.publishing import GATEWAY

#: The tables that are followed.
TABLES: Final = (*CALLER_TABLES, *GATEWAY_TABLES)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX: Final = b"achievement/"
_POSITIONS: Final[Mapping[bytes, int]] = {
    each.id.encode(): number for number, each in enumerate(ACHIEVEMENTS)
}
#: No time: that of an achievement that is not held.
_NEVER: Final = -(2**63)
_NO_TIMES: Final = array("q", [_NEVER] * len(ACHIEVEMENTS))


class ViewState:
    """The newest rows of all scopes; ``baseline`` is the opening balance of the gateway's."""

    def __init__(self, baseline: Measures) -> None:
        self._callers: dict[bytes, _Caller] = {}
        self._gateway = GatewayRows(baseline)
        #: The newest event time that each partition has folded, in microseconds since the epoch.
        self._newest: dict[int, int] = {}
        self._holders = [0] * len(ACHIEVEMENTS)
        self.standings = Standings()
        self._put: Mapping[str, Callable[[int, bytes, bytes], None]] = {
            counters.TABLE: self._put_counters,
            models.TABLE: self._put_models,
            streaks.TABLE: self._put_streaks,
            days.TABLE: self._put_month,
            unlocks.TABLE: self._put_unlock,
        }

    # -- taking rows ---------------------------------------------------------------------------------------

    def put(self, table: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Take a row; a later row of a key replaces the one before. Raises ``UnreadableRowError``."""
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row")
        put = self._put.get(table)
        if put is not None:
            put(partition, key, value)
        else:
            self._gateway.put(table, partition, key, value)

    def _put_counters(self, partition: int, key: bytes, value: bytes) -> None:
        row = counters.CODEC.decode(value)
        if not key:
            self._newest[partition] = row.newest
            return
        caller = self._caller(key)
        caller.partition, caller.counters = partition, value
        held = row.held.achievements
        if held != caller.held:
            for number, bit in _bits(held ^ caller.held):
                self._holders[number] += 1 if held & bit else -1
            caller.held = held
        self.standings.put_counters(key, row)

    def _put_models(self, _partition: int, key: bytes, value: bytes) -> None:
        if key:
            models.CODEC.decode(value)
            self._caller(key).models = value

    def _put_streaks(self, _partition: int, key: bytes, value: bytes) -> None:
        if key:
            self.standings.put_days(key, streaks.CODEC.decode(value))
            self._caller(key).streaks = value

    def _put_month(self, partition: int, key: bytes, value: bytes) -> None:
        month, caller_key = key[: days.MONTH_BYTES], key[days.MONTH_BYTES :]
        if caller_key:
            days.CODEC.decode(value)
            self._caller(caller_key).months[month] = value
        else:
            self._gateway.put(days.TABLE, partition, key, value)

    def _put_unlock(self, _partition: int, key: bytes, value: bytes) -> None:
        what, _, caller_key = key.partition(b"\0")
        number = _POSITIONS.get(what.removeprefix(_PREFIX))
        if number is not None:  # else a level or a stage: what is held says those
            self._caller(caller_key).achieved_at[number] = microseconds(
                unlocks.CODEC.decode(value).achieved_at
            )

    def _caller(self, key: bytes) -> "_Caller":
        caller = self._callers.get(key)
        if caller is None:
            caller = self._callers[key] = _Caller()
        return caller

    # -- answering -----------------------------------------------------------------------------------------

    def scope(self, scope: str) -> ScopeState | None:
        """Return what is known of ``gateway`` or ``caller:<id>``; None for a caller without events."""
        if scope == GATEWAY:
            return self._gateway.state()
        caller_id = scope.removeprefix("caller:")
        caller = self._callers.get(caller_id.encode())
        return caller.state(caller_id) if caller is not None and caller.counters else None

    def counters_of(self, caller_id: str) -> Counters:
        """Return the sums of a caller that is known."""
        return counters.CODEC.decode(self._callers[caller_id.encode()].counters)

    def as_of(self, scope: str | None) -> datetime | None:
        """Return the newest event time that is in what is said of a scope, or, for None, of all callers.

        For a caller it is that of all events at home in its partition: later ones of its own were not folded
        yet. None where nothing was folded.
        """
        if scope == GATEWAY:
            newest = self._gateway.newest
        elif scope is None:
            newest = max(self._newest.values(), default=0)
        else:
            caller = self._callers.get(scope.removeprefix("caller:").encode())
            newest = self._newest.get(caller.partition, 0) if caller is not None else 0
        return _EPOCH + timedelta(microseconds=newest) if newest else None

    @property
    def callers(self) -> int:
        """Return how many callers are known."""
        return len(self._callers)

    def holders(self, achievement: Achievement) -> tuple[int, int]:
        """Return how many scopes hold an achievement, and how many could: the callers and the gateway."""
        number = ACHIEVEMENTS.index(achievement)
        could = 1 + (len(self._callers) if achievement in CALLER_ACHIEVEMENTS else 0)
        return self._holders[number] + holds(self._gateway.held, achievement), could


class _Caller:
    """The newest rows of a caller, encoded; empty ones are not there yet."""

    __slots__ = ("achieved_at", "counters", "held", "models", "months", "partition", "streaks")

    def __init__(self) -> None:
        self.partition = 0
        self.counters = b""
        self.models = b""
        self.streaks = b""
        self.months: dict[bytes, bytes] = {}
        #: By position in the catalog, in microseconds since the epoch.
        self.achieved_at = array("q", _NO_TIMES)
        #: What ``counters`` says of achievements, a bit for each.
        self.held = 0

    def state(self, caller_id: str) -> ScopeState:
        """Return what the rows say."""
        rows = [(counters.TABLE, self.counters), (models.TABLE, self.models), (streaks.TABLE, self.streaks)]
        ledger = {
            f"achievement/{each.id}": _EPOCH + timedelta(microseconds=at)
            for each, at in zip(ACHIEVEMENTS, self.achieved_at, strict=True)
            if at != _NEVER
        }
        return caller_state(caller_id, [row for row in rows if row[1]], self.months.values(), ledger)


def _bits(mask: int) -> list[tuple[int, int]]:
    """Return the numbers of the achievements whose bits are set, and the bits."""
    return [(number, 1 << number) for number in range(len(ACHIEVEMENTS)) if mask >> number & 1]
