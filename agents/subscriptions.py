"""gateway.subscriptions: which subscriptions are configured; they belong to the gateway only."""

from app.domain.events import SubscriptionChanged, moment
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: SubscriptionChanged, _day: int, _caller: Scope | None, partition: Partition) -> None:
    """Take the change; the newest one of a subscription wins."""
    partition.change_subscription(event.subscription_id, moment(event), active=event.active is not False)


SUBSCRIPTIONS = EventFold(SubscriptionChanged, fold)
