"""What an import has done so far: rows of a compacted topic, written in the transactions of the events.

A kill leaves a transaction whole or undone, so what the topic says is exactly what was sent. Keys are
``<kind>/<table>`` or ``<kind>/<table>/<key of the row>``, values JSON:

- ``position``: up to where the table is read;
- ``known``: of a row that may change, what was imported of it;
- ``refused``: a row that breaks the contract, and how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiokafka import TopicPartition

from app.engine.changelog import ChangelogReader
from app.engine.fold import Message
from app.errors import StreaklineError
from app.topics import IMPORT, Surroundings

if TYPE_CHECKING:
    from app.settings import Settings

_VERSION: Final = 1


class ImportStateError(StreaklineError):
    """The state is not what this release writes."""


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Up to where a table is read. Times are texts of the database, exact as it has them.

    ``until`` is the cut-over: rows before it are imported, from ``since`` on. Behind it, a table that is
    followed is read in ranges of transaction numbers: below ``horizon`` all is imported, and rows of the
    others are not older than ``floor``; ``target`` is the range that is being read, if any. ``after`` is the
    last row that was imported of what is being read: its time and its key.
    """

    version: int = _VERSION
    until: str
    since: str | None = None
    after: tuple[str, ...] | None = None
    is_done: bool = False
    horizon: int | None = None
    floor: str | None = None
    target: tuple[int, str] | None = None
    #: Rows that were read so far.
    rows: int = 0


class Refused(msgspec.Struct, frozen=True):
    """A row that breaks the contract: its table, its key as people write it, and what is wrong with it."""

    table: str
    row: str
    problem: str


@dataclass(slots=True)
class ImportState:
    """The newest rows of the topic. What is put is written by whoever sends the returned message."""

    topic: str
    positions: dict[str, Position] = field(default_factory=dict)
    known: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refused: dict[str, dict[str, Refused]] = field(default_factory=dict)

    def put_position(self, table: str, position: Position) -> Message:
        """Set where a table stands."""
        self.positions[table] = position
        return self._message(("position", table), position)

    def put_known(self, table: str, key: str, known: Any) -> Message:
        """Set what was imported of a row."""
        value = msgspec.json.encode(known)
        self.known.setdefault(table, {})[key] = value
        return Message(self.topic, 0, _key("known", table, key), value)

    def put_refused(self, table: str, key: str, refused: Refused | None) -> Message:
        """Set what is wrong with a row; None: nothing any more."""
        rows = self.refused.setdefault(table, {})
        if refused is None:
            rows.pop(key, None)
        else:
            rows[key] = refused
        return self._message(("refused", table, key), refused)

    def all_refused(self) -> list[Refused]:
        """Return all rows that are refused, by table and key."""
        return [rows[key] for _, rows in sorted(self.refused.items()) for key in sorted(rows)]

    def _message(self, key: tuple[str, ...], value: msgspec.Struct | None) -> Message:
        return Message(self.topic, 0, _key(*key), None if value is None else msgspec.json.encode(value))

    def restore(self, raw_key: bytes, value: bytes | None) -> None:
        """Take a row of the topic."""
        kind, table, *rest = raw_key.decode().split("/", 2)
        match kind:
            case "position" if value is not None:
                self.positions[table] = _decode(value, Position)
            case "known" if value is not None:
                self.known.setdefault(table, {})[rest[0]] = value
            case "refused" if value is not None:
                self.refused.setdefault(table, {})[rest[0]] = _decode(value, Refused)
            case "refused":
                self.refused.get(table, {}).pop(rest[0], None)
            case _:
                raise ImportStateError(f"{self.topic} has a row {kind} that this release does not know")


async def read_state(settings: Settings) -> ImportState:
    """Return what an import has done so far; nothing if there was none. The topic must exist."""
    topic = Surroundings.of(settings).topic(IMPORT)
    state = ImportState(topic)
    options, rows = settings.kafka_options(), [TopicPartition(topic, 0)]
    async with ChangelogReader(options, "read_uncommitted") as everything, ChangelogReader(options) as reader:
        await reader.read_to_end(
            rows,
            lambda _topic, _partition, key, value: state.restore(key, value),
            ends=await everything.ends(rows),
        )
    return state


def _key(*parts: str) -> bytes:
    return "/".join(parts).encode()


def _decode(value: bytes, row_type: type[Any]) -> Any:
    try:
        row = msgspec.json.decode(value, type=row_type)
    except msgspec.DecodeError as error:
        raise ImportStateError(f"the state of the import cannot be read: {error}") from None
    if getattr(row, "version", _VERSION) != _VERSION:
        raise ImportStateError(f"the state of the import has version {row.version}: another release wrote it")
    return row
