"""How rows become bytes: MessagePack arrays whose first element is the version of the layout."""

from typing import Final, Generic, TypeVar

import msgspec

RowT = TypeVar("RowT", bound="VersionedRow")

#: MessagePack has no integers beyond 64 bits. Sums of non-negative numbers that stop here are the same in
#: any order, and with restarts anywhere: it is the largest that is written as it is.
LARGEST: Final = 2**64 - 1

#: The version of all layouts so far.
VERSION: Final = 1


class VersionedRow(msgspec.Struct, array_like=True, kw_only=True):
    """A row of a table; ``version`` comes first so that a reader can refuse what it does not know."""

    version: int = VERSION


class UnreadableRowError(ValueError):
    """A changelog holds bytes that are not a row of its table, or of a version that is not known."""


class Codec(Generic[RowT]):
    """Encodes and decodes the rows of one table."""

    def __init__(self, row_type: type[RowT], version: int = VERSION) -> None:
        self._decoder = msgspec.msgpack.Decoder(row_type)
        self._encoder = msgspec.msgpack.Encoder()
        self._version = version
        self.new = row_type

    def decode(self, value: bytes) -> RowT:
        """Return the row. Raises ``UnreadableRowError``."""
        try:
            row = self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise UnreadableRowError(str(exc)) from None
        if row.version != self._version:
            raise UnreadableRowError(
                f"version {row.version} is not {self._version}: written by another release?"
            )
        return row

    def encode(self, row: RowT | tuple[object, ...]) -> bytes:
        """Return the bytes of a row, or of what it would have as its fields, the version first."""
        try:
            return self._encoder.encode(row)
        except OverflowError:
            return self._encoder.encode(_saturated(msgspec.to_builtins(row)))


def _saturated(value: object) -> object:
    match value:
        case bool() | str() | None:
            return value
        case int():
            return min(value, LARGEST)
        case list() | tuple() | set():
            return [_saturated(each) for each in value]
        case dict():
            return {key: _saturated(each) for key, each in value.items()}
        case _:
            return value
