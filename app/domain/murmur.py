"""MurmurHash2 as the Java client's partitioner has it. Compiled where a compiler was at hand."""

from typing import Final

from librt.strings import read_i32_le
from mypy_extensions import i64

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_BITS: Final = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Return the hash of a key, 32 bits without a sign."""
    length: i64 = len(key)
    whole: i64 = length & ~3
    h: i64 = _SEED ^ length
    place: i64 = 0
    while place < whole:
        four: int = read_i32_le(key, place)
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
