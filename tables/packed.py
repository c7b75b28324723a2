"""Integers of MessagePack, written to a row and read where they stand in it.

Source: the MessagePack specification. Worth it only as machine code; ``COMPILED`` says whether this is. They
are as msgspec writes them, as short as they can be.
"""

from typing import Final

import msgspec
from librt.strings import BytesWriter, read_i32_be, read_i64_be, write_i64_be
from mypy_extensions import i64, u8

COMPILED: Final = not __file__.endswith(".py")

# Integers are their own tags, or follow one of these; the signed ones of one to eight bytes are 0xD0 to 0xD3.
_POSITIVE_END: Final = 0x80
_UINT8: Final = 0xCC
_UINT16: Final = 0xCD
_UINT32: Final = 0xCE
_UINT64: Final = 0xCF
_NEGATIVE: Final = 0xE0

#: The largest integer that is one machine word beside its tag.
_LARGEST: Final = 2**62 - 1
_LOW: Final = 0xFF

_decode: Final = msgspec.msgpack.Decoder(int).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def write_int(out: BytesWriter, number: int) -> None:
    """Write an integer. Raises ``OverflowError`` if it does not fit into 64 bits."""
    if not 0 <= number <= _LARGEST:
        out.write(_encode(number))
        return
    value: i64 = number
    if value < _POSITIVE_END:
        out.append(u8(value))
    elif value <= _LOW:
        out.append(_UINT8)
        out.append(u8(value))
    elif value >> 16 == 0:
        out.append(_UINT16)
        out.append(u8(value >> 8))
        out.append(u8(value & _LOW))
    elif value >> 32 == 0:
        out.append(_UINT32)
        out.append(u8(value >> 24))
        out.append(u8(value >> 16 & _LOW))
        out.append(u8(value >> 8 & _LOW))
        out.append(u8(value & _LOW))
    else:
        out.append(_UINT64)
        write_i64_be(out, value)


def size_at(row: bytes, place: i64) -> i64:
    """Return how many bytes the integer has that begins there."""
    tag: i64 = row[place]
    if tag < _POSITIVE_END or tag >= _NEGATIVE:
        return 1
    width: i64 = tag & 3
    return 1 + (1 << width)


def int_at(row: bytes, place: i64) -> int:
    """Return the integer that begins there."""
    tag: i64 = row[place]
    if tag < _POSITIVE_END:
        return tag
    if tag == _UINT8:
        return row[place + 1]
    if tag == _UINT16:
        return row[place + 1] << 8 | row[place + 2]
    if tag == _UINT32:
        short = i64(read_i32_be(row, place + 1))
        return short & 0xFFFF_FFFF
    if tag == _UINT64:
        long = read_i64_be(row, place + 1)
        if long >= 0:
            return long
    return int(_decode(row[place : place + size_at(row, place)]))
