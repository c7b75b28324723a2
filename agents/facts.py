"""gateway.facts: facts that were stored, and facts that were superseded."""

from collections.abc import Sequence

from app.domain.events import FactChanged
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: FactChanged, _day: int, scopes: Sequence[Scope], _: Partition) -> None:
    """Count the fact for its caller, if it has one, and for the share."""
    for scope in scopes:
        scope.add_fact(superseded=event.superseded_by is not None)


FACTS = EventFold(FactChanged, fold)
