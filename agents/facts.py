"""gateway.facts: facts that were stored, and facts that were superseded."""

from app.domain.events import FactChanged
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Facts(EventFold):
    """Counts facts."""

    def fold(self, event: FactChanged, day: int, caller: Scope | None, partition: Partition) -> None:  # noqa: ARG002 - as all folds
        """Count the fact for its caller, if it has one, and for the share."""
        superseded = event.superseded_by is not None
        partition.share.add_fact(superseded=superseded)
        if caller is not None:
            caller.add_fact(superseded=superseded)


FACTS = Facts(FactChanged)
