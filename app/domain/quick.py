"""The hot path of ``events.decode``: events are read by the shapes that the messages of a topic have.

Compiled where a compiler was at hand.
"""

from typing import Final

from mypy_extensions import i64

from app.domain import events
from app.domain.counted import Counted, counted
from app.domain.events import FUTURE_LIMIT, Event
from app.domain.shapes.learning import FIELDS, learn
from app.domain.shapes.shape import Shape  # noqa: TC001 - a compiler asks for it

#: Whether this is machine code. As plain Python the hot path is slower than the readable one.
COMPILED: Final = not __file__.endswith(".py")

# What a compiler does not know by its value it looks up by its name.
_DAY: Final = 86_400_000

#: Shapes that are known at a time of the messages of a topic: one for each program that writes them.
_MOST: Final = 4

#: A message without a known shape is learned from if it is one of the first, and later one of so many is.
_FIRST: Final = 16
_RARELY: Final = 1_000


class QuickDecoder:
    """Decodes the events of one type. ``timestamp`` is the broker's, in milliseconds."""

    def __init__(self, event_type: type[Event]) -> None:
        self._event_type = event_type
        self._has_shapes = event_type in FIELDS
        #: The shapes that are known, the one that was used last in front.
        self._shapes: list[Shape] = []
        self._unknown = 0

    def decode(self, value: bytes | None, timestamp: int, ce_id: str | None) -> Counted:
        """Return what is counted of what ``events.decode`` returns, or raise what it raises."""
        event, at, day = events.decode(self._event_type, value, timestamp + FUTURE_LIMIT, ce_id)
        return counted(event, at, day)

    def decode_at(self, data: bytes, start: i64, end: i64, timestamp: i64) -> Counted:
        """Return the same of the value that is ``data[start:end]``. The hot path."""
        event = self.usual(data, start, end, timestamp)
        if event is not None:
            return event
        value = data[start:end]
        event = self.decode(value, timestamp, None)
        self._learn(value)
        return event

    def usual(self, data: bytes, start: i64, end: i64, timestamp: i64) -> Counted | None:
        """Return the same of a value that has a known shape and is certainly not of the future, else None."""
        for number, shape in enumerate(self._shapes):
            try:
                event = shape.read(data, start, end, timestamp // _DAY + 1)
            except IndexError:  # it is the last of its fetch
                return None
            if event is not None:
                if number:
                    del self._shapes[number]
                    self._shapes.insert(0, shape)
                return event
        return None

    def _learn(self, value: bytes) -> None:
        """Learn the shape of a good message, if need be in place of the one that was used longest ago."""
        self._unknown += 1
        if not self._has_shapes or (self._unknown > _FIRST and self._unknown % _RARELY):
            return
        learned = learn(self._event_type, value)
        if learned is None or any(shape.between == learned.between for shape in self._shapes):
            return
        del self._shapes[_MOST - 1 :]
        self._shapes.insert(0, learned)
