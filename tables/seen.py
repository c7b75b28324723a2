"""The identities that a partition has seen lately, so that an event that arrives again counts once.

An identity is remembered as a hash of 64 bits, in hash chains over a ring, as deflate finds repetitions: the
low bits of a hash choose a chain; ``heads`` says where in the ring the newest of the chain is, and each place
of the ring has the other bits of its hash and the distance to the next of its chain. What the ring has
overwritten is forgotten: exactly the newest ``window`` identities are known, and nothing ever has to be
searched for what is old. A million take 12 MB. One identity in 10^13 is taken for another one.

The changelog has the hashes in the order in which they came, 512 in a row. Key: the row's number, from 0 on.
Rows that the window has passed are deleted.
"""

from array import array
from collections.abc import Iterator, Mapping
from typing import Final
from zlib import crc32

from xxhash import xxh3_64_intdigest

from app.domain.events import EVENT_OF_TOPIC, Event
from app.engine.fold import Row
from tables.codec import Codec, UnreadableRowError, VersionedRow

TABLE: Final = "seen"

#: What tells the same id in two topics apart.
SALTS: Final[Mapping[type[Event], int]] = {
    event: crc32(topic.encode()) for topic, event in EVENT_OF_TOPIC.items()
}

#: Identities of one row.
SEGMENT: Final = 512
_HASH: Final = 8

#: ``heads`` has the numbers of identities modulo 2^32. A chain that nothing joins for so long would look new
#: again; with as many chains as identities that does not happen in the life of the universe.
_NUMBERS: Final = 2**32 - 1


class Segment(VersionedRow, kw_only=True):
    """Hashes of identities in the order in which they came, 8 bytes each, the lowest first."""

    hashes: bytes = b""


CODEC: Final = Codec(Segment)


class Seen:
    """Remembers the newest ``window`` identities."""

    def __init__(self, window: int) -> None:
        bits = (window - 1).bit_length()
        self._window = window
        #: The bits of a hash that choose its chain; in the ring their place is taken by the distance.
        self._mask = (1 << bits) - 1
        self._heads = array("I", bytes(4 << bits))
        self._ring = array("Q", bytes(8 * window))
        #: The number of the newest identity. What is a window behind it is forgotten, as all is at first.
        self._newest = window
        self._segments = _Segments(window)
        self._restored: dict[int, bytes] = {}
        self._newest_deleted = -1

    def add(self, identity: str, salt: int) -> bool:
        """Remember an identity; return False if it was known. The hot path."""
        value = xxh3_64_intdigest(identity.encode(), salt)
        if self._put(value):
            self._segments.new.append(value)
            return True
        return False

    def _put(self, value: int) -> bool:
        window, ring, mask, newest = self._window, self._ring, self._mask, self._newest
        chain = value & mask
        wanted = value | mask
        first = age = (newest - self._heads[chain]) & _NUMBERS
        while age < window:
            place = ring[(newest - age) % window]
            if place | mask == wanted:
                return False
            distance = place & mask
            if not distance:
                break
            age += distance
        self._newest = newest = newest + 1
        distance = first + 1
        ring[newest % window] = (value ^ chain) | (distance if distance < window else 0)
        self._heads[chain] = newest & _NUMBERS
        return True

    # -- the log -------------------------------------------------------------------------------------------

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

    def restored(self) -> None:
        """Remember what was restored. Raises ``UnreadableRowError`` if a row is missing between two others.

        Only the oldest rows are ever deleted, and never all.
        """
        rows, self._restored = self._restored, {}
        oldest = min(rows, default=0)
        if self._newest_deleted >= oldest or len(rows) != max(rows, default=-1) - oldest + 1:
            raise UnreadableRowError(f"rows of {TABLE} are missing")
        for segment in self._segments.resume(rows):
            for value in segment:
                self._put(value)

    def drain(self) -> Iterator[Row]:
        """Yield the rows that are new or have grown since the last call, and those to delete."""
        return self._segments.drain()


class _Segments:
    """Hashes in rows: the newest row grows until it is full, those that the window has passed are deleted."""

    def __init__(self, window: int) -> None:
        self._kept = -(-window // SEGMENT) + 1
        self._number = 0
        self._open: array[int] = array("Q")
        self._expired: list[int] = []
        #: What is not in a row yet.
        self.new: array[int] = array("Q")

    def resume(self, rows: Mapping[int, bytes]) -> Iterator["array[int]"]:
        """Go on where the rows end; yield what they hold, the oldest first."""
        self._number = max(rows, default=0)
        for number in sorted(rows):
            if number <= self._number - self._kept:
                self._expired.append(number)
                continue
            self._open = array("Q", rows[number])
            yield self._open
        self._next_if_full()

    def drain(self) -> Iterator[Row]:
        """Yield what changed since the last call."""
        if not self.new:
            return
        hashes = self._open + self.new
        self.new = array("Q")
        for start in range(0, len(hashes), SEGMENT):
            self._open = hashes[start : start + SEGMENT]
            row = Segment(hashes=self._open.tobytes())
            yield Row(TABLE, b"%d" % self._number, CODEC.encode(row))
            self._next_if_full()
        for number in self._expired:
            yield Row(TABLE, b"%d" % number, None)
        self._expired.clear()

    def _next_if_full(self) -> None:
        if len(self._open) == SEGMENT:
            self._number += 1
            self._open = array("Q")
            if self._number >= self._kept:
                self._expired.append(self._number - self._kept)
