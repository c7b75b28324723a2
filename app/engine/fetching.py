"""The seam where aiokafka asks the broker: not too often, and promptly where an answer holds others up."""

import math
import time
from typing import Any, Final

from aiokafka import conn
from aiokafka.consumer import consumer, fetcher

from app.engine.receiving import ReceivingProtocol
from app.engine.records import CompiledRecords, RecordBatches, take_all

#: Milliseconds that a broker may keep a request which asks for some of the partitions only.
SHORT_WAIT: Final = 10

#: The same, at most, of one that asks for all partitions: it is answered as soon as any of them has a record.
#: Whatever else the consumer asks the broker meanwhile waits for it.
LONG_WAIT: Final = 500

#: Seconds from one request to the next to the same broker, at least. Else each of some events that come one
#: by one is answered by itself, and a request for all partitions costs worker and broker more than the event.
#: One that comes after a pause is still answered at once.
ASK_INTERVAL: Final = 0.03


class PromptFetcher(fetcher.Fetcher):
    """Has the broker answer at once where its answer holds other partitions up; asks it at intervals.

    aiokafka has one request on its way to a broker, and asks for no partition whose records are still to be
    taken. If those left are idle, the broker keeps the request for as long as it may (Faust: 1.5 s), and a
    partition that was taken meanwhile waits for that.
    """

    def __init__(self, *args: Any, fetch_max_wait_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, fetch_max_wait_ms=fetch_max_wait_ms, **kwargs)
        self._long_wait = min(fetch_max_wait_ms, LONG_WAIT)
        #: When each broker was asked, by its node id.
        self._asked: dict[Any, float] = {}

    def _get_actions_per_node(self, assignment: Any) -> Any:
        """Leave out the brokers that were asked just now, and have aiokafka come back when they are due."""
        self._fetch_max_wait_ms = SHORT_WAIT if self._records else self._long_wait
        requests, resets, timeout, *others = super()._get_actions_per_node(assignment)
        now, due = time.monotonic(), []
        for node, request in requests:
            left = self._asked.get(node, -math.inf) + ASK_INTERVAL - now
            if left > 0:
                timeout = min(timeout, left)
            else:
                self._asked[node] = now
                due.append((node, request))
        return due, resets, timeout, *others


def use_quick_fetches() -> None:
    """Have all of aiokafka's consumers of this process fetch so. May be repeated."""
    fetcher.PartitionRecords = CompiledRecords
    fetcher.MemoryRecords = RecordBatches
    fetcher.FetchResult.getall = take_all
    consumer.Fetcher = PromptFetcher
    conn.AIOKafkaProtocol = ReceivingProtocol
