"""The newest requests, for the feed: of all callers, and of those that were seen lately. Pure, and bounded.

It is a window over what the topic still holds and no state: see docs/decisions/0007.
"""

from bisect import insort
from collections import OrderedDict
from datetime import datetime
from typing import Final

from app.domain.events import RequestRouted
from app.domain.feed import FeedEntry, feed_entry

#: Entries that are kept of all callers together, entries of one caller, and callers.
OF_ALL: Final = 200
OF_A_CALLER: Final = 50
CALLERS: Final = 2_000


class Recent:
    """The newest requests by ``created_at``; each once, however often it arrives."""

    def __init__(self) -> None:
        self._all = _Newest(OF_ALL)
        self._of_caller: OrderedDict[str, _Newest] = OrderedDict()

    def put(self, event: RequestRouted, at: datetime) -> None:
        """Take a request."""
        newest = self._of_caller.get(event.caller_id)
        if newest is None:
            newest = self._of_caller[event.caller_id] = _Newest(OF_A_CALLER)
            if len(self._of_caller) > CALLERS:
                self._of_caller.popitem(last=False)
        else:
            self._of_caller.move_to_end(event.caller_id)
        newest.put(event, at)
        self._all.put(event, at)

    def entries(self, caller_id: str | None, limit: int) -> list[FeedEntry]:
        """Return the newest entries of a caller, or of all for None, the newest first."""
        newest = self._all if caller_id is None else self._of_caller.get(caller_id)
        return newest.entries(limit) if newest is not None else []


class _Newest:
    """The newest ``size`` requests, sorted by time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sorted: list[tuple[datetime, str]] = []
        self._events: dict[str, RequestRouted] = {}

    def put(self, event: RequestRouted, at: datetime) -> None:
        """Take a request if it is new, and not older than all of them."""
        times, place = self._sorted, (at, event.request_id)
        if event.request_id in self._events or (len(times) == self._size and place < times[0]):
            return
        insort(times, place)
        self._events[event.request_id] = event
        if len(times) > self._size:
            del self._events[times.pop(0)[1]]

    def entries(self, limit: int) -> list[FeedEntry]:
        """Return the newest entries, the newest first."""
        return [feed_entry(self._events[name], at) for at, name in reversed(self._sorted[-limit:])]
