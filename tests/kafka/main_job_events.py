"""The events of ``test_main_job.py``, literally, in the order in which they are sent, phase by phase.

Within a phase nothing depends on the order of the topics; each phase is folded before the next one is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REQUESTS = "gateway.requests"
CACHE_HITS = "gateway.cache-hits"
MCP_CALLS = "gateway.mcp-calls"
RACES = "gateway.races"
FACTS = "gateway.facts"
SUBSCRIPTIONS = "gateway.subscriptions"


@dataclass(frozen=True, slots=True)
class Given:
    """An event, the key of its message, and where it is sent: ``away`` partitions after the home of ``home_key``."""

    topic: str
    fields: dict[str, Any]
    key: str | None
    home_key: str
    away: int = 0


def request(
    request_id: str, caller: str, created_at: str, model: str, *, away: int = 0, key: str = "", **more: Any
) -> Given:
    """Return a request."""
    fields = {
        "request_id": request_id,
        "caller_id": caller,
        "model": model,
        "status": "ok",
        "created_at": created_at,
    }
    return Given(REQUESTS, {**fields, **more}, key or caller, caller, away)


def of_caller(topic: str, caller: str, *, away: int = 0, key: str | None = "", **fields: Any) -> Given:
    """Return another event of a caller; the key is the caller's id unless it disagrees."""
    return Given(topic, {"caller_id": caller, **fields}, caller if key == "" else key, caller, away)


def of_nobody(topic: str, **fields: Any) -> Given:
    """Return an event without a caller."""
    return Given(topic, fields, None, "nobody")


# Each event's expected effect is in test_main_job.py.
PHASES: tuple[tuple[Given, ...], ...] = (
    # 0: one event alone, so that the gateway merges exactly this. No offset: it is UTC.
    (
        of_caller(
            CACHE_HITS,
            "bob",
            hit_id="b1",
            tokens_saved=999,
            cost_saved=0.004,
            model="m-9",
            created_at="2024-03-10T23:59:59.999999",
        ),
    ),
    # 1: everybody at home.
    (
        # Ada: two runs of three days. Status and cost of a request do not matter.
        request("a1", "ada", "2024-03-01T08:00:00Z", "m-1"),
        request("a2", "ada", "2024-03-02T08:00:00Z", "m-1", cost_usd="0.25", tokens_in=10),
        request("a3", "ada", "2024-03-03T08:00:00Z", "m-1", fallback_used=True, latency_ms=7),
        request("a4", "ada", "2024-03-05T08:00:00Z", "m-1", cache="exact"),
        request("a5", "ada", "2024-03-06T08:00:00Z", "m-1", extra={"ignored": [1, 2]}),
        request("a6", "ada", "2024-03-07T08:00:00Z", "m-1", cache=None),
        # Bob: money as text and as number. On the 11th where it was read, on the 10th in UTC.
        of_caller(
            CACHE_HITS,
            "bob",
            hit_id="b2",
            kind="semantic",
            tokens_saved=1,
            cost_saved="0.006",
            created_at="2024-03-11T01:30:00+02:00",
        ),
        of_caller(
            CACHE_HITS,
            "bob",
            hit_id="b3",
            kind=None,
            hits=8,
            cost_saved="0.99",
            created_at="2024-03-11T09:00:00Z",
        ),
        of_caller(
            CACHE_HITS,
            "bob",
            hit_id="b4",
            tokens_saved=49_000,
            cost_saved=0.000000001,
            created_at="2024-03-12T10:00:00Z",
        ),
        # Cem: five models; days that the offsets decide: 29 February twice, 1 March, 2 March, 29 February.
        request("c1", "cem", "2024-02-28T23:00:00-02:00", "m-1"),
        request("c2", "cem", "2024-03-01T00:30:00+01:00", "m-2"),
        request("c3", "cem", "2024-03-01T00:00:00Z", "m-3"),
        request("c4", "cem", "2024-03-02T00:00:00", "m-4"),
        request("c5", "cem", "2024-02-29T12:00:00Z", "m-5", status="error"),
        of_caller(RACES, "cem", call_id="x1", winner_model="m-8", created_at="2024-03-02T10:00:00Z"),
        # A fact is superseded before it is stored.
        of_caller(FACTS, "cem", fact_id="f1", superseded_by="f2", created_at="2024-03-02T12:00:00Z"),
        of_caller(FACTS, "cem", fact_id="f1", created_at="2024-03-02T11:00:00Z"),
        of_caller(FACTS, "cem", fact_id="f2", superseded_by=None, created_at="2024-03-02T11:30:00Z"),
        of_caller(FACTS, "cem", fact_id="f3", created_at="2024-03-02T11:45:00Z"),
        # Nobody: counts for the gateway only.
        of_nobody(
            CACHE_HITS,
            hit_id="z1",
            caller_id=None,
            kind="semantic",
            hits=3,
            tokens_saved=100_000,
            cost_saved="10",
            created_at="2024-01-16T00:00:00Z",
        ),
        of_nobody(MCP_CALLS, call_id="z2", tokens_saved=20, tool="grep", created_at="2024-01-16T00:00:00Z"),
        of_nobody(RACES, call_id="z3", created_at="2024-01-16T00:00:00Z"),
        of_nobody(FACTS, fact_id="z4", created_at="2024-01-16T00:00:00Z"),
        # The first subscription was dropped; that it was ever configured comes later.
        of_nobody(SUBSCRIPTIONS, subscription_id="s1", active=False, created_at="2024-01-20T00:00:00Z"),
        of_nobody(SUBSCRIPTIONS, subscription_id="s2", created_at="2024-01-18T00:00:00Z"),
        of_nobody(SUBSCRIPTIONS, subscription_id="s3", active=None, created_at="2024-01-18T00:00:00Z"),
    ),
    # 2: one call of Ada's saves one and a half million tokens, on a day that is active already.
    (
        of_caller(
            MCP_CALLS, "ada", call_id="a-mcp", tokens_saved=1_500_000, created_at="2024-03-05T09:30:00+02:00"
        ),
    ),
    # 3: late, on wrong partitions, with keys of others and without. Ada's joins her two runs.
    (
        request("a7", "ada", "2024-03-04T12:00:00Z", "m-1", away=1, key="bob"),
        request("d1", "dee", "2024-01-15T10:00:00Z", "m-6", away=2, key="ada"),
        request("d2", "dee", "2024-01-15T09:00:00Z", "m-6", away=2, key="cem"),
        of_caller(
            MCP_CALLS,
            "dee",
            call_id="d-mcp",
            tokens_saved=50_880,
            created_at="2024-01-20T00:00:00Z",
            away=3,
            key=None,
        ),
        of_caller(RACES, "cem", call_id="x2", created_at="2024-03-02T10:30:00Z", away=1, key="bob"),
    ),
    # 4: alone again, the oldest change of the first subscription.
    (of_nobody(SUBSCRIPTIONS, subscription_id="s1", active=True, created_at="2024-01-17T00:00:00Z"),),
)

#: Before the phases that come after it the worker is stopped and another one started.
RESTART_AFTER = 2
