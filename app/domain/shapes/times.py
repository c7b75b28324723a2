"""Times in UTC, read from the bytes of a message where they stand. Compiled where a compiler was at hand."""

from datetime import date
from typing import Final, final

from librt.strings import read_i32_le, read_i64_le
from mypy_extensions import i64

from app.domain.counted import Counted
from app.domain.shapes.scan import digits, two_digits

# What a compiler does not know by its value it looks up by its name.
_EPOCH_ORDINAL: Final = 719_163
_POINT: Final = 0x2E
_COLON: Final = 0x3A
_PLUS: Final = 0x2B
_ZERO: Final = 0x30
_T: Final = 0x54
_Z: Final = 0x5A

# A time as `2025-03-01T10:00:00Z`, perhaps with digits behind the second, or with `+00:00` for `Z`.
_DATE: Final = 10
_SECONDS_END: Final = 19
_SHORTEST: Final = 20
_OFFSET: Final = 6
_FIRST_OF_OFFSET: Final = 0x303A_3030  # `00:0` as a number, the first byte the lowest
_HOURS: Final = 24
_SIXTY: Final = 60
_FRACTION: Final = 6
_MICROSECONDS: Final = 1_000_000
_DAY: Final = 86_400


@final
class TimeReader:
    """Reads times; the date that it has read last it knows."""

    def __init__(self) -> None:
        #: Its first eight bytes, its other two, and its day.
        self._date: i64 = 0
        self._date_end: i64 = 0
        self._day: i64 = 0

    def read(self, data: bytes, first: i64, end: i64, event: Counted) -> bool:
        """Read the time at ``data[first:end]`` into an event.

        Returns False if it is written in another way, or is none. Raises ``IndexError`` near the end of the
        data.
        """
        if end - first < _SHORTEST or data[first + _DATE] != _T or not self._turn_to(data, first):
            return False
        if data[first + 13] != _COLON or data[first + 16] != _COLON:
            return False
        hour, minute = two_digits(data, first + 11), two_digits(data, first + 14)
        second = two_digits(data, first + 17)
        if hour >= _HOURS or minute >= _SIXTY or second >= _SIXTY:
            return False
        micros, place = _fraction(data, first + _SECONDS_END)
        event.day = self._day
        event.at = (self._day * _DAY + (hour * _SIXTY + minute) * _SIXTY + second) * _MICROSECONDS + micros
        return _is_utc(data, place, end)

    def _turn_to(self, data: bytes, first: i64) -> bool:
        """Know the date, in ISO 8601 with dashes; return False if it is none."""
        start, last = read_i64_le(data, first), i64(data[first + 8]) << 8 | i64(data[first + 9])
        if start == self._date and last == self._date_end:
            return True
        written = data[first : first + _DATE]
        if not (written[:4] + written[5:7] + written[8:]).isdigit() or written[4:8:3] != b"--":
            return False
        try:
            self._day = date.fromisoformat(written.decode()).toordinal() - _EPOCH_ORDINAL
        except ValueError:
            return False
        self._date, self._date_end = start, last
        return True


def _fraction(data: bytes, place: i64) -> tuple[i64, i64]:
    """Return the microseconds of a point and one to six digits, and where they end.

    That is where they begin if there are none, or others, and a time does not end there.
    """
    if data[place] != _POINT:
        return 0, place
    micros, end = digits(data, place + 1)
    size = end - place - 1
    if not 0 < size <= _FRACTION:
        return 0, place
    while size < _FRACTION:
        micros *= 10
        size += 1
    return micros, end


def _is_utc(data: bytes, place: i64, end: i64) -> bool:
    """Say whether a time ends with the offset of UTC."""
    if data[place] == _Z:
        return place + 1 == end
    if data[place] != _PLUS or place + _OFFSET != end:
        return False
    return read_i32_le(data, place + 1) == _FIRST_OF_OFFSET and data[place + 5] == _ZERO
