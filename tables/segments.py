"""The log of the identities that a partition has seen: their hashes in rows of 512, in the order of arrival.

Key: the row's number, from 0 on. The newest row grows until it is full; rows that the window has passed are
deleted.
"""

from collections.abc import Iterator
from typing import Final

from app.engine.fold import Row
from tables.codec import Codec, UnreadableRowError, VersionedRow

TABLE: Final = "seen"

#: Identities of one row.
SEGMENT: Final = 512
_HASH: Final = 8


class Segment(VersionedRow, kw_only=True):
    """Hashes of identities in the order in which they came, 8 bytes each, the lowest first."""

    hashes: bytes = b""


CODEC: Final = Codec(Segment)


class Segments:
    """Hashes in rows, back and forth; hashes are bytes, 8 for each."""

    def __init__(self, window: int) -> None:
        self._kept = -(-window // SEGMENT) + 1
        self._number = 0
        self._open = b""
        self._expired: list[int] = []
        self._restored: dict[int, bytes] = {}
        self._newest_deleted = -1

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take a row of the changelog. Raises ``UnreadableRowError``."""
        if not key.isdigit():
            raise UnreadableRowError("the key is not a number")
        number = int(key)
        if value is None:
            self._restored.pop(number, None)
            self._newest_deleted = max(number, self._newest_deleted)
            return
        hashes = CODEC.decode(value).hashes
        if len(hashes) % _HASH or not 0 < len(hashes) <= SEGMENT * _HASH:
            raise UnreadableRowError(f"{len(hashes)} bytes are not hashes of identities")
        self._restored[number] = hashes

    def restored(self) -> Iterator[bytes]:
        """Go on where the rows end; yield the hashes in them, the oldest first.

        Raises ``UnreadableRowError`` if a row is missing between two others: only the oldest rows are ever
        deleted, and never all.
        """
        rows, self._restored = self._restored, {}
        oldest, newest = min(rows, default=0), max(rows, default=-1)
        if self._newest_deleted >= oldest or len(rows) != newest - oldest + 1:
            raise UnreadableRowError(f"rows of {TABLE} are missing")
        self._number = max(newest, 0)
        for number in sorted(rows):
            if number <= self._number - self._kept:
                self._expired.append(number)
                continue
            self._open = rows[number]
            yield self._open
        self._next_if_full()

    def append(self, new: bytes) -> Iterator[Row]:
        """Yield the rows that are new or grow by ``new`` hashes, and those to delete; nothing for no hash."""
        if not new:
            return
        hashes = self._open + new
        for start in range(0, len(hashes), SEGMENT * _HASH):
            self._open = hashes[start : start + SEGMENT * _HASH]
            yield Row(TABLE, b"%d" % self._number, CODEC.encode(Segment(hashes=self._open)))
            self._next_if_full()
        for number in self._expired:
            yield Row(TABLE, b"%d" % number, None)
        self._expired.clear()

    def _next_if_full(self) -> None:
        if len(self._open) == SEGMENT * _HASH:
            self._number += 1
            self._open = b""
            if self._number >= self._kept:
                self._expired.append(self._number - self._kept)
