"""The seam where aiokafka hands out the records of a fetch: all at once, and nothing around each.

Where the hot path is compiled, every record is a ``StoredRecord``; else as aiokafka's reader has them.
"""

from contextlib import suppress
from itertools import chain
from typing import Any, Final

import google_crc32c
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from app.engine.record import StoredRecord
from app.engine.record_batch import COMPILED, new_record, read_batch

#: Where a batch says in four bytes how many follow, and where that begins which the checksum of a
#: ``DefaultRecordBatch`` is of. Source: the record batch of Kafka's protocol.
_LENGTH_AT: Final = 8
_CHECKED_FROM: Final = 21


class CompiledRecords(fetcher.PartitionRecords):
    """The records of a fetch without a ``ConsumerRecord`` around each, most of the cost of reading.

    A record has ``offset, timestamp, key, value, headers``, but neither topic nor partition.
    """

    #: Whether a record was taken.
    is_begun = False

    def __next__(self) -> Any:
        self.is_begun = True
        return super().__next__()

    def all(self) -> list[Any]:
        """Return all records; none was taken before.

        What aiokafka's reader does for each record it does for each batch then.
        """
        self._records.whole = True
        return list(chain.from_iterable(self._records_iterator))

    def _consumer_record(self, _tp: Any, record: Any) -> Any:
        if type(record) is not _Batch:
            return record
        records, first = record.records, self.next_fetch_offset
        return records if records[0].offset >= first else [each for each in records if each.offset >= first]


class RecordBatches:
    """The batches of a fetch, as aiokafka's reader asks for them."""

    def __init__(self, data: bytes) -> None:
        batches = MemoryRecords(data)
        self.has_next = batches.has_next
        self.size_in_bytes = batches.size_in_bytes
        self._next_batch = batches.next_batch
        #: Whether each hands out all of its records at once.
        self.whole = False
        self._data = data
        self._place = 0

    def next_batch(self) -> Any:
        """Return the next one, None if there is none."""
        batch = self._next_batch()
        start, length = self._place, self._place + _LENGTH_AT
        self._place = end = length + 4 + int.from_bytes(self._data[length : length + 4])
        return _Batch(batch, self._data, start, end, whole=self.whole)


class _Batch:
    """A batch as aiokafka's reader sees it: of its records or, if ``whole``, of itself, with all of them."""

    __slots__ = ("_batch", "_data", "_end", "_start", "_whole", "offset", "records")

    def __init__(self, batch: Any, data: bytes, start: int, end: int, *, whole: bool) -> None:
        """Take a batch that is at ``data[start:end]``."""
        self._whole = whole
        self._batch = batch
        self._data = data
        self._start = start
        self._end = end
        #: Of the last record.
        self.offset = -1
        self.records: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """Say whether the checksum is right: by the processor's instruction, a tenth of aiokafka's time."""
        if isinstance(self._batch, DefaultRecordBatch) and google_crc32c.implementation == "c":
            checked = self._data[self._start + _CHECKED_FROM : self._end]
            return bool(google_crc32c.value(checked) == self._batch.crc)
        return bool(self._batch.validate_crc())

    def __next__(self) -> Any:
        """Return a record: the reader asks control batches for theirs."""
        return next(self._batch)

    def __iter__(self) -> Any:
        self.records = self._read()
        if not self._whole:
            yield from self.records
        elif self.records:
            self.offset = self.records[-1].offset
            yield self

    def _read(self) -> list[Any]:
        if not isinstance(self._batch, DefaultRecordBatch):
            return [_converted(record) if COMPILED else record for record in self._batch]
        if not COMPILED:
            with suppress(UnicodeDecodeError):  # the name of a header, which ``read_batch`` can read
                return list(self._batch)
        return read_batch(self._data, self._start, self._end)


def _converted(record: Any) -> StoredRecord:
    """Return a record of aiokafka's reader as one of ours."""
    return new_record(record.offset, record.timestamp, record.key, record.value, record.headers)


_getall: Final = fetcher.FetchResult.getall


def take_all(fetched: Any, max_records: int | None = None) -> Any:
    """Do what ``FetchResult.getall`` does: all at once, unless there is a limit or some were taken before."""
    records = fetched._partition_records
    if max_records is not None or not isinstance(records, CompiledRecords) or records.is_begun:
        return _getall(fetched, max_records)
    if not fetched.check_assignment(fetched._topic_partition):
        return []
    taken = records.all()
    fetched._update_position()
    fetched._partition_records = None
    return taken
