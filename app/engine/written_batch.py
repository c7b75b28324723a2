"""A batch that is written already, for aiokafka's producer to send."""

import struct
import time
from typing import Final, Self

import google_crc32c
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c

from app.engine.record_writer import HEADER_BYTES, RecordWriter

#: Length and checksum are of what follows them. Source: the record batch of Kafka's protocol.
_BEFORE_CHECKSUM: Final = struct.Struct(">qiibI")
_AFTER_CHECKSUM: Final = struct.Struct(">hiqqqhii")
_LENGTH_FROM: Final = 12

_NO_LEADER_EPOCH: Final = -1
_FORMAT: Final = 2
_TRANSACTIONAL: Final = 0x10


class WrittenBatch(BatchBuilder):
    """What aiokafka asks of a batch between ``send_batch`` and the request; nothing can be appended.

    Transactions, sequence numbers and retries stay aiokafka's: it sets the producer's state once, builds the
    batch, and sends the same bytes again if it must.
    """

    def __init__(self, records: bytes, count: int, timestamp: int, *, is_transactional: bool = True) -> None:
        """Take records as ``RecordWriter`` writes them, and the timestamp of all of them, in ms.

        Who sends them is a transactional producer, or else one that is idempotent or plain.
        """
        self._records = records
        self._relative_offset = count
        self._timestamp = timestamp
        #: Of the producer: id, epoch, sequence number of the first record.
        self._producer = (-1, -1, 0)
        self._is_transactional = is_transactional
        self._attributes = 0
        self._buffer: bytes | None = None
        self._closed = True

    @classmethod
    def of(cls, writer: RecordWriter, *, is_transactional: bool = True) -> Self:
        """Return a batch of what was written, with the time of now."""
        now = int(time.time() * 1000)
        return cls(writer.records(), writer.count, now, is_transactional=is_transactional)

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        """Take what a plain producer does not have."""
        self._producer = (producer_id, producer_epoch, base_sequence)
        self._attributes = _TRANSACTIONAL if self._is_transactional else 0

    def _build(self) -> bytes:
        if self._buffer is None:
            count, records, at = self._relative_offset, self._records, self._timestamp
            behind = _AFTER_CHECKSUM.pack(self._attributes, count - 1, at, at, *self._producer, count)
            length = HEADER_BYTES - _LENGTH_FROM + len(records)
            checksum = _checksum(behind, records)
            before = _BEFORE_CHECKSUM.pack(0, length, _NO_LEADER_EPOCH, _FORMAT, checksum)
            self._buffer, self._records = b"".join((before, behind, records)), b""
        return self._buffer

    def size(self) -> int:
        """Return the bytes of the batch."""
        return HEADER_BYTES + len(self._records) if self._buffer is None else len(self._buffer)


def _checksum(behind: bytes, records: bytes) -> int:
    """Return the CRC-32C: by the processor's instruction, a tenth of aiokafka's time."""
    if google_crc32c.implementation == "c":
        return int(google_crc32c.extend(google_crc32c.value(behind), records))
    return int(calc_crc32c(behind + records))
