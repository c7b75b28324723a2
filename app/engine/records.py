"""The seam where aiokafka hands out records: as its compiled reader makes them, nothing around them."""

from typing import Any

from aiokafka.consumer import fetcher


class CompiledRecords(fetcher.PartitionRecords):
    """The records of a fetch without a ``ConsumerRecord`` around each, most of the cost of reading.

    A record has ``offset, timestamp, key, value, headers``, but neither topic nor partition.
    """

    def _consumer_record(self, _tp: Any, record: Any) -> Any:
        return record


def use_compiled_records() -> None:
    """Have all of aiokafka's consumers of this process hand out compiled records. May be repeated."""
    fetcher.PartitionRecords = CompiledRecords
