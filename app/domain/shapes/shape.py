"""The shape of a program's messages, and how they are read by it: the hot path of decoding.

A program writes all messages of a topic alike: the same fields in the same order, with the same bytes between
their values. That is a shape; it is learned from a message that ``events.decode`` has read (``learning``).
Whatever has it is read value by value, without making what no fold asks for. All that is unusual (a text with
an escape or beyond ASCII, an offset of a time, an exponent, a number with many digits) is left to
``events.decode``, which reads it or says what is wrong: what a shape accepts is what that accepts, and a
property test holds the two together. Compiled where a compiler was at hand; as plain Python it is slower.
"""

from typing import Final, final

from librt.strings import read_i32_le, read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from app.domain.counted import Counted
from app.domain.shapes.scan import digits, end_of_text, plain_nanos
from app.domain.shapes.times import TimeReader

# What a field is to a fold: kinds of text first, then what may be written as text, then the others.
IDENTITY: Final = 0
CALLER: Final = 1
MODEL: Final = 2
TEXT: Final = 3
TIME: Final = 4
MONEY: Final = 5
COST_SAVED: Final = 6
KIND: Final = 7
CHOICE: Final = 8
COUNT: Final = 9
TOKENS_SAVED: Final = 10
HITS: Final = 11
FLAG: Final = 12
UNKNOWN: Final = 13

#: What stands for the end of a value that cannot be read here.
_UNUSUAL: Final = -1

# What a compiler does not know by its value it looks up by its name; and of an expression that is one of two
# numbers it makes an object.
_MAX_TEXT: Final = 200
_WORD: Final = 8
_QUOTE: Final = 0x22
_POINT: Final = 0x2E
_ZERO: Final = 0x30
_NINE: Final = 0x39
_E: Final = 0x65
_EXACT: Final = b"exact"
_SEMANTIC: Final = b"semantic"

# The words that a value can be, as the number that their first four bytes make, the first the lowest.
_NULL: Final = 0x6C6C_756E
_TRUE: Final = 0x6575_7274
_FALS: Final = 0x736C_6166


@final
@mypyc_attr(acyclic=True)
class Part:
    """The bytes before a value, and what the value is; ``required`` if null cannot stand for it."""

    def __init__(self, before: bytes, role: i64, *, required: bool) -> None:
        padded = before + bytes(-len(before) % _WORD)
        words = vec[i64]()
        for place in range(0, len(padded), _WORD):
            words = append(words, read_i64_le(padded, place))
        self._words: Final = words
        #: The bytes of the last word that count.
        self._mask: Final[i64] = -1 if len(before) == len(padded) else (1 << len(before) % _WORD * 8) - 1
        self.length: Final[i64] = len(before)
        self.role: Final[i64] = role
        self.required: Final = required

    def is_at(self, data: bytes, place: i64) -> bool:
        """Say whether the bytes before the value are there. Raises ``IndexError`` near the data's end."""
        words = self._words
        last: i64 = len(words) - 1
        number: i64 = 0
        while number < last:
            if read_i64_le(data, place) != words[number]:
                return False
            place += _WORD
            number += 1
        return (read_i64_le(data, place) ^ words[last]) & self._mask == 0


@final
class Shape:
    """Reads messages that have the same bytes between their values."""

    def __init__(self, parts: list[Part], end: Part, between: bytes) -> None:
        """Take the parts in their order, every field once; what follows the last; all that is between."""
        self._parts: Final = parts
        self._end: Final = end
        self.between: Final = between
        self._times: Final = TimeReader()

    def read(self, data: bytes, place: i64, end: i64, today: i64) -> Counted | None:
        """Return what is counted of the message at ``data[place:end]``; None if it is for ``events.decode``.

        ``today`` is the day from which on a time may be too late. Raises ``IndexError`` if the message is
        near the end of the data.
        """
        event = Counted()
        for part in self._parts:
            if not part.is_at(data, place):
                return None
            place += part.length
            first: i64 = data[place]
            if first == _QUOTE:
                place = self._read_text(data, place + 1, part.role, event)
            elif _ZERO <= first <= _NINE:
                place = _read_number(data, place, part.role, event)
            else:
                place = _read_word(data, place, part)
            if place < 0:
                return None
        if place + self._end.length != end or not self._end.is_at(data, place) or event.day >= today:
            return None
        return event

    def _read_text(self, data: bytes, first: i64, role: i64, event: Counted) -> i64:
        """Read a text behind its quote; return where the value ends."""
        end = end_of_text(data, first)
        if data[end] != _QUOTE:
            return _UNUSUAL
        if role <= TEXT:
            is_good = _take_text(data, first, end, role, event)
        elif role == TIME:
            is_good = self._times.read(data, first, end, event)
        elif role <= COST_SAVED:
            is_good = _take_money(data, first, end, role, event)
        elif role <= CHOICE:
            is_good = _take_kind(data[first:end], role, event)
        else:
            is_good = role == UNKNOWN
        if not is_good:
            return _UNUSUAL
        return end + 1


def _take_text(data: bytes, first: i64, end: i64, role: i64, event: Counted) -> bool:
    if not 0 < end - first <= _MAX_TEXT:
        return False
    if role == IDENTITY:
        event.identity = data[first:end]
    elif role == CALLER:
        event.caller_id = data[first:end]
    elif role == MODEL:
        event.model = data[first:end]
    return True


def _take_money(data: bytes, first: i64, end: i64, role: i64, event: Counted) -> bool:
    nanos = plain_nanos(data, first, end)
    if role == COST_SAVED:
        event.cost_saved = nanos
    return nanos >= 0


def _take_kind(kind: bytes, role: i64, event: Counted) -> bool:
    is_semantic = kind == _SEMANTIC
    if role == KIND:
        event.is_semantic = is_semantic
    return is_semantic or kind == _EXACT


def _read_number(data: bytes, first: i64, role: i64, event: Counted) -> i64:
    """Read a number without a sign; return where it ends."""
    value, place = digits(data, first)
    if MONEY <= role <= COST_SAVED or role == UNKNOWN:
        if data[place] == _POINT:
            _, place = digits(data, place + 1)
        if not _take_money(data, first, place, role, event):
            return _UNUSUAL
        return place
    if value < 0 or (data[first] == _ZERO and place - first > 1):
        return _UNUSUAL
    if role == TOKENS_SAVED:
        event.tokens_saved = value
    elif role == HITS:
        event.hits = value
    elif role != COUNT:
        return _UNUSUAL
    return place


def _read_word(data: bytes, place: i64, part: Part) -> i64:
    """Read null, true or false; return where it ends. Null stands for what a field is without it."""
    word: i64 = i64(read_i32_le(data, place))
    if word == _NULL and not part.required:
        return place + 4
    if word == _TRUE and part.role >= FLAG:
        return place + 4
    if word == _FALS and data[place + 4] == _E and part.role >= FLAG:
        return place + 5
    return _UNUSUAL
