"""The identities that a partition has seen lately, so that an event that arrives again counts once.

An identity is remembered as a hash of 64 bits, in hash chains over a ring, as deflate finds repetitions: the
low bits of a hash choose a chain; ``heads`` says where in the ring the newest of the chain is, and each place
of the ring has the other bits of its hash and the distance to the next of its chain. What the ring has
overwritten is forgotten: exactly the newest ``window`` identities are known, and nothing ever has to be
searched for what is old. A million take 12 MB. One identity in 10^13 is taken for another one.

Its changelog is in ``segments``. Compiled where a compiler was at hand, with numbers of 64 bits for ``i64``.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from zlib import crc32

from librt.strings import read_i64_be, read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i32, i64
from xxhash import xxh3_64_digest

from app.domain.events import EVENT_OF_TOPIC, Event
from app.engine.fold import Row
from tables.segments import Segments

#: Whether this is machine code. In plain Python nothing is gained by reading ahead.
COMPILED: Final = not __file__.endswith(".py")

#: What tells the same id in two topics apart.
SALTS: Final[Mapping[type[Event], int]] = {
    event: crc32(topic.encode()) for topic, event in EVENT_OF_TOPIC.items()
}

#: ``heads`` has the numbers of identities modulo 2^32, as 32 bits with a sign. A chain that nothing joins for
#: so long would look new again; with as many chains as identities that does not happen.
_NUMBERS: Final = 2**32
_SIGN: Final = 2**31


class Seen:
    """Remembers the newest ``window`` identities."""

    def __init__(self, window: int) -> None:
        bits = (window - 1).bit_length()
        self._window: i64 = window
        #: The bits of a hash that choose its chain; in the ring their place is taken by the distance.
        self._mask: i64 = (1 << bits) - 1
        self._heads = vec[i32](memoryview(bytes(4 << bits)).cast("i"))
        self._ring = vec[i64](memoryview(bytes(8 * window)).cast("q"))
        #: The number of the newest identity. What is a window behind it is forgotten, as all is at first.
        self._newest: i64 = window
        self._new = vec[i64]()
        self._expected = vec[i64]()
        #: Nothing that is used: without it a compiler would leave out what it is made of.
        self._read: i64 = 0
        self._segments = Segments(window)

    def expect(self, identities: list[bytes], salt: int) -> None:
        """Get ready for ``add``: hash the identities, and have what it will read of them come into the cache.

        Reading one place of many megabytes takes as long as all else in ``add``, but many at once take hardly
        longer than one. The hot path.
        """
        window, ring, heads, mask, newest = self._window, self._ring, self._heads, self._mask, self._newest
        hashes, read = vec[i64](), newest
        for identity in identities:
            hashes = append(hashes, read_i64_be(xxh3_64_digest(identity, salt), 0))
        self._expected = hashes
        if COMPILED:
            for value in hashes:
                head: int = heads[value & mask]
                age: i64 = (newest - head) & (_NUMBERS - 1)
                if age < window:
                    read ^= ring[(newest - age) % window]
            self._read = read

    def add(self, number: int) -> bool:
        """Remember one of those expected, counted from 0; return False if it was known. The hot path."""
        value = self._expected[number]
        if self._put(value):
            self._new = append(self._new, value)
            return True
        return False

    def _put(self, value: i64) -> bool:
        window, ring, mask, newest = self._window, self._ring, self._mask, self._newest
        chain: i64 = value & mask
        wanted: i64 = value | mask
        head: int = self._heads[chain]
        first: i64 = (newest - head) & (_NUMBERS - 1)
        age: i64 = first
        while age < window:
            place = ring[(newest - age) % window]
            if place | mask == wanted:
                return False
            distance: i64 = place & mask
            if distance == 0:
                break
            age += distance
        newest += 1
        self._newest = newest
        first += 1
        ring[newest % window] = (value ^ chain) | (first if first < window else 0)
        head = ((newest + _SIGN) & (_NUMBERS - 1)) - _SIGN
        self._heads[chain] = head
        return True

    # -- the log -------------------------------------------------------------------------------------------

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take a row of the changelog. Raises ``UnreadableRowError``."""
        self._segments.restore(key, value)

    def restored(self) -> None:
        """Remember what was restored. Raises ``UnreadableRowError`` if a row must be missing."""
        for hashes in self._segments.restored():
            for place in range(0, len(hashes), 8):
                self._put(read_i64_le(hashes, place))

    def drain(self) -> Iterator[Row]:
        """Yield the rows that are new or have grown since the last call, and those to delete."""
        new, self._new = self._new, vec[i64]()
        return self._segments.append(bytes(memoryview(new)))
