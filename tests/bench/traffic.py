"""The load of the bench as a broker holds it: record batches, as a worker that lags fetches them."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.bench.expected import Expected
from tests.bench.load import TOPICS, Load, events
from tests.bench.surroundings import PARTITIONS

#: Bytes of a record batch, and of a fetch: less than a worker's, so that a short load has many.
BATCH_BYTES: Final = 64 * 1024
FETCH_BYTES: Final = 1024 * 1024

#: The broker's time of every record, in milliseconds: after the newest event.
BROKER_TIME: Final = 1_745_000_000_000


class Fetch(NamedTuple):
    """What a broker answers: record batches of one partition of one topic."""

    topic: str
    partition: int
    offset: int
    batches: bytes


def fetches(load: Load) -> Iterator[Fetch]:
    """Yield the events as a worker that lags fetches them: partitioned by caller, in full record batches."""
    homes: dict[bytes, int] = {}
    logs: dict[tuple[str, int], _Log] = {}
    for number, key, value in events(load, Expected()):
        home = homes.get(key)
        if home is None:
            home = homes[key] = int(murmur2(key) & 0x7FFFFFFF) % PARTITIONS
        topic = TOPICS[number]
        log = logs.get((topic, home))
        if log is None:
            log = logs[topic, home] = _Log()
        log.append(key, value)
        if len(log.full) >= FETCH_BYTES:
            yield Fetch(topic, home, *log.take())
    for (topic, home), log in sorted(logs.items()):
        log.close_batch()
        yield Fetch(topic, home, *log.take())


class _Log:
    """One partition of a topic."""

    def __init__(self) -> None:
        self.full = bytearray()
        self._offset = self._first = 0
        self._builder = self._new_builder()

    def _new_builder(self) -> DefaultRecordBatchBuilder:
        self._base = self._offset
        return DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, BATCH_BYTES)

    def append(self, key: bytes, value: bytes) -> None:
        """Write a record."""
        while self._builder.append(self._offset - self._base, BROKER_TIME, key, value, []) is None:
            self.close_batch()
        self._offset += 1

    def close_batch(self) -> None:
        """Complete the open batch, with the base offset that a broker gives it."""
        batch = bytearray(self._builder.build())
        batch[:8] = self._base.to_bytes(8, "big")
        self.full += batch
        self._builder = self._new_builder()

    def take(self) -> tuple[int, bytes]:
        """Return the first offset and the batches that are complete, once."""
        first, self._first = self._first, self._base
        batches = bytes(self.full)
        self.full.clear()
        return first, batches
