"""What the feed says of a request: an entry of the reference's getRecentEvents."""

from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from app.domain.events import RequestRouted

EntryType: TypeAlias = Literal["request", "error", "cache-hit", "fallback"]

_ICONS: Final[dict[EntryType, str]] = {"request": "📡", "error": "⚠️", "cache-hit": "⚡", "fallback": "🔄"}
_FAILED: Final = frozenset({"error", "rejected"})

#: A request that does not say whether a cache answered it was answered by one if it took less (milliseconds).
_CACHED_BELOW: Final = 100


class FeedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry of the reference's getRecentEvents; ``ts`` as JavaScript's toISOString writes it."""

    ts: str
    type: EntryType
    caller: str
    detail: str
    icon: str


def feed_entry(event: RequestRouted, at: datetime) -> FeedEntry:
    """Return the entry of a request that happened at ``at``, in UTC."""
    tokens = (event.tokens_in or 0) + (event.tokens_out or 0)
    kind = entry_type(event)
    return FeedEntry(
        ts=at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z",
        type=kind,
        caller=event.caller_id,
        detail=f"{event.model} · {tokens} tokens · {event.latency_ms or 0}ms",
        icon=_ICONS[kind],
    )


def entry_type(event: RequestRouted) -> EntryType:
    """Return what kind of entry it is; what is more than one is the first of them."""
    if event.status in _FAILED:
        return "error"
    if event.cache is not None or (event.latency_ms or 0) < _CACHED_BELOW:
        return "cache-hit"
    return "fallback" if event.fallback_used else "request"
