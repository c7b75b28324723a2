"""The second stage: the shares of all partitions, merged into the gateway's scope."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.domain.measures import Measures
from app.domain.occasions import Occasion, Reading
from app.domain.progress import Held, hold, judge
from app.engine.fold import Batch, Changes, Row
from app.topics import Surroundings
from tables import counters, models, streaks, subscriptions
from tables.activity import Activity
from tables.codec import Codec, UnreadableRowError, VersionedRow
from tables.publishing import Publisher

SHARES: Final = "gateway-shares"
HELD: Final = "gateway-held"
UNLOCKS: Final = "gateway-unlocks"
RESTORED: Final = (SHARES, HELD)
WRITTEN: Final = (UNLOCKS,)

_PARTS: Final[Mapping[str, Codec[Any]]] = {
    counters.TABLE: counters.CODEC,
    models.TABLE: models.CODEC,
    streaks.TABLE: streaks.CODEC,
    subscriptions.TABLE: subscriptions.CODEC,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class GatewayHeld(VersionedRow, array_like=True, kw_only=True):
    """What the gateway's scope has earned."""

    held: Held


HELD_CODEC: Final = Codec(GatewayHeld)


class Shares:
    """The newest snapshot of every part of every partition's share. A snapshot replaces the one before."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[bytes, Any]] = {table: {} for table in _PARTS}
        self._models: set[str] | None = None
        self._active_days: streaks.ActiveDays | None = None

    def put(self, key: bytes, value: bytes) -> None:
        """Take a snapshot; the key is ``<partition>/<table>/<row key>``. Raises ``UnreadableRowError``."""
        try:
            table = key.split(b"/", 2)[1].decode()
            codec = _PARTS[table]
        except (ValueError, LookupError):
            raise UnreadableRowError(f"{key!r} is not the key of a share") from None
        self._parts[table][key] = codec.decode(value)
        if table == models.TABLE:
            self._models = None
        elif table == streaks.TABLE:
            self._active_days = None

    def counters(self) -> counters.Counters:
        """Return the sums over all partitions."""
        total = counters.Counters()
        for share in self._parts[counters.TABLE].values():
            total.add(share)
        return total

    def models(self) -> set[str]:
        """Return the models of all partitions; merged anew only when a share of them has changed."""
        if self._models is None:
            self._models = set().union(*(share.names for share in self._parts[models.TABLE].values()))
        return self._models

    def active_days(self) -> streaks.ActiveDays:
        """Return the days of all partitions; merged anew only when a share of them has changed."""
        if self._active_days is None:
            self._active_days = streaks.ActiveDays()
            for share in self._parts[streaks.TABLE].values():
                self._active_days.add(share)
        return self._active_days

    def subscriptions(self) -> list[subscriptions.Subscription]:
        """Return all subscriptions; each has one home, so no two rows are of the same."""
        return list(self._parts[subscriptions.TABLE].values())

    def measures(self, baseline: Measures) -> Measures:
        """Return what the gateway's unlocks and levels are decided on, from its opening balance on."""
        total = self.counters()
        return Measures(
            requests=total.requests,
            tokens_saved=total.tokens_saved + baseline.tokens_saved,
            cost_saved=total.cost_saved + baseline.cost_saved,
            cache_hits=total.cache_hits,
            semantic_hits=total.semantic_hits,
            callers=total.callers,
            models=len(self.models()),
            races=total.races,
            facts=total.facts_stored,
            longest_streak=self.active_days().longest,
            subscriptions=sum(each.ever_active for each in self.subscriptions()),
        )


class Gateway:
    """Merges shares and publishes what the gateway earns by them, once."""

    def __init__(
        self, surroundings: Surroundings, baseline: Measures, activity: Activity | None = None
    ) -> None:
        self.shares = Shares()
        self._held = Held()
        self._baseline = baseline
        self._publisher = Publisher(surroundings, UNLOCKS, activity or Activity())
        self._changed: dict[bytes, bytes] = {}
        self._changes = Changes()

    def fold_shares(self, batch: Batch, now: datetime) -> None:
        """Take snapshots, then judge once; ``achieved_at`` is the newest event time of what was merged."""
        for record in batch.records:
            if record.key is not None and record.value is not None:
                self.shares.put(record.key, record.value)
                self._changed[record.key] = record.value
        earned = judge(self.shares.measures(self._baseline), self._held, gateway=True)
        if earned:
            hold(self._held, earned)
            newest = _EPOCH + timedelta(microseconds=self.shares.counters().newest)
            self._publisher.publish(earned, "", Occasion(newest, Reading(now)), self._changes)
            row = HELD_CODEC.encode(GatewayHeld(held=self._held))
            self._changes.rows.append(Row(HELD, b"gateway", row))

    def restore(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take a row of a changelog."""
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row")
        if table == HELD:
            self._held = HELD_CODEC.decode(value).held
        else:
            self.shares.put(key, value)

    def restored(self) -> None:
        """Do nothing: every row stands for itself."""

    @property
    def unwritten(self) -> int:
        """How many snapshots were merged, and what was earned by them."""
        return len(self._changed) + len(self._changes.rows) + len(self._changes.messages)

    def drain(self) -> Changes:
        """Hand over the snapshots that were merged and what was earned."""
        changes, self._changes = self._changes, Changes()
        changes.rows += [Row(SHARES, key, value) for key, value in self._changed.items()]
        self._changed.clear()
        return changes
