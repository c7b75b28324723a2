from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.postgres.support import run
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


def test_demo(broker: Broker, tmp_path: Path) -> None:
    """A gateway's tables, the import, the fold and the comparison; and nothing is left behind."""
    deployment = Deployment(broker.address, tmp_path)
    shown = run(deployment, "demo", "--postgres", "--exit")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    steps = [line for line in shown.stdout.splitlines() if line.startswith("✓")]
    assert [step.split(":")[0] for step in steps[-2:]] == ["✓ streakline import", "✓ streakline verify"]
    assert re.search(r"gateway +Veteran  10,000 requests routed", shown.stdout)
    assert "DIFFERS" not in shown.stdout
    assert shown.stdout.count("  same") == 15
    with_prefix = {"STREAKLINE_TOPIC_PREFIX": _prefix(steps)}
    checked = run(Deployment(broker.address, tmp_path, **with_prefix), "topics", "check")
    assert checked.stdout.count("does not exist") == len(checked.stdout.splitlines())


def _prefix(steps: list[str]) -> str:
    """Return the prefix of topics that a step names."""
    return next(step for step in steps if " topics, all " in step).split("all ")[1].rstrip("*")
