"""Filling the tables of a gateway with a history that has all that is awkward in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from app.postgres.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping

HISTORY = load_queries("gateway_history", "tests.support")
GATEWAY = load_queries("gateway", "app.local")

#: Rows by query.
SMALL: Mapping[str, int] = {
    "requests": 6_000,
    "cache": 700,
    "mcp_calls": 2_000,
    "races": 30,
    "facts": 50,
    "subscriptions": 12,
}
#: How many rows break the contract.
REFUSED = 9


def fill(url: str, counts: Mapping[str, int] = SMALL, *, bad: bool = True) -> None:
    """Add rows to the tables, and those that break the contract."""
    with psycopg.connect(url, autocommit=True) as connection:
        for query, count in counts.items():
            connection.execute(HISTORY[query], {"count": count})
        if bad:
            connection.execute(HISTORY["rows_that_break_the_contract"])
        connection.execute("ANALYZE")
