"""The identities that a partition has seen lately, so that an event that arrives again counts once.

An identity is remembered as a hash of at least 56 bits, 70 for a window of a million: its bucket, and seven
bytes in it. A bucket is ``bytes`` of such tails, the oldest first, and forgets the oldest when it is full: a
lookup is one ``find``, a million identities take 14 MB, and nothing ever has to be searched for what is old.
A bucket has room for seven standard deviations more than its share of the window, so that of the newest
``window`` identities less than one in a billion is forgotten early. Less than one identity in 10^14 is taken
for another one.

The changelog has them in the order in which they came, 512 in a row. Key: the row's number, from 0 on.
Rows that the window has passed are deleted.
"""

from collections.abc import Iterator, Mapping
from math import ceil, isqrt
from struct import Struct
from typing import Final
from zlib import crc32

from xxhash import xxh3_128_digest

from app.domain.events import EVENT_OF_TOPIC, Event
from app.engine.fold import Row
from tables.codec import Codec, UnreadableRowError, VersionedRow

TABLE: Final = "seen"

#: What tells the same id in two topics apart.
SALTS: Final[Mapping[type[Event], int]] = {
    event: crc32(topic.encode()) for topic, event in EVENT_OF_TOPIC.items()
}

#: A digest: four bytes that choose the bucket, seven that are kept in it, and five that are not used.
_SPLIT: Final = Struct("<I7s5x").unpack
_STORED: Final = Struct("<I7s")
_TAIL: Final = 7

#: Identities of one row.
SEGMENT: Final = 512
_SEGMENT_BYTES: Final = SEGMENT * _STORED.size

#: The least that buckets hold on average, unless the window is smaller. Fewer would waste memory, more time.
_SHARE: Final = 60


class Segment(VersionedRow, kw_only=True):
    """Identities in the order in which they came, 11 bytes each: the bucket's number and the tail."""

    identities: bytes = b""


CODEC: Final = Codec(Segment)


class Seen:
    """Remembers the newest ``window`` identities, and some more."""

    def __init__(self, window: int) -> None:
        count = 1 << max(0, (window // _SHARE).bit_length() - 1)
        share = ceil(window / count)
        self._buckets = [b""] * count
        self._mask = count - 1
        self._full = _TAIL * (share if count == 1 else share + 7 * isqrt(share) + 7)
        self._new: list[bytes] = []
        self._segments_kept = ceil(window / SEGMENT) + 1
        #: The row that is not full yet.
        self._number = 0
        self._open = b""
        self._expired: list[int] = []
        self._restored: dict[int, bytes] = {}

    def add(self, identity: str, salt: int) -> bool:
        """Remember an identity; return False if it was known. The hot path."""
        digest = xxh3_128_digest(identity.encode(), salt)
        index, tail = _SPLIT(digest)
        index &= self._mask
        bucket = self._buckets[index]
        at = bucket.find(tail)
        while at >= 0:
            if at % _TAIL == 0:
                return False
            at = bucket.find(tail, at + 1)
        self._buckets[index] = (bucket if len(bucket) < self._full else bucket[_TAIL:]) + tail
        self._new.append(digest)
        return True

    # -- the log -------------------------------------------------------------------------------------------

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take a row of the changelog. Raises ``UnreadableRowError``."""
        if not key.isdigit():
            raise UnreadableRowError("the key is not a number")
        if value is None:
            self._restored.pop(int(key), None)
            return
        identities = CODEC.decode(value).identities
        if len(identities) % _STORED.size or not 0 < len(identities) <= _SEGMENT_BYTES:
            raise UnreadableRowError(f"{len(identities)} bytes are not identities")
        self._restored[int(key)] = identities

    def thaw(self) -> None:
        """Remember what was restored; call it before anything is added."""
        if not self._restored:
            return
        newest = max(self._restored)
        oldest = newest - self._segments_kept + 1
        buckets, mask = self._buckets, self._mask
        for number, identities in sorted(self._restored.items()):
            if number < oldest:
                self._expired.append(number)
                continue
            for index, tail in _STORED.iter_unpack(identities):
                buckets[index & mask] += tail
        self._buckets = [bucket[-self._full :] for bucket in buckets]
        self._number, self._open = newest, self._restored[newest]
        self._restored = {}
        self._next_if_full()

    def drain(self) -> Iterator[Row]:
        """Yield the rows that are new or have grown since the last call, and those to delete."""
        if not self._new:
            return
        identities = self._open + b"".join([digest[: _STORED.size] for digest in self._new])
        self._new.clear()
        for start in range(0, len(identities), _SEGMENT_BYTES):
            self._open = identities[start : start + _SEGMENT_BYTES]
            yield Row(TABLE, b"%d" % self._number, CODEC.encode(Segment(identities=self._open)))
            self._next_if_full()
        for number in self._expired:
            yield Row(TABLE, b"%d" % number, None)
        self._expired.clear()

    def _next_if_full(self) -> None:
        if len(self._open) == _SEGMENT_BYTES:
            self._number += 1
            self._open = b""
            if self._number >= self._segments_kept:
                self._expired.append(self._number - self._segments_kept)
