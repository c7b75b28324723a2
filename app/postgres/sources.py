"""The gateway's tables: what is read of each, and which event a row is."""

from dataclasses import dataclass
from typing import Final

from app.domain.events import EVENT_OF_TOPIC, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table and the events that its rows are.

    ``identity`` names the column that makes a row one; where the table has none of that name, its primary key
    does. ``times`` are the columns that say when, the first that has a value. ``columns`` are read where they
    exist: unknown columns never leave the database.
    """

    table: str
    topic: str
    identity: str
    times: tuple[str, ...] = ("created_at",)
    columns: tuple[str, ...]
    #: Without it there is nothing to import; the reference cannot do without it either.
    needed: bool = False
    #: Its rows are written once. Rows of the others change: they are compared with what was imported of them.
    grows_only: bool = False

    @property
    def event_type(self) -> type[Event]:
        """Return the event that a row, or what changed in it, becomes."""
        return EVENT_OF_TOPIC[self.topic]


REQUESTS: Final = Source(
    table="request_tracking",
    topic="gateway.requests",
    identity="request_id",
    columns=(
        *("caller_id", "model", "status", "tokens_in", "tokens_out"),
        *("cost_usd", "latency_ms", "fallback_used", "cache"),
    ),
    needed=True,
    grows_only=True,
)
MCP_CALLS: Final = Source(
    table="mcp_tool_calls",
    topic="gateway.mcp-calls",
    identity="call_id",
    columns=("caller_id", "tool", "tokens_saved"),
    needed=True,
    grows_only=True,
)
CACHE: Final = Source(
    table="response_cache",
    topic="gateway.cache-hits",
    identity="hit_id",
    times=("last_hit_at", "created_at"),
    columns=("caller_id", "kind", "model", "hit_count", "tokens_saved", "cost_saved"),
    needed=True,
)
RACES: Final = Source(
    table="race_mode_results",
    topic="gateway.races",
    identity="call_id",
    columns=("caller_id", "winner_model"),
)
FACTS: Final = Source(
    table="caller_knowledge",
    topic="gateway.facts",
    identity="fact_id",
    columns=("caller_id", "superseded_by"),
)
SUBSCRIPTIONS: Final = Source(
    table="subscription_quota_window",
    topic="gateway.subscriptions",
    identity="subscription_id",
    times=("created_at", "window_start"),
    columns=(),
)

SOURCES: Final = (REQUESTS, MCP_CALLS, CACHE, RACES, FACTS, SUBSCRIPTIONS)

#: Columns of an event that are whole numbers, whatever type the table has for them.
WHOLE_NUMBERS: Final = frozenset({"tokens_in", "tokens_out", "latency_ms", "tokens_saved", "hit_count"})
#: Columns that go into an event as they are; all others are texts there.
AS_IT_IS: Final = frozenset({"cost_usd", "cost_saved", "fallback_used"})
