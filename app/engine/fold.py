"""What the engine asks of the rules, and what the rules hand back. The engine knows nothing else of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

Header = tuple[str, bytes]


class Record(Protocol):
    """One message as it was read from Kafka; ``timestamp`` is the broker's, in ms since the epoch.

    Where it was read is said once, for all records of a batch.
    """

    # ruff: noqa: D102 - the class says it
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[Header]: ...


class Batch(NamedTuple):
    """Records of one partition of one topic, in order."""

    topic: str
    partition: int
    records: Sequence[Record]


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message to write in the next transaction. ``topic`` is the full name, ``partition`` its target."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[Header] | None = None


class Row(msgspec.Struct, frozen=True, gc=False):
    """One changed row of a table, whole; ``value`` None deletes the key."""

    table: str
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class Changes:
    """All that one transaction writes beside the positions: rows and messages, in order.

    Of several rows of a key, as of a caller's level, the last one counts.
    """

    rows: list[Row] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


class Fold(Protocol):
    """The state of one partition of one stage. All methods are quick, synchronous and do no I/O."""

    def restore(self, table: str, key: bytes, value: bytes | None) -> None:
        """Take one changelog row; later rows of a key replace earlier ones, None removes it.

        Raises ``ValueError`` if it cannot be understood, or removes what is never removed: an empty table
        must never stand for a broken one.
        """

    def restored(self) -> None:
        """Get ready: every row of the changelogs was taken. Raises ``ValueError`` if some must be missing."""

    @property
    def unwritten(self) -> int:
        """How many rows and messages ``drain`` would hand over, about."""

    def drain(self) -> Changes:
        """Hand over what changed since the last call, and forget that it changed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A group of topics that are folded into the same partitions of state.

    ``partitions`` is the partition count of each of its ``topics`` and tables. ``restored`` are the tables
    that a restore reads, ``written`` those that it need not. ``positions_table`` is one of the restored and
    the engine's own: topic name -> next offset; the rows of all others go through ``Fold``. ``outputs`` are
    the topics that its messages go to, and their partition counts.
    """

    name: str
    partitions: int
    topics: frozenset[str]
    restored: tuple[str, ...]
    written: tuple[str, ...]
    new_fold: Callable[[int], Fold]
    positions_table: str
    outputs: Mapping[str, int] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the names of all tables of the stage."""
        return (*self.restored, *self.written)
