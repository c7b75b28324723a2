from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.engine.record_batch import new_record, read_batch
from app.engine.record_writer import RecordWriter
from app.engine.written_batch import WrittenBatch
from tests.support.record_batches import fields, headers, some_bytes

#: Timestamps and offsets of which the differences fit into 64 bits.
times = st.one_of(st.integers(0, 200), st.integers(-(2**62), 2**62 - 1))
offsets = st.one_of(st.integers(0, 200), st.integers(-(2**31), 2**31 - 1))
records = st.lists(st.tuples(offsets, times, some_bytes, some_bytes, headers), max_size=12)

COMPRESSIONS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def batch(written: list[Any], compression: int = 0, first: int = 0) -> bytes:
    """Return a batch as aiokafka writes it and a broker hands it out."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 30)
    for record in written:
        builder.append(*record)
    return first.to_bytes(8) + bytes(builder.build())[8:]


def appended(data: bytes, newest: int) -> bytes:
    """Return the batch of a topic in which the broker's time counts."""
    return data[:22] + bytes([data[22] | 8]) + data[23:35] + newest.to_bytes(8, signed=True) + data[43:]


def read(data: bytes) -> list[tuple[Any, ...]]:
    """Return what is read of a batch."""
    return [fields(record) for record in read_batch(data, 0, len(data))]


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
@given(written=records, first=st.integers(0, 2**62), newest=st.one_of(st.none(), times))
@example(written=[(0, -(2**62), None, None, []), (1, 2**62 - 1, b"", b"", [])], first=0, newest=None)
def test_a_batch_is_read_as_aiokafka_reads_it(
    compression: int, written: list[Any], first: int, newest: int | None
) -> None:
    """Keys and values of any size or none, headers, differences of either sign, both kinds of timestamps."""
    assume(written or not compression)  # which nobody writes, and aiokafka cannot read with snappy
    data = batch(written, compression, first)
    if newest is not None:
        data = appended(data, newest)

    assert read(data) == [fields(record) for record in DefaultRecordBatch(data)]


@given(before=st.binary(max_size=40), written=records, behind=st.binary(max_size=40))
def test_a_batch_is_read_where_it_is(before: bytes, written: list[Any], behind: bytes) -> None:
    """What is before and behind it does not matter."""
    data = batch(written)

    found = read_batch(before + data + behind, len(before), len(before) + len(data))

    assert [fields(record) for record in found] == read(data)


@pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_many_records(compression: int) -> None:
    """More than two bytes count."""
    data = batch([(n, n * n, b"%d" % n, b"value", []) for n in range(20_000)], compression)

    assert read(data) == [fields(record) for record in DefaultRecordBatch(data)]


@given(written=records.filter(bool), data=st.data())
def test_a_batch_that_is_cut_off_is_refused(written: list[Any], data: Any) -> None:
    """Wherever it ends, also where the bytes of the next one follow."""
    whole = batch(written)
    end = data.draw(st.integers(0, len(whole) - 1))

    for cut in (whole[:end], whole[:end] + whole):
        with pytest.raises(CorruptRecordException):
            read_batch(cut, 0, end)
    with pytest.raises(CorruptRecordException):
        read_batch(whole, 0, len(whole) + 1)


@given(written=records.filter(bool), data=st.data())
def test_a_damaged_batch_is_refused_or_read_within_its_bounds(written: list[Any], data: Any) -> None:
    """Whatever a byte says: where no checksum finds it, nothing but its own bytes is handed out."""
    whole = bytearray(batch(written))
    whole[data.draw(st.integers(23, len(whole) - 1))] = data.draw(st.integers(0, 255))
    end = len(whole)

    with suppress(CorruptRecordException, UnicodeDecodeError):
        for record in read_batch(bytes(whole) + b"\1" * 100, 0, end):
            assert (record.key or b"") in whole
            assert (record.value or b"") in whole


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x0e\0\0\0\1\1",
        b"\x0c\0\0\0\1\1\0\0",
        b"\1",
        b"\x0c\0\0\0\1\1\1",
        b"\x0e\0\0\0\1\1\2\1",
        b"\x0c\0\0\0\1\4\0",
        b"\x0c\0\0\0\4\1\0",
        b"\x20\0" + b"\xff" * 9 + b"\2" + b"\0\1\1\0",
        b"\xff" * 40,
    ],
    ids=[
        "none",
        "cut off",
        "longer than it says",
        "of a negative length",
        "a negative number of headers",
        "a header without a name",
        "the value longer",
        "the key longer",
        "a number of 65 bits",
        "a number without an end",
    ],
)
def test_a_malformed_record_is_refused(record: bytes) -> None:
    """Each rule of the format."""
    head = batch([])[:57]

    assert read(head + b"\0\0\0\1" + b"\x0c\0\0\0\1\1\0") == [(0, read_time(head), None, None, ())]
    with pytest.raises(CorruptRecordException):
        read(head + b"\0\0\0\1" + record)


def read_time(head: bytes) -> int:
    """Return the first timestamp of a batch."""
    return int.from_bytes(head[27:35], signed=True)


def test_the_name_of_a_header_may_be_no_text() -> None:
    """It is read, and written again as it was, where aiokafka's reader raises."""
    data = batch([(0, 0, None, None, [("name", b"value")])]).replace(b"name", b"n\xffme")

    with pytest.raises(UnicodeDecodeError):
        list(DefaultRecordBatch(data))
    [(*_, headers)] = read(data)

    writer = RecordWriter(1 << 30)
    writer.append(None, None, headers)
    assert headers == (("n\udcffme", b"value"),)
    assert writer.records() == data[61:]


def test_an_unknown_codec_is_refused() -> None:
    """There are four."""
    data = bytearray(batch([(0, 0, b"key", b"value", [])]))
    data[22] |= 7

    with pytest.raises(UnsupportedCodecError):
        read(bytes(data))


@given(st.lists(st.tuples(some_bytes, some_bytes, headers), min_size=1, max_size=12))
def test_what_we_write_is_read(written: list[Any]) -> None:
    """In order, all at the time of the batch."""
    writer = RecordWriter(1 << 30)
    for record in written:
        assert writer.append(*record)
    data = WrittenBatch(writer.records(), writer.count, 1_700_000_000_123)._build()

    assert read(data) == [
        (number, 1_700_000_000_123, key, value, tuple(headers))
        for number, (key, value, headers) in enumerate(written)
    ]


@given(st.integers(0, 2**62), times, some_bytes, some_bytes, headers)
def test_a_record_is_made_of_what_it_has(
    offset: int, time: int, key: bytes | None, value: bytes | None, headers: list[Any]
) -> None:
    """Without a batch, for what reads records."""
    record = new_record(offset, time, key, value, headers)

    assert fields(record) == (offset, time, key, value, tuple(headers))
