"""All faults, in the order of the table. A module holds those of one kind, in its ``FAULTS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.faults import brokers, changelogs, groups, kills, producers, transactions

if TYPE_CHECKING:
    from tests.chaos.fault import Fault

FAULTS: tuple[Fault, ...] = tuple(
    sorted(
        (
            *kills.FAULTS,
            *groups.FAULTS,
            *brokers.FAULTS,
            *producers.FAULTS,
            *transactions.FAULTS,
            *changelogs.FAULTS,
        ),
        key=lambda fault: fault.key[0],
    )
)
