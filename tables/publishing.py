"""How something earned becomes a message for everybody and a row of the ledger. The hot path of unlocks.

What is constant of a message is made once, what the messages of one event share once for the event. Compiled
where a compiler was at hand.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain.encoded import FORMS, Form, Shared, write
from app.domain.progress import Progress
from app.domain.published import EVENT_ID_DIGITS, Cause, cloud_event_headers, publish
from app.engine.fold import Changes, Header, Message, Row
from app.topics import Surroundings
from tables import unlocks
from tables.activity import Activity

GATEWAY: Final = "gateway"

_JSON: Final = msgspec.json.Encoder().encode
_MESSAGE_PACK: Final = msgspec.msgpack.Encoder().encode
_UTC: Final = UTC
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID: Final = "0" * EVENT_ID_DIGITS

#: What every row of the ledger begins with; the event id follows.
_ROW_HEAD: Final[bytes] = unlocks.CODEC.encode(
    unlocks.Unlock(event_id=_ID, achieved_at=_EPOCH, recorded_at=_EPOCH)
).partition(_ID.encode())[0]


def scope_name(caller_id: str) -> str:
    """Return a scope's name; the empty caller id stands for the gateway."""
    return f"caller:{caller_id}" if caller_id else GATEWAY


class Occasion:
    """When something was earned (event time), when it was recorded (clock), and by which event, if by one."""

    def __init__(self, achieved_at: datetime, recorded_at: datetime, cause: Cause | None) -> None:
        self.achieved_at = achieved_at
        self.recorded_at = recorded_at
        self.cause = cause

    def ledger_fields(self) -> bytes:
        """Return what a row of the ledger says beside its event id."""
        at, now, cause = self.achieved_at, self.recorded_at, self.cause
        fields: list[Any] = (
            [at, now, None, None, None, None]
            if cause is None
            else [at, now, cause.topic, cause.partition, cause.offset, cause.id]
        )
        packed: bytes = _MESSAGE_PACK(fields)
        return packed[1:]  # the first byte says how many there are

    def time_header(self) -> Header:
        """Return the header that says when it was."""
        at = self.achieved_at
        utc = at if at.tzinfo is _UTC else at.astimezone(_UTC)
        return "ce_time", _JSON(utc)[1:-1]


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
        self._around = surroundings
        self._ledger = ledger
        self._activity = activity
        self._ways = {form: _Way(form, surroundings) for form in FORMS}

    def publish(self, earned: list[Progress], caller_id: str, occasion: Occasion, changes: Changes) -> None:
        """Publish once what an event has earned a scope; calling twice would publish twice."""
        if not earned:
            return
        scope = scope_name(caller_id)
        shared = Shared(scope, occasion.achieved_at, occasion.recorded_at, occasion.cause)
        caller_key, key, ledger_fields = caller_id.encode(), scope.encode(), occasion.ledger_fields()
        partition = self._around.partition_of(key)
        time: Any = occasion.time_header()
        subject: Any = ("ce_subject", key)
        messages, rows = changes.messages, changes.rows
        for progress in earned:
            form, event_id, value = write(progress, shared)
            way = self._ways[form]
            headers = way.headers(event_id, time, subject)
            messages.append(Message(way.topic, partition, key, value, headers))
            row = _ROW_HEAD + event_id + ledger_fields
            rows.append(Row(self._ledger, way.ledger_key + caller_key, row))
            self._activity.published(progress)
