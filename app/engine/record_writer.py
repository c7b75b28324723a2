"""The records of a batch of format 2, written from rows and messages.

Source: the record batch of Kafka's protocol. Every record has the batch's timestamp. Compiled where a
compiler was at hand.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from app.engine.fold import Header, Message, Row

#: Whether this is machine code. As plain Python it is slower than aiokafka's compiled writer, and used for
#: what that cannot write.
COMPILED: Final = not __file__.endswith(".py")

#: What a transaction writes, and where to: topic and partition.
Entry = Row | Message
Target = tuple[str, int]
Rows = Mapping[Target, list[Entry]]

#: Bytes of a batch before its first record.
HEADER_BYTES: Final = 61

#: Bytes of a record whose size does not change: its attributes and the difference of its timestamp, both 0.
_FIXED: Final = 2

#: Names of headers as they are written. Messages of the outputs have the same few; those that are handed on
#: may have any.
_REMEMBERED: Final = 64
_LONGEST: Final = 64
_names: Final[dict[str, bytes]] = {}

_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80


def by_target(messages: Iterable[Message]) -> dict[Target, list[Entry]]:
    """Return the messages of each partition, in order."""
    targets: dict[Target, list[Entry]] = {}
    for message in messages:
        target: Target = (message.topic, message.partition)
        entries = targets.get(target)
        if entries is None:
            entries = targets[target] = []
        entries.append(message)
    return targets


def by_table(rows: Iterable[Row]) -> dict[str, list[Entry]]:
    """Return the rows of each table, in order."""
    tables: dict[str, list[Entry]] = {}
    for row in rows:
        table: str = row.table
        entries = tables.get(table)
        if entries is None:
            entries = tables[table] = []
        entries.append(row)
    return tables


class RecordWriter:
    """Writes the records of one batch of at most ``limit`` bytes; the first has no limit."""

    def __init__(self, limit: int) -> None:
        self._out: Final = BytesWriter()
        self._room: i64 = limit - HEADER_BYTES
        self.count = 0

    def fill(self, entries: list[Entry], start: int) -> int:
        """Write entries from ``start`` on; return the place of the first for which there is no room."""
        place, end = start, len(entries)
        while place < end:
            entry = entries[place]
            headers: Sequence[Header] | None = entry.headers if type(entry) is Message else None
            if not self.append(entry.key, entry.value, headers):
                break
            place += 1
        return place

    def append(self, key: bytes | None, value: bytes | None, headers: Sequence[Header] | None = None) -> bool:
        """Write a record; return False if there is no room for it."""
        out, number = self._out, self.count
        written = _headers(headers) if headers else b"\0"
        size: i64 = _FIXED + _size(number) + _bytes_size(key) + _bytes_size(value) + len(written)
        if number and len(out) + _size(size) + size > self._room:
            return False
        _write_number(out, size)
        out.append(0)
        out.append(0)
        _write_number(out, number)
        write_bytes(out, key)
        write_bytes(out, value)
        out.write(written)
        self.count = number + 1
        return True

    def records(self) -> bytes:
        """Return what was written."""
        return self._out.getvalue()


def write_bytes(out: BytesWriter, data: bytes | None) -> None:
    """Write bytes behind their length, None as the length -1."""
    if data is None:
        out.append(1)
    else:
        _write_number(out, len(data))
        out.write(data)


def _headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Return headers behind their number. Of a message that others wrote they may have no value."""
    out = BytesWriter()
    _write_number(out, len(headers))
    for name, value in headers:
        out.write(_name(name))
        write_bytes(out, value)
    return out.getvalue()


def _name(name: str) -> bytes:
    """Return the name of a header, as ``record_batch`` has read it, behind its length."""
    written = _names.get(name)
    if written is None:
        out = BytesWriter()
        write_bytes(out, name.encode("utf-8", "surrogateescape"))
        written = out.getvalue()
        if len(_names) < _REMEMBERED and len(name) <= _LONGEST:
            _names[name] = written
    return written


def _write_number(out: BytesWriter, number: i64) -> None:
    """Write a number from 0 on as a varint, which has its sign in the lowest bit."""
    rest: i64 = number << 1
    while rest > _SEVEN_BITS:
        out.append(u8(rest & _SEVEN_BITS | _MORE))
        rest >>= 7
    out.append(u8(rest))


def _size(number: i64) -> i64:
    """Return the bytes of a varint."""
    size: i64 = 1
    rest: i64 = number >> 6
    while rest > 0:
        rest >>= 7
        size += 1
    return size


def _bytes_size(data: bytes | None) -> i64:
    """Return what ``write_bytes`` writes."""
    if data is None:
        return 1
    length: i64 = len(data)
    return _size(length) + length
