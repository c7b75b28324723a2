"""gateway.facts: facts that were stored, and facts that were superseded."""

from app.domain.counted import Counted
from app.domain.events import FactChanged
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Facts(EventFold):
    """Counts facts."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:
        """Count the fact for its caller, if it has one, and for the share."""
        partition.share.add_fact(superseded=event.is_superseded)
        if caller is not None:
            caller.add_fact(superseded=event.is_superseded)


FACTS = Facts(FactChanged)
