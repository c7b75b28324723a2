"""The seam where aiokafka fetches and hands out records: promptly, and as its compiled reader makes them."""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import consumer, fetcher

#: Milliseconds that a broker may keep a request which asks for some of the partitions only.
SHORT_WAIT: Final = 10

#: The same, at most, of one that asks for all partitions: it is answered as soon as any of them has a record.
#: Whatever else the consumer asks the broker meanwhile waits for it.
LONG_WAIT: Final = 500


class CompiledRecords(fetcher.PartitionRecords):
    """The records of a fetch without a ``ConsumerRecord`` around each, most of the cost of reading.

    A record has ``offset, timestamp, key, value, headers``, but neither topic nor partition.
    """

    def __iter__(self) -> Iterator[Any]:
        """Return the generator itself: aiokafka's own iterator around it is a call more for each record."""
        records: Iterator[Any] = self._records_iterator
        return records

    def _consumer_record(self, _tp: Any, record: Any) -> Any:
        return record


class PromptFetcher(fetcher.Fetcher):
    """Has the broker answer at once where its answer holds other partitions up.

    aiokafka has one request on its way to a broker, and asks for no partition whose records are still to be
    taken. If those left are idle, the broker keeps the request for as long as it may (Faust: 1.5 s), and a
    partition that was taken meanwhile waits for that.
    """

    def __init__(self, *args: Any, fetch_max_wait_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, fetch_max_wait_ms=fetch_max_wait_ms, **kwargs)
        self._long_wait = min(fetch_max_wait_ms, LONG_WAIT)

    def _get_actions_per_node(self, assignment: Any) -> Any:
        self._fetch_max_wait_ms = SHORT_WAIT if self._records else self._long_wait
        return super()._get_actions_per_node(assignment)


def use_quick_fetches() -> None:
    """Have all of aiokafka's consumers of this process fetch so. May be repeated."""
    fetcher.PartitionRecords = CompiledRecords
    consumer.Fetcher = PromptFetcher
