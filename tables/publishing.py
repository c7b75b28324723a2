"""How something earned becomes a message for everybody and a row of the ledger."""

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from app.domain.progress import Progress
from app.domain.published import Cause, cloud_event_headers, publish
from app.engine.fold import Changes, Message, Row
from app.topics import Surroundings
from tables import unlocks
from tables.activity import Activity

GATEWAY: Final = "gateway"


def scope_name(caller_id: str) -> str:
    """Return a scope's name; the empty caller id stands for the gateway."""
    return f"caller:{caller_id}" if caller_id else GATEWAY


class Occasion(NamedTuple):
    """When something was earned (event time), when it was recorded (clock), and by which event, if by one."""

    achieved_at: datetime
    recorded_at: datetime
    cause: Cause | None


class Publisher:
    """Appends the message and the ledger's row of what was earned to the changes of a transaction."""

    def __init__(self, surroundings: Surroundings, ledger: str, activity: Activity) -> None:
        self._around = surroundings
        self._ledger = ledger
        self._activity = activity
        self._encode = msgspec.json.Encoder().encode

    def publish(self, progress: Progress, caller_id: str, occasion: Occasion, changes: Changes) -> None:
        """Publish once what a scope has earned; calling twice would publish twice."""
        around = self._around
        achieved_at, recorded_at, cause = occasion
        self._activity.published(progress)
        name, value = publish(progress, scope_name(caller_id), achieved_at, recorded_at, cause)
        key = value.scope.encode()
        headers = cloud_event_headers(name, value, around.app_id)
        topic = around.output_topic(name)
        changes.messages.append(Message(topic, around.partition_of(key), key, self._encode(value), headers))
        row = unlocks.Unlock(event_id=value.event_id, achieved_at=achieved_at, recorded_at=recorded_at)
        if cause is not None:
            row.cause_topic, row.cause_partition = cause.topic, cause.partition
            row.cause_offset, row.cause_id = cause.offset, cause.id
        ledger_key = unlocks.key_of(progress, caller_id.encode())
        changes.rows.append(Row(self._ledger, ledger_key, unlocks.CODEC.encode(row)))
