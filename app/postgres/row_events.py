"""Rows of the gateway's tables as events: pure, from the JSON of a row and what is known of it.

Where a table only grows, a row is an event as it is. Rows of the other tables change: what becomes an event
is their difference to what is known of them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec
from xxhash import xxh3_128_hexdigest

from app.domain.events import FUTURE_LIMIT, DecodeFailed, decode, explain, milliseconds, nanos
from app.engine.fold import Message
from app.postgres.sources import CACHE, FACTS, RACES, SUBSCRIPTIONS, Source
from app.topics import Surroundings

_NANO: Final = Decimal("1E-9")


class Change(NamedTuple):
    """What a row has become: the values of new events, and what is known of the row from now on."""

    events: Sequence[Mapping[str, Any]]
    known: Any


class Sending:
    """Makes messages for the topic of a source, and checks them as a fold will at the time ``now``."""

    def __init__(self, source: Source, around: Surroundings, now: datetime) -> None:
        self.now = now
        self._event_type = source.event_type
        self._topic = around.topic(source.topic)
        self._partition_of = around.partition_of
        self._latest = milliseconds(now) + FUTURE_LIMIT

    def message(self, value: bytes) -> Message:
        """Return the message of an event, at its home. Raises ``BadMessage`` where it breaks the contract."""
        event, _, _ = decode(self._event_type, value, self._latest)
        caller = event.caller_id
        key = caller.encode() if caller is not None else None
        home = self._partition_of(key if key is not None else event.home_key.encode())
        return Message(self._topic, home, key, value)

    def check(self, values: Mapping[str, Any]) -> Any:
        """Return the event that values are. Raises ``BadMessage``."""
        return decode(self._event_type, msgspec.json.encode(values), self._latest)[0]


#: Called with what checks events, the row, and what is known of it: None if nothing.
ChangeOf = Callable[[Sending, Mapping[str, Any], Any], Change]


class CacheRow(msgspec.Struct):
    """The sums of a row of ``response_cache``, whose kinds are checked with the event; texts stay texts."""

    hit_id: str
    hit_count: int | None = None
    tokens_saved: int | None = None
    cost_saved: Decimal | None = None
    created_at: str | None = None


def cache_change(sending: Sending, row: Mapping[str, Any], known: Any) -> Change:
    """Return the hits since the last look as one event with ``hits``, at the time of the last of them.

    ``known`` is (hits, tokens, nano-dollars). Sums never fall: where ``hit_count`` does, the row was made
    anew and counts from zero; where only another sum does, it counts again once it is above what is known.
    """
    try:
        sums = msgspec.convert(row, CacheRow)
    except msgspec.ValidationError as error:
        raise explain(error) from None
    if not (sums.hit_count or sums.tokens_saved or sums.cost_saved):
        return Change((), known)
    event = {name: value for name, value in row.items() if name != "hit_count"}
    event["hits"] = sums.hit_count or 0
    whole = sending.check(event)
    now = (whole.hits, whole.tokens_saved or 0, nanos(whole.cost_saved))
    before = tuple(known) if known is not None and known[0] <= now[0] else (0, 0, 0)
    hits, tokens, cost = (max(0, new - old) for new, old in zip(now, before, strict=True))
    if not (hits or tokens or cost):
        return Change((), known)
    after = tuple(map(max, now, before))
    mark = f"{sums.hit_id} {sums.created_at} {known} {after}"
    event |= {
        "hit_id": f"import-{xxh3_128_hexdigest(mark.encode())}",
        "hits": hits,
        "tokens_saved": tokens,
        "cost_saved": format(Decimal(cost) * _NANO, "f"),
    }
    return Change((event,), after)


def race_change(sending: Sending, row: Mapping[str, Any], known: Any) -> Change:
    """Return the race, once for all of its rows."""
    sending.check(row)
    return Change((), known) if known else Change((row,), 1)


def fact_change(sending: Sending, row: Mapping[str, Any], known: Any) -> Change:
    """Return that the fact was stored, and that it is superseded. ``known`` is 1, then 2."""
    event = sending.check(row)
    seen = known or 0
    events = [{**row, "superseded_by": None}] if seen < 1 else []
    if event.superseded_by is not None and seen < 2:  # noqa: PLR2004 - stored, and superseded
        events.append(dict(row))
    return Change(events, max(seen, 1 if event.superseded_by is None else 2))


def subscription_change(sending: Sending, row: Mapping[str, Any], known: Any) -> Change:
    """Return that the subscription is there, once for all of its rows. ``known`` says whether it was."""
    sending.check(row)
    if known:
        return Change((), known)
    # What was gone is there again: since now, or the older time of its row would not count.
    created_at = row["created_at"] if known is None else sending.now.isoformat()
    return Change(({**row, "active": True, "created_at": created_at},), 1)


def subscription_gone(subscription_id: str, at: datetime) -> Change:
    """Return that a subscription that was there has no row any more."""
    return Change(({"subscription_id": subscription_id, "active": False, "created_at": at.isoformat()},), 0)


CHANGES: Final[Mapping[str, ChangeOf]] = {
    CACHE.table: cache_change,
    RACES.table: race_change,
    FACTS.table: fact_change,
    SUBSCRIPTIONS.table: subscription_change,
}


def row_of(value: bytes) -> dict[str, Any]:
    """Return the columns of a row; numbers with decimals as exact as the database has them."""
    try:
        row: dict[str, Any] = _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeFailed(str(error)) from None
    return row


_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
