"""gateway.races: races between models."""

from app.domain.counted import Counted
from app.domain.events import RaceRun
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Races(EventFold):
    """Counts races."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:  # noqa: ARG002 - as all folds
        """Count the race for its caller, if it has one, and for the share."""
        partition.share.add_race()
        if caller is not None:
            caller.add_race()


RACES = Races(RaceRun)
