"""``streaks``: the active days of a scope. Key: the caller's id, empty for a share."""

from typing import Final

import msgspec

from app.domain.streaks import DaySet, add_day, longest_run, run_around, union
from tables.codec import Codec, VersionedRow


class ActiveDays(VersionedRow, array_like=True, kw_only=True):
    """Two sets of days. Merging is their union, so neither order nor repetition matters."""

    #: Days with a request or an MCP call: streaks run in these.
    active: DaySet = msgspec.field(default_factory=dict)
    #: Days with a request.
    requested: DaySet = msgspec.field(default_factory=dict)
    #: The longest run in ``active``, in days.
    longest: int = 0

    def add_request(self, day: int) -> bool:
        """Add a day with a request; return whether anything changed."""
        return add_day(self.requested, day) and (self.add_active(day) or True)

    def add_active(self, day: int) -> bool:
        """Add a day of activity; return whether it is new."""
        if not add_day(self.active, day):
            return False
        self.longest = max(self.longest, run_around(self.active, day))
        return True

    def add(self, other: "ActiveDays") -> None:
        """Add another scope's days."""
        self.active = union(self.active, other.active)
        self.requested = union(self.requested, other.requested)
        self.longest = longest_run(self.active)


TABLE: Final = "streaks"
CODEC: Final[Codec[ActiveDays]] = Codec(ActiveDays)
