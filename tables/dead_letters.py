"""What becomes of a message that cannot be counted: unchanged, with headers that say why."""

from app.domain.events import BadMessage
from app.engine.fold import Message, Record
from tables.forwarding import Place

#: Prefix of the error headers, those of Kafka Connect's dead letter queues.
CONNECT = "__connect.errors."
REASON = "streakline.reason"


def dead_letter(record: Record, place: Place, bad: BadMessage, topic: str, partition: int) -> Message:
    """Return the dead letter: key, value and headers as they were, then the error headers.

    What went wrong is said without the value: neither header nor log may show it.
    """
    errors = {
        f"{CONNECT}topic": place.topic,
        f"{CONNECT}partition": str(place.partition),
        f"{CONNECT}offset": str(record.offset),
        f"{CONNECT}stage": "VALUE_CONVERTER",
        f"{CONNECT}exception.class.name": f"{type(bad).__module__}.{type(bad).__qualname__}",
        f"{CONNECT}exception.message": str(bad),
        REASON: bad.reason,
    }
    headers = [*record.headers, *((name, text.encode()) for name, text in errors.items())]
    return Message(topic, partition, record.key, record.value, headers)
