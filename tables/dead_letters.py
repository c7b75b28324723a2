"""What becomes of a message that cannot be counted: unchanged, with headers that say why."""

from typing import Final, NamedTuple

from app.domain.events import BadMessage
from app.engine.fold import Header, Message, Record
from tables.forwarding import Place

#: Prefix of the error headers, those of Kafka Connect's dead letter queues.
CONNECT: Final = "__connect.errors."
REASON: Final = "streakline.reason"

#: The error headers, in the order in which a dead letter has them behind its own.
_ERRORS: Final = (
    f"{CONNECT}topic",
    f"{CONNECT}partition",
    f"{CONNECT}offset",
    f"{CONNECT}stage",
    f"{CONNECT}exception.class.name",
    f"{CONNECT}exception.message",
    REASON,
)


class Refusal(NamedTuple):
    """What the error headers say: where the message was read, and why it was refused."""

    place: Place
    offset: int
    error: str
    message: str
    reason: str


def dead_letter(record: Record, place: Place, bad: BadMessage, topic: str, partition: int) -> Message:
    """Return the dead letter: key, value and headers as they were, then the error headers.

    What went wrong is said without the value: neither header nor log may show it.
    """
    said = (
        place.topic,
        str(place.partition),
        str(record.offset),
        "VALUE_CONVERTER",
        f"{type(bad).__module__}.{type(bad).__qualname__}",
        str(bad),
        bad.reason,
    )
    errors = [(name, text.encode()) for name, text in zip(_ERRORS, said, strict=True)]
    return Message(topic, partition, record.key, record.value, [*record.headers, *errors])


def refusal(record: Record) -> tuple[Refusal, list[Header]]:
    """Return what a dead letter says, and the headers that the message had before.

    Raises ``ValueError`` for a message that streakline has not written.
    """
    before, errors = list(record.headers[: -len(_ERRORS)]), record.headers[-len(_ERRORS) :]
    if tuple(name for name, _ in errors) != _ERRORS:
        raise ValueError("the message has no error headers of streakline")
    topic, partition, offset, _, error, message, reason = (value.decode() for _, value in errors)
    return Refusal(Place(topic, int(partition)), int(offset), error, message, reason), before
