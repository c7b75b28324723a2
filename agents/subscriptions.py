"""gateway.subscriptions: which subscriptions are configured; they belong to the gateway only."""

from app.domain.events import SubscriptionChanged, moment
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Subscriptions(EventFold):
    """Takes changes of subscriptions."""

    def fold(self, event: SubscriptionChanged, day: int, caller: Scope | None, partition: Partition) -> None:  # noqa: ARG002 - as all folds
        """Take the change; the newest one of a subscription wins."""
        partition.change_subscription(event.subscription_id, moment(event), active=event.active is not False)


SUBSCRIPTIONS = Subscriptions(SubscriptionChanged)
