"""How many rows were ever written to each changelog: what a restore compares with what it finds.

The counts are a row of the positions' table, in the transaction of the rows that they count. Since every row
takes an offset, a changelog partition that ends below its count was cut off or made anew.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sized
from typing import Final

from app.engine.fold import Row

#: The key of the row; no topic has such a name.
KEY: Final = b"#rows"


class RowsWritten:
    """Counts of one task, by table."""

    def __init__(self) -> None:
        self._written: Counter[str] = Counter()
        #: Values (not deletions) that a restore has found.
        self._found: Counter[str] = Counter()

    def count(self, tables: Mapping[str, Sized]) -> None:
        """Count rows that are about to be written, by table."""
        for table, rows in tables.items():
            self._written[table] += len(rows)

    def row(self, table: str) -> Row:
        """Return the row, itself counted, for the table of positions."""
        self._written[table] += 1
        return Row(table, KEY, json.dumps(self._written).encode())

    def restore(self, value: bytes) -> None:
        """Take the row's value. Raises ``ValueError``."""
        counts = json.loads(value)
        if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
            raise ValueError("rows written are not counts by table")
        self._written = Counter(counts)

    def found(self, table: str) -> None:
        """Note that a restore has read a row of a table that is not a deletion."""
        self._found[table] += 1

    def problem(self, table: str, begin: int, end: int, *, read: bool, known: bool) -> str:
        """Say what is wrong with a table's partition that has offsets ``begin`` to ``end``, if anything.

        ``read``: the restore has read its rows. ``known``: the task has positions.
        """
        written = self._written[table]
        if begin > 0:
            return f"begins at offset {begin}: older rows were deleted"
        if end < written:
            return f"ends at offset {end}, but {written} rows were written to it: it was cut off or made anew"
        if read and written and not self._found[table]:
            return f"holds no row, but {written} were written to it: they were deleted"
        if self._found[table] and not known:
            return "holds rows, but the task's positions are gone"
        return ""
