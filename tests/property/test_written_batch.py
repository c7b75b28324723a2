from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import google_crc32c
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from app.engine.fold import Message, Row
from app.engine.record_writer import Entry, RecordWriter, by_table, by_target
from app.engine.written_batch import WrittenBatch
from tests.support.record_batches import headers, some_bytes

TIME = 1_700_000_000_123

rows = st.builds(
    Row, st.sampled_from(["counters", "days"]), some_bytes.map(lambda key: key or b""), some_bytes
)
messages = st.builds(
    Message,
    st.sampled_from(["unlocks", "dead-letters"]),
    st.integers(0, 2),
    some_bytes,
    some_bytes,
    st.one_of(st.none(), headers),
)
producers = st.one_of(
    st.none(), st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1))
)


def ours(entries: list[Entry], limit: int) -> list[WrittenBatch]:
    """Return the batches that we make."""
    batches, place = [], 0
    while place < len(entries):
        writer = RecordWriter(limit)
        place = writer.fill(entries, place)
        batches.append(WrittenBatch(writer.records(), writer.count, TIME))
    return batches


def theirs(entries: list[Entry], *, transactional: bool) -> BatchBuilder:
    """Return a batch that aiokafka makes, without a limit."""
    batch = BatchBuilder(1 << 30, 0, is_transactional=int(transactional))
    for entry in entries:
        headers = getattr(entry, "headers", None)
        batch.append(timestamp=TIME, key=entry.key, value=entry.value, headers=headers)
    return batch


def split(entries: list[Entry], batches: list[WrittenBatch]) -> list[list[Entry]]:
    """Return the entries of each batch."""
    left = iter(entries)
    return [list(islice(left, each.record_count())) for each in batches]


def built(batches: list[Any], producer: tuple[int, int, int] | None) -> list[bytes]:
    """Return the bytes of batches as aiokafka's sender asks for them."""
    for batch in batches:
        if producer is not None:
            batch._set_producer_state(*producer)
    return [bytes(batch._build()) for batch in batches]


@given(st.lists(st.one_of(rows, messages), max_size=12), producers)
def test_a_batch_is_that_of_aiokafka(entries: list[Entry], producer: tuple[int, int, int] | None) -> None:
    """To the byte, of a transaction or of none."""
    batches = ours(entries, 1 << 30)

    expected = [theirs(entries, transactional=producer is not None)] if entries else []
    assert built(batches, producer) == built(expected, producer)


@given(st.lists(st.one_of(rows, messages), min_size=1, max_size=12), st.integers(61, 20_000))
def test_a_batch_is_as_full_as_it_may_be(entries: list[Entry], limit: int) -> None:
    """It is larger than the limit only if one record is, and ends only where the next one does not fit."""
    batches = ours(entries, limit)

    parts = split(entries, batches)
    assert [each for part in parts for each in part] == entries
    assert all(len(part) == 1 or each.size() <= limit for part, each in zip(parts, batches, strict=True))
    for part, following in pairwise(parts):
        assert theirs([*part, following[0]], transactional=False).size() > limit


@pytest.mark.parametrize("implementation", ["c", "python"])
def test_a_checksum_is_right_without_the_processor_s_too(
    implementation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same, from aiokafka, where the package has no compiled part."""
    monkeypatch.setattr(google_crc32c, "implementation", implementation)
    [batch] = ours([Row("counters", b"key", b"value")], 1_000)

    assert DefaultRecordBatch(batch._build()).validate_crc()


def test_many_records_and_large_ones() -> None:
    """More than two bytes count; what is larger than a batch goes alone."""
    small: list[Entry] = [Row("counters", b"%d" % number, b"value") for number in range(20_000)]
    large: list[Entry] = [
        Message("dead-letters", 0, None, b"x" * size) for size in (1 << 14, 1 << 21, 3_000_000)
    ]
    entries = [*small, *large, *small[:2]]

    batches = ours(entries, 900_000)

    assert [each.record_count() for each in batches] == [20_001, 1, 1, 2]
    expected = [theirs(part, transactional=True) for part in split(entries, batches)]
    assert built(batches, (1, 2, 3)) == built(expected, (1, 2, 3))


def test_a_batch_is_what_aiokafka_s_producer_asks_for() -> None:
    """It is closed, and its bytes are the same when they are sent again."""
    [batch] = ours([Row("counters", b"key", b"value")], 1_000)
    before = batch.size()
    batch._set_producer_state(7, 8, 9)

    assert batch.closed()
    assert batch.append(timestamp=None, key=b"key", value=b"value") is None
    assert batch._build() is batch._build()
    assert len(batch._build()) == before == batch.size()
    sent = DefaultRecordBatch(batch._build())
    assert (sent.producer_id, sent.producer_epoch, sent.base_sequence) == (7, 8, 9)
    assert sent.is_transactional


@given(st.lists(messages, max_size=12), st.lists(rows, max_size=12))
def test_entries_of_a_partition_stay_in_order(messages: list[Message], rows: list[Row]) -> None:
    """Messages by topic and partition, rows by table; each once."""
    targets, tables = by_target(messages), by_table(rows)

    assert targets == {
        target: [each for each in messages if (each.topic, each.partition) == target]
        for target in {(each.topic, each.partition) for each in messages}
    }
    assert tables == {
        table: [row for row in rows if row.table == table] for table in {row.table for row in rows}
    }
