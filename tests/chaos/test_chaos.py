"""Every fault in its short form; in full: ``make chaos``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.harness import run
from tests.chaos.report import report

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker
    from tests.chaos.fault import Fault


def test_every_fault_has_a_key_of_its_own() -> None:
    """A fault is chosen, and keeps its files, by its key."""
    keys = [fault.key for fault in FAULTS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.short], ids=lambda fault: fault.key)
def test_the_recount_agrees(fault: Fault, broker: Broker, tmp_path: Path) -> None:
    """Whatever producers, machines and brokers do: nothing is missing, nothing is extra, no number is wrong."""
    outcome = run(fault, broker.address, tmp_path, lambda *_: None, seed=1, short=True)
    assert outcome.verdict.events
    assert outcome.is_clean, report([outcome])
