"""Texts and numbers of a message, read from its bytes where they stand.

All raise ``IndexError`` near the end of the data. Compiled where a compiler was at hand.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

# What a compiler does not know by its value it looks up by its name.
_POINT: Final = 0x2E
_ZERO: Final = 0x30
_NINE: Final = 0x39

# A byte in each of eight.
_ONES: Final = 0x0101_0101_0101_0101
_QUOTES: Final = 0x2222_2222_2222_2222
_HALF_BACKSLASHES: Final = 0x2E2E_2E2E_2E2E_2E2E  # twice as much is more than fits beside a tag in 64 bits
_SPACES: Final = 0x2020_2020_2020_2020

#: So many digits are below 2^53 whatever they are.
_MOST_DIGITS: Final = 15

#: Plain amounts have at most so many digits on either side of the point: below a billion dollars, exact.
_DIGITS: Final = 9
_NANOS: Final = 1_000_000_000

#: More than two digits can make.
_NONE: Final = 100


def end_of_text(data: bytes, place: i64) -> i64:
    """Return where the first byte is, from a place on, that is none of a plain text.

    That is a quote, a backslash, a control character, or what is beyond ASCII. Eight bytes are looked at
    together: the highest bit of each becomes 1 where it is 0 but for that bit, or below a space.
    """
    half: i64 = _HALF_BACKSLASHES
    while True:
        word = read_i64_le(data, place)
        quote, backslash = word ^ _QUOTES, word ^ half << 1
        found = (quote - _ONES) & ~quote | (backslash - _ONES) & ~backslash | (word - _SPACES) & ~word | word
        ends = found >> 7 & _ONES
        if ends != 0:
            before = (ends - 1) & ~ends & _ONES  # a one for each byte before the first that was found
            return place + (before * _ONES >> 56 & 15)
        place += 8


def digits(data: bytes, first: i64) -> tuple[i64, i64]:
    """Return the number that digits make from a place on, and where they end; -1 if they are more than 15."""
    value: i64 = 0
    place = first
    byte: i64 = data[place]
    while _ZERO <= byte <= _NINE:
        if place - first >= _MOST_DIGITS:
            return -1, place
        value = value * 10 + byte - _ZERO
        place += 1
        byte = data[place]
    return value, place


def two_digits(data: bytes, place: i64) -> i64:
    """Return the number that two digits make, 100 if they are none."""
    high: i64 = data[place] - _ZERO
    low: i64 = data[place + 1] - _ZERO
    if 0 <= high <= 9 and 0 <= low <= 9:  # noqa: PLR2004 - digits
        return high * 10 + low
    return _NONE


def plain_nanos(data: bytes, first: i64, end: i64) -> i64:
    """Return the nano-dollars of a plain amount at ``data[first:end]``: digits, perhaps a point and digits.

    Exact, or -1 for everything else: signs, exponents, zeros in front, more than nine digits on either side
    of the point. That is for ``parse_dollars`` to read or to refuse.
    """
    whole, point = _nine_digits(data, first, end)
    if point == first or (data[first] == _ZERO and point - first > 1):
        return -1
    if point == end:
        return whole * _NANOS
    decimals, last = _nine_digits(data, point + 1, end)
    if data[point] != _POINT or last != end or last == point + 1:
        return -1
    size = last - point - 1
    while size < _DIGITS:
        decimals *= 10
        size += 1
    return whole * _NANOS + decimals


def _nine_digits(data: bytes, place: i64, end: i64) -> tuple[i64, i64]:
    """Return the number that at most nine digits make before the end, and where they end."""
    value: i64 = 0
    end = min(end, place + _DIGITS)
    while place < end:
        byte: i64 = data[place]
        if not _ZERO <= byte <= _NINE:
            break
        value = value * 10 + byte - _ZERO
        place += 1
    return value, place
