"""How something earned becomes a message for everybody and a row of the ledger. The hot path of unlocks.

What is constant of a message is made once. Compiled where a compiler was at hand.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain.encoded import FORMS, Form, write
from app.domain.occasions import Occasion
from app.domain.progress import Progress
from app.domain.published import EVENT_ID_DIGITS, cloud_event_headers, publish
from app.engine.fold import Changes, Message, Row
from app.topics import Surroundings
from tables import unlocks
from tables.activity import Activity

GATEWAY: Final = "gateway"

_JSON: Final = msgspec.json.Encoder().encode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID: Final = "0" * EVENT_ID_DIGITS

#: What every row of the ledger begins with; the event id follows.
_ROW_HEAD: Final[bytes] = unlocks.CODEC.encode(
    unlocks.Unlock(event_id=_ID, achieved_at=_EPOCH, recorded_at=_EPOCH)
).partition(_ID.encode())[0]


def scope_name(caller_id: str) -> str:
    """Return a scope's name; the empty caller id stands for the gateway."""
    return "caller:" + caller_id if caller_id else GATEWAY


class _Way:
    """Where the messages of a form go: topic, headers, and what the key of the ledger begins with."""

    def __init__(self, form: Form, around: Surroundings) -> None:
        name, example = publish(form.example, "", _EPOCH, _EPOCH, None)
        self.topic = around.output_topic(name)
        self.ledger_key = unlocks.key_of(form.example, b"")
        # Any: of a tuple that has a type, compiled code makes a new one each time that it is used.
        self._headers: list[Any] = list(cloud_event_headers(name, example, around.app_id))
        names = [header for header, _ in self._headers]
        self._id, self._time, self._subject = map(names.index, ("ce_id", "ce_time", "ce_subject"))

    def headers(self, event_id: bytes, time: Any, subject: Any) -> list[Any]:
        """Return the headers of a message; ``time`` and ``subject`` are headers."""
        headers = self._headers.copy()
        headers[self._id] = ("ce_id", event_id)
        headers[self._time] = time
        headers[self._subject] = subject
        return headers


class Publisher:
    """Appends the messages and the ledger's rows of what was earned to the changes of a transaction."""

    def __init__(self, surroundings: Surroundings, ledger: str, activity: Activity) -> None:
        self._partition_of = surroundings.partition_of
        self._ledger = ledger
        self._activity = activity
        #: By the number of the form.
        self._ways = [_Way(form, surroundings) for form in FORMS]

    def publish(self, earned: list[Progress], caller_id: str, occasion: Occasion, changes: Changes) -> None:
        """Publish once what an event has earned a scope; calling twice would publish twice."""
        name = scope_name(caller_id)
        caller_key, key, scope = caller_id.encode(), name.encode(), _JSON(name)
        partition = self._partition_of(key)
        # Any: as the headers of a way.
        time: Any = ("ce_time", occasion.time)
        subject: Any = ("ce_subject", key)
        messages, rows = changes.messages, changes.rows
        for progress in earned:
            form, event_id, value = write(progress, scope, occasion)
            way = self._ways[form.number]
            headers = way.headers(event_id, time, subject)
            messages.append(Message(way.topic, partition, key, value, headers))
            row = _ROW_HEAD + event_id + occasion.packed
            rows.append(Row(self._ledger, way.ledger_key + caller_key, row))
            self._activity.published(progress)
