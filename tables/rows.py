"""Rows at rest: as the changelog has them, encoded, until an event touches their scope.

All rows of a scope are one ``bytes``, one behind the other: the table, the month if it is of ``days``, the
length, the row. That takes three fifths of a dictionary of keys and rows, and one look for all of them.
Compiled where a compiler was at hand.
"""

from collections.abc import Mapping
from typing import Any, Final

from librt.strings import read_i32_le
from mypy_extensions import i64

from tables import counters, days, models, streaks
from tables.codec import Codec, UnreadableRowError

CODECS: Final[Mapping[str, Codec[Any]]] = {
    counters.TABLE: counters.CODEC,
    days.TABLE: days.CODEC,
    models.TABLE: models.CODEC,
    streaks.TABLE: streaks.CODEC,
}

# What a row begins with. Behind ``DAYS`` follows the month.
COUNTERS: Final = b"\0"
DAYS: Final = b"\1"
MODELS: Final = b"\2"
STREAKS: Final = b"\3"

_HEADS: Final = {
    counters.TABLE: COUNTERS,
    days.TABLE: DAYS,
    models.TABLE: MODELS,
    streaks.TABLE: STREAKS,
}
_DAYS: Final = 1
_LENGTH: Final = 4


def joined(head: bytes, row: bytes) -> bytes:
    """Return a row as it stands among the rows of its scope."""
    return head + len(row).to_bytes(_LENGTH, "little") + row


def cut(rows: bytes, head: bytes) -> tuple[bytes, bytes]:
    """Return the row with a head, encoded, empty if there is none, and the other rows."""
    start, end = _find(rows, head)
    return rows[start + len(head) + _LENGTH : end], rows[:start] + rows[end:]


def row_of(rows: bytes, head: bytes) -> bytes:
    """Return the row with a head, encoded, empty if there is none."""
    start, end = _find(rows, head)
    return rows[start + len(head) + _LENGTH : end]


def months_of(rows: bytes) -> bytes:
    """Return the rows of ``days``."""
    place, months = 0, []
    while place < len(rows):
        end = _end(rows, place)
        if rows[place] == _DAYS:
            months.append(rows[place:end])
        place = end
    return b"".join(months)


def _find(rows: bytes, head: bytes) -> tuple[int, int]:
    """Return where the row with a head begins and ends among others; the end twice if there is none."""
    place = 0
    while place < len(rows):
        end = _end(rows, place)
        if rows.startswith(head, place):
            return place, end
        place = end
    return place, place


def _end(rows: bytes, start: int) -> int:
    """Return where the row that begins at ``start`` ends."""
    length: i64 = start + 1
    if rows[start] == _DAYS:
        length += days.MONTH_BYTES
    size: int = read_i32_le(rows, length)
    return length + _LENGTH + size


class Rows:
    """The rows of each scope that is at rest, joined: quick to restore and small; few are touched again."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}

    def put(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take a row of a changelog, replacing the one before.

        Raises ``UnreadableRowError``, also for a deletion.
        """
        if value is None:
            raise UnreadableRowError(f"{table} never deletes a row")
        CODECS[table].decode(value)
        head, scope = _HEADS[table], key
        if table == days.TABLE:
            head, scope = head + key[: days.MONTH_BYTES], key[days.MONTH_BYTES :]
        row = joined(head, value)
        before = self._rows.get(scope)
        if before is not None:
            _, others = cut(before, head)
            row = others + row
        self._rows[scope] = row

    def wake(self, scope: bytes) -> bytes:
        """Hand out the rows of a scope, by its key, which has them from now on; nothing if it is new."""
        return self._rows.pop(scope, b"")

    def rest(self, scope: bytes, rows: bytes) -> None:
        """Take back all rows of a scope."""
        self._rows[scope] = rows
