"""All faults, in the order of the table. A module holds those of one kind, in its ``FAULTS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.faults import brokers, changelogs, kills

if TYPE_CHECKING:
    from tests.chaos.fault import Fault

FAULTS: tuple[Fault, ...] = (*kills.FAULTS, *brokers.FAULTS, *changelogs.FAULTS)
