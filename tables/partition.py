"""The state of one partition: the callers that are at home in it, and its share of the gateway."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from app.domain.cloud_events import body_of
from app.domain.counted import Counted
from app.domain.events import BadMessage, Event
from app.domain.occasions import Occasion, Reading
from app.domain.progress import hold, judge
from app.domain.quick import COMPILED, QuickDecoder
from app.engine.fold import Batch, Changes, Message, Record, Row
from app.engine.record import StoredRecord
from app.topics import DEAD_LETTERS, FORWARDED, GATEWAY_SHARES, Surroundings
from tables import counters, models, seen, segments, streaks, subscriptions, unlocks
from tables.activity import Activity
from tables.codec import UnreadableRowError
from tables.dead_letters import dead_letter
from tables.forwarding import Place, forward, original
from tables.publishing import Publisher
from tables.rows import CODECS, Rows
from tables.scope import COUNTERS, Scope

RESTORED: Final = (*CODECS, subscriptions.TABLE, segments.TABLE)
WRITTEN: Final = (unlocks.TABLE,)

#: The tables of a partition's share that are published to the gateway's stage. Its days are only read.
SHARED: Final = frozenset({counters.TABLE, models.TABLE, streaks.TABLE})

#: Rows that a changed scope writes, about: its sums and a month of days, sometimes its models or its streaks.
ROWS_OF_A_SCOPE: Final = 3

#: Of callers that wake while there is no room for more, one of so many stays in use: those whose lot is low.
#: Lots are multiples of the golden ratio, modulo 1 in 32 bits, which are spread evenly however many of them
#: are taken at a time: whoever comes again and again draws a low one after a while.
KEPT: Final = 16
_LOTS: Final = 2**32
_LOW: Final = _LOTS // KEPT
_GOLDEN: Final = 0x9E37_79B1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: A time before all that an event can have.
_NEVER: Final = -(2**62)

#: Records that are decoded, then looked up, then folded together; see ``Seen.expect``.
TOGETHER: Final = 64


class EventFold:
    """A kind of event, and how one changes its caller's scope, if it has one, and the share."""

    def __init__(self, event_type: type[Event]) -> None:
        self.event_type = event_type
        self.decoder = QuickDecoder(event_type)
        self.salt = seen.SALTS[event_type]

    def decode(self, record: Record) -> Counted:
        """Return what is counted of the event in a record. Raises ``BadMessage``."""
        if (
            COMPILED
            and isinstance(record, StoredRecord)
            and record.end >= record.start
            and not record.headers
        ):
            return self.decoder.decode_at(record.data, record.start, record.end, record.timestamp)
        value, headers, ce_id = record.value, record.headers, None
        if headers:
            value, ce_id = body_of(value, headers)
        return self.decoder.decode(value, record.timestamp, ce_id)

    def fold(self, event: Counted, caller: Scope | None, partition: "Partition") -> None:
        """Count an event of this kind. ``caller`` is None if the event has none."""
        raise NotImplementedError


class Partition:
    """Folds events into scopes and notes what changed. Pure: no I/O, and time comes in as an argument."""

    def __init__(self, number: int, surroundings: Surroundings, activity: Activity | None = None) -> None:
        self.number = number
        self._around = surroundings
        self._activity = activity = activity or Activity()
        self._publisher = Publisher(surroundings, unlocks.TABLE, activity)
        self._rows = Rows()
        self._seen = seen.Seen(surroundings.dedupe_window)
        #: The callers in use, the one that was changed last at the end: the others' rows are at rest.
        self._scopes: dict[bytes, Scope] = {}
        self._touched: list[Scope] = []
        #: The lot of the caller that woke last.
        self._lot = 0
        self._subscriptions: dict[str, subscriptions.Subscription] = {}
        self._changed_subscriptions: set[str] = set()
        #: The newest event time since the last ``drain``, in microseconds since the epoch.
        self._newest = _NEVER
        self._changes = Changes()
        self._share: Scope | None = None

    @property
    def share(self) -> Scope:
        """Return the partition's share of the gateway, a scope with an empty caller id, to be changed."""
        share = self._share
        if share is None:
            share = self._share = Scope("", self._rows.wake(b""))
        if not share.changed:
            share.changed = COUNTERS
        return share

    # -- folding -------------------------------------------------------------------------------------------

    def fold_batch(self, fold: EventFold, batch: Batch, now: datetime) -> None:
        """Fold the records of one of the gateway's topics; ``now`` is when unlocks are recorded."""
        place, records = Place(batch.topic, batch.partition), batch.records
        self._activity.read[batch.topic] += len(records)
        reading = Reading(now, batch.topic, batch.partition)
        for start in range(0, len(records), TOGETHER):
            self._fold_records(fold, place, records[start : start + TOGETHER], reading)

    def fold_forwarded(self, folds: Mapping[str, EventFold], batch: Batch, now: datetime) -> None:
        """Fold records that other partitions sent home; ``folds`` by full topic name."""
        readings: dict[Place, Reading] = {}
        for record in batch.records:
            place, first_read = original(record)
            reading = readings.get(place)
            if reading is None:
                reading = readings[place] = Reading(now, place.topic, place.partition)
            self._activity.read[place.topic] += 1
            self._fold_records(folds[place.topic], place, [first_read], reading)

    def _fold_records(
        self, fold: EventFold, place: Place, records: Sequence[Record], reading: Reading
    ) -> None:
        """Fold records that were first read at ``place``. The hot path."""
        good: list[Record] = []
        events: list[Counted] = []
        for record in records:
            event = self._decode(fold, place, record)
            if event is not None:
                good.append(record)
                events.append(event)
        self._seen.expect([event.identity for event in events], fold.salt)
        for number, event in enumerate(events):
            caller_id = event.caller_id
            caller = self._scopes.get(caller_id)
            if caller is None and self._forward_if_elsewhere(event, place, good[number]):
                continue
            if not self._seen.add(number):
                self._activity.set_aside[place.topic, "duplicate"] += 1
                continue
            if caller is None and caller_id:
                caller = Scope(caller_id.decode(), self._rows.wake(caller_id))
            if caller is not None and not caller.changed:
                self._touch(caller)
            fold.fold(event, caller, self)
            self._newest = max(self._newest, event.at)
            if caller is not None and caller.due:
                self._judge(caller, event, good[number].offset, reading)

    def _decode(self, fold: EventFold, place: Place, record: Record) -> Counted | None:
        """Return what is counted of the event, None if it was set aside as a dead letter."""
        try:
            return fold.decode(record)
        except BadMessage as bad:
            letter = dead_letter(record, place, bad, self._around.topic(DEAD_LETTERS), self.number)
            self._changes.messages.append(letter)
            self._activity.set_aside[place.topic, "dead"] += 1
            return None

    def _forward_if_elsewhere(self, event: Counted, place: Place, record: Record) -> bool:
        """Send an event home if it is at home elsewhere; return whether it is."""
        home = self._around.partition_of(event.home_key or event.caller_id or event.identity)
        if home == self.number:
            return False
        self._changes.messages.append(forward(record, place, self._around.topic(FORWARDED), home))
        self._activity.set_aside[place.topic, "forwarded"] += 1
        return True

    def _touch(self, scope: Scope) -> None:
        scope.changed = COUNTERS
        self._touched.append(scope)
        self._scopes.pop(scope.key, None)
        self._scopes[scope.key] = scope

    def change_subscription(self, subscription_id: str, changed_at: int, *, active: bool) -> None:
        """Take a change of a subscription, in any order; the time is in microseconds since the epoch."""
        row = self._subscriptions.get(subscription_id)
        if row is None:
            row = self._subscriptions[subscription_id] = subscriptions.CODEC.new()
        row.change(changed_at, active=active)
        self._changed_subscriptions.add(subscription_id)

    def _judge(self, scope: Scope, event: Counted, offset: int, reading: Reading) -> None:
        measures = scope.measures()
        earned = judge(measures, scope.held, gateway=False)
        hold(scope.held, earned)
        scope.expect_next(measures)
        if earned:
            at = _EPOCH + timedelta(microseconds=int(event.at))
            occasion = Occasion(at, reading, offset, event.identity.decode())
            self._publisher.publish(earned, scope.caller_id, occasion, self._changes)

    # -- the log -------------------------------------------------------------------------------------------

    def restore(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take a row of a changelog."""
        if table == segments.TABLE:
            self._seen.restore(key, value)
        elif table == subscriptions.TABLE:
            if value is None:
                raise UnreadableRowError(f"{table} never deletes a row")
            self._subscriptions[key.decode()] = subscriptions.CODEC.decode(value)
        else:
            self._rows.put(table, key, value)

    def restored(self) -> None:
        """Remember the identities of the changelog. Raises ``UnreadableRowError`` if some must be missing."""
        self._seen.restored()

    @property
    def unwritten(self) -> int:
        """How many rows and messages there are to write, about: a scope that was changed has a few rows."""
        return ROWS_OF_A_SCOPE * len(self._touched) + len(self._changes.rows) + len(self._changes.messages)

    def drain(self) -> Changes:
        """Hand over the changed rows, and the share's to the gateway's stage too."""
        changes, self._changes = self._changes, Changes()
        changes.rows += self._seen.drain()
        if self._newest != _NEVER:
            self.share.newest = max(self.share.newest, self._newest)
            self._newest = _NEVER
        self._drain_callers(changes.rows)
        if self._share is not None:
            rows = self._share.changed_rows()
            changes.rows += rows
            changes.messages += [self._to_gateway(row) for row in rows if row.table in SHARED]
        for subscription_id in sorted(self._changed_subscriptions):
            value = subscriptions.CODEC.encode(self._subscriptions[subscription_id])
            row = Row(subscriptions.TABLE, subscription_id.encode(), value)
            changes.rows.append(row)
            changes.messages.append(self._to_gateway(row))
        self._changed_subscriptions.clear()
        return changes

    def _drain_callers(self, written: list[Row]) -> None:
        """Hand over the rows of callers, and have some of them rest if too many are in use.

        Most of those that have just woken rest again, while they are in the cache: few will be back soon.
        One of ``KEPT`` stays in place of the one that was changed longest ago, and so does sooner or later
        whoever comes often.
        """
        excess = len(self._scopes) - self._around.scopes_in_use
        for scope in self._touched:
            if scope.just_woken:
                scope.just_woken = False
                self._lot = (self._lot + _GOLDEN) % _LOTS
                if excess > 0 and self._lot >= _LOW:
                    excess -= 1
                    written += self._rest(scope)
                    continue
            written += scope.changed_rows()
        self._touched.clear()
        if excess > 0:
            for key in list(islice(self._scopes, excess)):
                written += self._rest(self._scopes[key])

    def _rest(self, scope: Scope) -> list[Row]:
        """Have a caller rest; return its rows that are not in the log yet."""
        written, rested = scope.rest()
        del self._scopes[scope.key]
        self._rows.rest(scope.key, rested)
        return written

    def _to_gateway(self, row: Row) -> Message:
        key = b"%d/%s/%s" % (self.number, row.table.encode(), row.key)
        return Message(self._around.topic(GATEWAY_SHARES), 0, key, row.value)
