"""gateway.facts: facts that were stored, and facts that were superseded."""

from app.domain.events import FactChanged
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: FactChanged, _day: int, caller: Scope | None, partition: Partition) -> None:
    """Count the fact for its caller, if it has one, and for the share."""
    for scope in partition.scopes(caller):
        scope.add_fact(superseded=event.superseded_by is not None)


FACTS = EventFold(FactChanged, fold)
