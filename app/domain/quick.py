"""The hot path of ``events.decode``: the same result for what nearly all messages are.

Whatever is unusual goes to ``events.decode``, which reads it or says what is wrong with it. One thing is done
less here: money is not made a ``Decimal`` but left as the text or number that it is, checked, and read by
``nanos`` where it is needed. A property test holds the two together. Compiled where a compiler was at hand.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from mypy_extensions import i64

from app.domain import events
from app.domain.events import Event
from app.domain.money import MAX_DOLLARS, NANOS_PER_DOLLAR

#: Whether this is machine code. As plain Python the hot path is slower than the readable one.
COMPILED: Final = not __file__.endswith(".py")

# What a compiler does not know by its value it looks up by its name.
_DAY: Final = 86_400_000
_EPOCH_ORDINAL: Final = 719_163

#: Plain amounts have at most so many digits on either side of the point: below a billion dollars, exact.
_DIGITS: Final = 9
_PLAIN_LENGTH: Final = 19
_POINT: Final = 0x2E
_ZERO: Final = 0x30
_NINE: Final = 0x39
_SCALES: Final[list[int]] = [10 ** (_DIGITS - decimals) for decimals in range(_DIGITS + 1)]


#: Floats below so many dollars are known to less than a thousandth of a nano-dollar.
_FLOAT_LIMIT: Final = 1000.0
_NO_TIE: Final = 0.499

#: What stands for no event.
NO_EVENT: Final[tuple[Any, datetime, int]] = (None, datetime.min.replace(tzinfo=UTC), 0)


def _quick(event: type[Event]) -> Any:
    """Return the event with its money as text or a number, if it has any."""
    money = event.amount_field
    if money is None:
        return event
    return msgspec.defstruct(
        event.__name__, [(money, str | int | float | None, None)], bases=(event,), kw_only=True, gc=False
    )


class QuickDecoder:
    """Decodes the events of one type."""

    def __init__(self, event_type: type[Event]) -> None:
        self._event_type = event_type
        self._decode = msgspec.json.Decoder(_quick(event_type)).decode
        self._money = event_type.amount_field
        self._utc = UTC

    def decode(self, value: bytes | None, latest: int, ce_id: str | None) -> tuple[Any, datetime, int]:
        """Return what ``events.decode`` returns, or raise what it raises."""
        if COMPILED and value is not None and ce_id is None:
            event, at, day = self.usual(value, latest)
            if event is not None:
                return event, at, day
        return events.decode(self._event_type, value, latest, ce_id)

    def usual(self, value: bytes, latest: int) -> tuple[Any, datetime, int]:
        """Return the same, no event for whatever is unusual."""
        try:
            event = self._decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return NO_EVENT
        if self._money is not None:
            amount = getattr(event, self._money)
            if amount is not None and quick_nanos(amount) < 0:
                return NO_EVENT
        at: datetime = event.created_at
        if at.tzinfo is not self._utc:
            return NO_EVENT
        day: int = at.toordinal() - _EPOCH_ORDINAL
        if day >= latest // _DAY:
            return NO_EVENT
        return event, at, day


def nanos(amount: str | float | Decimal | None) -> int:
    """Return the nano-dollars of a money field of an event that was decoded, 0 where it is absent."""
    if amount is None:
        return 0
    if isinstance(amount, Decimal):
        return events.nanos(amount)
    return quick_nanos(amount)


def quick_nanos(amount: str | float) -> int:
    """Return the nano-dollars of a text or number of JSON; -1 where ``parse_dollars`` is to look at it."""
    if isinstance(amount, str):
        return plain_nanos(amount.encode())
    if isinstance(amount, int):
        return amount * NANOS_PER_DOLLAR if 0 <= amount <= MAX_DOLLARS else -1
    return float_nanos(amount)


def float_nanos(dollars: float) -> int:
    """The nano-dollars of a JSON number that was read as the nearest float, if that leaves no doubt, or -1.

    Below 1,000 dollars the product is within 0.0002 nano-dollars of what was written. So the nearest integer
    is the right one, unless it is hardly nearer than the next: ties go to ``parse_dollars``.
    """
    if not 0.0 < dollars < _FLOAT_LIMIT:
        return -1
    scaled = dollars * 1e9
    nearest = int(scaled + 0.5)
    return nearest if -_NO_TIE < scaled - nearest < _NO_TIE else -1


def plain_nanos(text: bytes) -> int:
    """The nano-dollars of a plain amount: digits, perhaps a point and digits.

    Exact, or -1 for everything else: signs, exponents, zeros in front, more than nine digits on either side
    of the point. That is for ``parse_dollars`` to read or to refuse.
    """
    place: i64 = 0
    end: i64 = len(text)
    first, point = place, end
    nanos: i64 = 0
    while place < end:
        byte: i64 = text[place]
        if _ZERO <= byte <= _NINE:
            nanos = nanos * 10 + byte - _ZERO
        elif byte == _POINT and point == end and place > first:
            point = place
        else:
            return -1
        place += 1
        if place - first > _PLAIN_LENGTH:
            return -1
    decimals = end - point - 1 if point < end else 0
    whole = point - first
    if (
        not 0 < whole <= _DIGITS
        or decimals > _DIGITS
        or (text[first] == _ZERO and whole > 1)
        or point == end - 1
    ):
        return -1
    return nanos * _SCALES[decimals]
