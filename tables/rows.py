"""Rows that are not in use: as the changelog has them, encoded, until an event touches their scope."""

from collections.abc import Mapping
from typing import Any

from tables.codec import Codec, UnreadableRowError


class Rows:
    """Encoded rows by table and key: quick to restore and small, and few of them are touched again."""

    def __init__(self, codecs: Mapping[str, Codec[Any]]) -> None:
        self._codecs = codecs
        self._rows: dict[str, dict[bytes, bytes]] = {table: {} for table in codecs}

    def put(self, table: str, key: bytes, value: bytes | None) -> None:
        """Keep a row, replacing the one before. Raises ``UnreadableRowError``, also for a deletion."""
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row")
        self._codecs[table].decode(value)
        self._rows[table][key] = value

    def take(self, table: str, key: bytes) -> Any:
        """Return the row to be kept in memory from now on, a new one if there is none."""
        value = self._rows[table].pop(key, None)
        codec = self._codecs[table]
        return codec.decode(value) if value is not None else codec.new()

    def keys(self, table: str) -> list[bytes]:
        """Return the keys of the rows that are not in memory."""
        return list(self._rows[table])
