"""MurmurHash2 as the Java client's partitioner has it. Compiled where a compiler was at hand."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from librt.strings import read_i32_le
from mypy_extensions import i64

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_BITS: Final = 0xFFFFFFFF

#: Whether this is machine code, which has hashed a key sooner than found it among many.
_COMPILED: Final = not __file__.endswith(".py")
_REMEMBERED: Final = 65_536


def partitioner(partitions: int) -> Callable[[bytes], int]:
    """Return the Java client's default partitioner: what it keys is at home where it arrives."""

    def partition_of(key: bytes) -> int:
        return (murmur2(key) & 0x7FFFFFFF) % partitions

    return partition_of if _COMPILED else lru_cache(_REMEMBERED)(partition_of)


def murmur2(key: bytes) -> int:
    """Return the hash of a key, 32 bits without a sign."""
    length: i64 = len(key)
    whole: i64 = length & ~3
    h: i64 = _SEED ^ length
    place: i64 = 0
    while place < whole:
        four = i64(read_i32_le(key, place))
        k: i64 = ((four & _BITS) * _M) & _BITS
        k = ((k ^ (k >> 24)) * _M) & _BITS
        h = ((h * _M) & _BITS) ^ k
        place += 4
    if length > whole:
        rest: i64 = 0
        shift: i64 = 0
        while place < length:
            byte: int = key[place]
            rest |= byte << shift
            shift += 8
            place += 1
        h = ((h ^ rest) * _M) & _BITS
    h = ((h ^ (h >> 13)) * _M) & _BITS
    return h ^ (h >> 15)
