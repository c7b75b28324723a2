from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.support.deployment import Deployment, Sending
from tests.support.http import get

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker
    from tests.support.worker import Worker

Labels = frozenset[tuple[str, str]]


def request(number: int) -> bytes:
    """The value of a request of ada."""
    body = {
        "request_id": f"r{number}",
        "caller_id": "ada",
        "model": "m",
        "status": "ok",
        "created_at": "2026-03-01T10:00:00Z",
    }
    return json.dumps(body).encode()


def scrape(worker: Worker) -> dict[tuple[str, Labels], float]:
    """Return every sample that the worker shows, by name and labels."""
    found = re.search(r"health on (http://\S+)/healthz/ready", worker.log)
    assert found is not None
    answer = get(f"{found[1]}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.body.decode())
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


def test_metrics_of_a_worker(broker: Broker, tmp_path: Path) -> None:
    """A worker tells what became of each message, what was unlocked, how long commits take and how far it is behind."""
    deployment = Deployment(broker.address, tmp_path)
    deployment.create_topics()
    home, away = deployment.home("ada"), (deployment.home("ada") + 1) % 4
    values = [(home, request(1)), (home, request(1)), (home, b"{"), (away, request(2))]
    with deployment.start_worker() as worker:
        deployment.send([Sending("gateway.requests", partition, value) for partition, value in values])
        deployment.wait_until_folded()
        samples = scrape(worker)

    topic = deployment.around.topic("gateway.requests")
    for outcome, count in {"applied": 2, "duplicate": 1, "dead": 1, "forwarded": 1}.items():
        labels = frozenset({("topic", topic), ("outcome", outcome)})
        assert samples["streakline_events_total", labels] == count
    first_call = frozenset({("achievement", "first-call")})
    assert samples["streakline_unlocks_total", first_call] == 2  # ada, and the gateway
    assert samples["streakline_level_ups_total", frozenset()] == 0
    assert samples["streakline_restore_remaining", frozenset()] == 0
    for stage in ("callers", "gateway"):
        labels = frozenset({("stage", stage)})
        for name in ("streakline_transaction_seconds", "streakline_event_delay_seconds"):
            assert samples[f"{name}_count", labels] > 0
            assert 0 < samples[f"{name}_sum", labels] < 60 * samples[f"{name}_count", labels]
    lags = {labels: value for (name, labels), value in samples.items() if name == "streakline_consumer_lag"}
    assert lags[frozenset({("topic", topic), ("partition", str(home))})] == 0
    assert all(value <= 4 for value in lags.values())  # transaction markers of internal topics
    assert [name for name, _ in samples if name == "streakline_build_info"]
