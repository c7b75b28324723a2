"""gateway.races: races between models."""

from app.domain.events import RaceRun
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(_event: RaceRun, _day: int, caller: Scope | None, partition: Partition) -> None:
    """Count the race for its caller, if it has one, and for the share."""
    for scope in partition.scopes(caller):
        scope.add_race()


RACES = EventFold(RaceRun, fold)
