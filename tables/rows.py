"""Rows that are not in use: as the changelog has them, encoded, until an event touches their scope.

All rows of a scope are one ``bytes``, one behind the other: the table, the prefix of the key (days: the
month), the length, the row. That takes three fifths of a dictionary of keys and rows. Compiled where a
compiler was at hand.
"""

from collections.abc import Mapping
from typing import Any, Final

from librt.strings import read_i32_le
from mypy_extensions import i64

from tables import days
from tables.codec import Codec, UnreadableRowError

#: Bytes of a key that come before the scope's own.
_PREFIXES: Final = {days.TABLE: 7}


class Rows:
    """Encoded rows by table and key: quick to restore and small, and few of them are touched again."""

    def __init__(self, codecs: Mapping[str, Codec[Any]]) -> None:
        self._codecs = codecs
        self._tags = {table: bytes([number]) for number, table in enumerate(codecs)}
        self._prefixes = [_PREFIXES.get(table, 0) for table in codecs]
        self._rows: dict[bytes, bytes] = {}

    def put(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take a row of a changelog. Raises ``UnreadableRowError``, also for a deletion."""
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row")
        self._codecs[table].decode(value)
        self.keep(table, key, value)

    def keep(self, table: str, key: bytes, value: bytes) -> None:
        """Keep a row, replacing the one before."""
        head, scope = self._split(table, key)
        row = head + len(value).to_bytes(4, "little") + value
        before = self._rows.get(scope)
        if before is not None:
            start, end = self._find(before, head)
            row = before[:start] + before[end:] + row
        self._rows[scope] = row

    def peek(self, table: str, key: bytes) -> bytes:
        """Return a row that is kept, encoded."""
        head, scope = self._split(table, key)
        packed = self._rows[scope]
        start, end = self._find(packed, head)
        return packed[start + len(head) + 4 : end]

    def take(self, table: str, key: bytes) -> Any:
        """Return the row to be kept in memory from now on, a new one if there is none."""
        head, scope = self._split(table, key)
        packed = self._rows.get(scope)
        codec = self._codecs[table]
        if packed is None:
            return codec.new()
        start, end = self._find(packed, head)
        if start == end:
            return codec.new()
        if end - start == len(packed):
            del self._rows[scope]
        else:
            self._rows[scope] = packed[:start] + packed[end:]
        return codec.decode(packed[start + len(head) + 4 : end])

    def keys(self, table: str) -> list[bytes]:
        """Return the keys of the rows that are not in memory."""
        tag, keys = self._tags[table], []
        for scope, packed in self._rows.items():
            place = 0
            while place < len(packed):
                prefix = self._prefixes[packed[place]]
                if packed[place : place + 1] == tag:
                    keys.append(packed[place + 1 : place + 1 + prefix] + scope)
                place = self._end(packed, place)
        return keys

    def _split(self, table: str, key: bytes) -> tuple[bytes, bytes]:
        """Return what a row begins with among those of its scope, and the scope."""
        tag = self._tags[table]
        prefix = self._prefixes[tag[0]]
        return (tag + key[:prefix], key[prefix:]) if prefix else (tag, key)

    def _find(self, packed: bytes, head: bytes) -> tuple[int, int]:
        """Return where the row with a head begins and ends; the end twice if there is none."""
        place = 0
        while place < len(packed):
            end = self._end(packed, place)
            if packed.startswith(head, place):
                return place, end
            place = end
        return place, place

    def _end(self, packed: bytes, start: int) -> int:
        """Return where the row that begins at ``start`` ends."""
        length: i64 = start + 1 + self._prefixes[packed[start]]
        size: int = read_i32_le(packed, length)
        return length + 4 + size
