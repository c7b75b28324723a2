"""An import as users run it, and what became of its rows: what is in the topics, judged by the database itself."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg

from app.domain.events import EVENT_OF_TOPIC
from tests.support.deployment import PATIENCE, STREAKLINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.deployment import Deployment


def run(deployment: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the installed ``streakline`` to its end, whatever its status."""
    return subprocess.run(
        [STREAKLINE, *arguments],
        env=deployment.environ,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def events(deployment: Deployment, topic: str) -> list[dict[str, Any]]:
    """Return what is committed to a topic of the gateway."""
    return [json.loads(record.value) for record in deployment.read(deployment.around.topic(topic))]


def events_at_home(deployment: Deployment, topic: str) -> list[dict[str, Any]]:
    """Return the same, and fail where one is not in its home partition or has a wrong key."""
    found = []
    for record in deployment.read(deployment.around.topic(topic)):
        event = json.loads(record.value)
        caller = event.get("caller_id")
        assert record.key == (caller.encode() if caller is not None else None)
        if caller is not None:
            assert record.partition == deployment.home(caller)
        found.append(event)
    return found


def counted_twice(deployment: Deployment) -> list[str]:
    """Return the identities that are in a topic more than once."""
    twice = []
    for topic, kind in EVENT_OF_TOPIC.items():
        name = kind.id_field or "subscription_id"
        ids = Counter(
            f"{event[name]} {event.get('superseded_by') is None}" for event in events(deployment, topic)
        )
        twice += [f"{topic} {identity}" for identity, count in ids.items() if count > 1 and kind.id_field]
    return twice


def select(url: str, query: str, params: Sequence[Any] = ()) -> list[Any]:
    """Return the rows of a query, or none where it returns none."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode(), params or None)
        return cursor.fetchall() if cursor.description else []
