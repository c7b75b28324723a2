"""gateway.subscriptions: which subscriptions are configured; they belong to the gateway only."""

from app.domain.counted import Counted
from app.domain.events import SubscriptionChanged
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Subscriptions(EventFold):
    """Takes changes of subscriptions."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:  # noqa: ARG002 - as all folds
        """Take the change; the newest one of a subscription wins."""
        partition.change_subscription(event.home_key.decode(), event.at, active=event.is_active)


SUBSCRIPTIONS = Subscriptions(SubscriptionChanged)
