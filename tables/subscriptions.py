"""``subscriptions``: the newest change of each subscription. Key: the subscription's id."""

from typing import Final

from tables.codec import Codec, VersionedRow


class Subscription(VersionedRow, array_like=True, kw_only=True):
    """A maximum over changes: the newest wins, and of two at the same time the one that is active."""

    #: Time of the newest change, in microseconds since the epoch; None before the first.
    changed_at: int | None = None
    active: bool = False
    #: Whether it was ever active, for what is unlocked for good.
    ever_active: bool = False

    def change(self, changed_at: int, *, active: bool) -> None:
        """Take a change, in any order."""
        self.ever_active = self.ever_active or active
        if self.changed_at is None or (changed_at, active) > (self.changed_at, self.active):
            self.changed_at, self.active = changed_at, active


TABLE: Final = "subscriptions"
CODEC: Final = Codec(Subscription)
