"""What is counted of an event: all that a fold reads of it, whichever topic it came from.

Compiled where a compiler was at hand.
"""

from datetime import datetime
from typing import Any, Final, final

from mypy_extensions import i64, mypyc_attr

from app.domain import events
from app.domain.events import CacheHit, FactChanged, McpCalled, RequestRouted, SubscriptionChanged

_SEMANTIC: Final = "semantic"


@final
@mypyc_attr(acyclic=True)
class Counted:
    """An event that was found good. Texts are UTF-8; what an event does not have is as it is here."""

    def __init__(self) -> None:
        #: What makes the event one within its topic.
        self.identity = b""
        #: Empty where it has no caller.
        self.caller_id = b""
        #: What decides its home partition where it has no caller, as a subscription.
        self.home_key = b""
        #: When it happened: microseconds since the epoch, and the day, since 1970-01-01 UTC.
        self.at: i64 = 0
        self.day: i64 = 0
        self.model = b""
        self.hits: i64 = 1
        self.tokens_saved: i64 = 0
        #: Nano-dollars.
        self.cost_saved: i64 = 0
        #: Whether a hit was a semantic one, a fact was superseded, a subscription is active.
        self.is_semantic = False
        self.is_superseded = False
        self.is_active = True


def counted(event: Any, at: datetime, day: int) -> Counted:
    """Return what is counted of what ``events.decode`` returns."""
    it = Counted()
    it.identity = event.identity.encode()
    it.at, it.day = events.microseconds(at), day
    if isinstance(event, SubscriptionChanged):
        it.home_key = event.home_key.encode()
        it.is_active = event.active is not False
        return it
    if event.caller_id is not None:
        it.caller_id = event.caller_id.encode()
    if isinstance(event, RequestRouted):
        it.model = event.model.encode()
    elif isinstance(event, CacheHit):
        it.hits = 1 if event.hits is None else event.hits
        it.tokens_saved = event.tokens_saved or 0
        it.cost_saved = events.nanos(event.cost_saved)
        it.is_semantic = event.kind == _SEMANTIC
    elif isinstance(event, McpCalled):
        it.tokens_saved = event.tokens_saved or 0
    elif isinstance(event, FactChanged):
        it.is_superseded = event.superseded_by is not None
    return it
