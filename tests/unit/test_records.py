from __future__ import annotations

import google_crc32c
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from app.engine.record import StoredRecord
from app.engine.record_batch import COMPILED
from app.engine.records import CompiledRecords, RecordBatches
from tests.support.record_batches import fields

HEADERS = [("name", b"value")]


def batch(first: int, size: int, compression: int = 0) -> bytes:
    """Return a batch as a broker hands it out."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1_000_000)
    for number in range(size):
        builder.append(number, 1_700_000_000_000 + number, b"key", b"value %d" % (first + number), HEADERS)
    data = bytes(builder.build())
    return first.to_bytes(8) + data[8:]


def old_batch(offset: int) -> bytes:
    """Return a record in the format of Kafka 0.10."""
    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1_000_000)
    builder.append(offset, timestamp=1_600_000_000_000, key=None, value=b"old")
    return bytes(builder.build())


def reader(data: bytes, start: int = 0) -> CompiledRecords:
    """Return the reader of a fetch from an offset on."""
    checked = True
    tp, batches = TopicPartition("t", 0), RecordBatches(data)
    return CompiledRecords(tp, batches, [], start, None, None, checked, READ_COMMITTED)


def test_checksums_are_the_processor_s() -> None:
    """With the package that is locked; without its compiled part a checksum takes a thousand times as long."""
    assert google_crc32c.implementation == "c"


@pytest.mark.parametrize("start", [0, 1, 9])
def test_all_at_once_are_all_one_by_one(start: int) -> None:
    """Batches of any size, compressed, emptied by compaction, the last cut off; from the middle of the first too."""
    data = batch(0, 10, compression=1) + batch(10, 1) + batch(11, 0) + batch(12, 100) + batch(112, 5)[:-7]

    whole, each = reader(data, start), reader(data, start)

    found = [fields(record) for record in whole.all()]
    assert found == [fields(record) for record in each]
    assert [offset for offset, *_ in found] == [*range(start, 11), *range(12, 112)]
    assert whole.next_fetch_offset == each.next_fetch_offset == 112


@pytest.mark.parametrize("data", [batch(0, 3), batch(0, 3, compression=2), old_batch(0)])
def test_compiled_folds_get_records_of_one_type(data: bytes) -> None:
    """However and in whatever format they are read; as plain Python they are aiokafka's."""
    found = [*reader(data).all(), *reader(data)]

    assert {type(record) is StoredRecord for record in found} == {COMPILED}


def test_a_record_of_an_old_format_is_read_too() -> None:
    """As it lies in topics that are older than Kafka 0.11."""
    assert [fields(record) for record in reader(old_batch(7)).all()] == [
        (7, 1_600_000_000_000, None, b"old", ())
    ]


@pytest.mark.parametrize("implementation", ["c", "python"])
@pytest.mark.parametrize("place", [17, 21, -1], ids=["checksum", "attributes", "value"])
@pytest.mark.parametrize("damaged", [0, 1])
def test_a_damaged_batch_is_refused(
    damaged: int, place: int, implementation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not what its checksum is of, wherever it is; by aiokafka's own where the other is not compiled."""
    monkeypatch.setattr(google_crc32c, "implementation", implementation)
    batches = [bytearray(batch(0, 3)), bytearray(batch(3, 3))]
    assert len(reader(bytes(batches[0] + batches[1])).all()) == 6
    batches[damaged][place] ^= 1

    with pytest.raises(CorruptRecordException):
        reader(bytes(batches[0] + batches[1])).all()
