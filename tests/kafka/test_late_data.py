"""Days that arrive late, and all of it again: what is earned is earned once, at the time of the event that did it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tables import unlocks
from tests.support.deployment import Deployment, Sending

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


def request(day: int) -> Sending:
    """A request of ada in March, on a partition that depends on the day."""
    body = {
        "request_id": f"r{day}",
        "caller_id": "ada",
        "model": "m",
        "status": "ok",
        "created_at": f"2026-03-{day:02d}T10:00:00+02:00",
    }
    return Sending("gateway.requests", day % 4, json.dumps(body).encode(), b"ada")


def fold(deployment: Deployment, days: list[int]) -> None:
    """Send requests of some days to a worker of their own."""
    with deployment.start_worker() as worker:
        deployment.send([request(day) for day in days])
        deployment.wait_until_folded()
        assert worker.stop() == 0


def unlocked(deployment: Deployment) -> dict[tuple[str, str], Any]:
    """Return what was published, by scope and achievement; each must be there once."""
    messages = deployment.read(deployment.around.output_topic("achievement-unlocked"))
    values = [json.loads(message.value) for message in messages]
    found = {(value["scope"], value["achievement_id"]): value for value in values}
    assert len(found) == len(values)
    return found


def test_a_late_day_joins_two_runs(broker: Broker, tmp_path: Path) -> None:
    """The seventh day of a run that arrives last earns streak-7 at its own time; repetitions move nothing."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    fold(deployment, [5, 6, 7, 3, 1])
    fold(deployment, [2])
    assert ("caller:ada", "streak-7") not in unlocked(deployment)
    fold(deployment, [4])
    after = unlocked(deployment)
    streak = after["caller:ada", "streak-7"]
    assert streak["achieved_at"] == "2026-03-04T08:00:00Z"
    topic = deployment.around.topic("gateway.requests")
    assert streak["cause"]["topic"] == topic
    assert (streak["cause"]["partition"], streak["cause"]["id"]) == (0, "r4")
    assert streak["value"] == 7
    assert ("gateway", "streak-7") in after
    ledger = deployment.read_rows("unlocks")["unlocks"]
    fold(deployment, [4, 1, 7, 2, 3, 6, 5, 4])
    assert unlocked(deployment) == after
    assert deployment.read_rows("unlocks")["unlocks"] == ledger
    row = next(row for key, row in ledger.items() if unlocks.split_key(key)[0] == "achievement/streak-7")
    assert unlocks.CODEC.decode(row).achieved_at.isoformat() == "2026-03-04T08:00:00+00:00"
