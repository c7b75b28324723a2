"""Which topic is folded how. Each module says what its events do to the scopes they belong to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from agents.cache_hits import CACHE_HITS
from agents.facts import FACTS
from agents.mcp_calls import MCP_CALLS
from agents.races import RACES
from agents.requests import REQUESTS
from agents.subscriptions import SUBSCRIPTIONS
from app.engine.app import App
from app.engine.batches import FoldFunction
from app.engine.fold import Batch
from app.topics import FORWARDED, GATEWAY_SHARES, Surroundings
from tables.gateway import Gateway
from tables.partition import EventFold, Partition

#: The folds of the gateway's topics.
FOLDS: Final[Mapping[str, EventFold]] = {
    "gateway.requests": REQUESTS,
    "gateway.cache-hits": CACHE_HITS,
    "gateway.mcp-calls": MCP_CALLS,
    "gateway.races": RACES,
    "gateway.facts": FACTS,
    "gateway.subscriptions": SUBSCRIPTIONS,
}


def register(app: App, around: Surroundings) -> None:
    """Give the app one agent for each topic that is folded."""
    by_topic = {around.topic(name): fold for name, fold in FOLDS.items()}
    for topic, fold in by_topic.items():
        app.fold_topic(topic, events(fold))
    app.fold_topic(around.topic(FORWARDED), forwarded(by_topic))
    app.fold_topic(around.topic(GATEWAY_SHARES), Gateway.fold_shares)


def events(fold: EventFold) -> FoldFunction:
    """Return the fold of one of the gateway's topics."""

    def fold_events(state: Partition, batch: Batch, now: datetime) -> None:
        state.fold_batch(fold, batch, now)

    return fold_events


def forwarded(folds: Mapping[str, EventFold]) -> FoldFunction:
    """Return the fold of the events that other partitions sent home, whatever topic they were read from."""

    def fold_forwarded(state: Partition, batch: Batch, now: datetime) -> None:
        state.fold_forwarded(folds, batch, now)

    return fold_forwarded
