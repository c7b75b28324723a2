"""What watches streakline: alert rules and the dashboard ask for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aiokafka import TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from app.engine.task import Commit
from app.factory import create_app
from app.metrics import ViewMetrics, WorkerMetrics, exposed
from app.settings import Settings
from tables.activity import Activity
from tests.support.view import Read

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

OPS = Path(__file__).parents[2] / "ops"
_WORD = re.compile(r"\b(?:streakline|process)_\w+")
_LABELS = re.compile(r"(\w+)\s*=~?\s*\"|by \(([\w, ]+)\)")


def expressions() -> list[str]:
    """Every PromQL expression of the alert rules and of the dashboard."""
    rules = yaml.safe_load((OPS / "prometheus/alerts.yml").read_text())["groups"]
    dashboard = json.loads((OPS / "grafana/streakline.json").read_text())
    alerts = [rule["expr"] for group in rules for rule in group["rules"]]
    return alerts + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def samples() -> dict[str, set[str]]:
    """The labels of every sample that a worker and a view expose, by its name."""
    activity = Activity()
    activity.read["gateway.requests"] += 1
    activity.unlocks["first-call"] = 1
    worker = WorkerMetrics(create_app(Settings.from_environ({"HOME": "/"}), activity), activity)
    worker._on_commit(Commit("callers", 0.01, 1_000))
    followed = Read(None, positions={TopicPartition("t", 0): 1}, ends={TopicPartition("t", 0): 2})
    view = ViewMetrics(followed, lambda: 0)
    view.answered("/v1/catalog", 200, 0.001)
    found: dict[str, set[str]] = {"streakline_consumer_lag": {"topic", "partition"}}
    for registry in (worker.registry, view.registry):
        for family in parse(exposed(registry)):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def parse(text: bytes) -> list[Metric]:
    """Return what Prometheus reads."""
    return list(text_string_to_metric_families(text.decode()))


@pytest.mark.parametrize("expression", expressions())
def test_what_is_asked_for_is_there(expression: str, samples: dict[str, set[str]]) -> None:
    """Every metric of an expression is exposed, with the labels that the expression uses."""
    names = _WORD.findall(expression)
    assert names or expression.startswith("absent(up")
    labels = {"job", "instance"}.union(*(samples[name] for name in names))
    used = {
        label.strip() for pair in _LABELS.findall(expression) for part in pair for label in part.split(",")
    }
    assert used - {""} <= labels


def test_every_metric_is_watched(samples: dict[str, set[str]]) -> None:
    """Nothing of ours is exposed that no rule and no panel looks at, but what only says who is there."""
    ours = {
        re.sub(r"_(bucket|sum|count|created)$", "", name)
        for name in samples
        if name.startswith("streakline_")
    }
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _WORD.findall("\n".join(expressions()))}
    assert ours - asked == {"streakline_build_info", "streakline_view_callers"}


def test_jobs_are_scraped() -> None:
    """The jobs that expressions name are services of the compose file, asked on the ports where they answer."""
    compose: dict[str, Any] = yaml.safe_load((OPS.parent / "docker-compose.yml").read_text())
    config = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())
    settings = Settings.from_environ({"HOME": "/"})
    ports = {"worker": settings.worker_port, "view": settings.view_port}
    for job in config["scrape_configs"]:
        [discovered] = job["dns_sd_configs"]
        assert discovered["names"] == [job["job_name"]]
        assert discovered["port"] == ports[job["job_name"]]
        assert job["job_name"] in compose["services"]
    named = {name for each in expressions() for name in re.findall(r'job=~?"([\w|]+)"', each)}
    assert set("|".join(named).split("|")) <= set(ports)
