"""The records of a batch of format 2, read from its bytes.

Source: the record batch of Kafka's protocol. Compiled where a compiler was at hand; else it is slower than
aiokafka's reader, and used for what that cannot read. ``tests/property/test_record_batch.py`` holds both
together.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from librt.strings import read_i16_be, read_i32_be, read_i64_be
from mypy_extensions import i64

from app.engine.fold import Header
from app.engine.record import StoredRecord
from app.engine.record_writer import HEADER_BYTES

#: Whether this is machine code.
COMPILED: Final = not __file__.endswith(".py")

# Where the fields of a batch are.
_ATTRIBUTES: Final = 21
_FIRST_TIMESTAMP: Final = 27
_MAX_TIMESTAMP: Final = 35
_COUNT: Final = 57

_COMPRESSION: Final = 0x07
_LOG_APPEND_TIME: Final = 0x08
_CODECS: Final[dict[int, Callable[[bytes], Any]]] = {
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}

_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_LAST_SHIFT: Final = 62

#: What is behind a value, so that it can be read some bytes at a time.
_BEHIND: Final = bytes(8)

_NO_HEADERS: Final[Sequence[Header]] = ()


def new_record(
    offset: int, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()
) -> StoredRecord:
    """Return a record that was not read from a batch."""
    data = (key or b"") + (value or b"") + _BEHIND
    middle: i64 = len(key or b"")
    key_end: i64 = -1 if key is None else middle
    value_end: i64 = -1 if value is None else i64(len(data) - len(_BEHIND))
    return StoredRecord(data, 0, key_end, middle, value_end, offset, timestamp, tuple(headers))


def read_batch(data: bytes, start: int, end: int) -> list[StoredRecord]:
    """Return the records of the batch of format 2 that is at ``data[start:end]``, whole.

    Raises ``CorruptRecordException`` if it is none, and what the codec raises if it cannot be decompressed. A
    broker takes any bytes for the name of a header: those that are no UTF-8 are kept as lone surrogates, as
    ``surrogateescape`` does, where aiokafka's reader raises ``UnicodeDecodeError``.
    """
    if not (start >= 0 and end - start >= HEADER_BYTES and end <= len(data)):
        raise CorruptRecordException("the batch is cut off")
    batch, place = _Batch(data, start), start + HEADER_BYTES
    if batch.compression:
        data, place = _decompress(batch.compression, data[place:end]), 0
        end = len(data)
    try:
        return _read(batch, data, place, end)
    except IndexError:
        raise CorruptRecordException("a record is cut off") from None


class _Batch:
    """What a batch says of its records."""

    def __init__(self, data: bytes, start: i64) -> None:
        attributes: int = read_i16_be(data, start + _ATTRIBUTES)
        self.offset: Final = read_i64_be(data, start)
        self.count: Final = read_i32_be(data, start + _COUNT)
        self.compression: Final = attributes & _COMPRESSION
        #: Whether all records have the time when the broker took them; else each has its own.
        self.is_log_append_time: Final = attributes & _LOG_APPEND_TIME != 0
        at = _MAX_TIMESTAMP if self.is_log_append_time else _FIRST_TIMESTAMP
        self.timestamp: Final = read_i64_be(data, start + at)


def _decompress(compression: int, data: bytes) -> bytes:
    decode = _CODECS.get(compression)
    if decode is None:
        raise UnsupportedCodecError(f"Unknown compression codec {compression:#04x}")
    return bytes(decode(data))


def _read(batch: _Batch, data: bytes, place: i64, end: i64) -> list[StoredRecord]:
    """Return the records that begin at a place. Raises ``IndexError`` too. The hot path."""
    records: list[StoredRecord] = []
    base, first, is_log_append_time = batch.offset, batch.timestamp, batch.is_log_append_time
    left: i64 = i64(batch.count)
    while left > 0:
        left -= 1
        length, place = _varint(data, place)
        if length <= 0 or length > end - place:
            raise CorruptRecordException("a record is longer than its batch")
        behind = place + length
        delta, place = _varint(data, place + 1)  # behind the attributes, which mean nothing
        number, place = _varint(data, place)
        key, key_end = _bytes_at(data, place, behind)
        value, value_end = _bytes_at(data, max(key, key_end), behind)
        place = max(value, value_end)
        headers = _NO_HEADERS
        if data[place]:
            headers, place = _headers(data, place, behind)
        else:
            place += 1
        if place != behind:
            raise CorruptRecordException("a record is not as long as it says")
        timestamp = first if is_log_append_time else first + delta
        number += base
        records.append(StoredRecord(data, key, key_end, value, value_end, number, timestamp, headers))
    if place != end:
        raise CorruptRecordException("the batch has more than its records")
    return records


def _bytes_at(data: bytes, place: i64, end: i64) -> tuple[i64, i64]:
    """Return where bytes begin and end that have their length before them; None ends before it begins."""
    length, place = _varint(data, place)
    if length > end - place:
        raise CorruptRecordException("a key or a value is longer than its record")
    return place, place + length


def _headers(data: bytes, place: i64, end: i64) -> tuple[Sequence[Header], i64]:
    """Return the headers that begin there with their number, and where they end."""
    count, place = _varint(data, place)
    headers: list[Any] = []
    if count < 0:
        raise CorruptRecordException("a record has a negative number of headers")
    for _ in range(count):
        start, name_end = _bytes_at(data, place, end)
        if name_end < start:
            raise CorruptRecordException("a header has no name")
        first, value_end = _bytes_at(data, name_end, end)
        place = max(first, value_end)
        name = data[start:name_end].decode("utf-8", "surrogateescape")
        headers.append((name, None if value_end < first else data[first:value_end]))
    return tuple(headers), place


def _varint(data: bytes, place: i64) -> tuple[i64, i64]:
    """Return the number that is written at a place, its sign in the lowest bit, and where it ends."""
    byte: i64 = data[place]
    place += 1
    sign = byte & 1
    number: i64 = (byte & _SEVEN_BITS) >> 1
    shift: i64 = 6
    while byte & _MORE:
        byte = data[place]
        place += 1
        if shift == _LAST_SHIFT and byte > 1:
            raise CorruptRecordException("a number has more than 64 bits")
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
    return number ^ -sign, place
