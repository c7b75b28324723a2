"""The six events of the gateway: what a message must look like, and what is said of one that does not.

Source: contract, section 1. A field that is null is taken as absent, as the SQL of the reference takes it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from app.domain.money import MAX_DOLLARS, parse_dollars

MAX_TEXT: Final = 200
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]

#: How far ahead of the broker's timestamp an event may be, in milliseconds.
FUTURE_LIMIT: Final = 86_400_000

EPOCH_ORDINAL: Final = 719_163
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadMessage(Exception):  # noqa: N818 - it is the message that is bad
    """A message that cannot be counted; ``reason`` is one of the contract's four."""

    reason: str


class DecodeFailed(BadMessage):
    """The value is not JSON in UTF-8, or there is no value."""

    reason = "decode"


class SchemaFailed(BadMessage):
    """A field is missing or of a wrong type."""

    reason = "schema"


class OutOfRange(BadMessage):
    """A number, a text's length, an amount or a date is out of range."""

    reason = "range"


class FromTheFuture(BadMessage):
    """The event is more than a day ahead of the broker's timestamp."""

    reason = "future"


class Event(msgspec.Struct, gc=False, kw_only=True):
    """What all events have. ``created_at`` is as it was sent; see ``moment``."""

    created_at: datetime
    amount_field: ClassVar[str | None] = None
    #: The field that a CloudEvent's id may stand for.
    id_field: ClassVar[str | None] = None

    @property
    def amount(self) -> Decimal | None:
        """Return the event's money in dollars, as it was sent; None where it has none."""
        return None

    @property
    def identity(self) -> str:
        """Return what makes the event one: the same identity in the same topic is the same event."""
        raise NotImplementedError

    @property
    def home_key(self) -> str:
        """Return what decides the event's home partition."""
        raise NotImplementedError


class CallerEvent(Event, gc=False, kw_only=True):
    """An event that may have a caller."""

    caller_id: Text | None = None

    @property
    def home_key(self) -> str:
        """Return the caller's id, or the event's identity where it has no caller."""
        return self.caller_id or self.identity


class RequestRouted(CallerEvent, gc=False, kw_only=True):
    """A row of ``request_tracking``."""

    request_id: Text
    caller_id: Text
    model: Text
    status: Text
    tokens_in: Count | None = 0
    tokens_out: Count | None = 0
    cost_usd: Decimal | None = None
    latency_ms: Count | None = 0
    fallback_used: bool | None = False
    cache: Literal["exact", "semantic"] | None = None
    amount_field: ClassVar[str | None] = "cost_usd"
    id_field: ClassVar[str | None] = "request_id"

    @property
    def amount(self) -> Decimal | None:
        """Return what the request cost."""
        return self.cost_usd

    @property
    def identity(self) -> str:
        """Return the request's id."""
        return self.request_id


class CacheHit(CallerEvent, gc=False, kw_only=True):
    """A hit of ``response_cache``; ``hits`` is more than 1 in an imported aggregate only."""

    hit_id: Text
    kind: Literal["exact", "semantic"] | None = "exact"
    model: Text | None = None
    tokens_saved: Count | None = 0
    cost_saved: Decimal | None = None
    hits: Count | None = 1
    amount_field: ClassVar[str | None] = "cost_saved"
    id_field: ClassVar[str | None] = "hit_id"

    @property
    def amount(self) -> Decimal | None:
        """Return what the hit saved."""
        return self.cost_saved

    @property
    def identity(self) -> str:
        """Return the hit's id."""
        return self.hit_id


class McpCalled(CallerEvent, gc=False, kw_only=True):
    """A row of ``mcp_tool_calls``."""

    call_id: Text
    tool: Text | None = None
    tokens_saved: Count | None = 0
    id_field: ClassVar[str | None] = "call_id"

    @property
    def identity(self) -> str:
        """Return the call's id."""
        return self.call_id


class RaceRun(CallerEvent, gc=False, kw_only=True):
    """A race of several models."""

    call_id: Text
    winner_model: Text | None = None
    id_field: ClassVar[str | None] = "call_id"

    @property
    def identity(self) -> str:
        """Return the call's id."""
        return self.call_id


class FactChanged(CallerEvent, gc=False, kw_only=True):
    """A fact was stored, or superseded by another one."""

    fact_id: Text
    superseded_by: Text | None = None
    id_field: ClassVar[str | None] = "fact_id"

    @property
    def identity(self) -> str:
        """Return the fact's id and whether it was stored or superseded."""
        return f"{self.fact_id}/{'stored' if self.superseded_by is None else 'superseded'}"


class SubscriptionChanged(Event, gc=False, kw_only=True):
    """A subscription was configured or dropped; its newest change wins. It belongs to the gateway only."""

    caller_id: ClassVar[None] = None
    subscription_id: Text
    active: bool | None = True

    @property
    def identity(self) -> str:
        """Return the subscription's id and the time of the change."""
        return f"{self.subscription_id}/{moment(self).isoformat()}"

    @property
    def home_key(self) -> str:
        """Return the subscription's id, so that all of its changes meet."""
        return self.subscription_id


EVENT_OF_TOPIC: Final[Mapping[str, type[Event]]] = {
    "gateway.requests": RequestRouted,
    "gateway.cache-hits": CacheHit,
    "gateway.mcp-calls": McpCalled,
    "gateway.races": RaceRun,
    "gateway.facts": FactChanged,
    "gateway.subscriptions": SubscriptionChanged,
}

_DECODERS: Final[Mapping[type[Event], msgspec.json.Decoder[Any]]] = {
    event: msgspec.json.Decoder(event) for event in EVENT_OF_TOPIC.values()
}


#: For events whose id may be missing, because the CloudEvent around them has one.
_OPEN_DECODERS: Final[Mapping[type[Event], msgspec.json.Decoder[Any]]] = {
    event: msgspec.json.Decoder(
        msgspec.defstruct(
            event.__name__, [(event.id_field, Text | None, None)], bases=(event,), kw_only=True, gc=False
        )
    )
    for event in EVENT_OF_TOPIC.values()
    if event.id_field is not None
}


def decode(
    event_type: type[Event], value: bytes | None, latest: int, ce_id: str | None = None
) -> tuple[Any, datetime, int]:
    """Return the event in ``value``, its time in UTC and its day (days since 1970-01-01 UTC).

    ``latest`` is the latest time that it may have, in milliseconds since the epoch. ``ce_id`` takes the place
    of an id that it lacks. Raises ``BadMessage``.
    """
    if value is None:
        raise DecodeFailed("the message has no value")
    try:
        if ce_id is None or event_type.id_field is None:
            event = _DECODERS[event_type].decode(value)
        else:
            event = _identified(_OPEN_DECODERS[event_type].decode(value), event_type.id_field, ce_id)
    except msgspec.ValidationError as exc:
        raise explain(exc) from None
    except UnicodeDecodeError:  # not a DecodeError: msgspec lets it through from within a string
        raise DecodeFailed("the value is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as exc:
        raise DecodeFailed(str(exc)) from None
    amount = event.amount
    if amount is not None and not (amount.is_finite() and 0 <= amount <= MAX_DOLLARS):
        raise OutOfRange(f"Expected 0 to {MAX_DOLLARS} dollars - at `$.{event.amount_field}`")
    at = moment(event)
    day = at.toordinal() - EPOCH_ORDINAL
    if day >= latest // 86_400_000 and milliseconds(at) > latest:
        raise FromTheFuture("Expected a time at most a day ahead of the broker's - at `$.created_at`")
    return event, at, day


def _identified(event: Event, id_field: str, ce_id: str) -> Event:
    """Give an event without an id of its own that of its CloudEvent."""
    if getattr(event, id_field) is None:
        if not 1 <= len(ce_id) <= MAX_TEXT:
            raise OutOfRange(f"Expected `str` of length 1 to {MAX_TEXT} - at the CloudEvent's id")
        setattr(event, id_field, ce_id)
    return event


def moment(event: Event) -> datetime:
    """Return when the event happened, in UTC; a time without an offset is UTC. Raises ``OutOfRange``."""
    at = event.created_at
    zone = at.tzinfo
    if zone is UTC:
        return at
    if zone is None:
        return at.replace(tzinfo=UTC)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise OutOfRange("Expected a time in the years 1 to 9999 UTC - at `$.created_at`") from None


def milliseconds(at: datetime) -> int:
    """Return milliseconds since the epoch."""
    return microseconds(at) // 1000


def microseconds(at: datetime) -> int:
    """Return microseconds since the epoch, exactly."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def nanos(amount: Decimal | None) -> int:
    """Return nano-dollars of a money field, 0 where it is absent."""
    return parse_dollars(amount) if amount is not None else 0


def explain(exc: msgspec.ValidationError) -> BadMessage:
    """Tell a value out of range from one of a wrong kind, by msgspec's wording (tests hold it)."""
    text = str(exc)
    if text.startswith("Invalid enum value"):  # the one message that repeats the value
        return SchemaFailed(f"Expected 'exact' or 'semantic' - at {text.rpartition(' - at ')[2]}")
    if "out of range" in text or "` >= " in text or "` <= " in text or "of length " in text:
        return OutOfRange(text)
    return SchemaFailed(text)
