"""A record as it lies in the bytes that it was read from. Compiled where a compiler was at hand."""

from collections.abc import Sequence
from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from app.engine.fold import Header


@final
@mypyc_attr(acyclic=True)
class StoredRecord:
    """A record; a ``fold.Record``. Key and value are made each time that they are asked for.

    Most keys are never read, and a value can be read where it lies: ``data[start:end]``. A record keeps the
    whole fetch that it was read from in memory.
    """

    def __init__(  # noqa: PLR0917 - compiled, names cost time
        self,
        data: bytes,
        key_start: i64,
        key_end: i64,
        start: i64,
        end: i64,
        offset: i64,
        timestamp: i64,
        headers: Sequence[Header],
    ) -> None:
        """Take where key and value begin and end in ``data``; an end before the beginning stands for None."""
        self.data: Final = data
        self._key_start: Final[i64] = key_start
        self._key_end: Final[i64] = key_end
        self.start: Final[i64] = start
        self.end: Final[i64] = end
        self.offset: Final[i64] = offset
        self.timestamp: Final[i64] = timestamp
        self.headers: Final = headers

    @property
    def key(self) -> bytes | None:
        """The key."""
        start, end = self._key_start, self._key_end
        return None if end < start else self.data[start:end]

    @property
    def has_value(self) -> bool:
        """Whether there is a value."""
        return self.end >= self.start

    @property
    def value(self) -> bytes | None:
        """The value."""
        return self.data[self.start : self.end] if self.has_value else None
