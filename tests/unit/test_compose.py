from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.settings import VARIABLES, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    compose: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return compose["services"]


@pytest.mark.parametrize("name", ["topics", "worker", "view", "project"])
def test_settings_of_a_service(services: dict[str, Any], name: str) -> None:
    """The services are given settings that exist and are accepted, and reach Kafka where it listens for them."""
    environ = {variable: str(value) for variable, value in services[name]["environment"].items()}
    assert set(environ) <= set(VARIABLES)
    settings = Settings.from_environ(environ | {"HOME": "/"})
    assert (
        f"SERVICES://{settings.bootstrap_servers}"
        in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )


def test_order_of_the_services(services: dict[str, Any]) -> None:
    """The worker and the view wait for the topics to be made, and these for a Kafka that answers."""
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    for name in ("worker", "view"):
        assert services[name]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert "healthcheck" in services["kafka"]


def test_dependencies_exist_in_the_file(services: dict[str, Any]) -> None:
    """A service depends only on services of the file, and the ones of streakline build the same image."""
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
    assert {s["image"] for s in services.values() if "build" in s} == {"streakline"}
    assert [name for name, s in services.items() if "build" not in s] == [
        "kafka",
        "prometheus",
        "grafana",
        "postgres",
    ]


def test_projection_is_a_profile(services: dict[str, Any]) -> None:
    """The projection and its PostgreSQL start only when asked for, and agree on where the database is."""
    assert {name for name, s in services.items() if s.get("profiles") == ["projection"]} == {
        "postgres",
        "project",
    }
    url = services["project"]["environment"]["STREAKLINE_DATABASE_URL"]
    postgres = {name.removeprefix("POSTGRES_"): v for name, v in services["postgres"]["environment"].items()}
    assert url == "postgresql://{USER}:{PASSWORD}@postgres:5432/{DB}".format(**postgres)


def test_image_has_what_it_copies() -> None:
    """Every file that the Dockerfile copies is there, and is let through to the build."""
    allowed = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = {
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == set(allowed)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_nothing_is_published_to_other_machines(services: dict[str, Any]) -> None:
    """Whatever has a port here has it on this machine only: the view is served without a token."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_what_watches_is_asked_for(services: dict[str, Any]) -> None:
    """Prometheus and Grafana start with the profile only, and the files that they are given exist."""
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["metrics"]
        sources = [volume.split(":")[0] for volume in services[name]["volumes"] if volume.startswith("./")]
        assert sources
        assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("name", ["topics", "worker", "view", "project"])
def test_commands_of_the_services(services: dict[str, Any], name: str) -> None:
    """Each service runs a command that exists."""
    assert services[name]["command"][0] in COMMANDS
