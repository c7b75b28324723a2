"""The models of a scope in memory: its row of ``models``. Compiled where a compiler was at hand."""

from typing import Final

from mypy_extensions import mypyc_attr

from tables import models
from tables.codec import VERSION

#: The first names that this process has seen, each with its number, and the same by number. A gateway has
#: some dozens of models; whoever makes up a name for each request must not fill the memory of all scopes.
_NUMBERED: Final = 512
_numbers: Final[dict[bytes, int]] = {}
_names: Final[list[bytes]] = []

#: Rows of sets that were written, by the numbers of their names: callers use the same few models.
_REMEMBERED: Final = 4_096
_rows: Final[dict[int, bytes]] = {}


def _number_of(name: bytes) -> int:
    """Return the number of a name, -1 if it came too late to have one."""
    number = _numbers.get(name)
    if number is not None:
        return number
    if len(_names) >= _NUMBERED:
        return -1
    _names.append(name)
    _numbers[name] = len(_names) - 1
    return len(_names) - 1


@mypyc_attr(acyclic=True)
class ModelSet:
    """A set of at most ``models.MOST`` names, in UTF-8; ``count`` is how many."""

    __slots__ = ("_bits", "_others", "count")

    def __init__(self, names: set[str] | None = None) -> None:
        self.count = 0
        self._bits = 0
        self._others: set[bytes] | None = None
        if names:
            for name in names:
                self.add(name.encode())

    def has(self, name: bytes) -> bool:
        """Say whether a name is in the set. The hot path."""
        number = _number_of(name)
        if number >= 0:
            return self._bits >> number & 1 != 0
        return self._others is not None and name in self._others

    def add(self, name: bytes) -> bool:
        """Add a name; return whether it is new, and there was room for it."""
        if self.has(name) or self.count >= models.MOST:
            return False
        number = _number_of(name)
        if number >= 0:
            self._bits |= 1 << number
        elif self._others is None:
            self._others = {name}
        else:
            self._others.add(name)
        self.count += 1
        return True

    def names(self) -> list[str]:
        """Return all names."""
        names = [name for number, name in enumerate(_names) if self._bits >> number & 1]
        if self._others is not None:
            names += self._others
        return [name.decode() for name in names]

    def encode(self) -> bytes:
        """Return the row."""
        row = _rows.get(self._bits) if self._others is None else None
        if row is None:
            row = models.CODEC.encode((VERSION, self.names()))
            if self._others is None and len(_rows) < _REMEMBERED:
                _rows[self._bits] = row
        return row
