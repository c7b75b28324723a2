"""What a table of the gateway looks like: its columns, its key, and by what its rows are found quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from app.postgres.connection import DatabaseError
from app.postgres.queries import load_queries
from app.postgres.sources import AS_IT_IS, WHOLE_NUMBERS, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.postgres.connection import Connection

QUERIES = load_queries("import")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that exists. ``key`` are the columns that tell its rows apart, in the order of its index."""

    source: Source
    types: Mapping[str, str]
    key: tuple[str, ...]
    indexed: frozenset[str]

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.source.table

    @property
    def time(self) -> str | None:
        """Return the column that says when; None where the table has none."""
        return next((column for column in self.source.times if column in self.types), None)

    def require(self, columns: Sequence[str]) -> None:
        """Raise ``DatabaseError`` where columns are missing that nothing can stand for."""
        if missing := [column for column in columns if column not in self.types]:
            raise DatabaseError(f"table {self.name} has no column {missing[0]}, which the events need")

    def require_index(self) -> None:
        """Raise ``DatabaseError`` where new rows could be found by a scan only."""
        time = self.source.times[0]
        self.require([time])
        if time not in self.indexed:
            raise DatabaseError(
                f"new rows of {self.name} cannot be found without a scan: "
                f"CREATE INDEX CONCURRENTLY ON {self.name} ({time})"
            )

    def format(self, query: str, **more: Composable) -> Composed:
        """Return a query of import.sql with the names of this table."""
        known: dict[str, Composable] = {
            "table": Identifier(self.name),
            "key": SQL(", ").join(SQL("t.{}::text").format(Identifier(column)) for column in self.key),
            "order": SQL(", ").join(SQL("t.{}").format(Identifier(column)) for column in self.key),
            "event": self._event(),
            "identity": self._identity(),
        }
        if self.time is not None:
            known |= {"time": Identifier(self.time), "time_type": self._type(self.time)}
        return QUERIES[query].format(**known, **more)

    def behind(self, position: Sequence[str]) -> Composable:
        """Return the condition for the rows behind a position: the time and the key of a row, as texts."""
        assert self.time is not None
        columns = (self.time, *self.key)
        values = [
            SQL("{}::{}").format(Literal(value), self._type(column))
            for column, value in zip(columns, position, strict=True)
        ]
        names = [SQL("t.{}").format(Identifier(column)) for column in columns]
        return SQL("({}) > ({})").format(SQL(", ").join(names), SQL(", ").join(values))

    def from_time(self, moment: str) -> Composable:
        """Return the condition for the rows that are not before a time."""
        return SQL("t.{} >= {}").format(*self._time_and(moment))

    def before_time(self, moment: str) -> Composable:
        """Return the condition for the rows that are before a time, or have none."""
        name, value = self._time_and(moment)
        return SQL("(t.{} < {} OR t.{} IS NULL)").format(name, value, name)

    def _time_and(self, moment: str) -> tuple[Composable, Composable]:
        assert self.time is not None
        value = SQL("{}::text::{}").format(Literal(moment), self._type(self.time))
        return Identifier(self.time), value

    def _type(self, column: str) -> Composable:
        # As the catalog writes it, quoted where it has to be.
        return SQL(self.types[column])

    def _event(self) -> Composable:
        """Return the columns of an event, under the event's names, as row_to_json shall write them."""
        source = self.source
        columns = [SQL("{} AS {}").format(self._identity(), Identifier(source.identity))]
        columns += [
            SQL("{} AS {}").format(self._value(column), Identifier(column))
            for column in source.columns
            if column in self.types and column != source.identity
        ]
        times = [self._moment(column) for column in source.times if column in self.types]
        if times:
            columns.append(SQL("coalesce({}) AS created_at").format(SQL(", ").join(times)))
        return SQL(", ").join(columns)

    def _identity(self) -> Composable:
        own = self.source.identity
        columns = (own,) if own in self.types else self.key
        return SQL("concat_ws('/', {})").format(
            SQL(", ").join(SQL("t.{}::text").format(Identifier(column)) for column in columns)
        )

    def _value(self, column: str) -> Composable:
        name = SQL("t.{}").format(Identifier(column))
        if column in AS_IT_IS:
            return name
        if column in WHOLE_NUMBERS:
            whole = self.types[column] in {"smallint", "integer", "bigint"}
            return name if whole else SQL("trim_scale({}::numeric)").format(name)
        return SQL("{}::text").format(name)

    def _moment(self, column: str) -> Composable:
        name = SQL("t.{}").format(Identifier(column))
        return SQL("{}::timestamp").format(name) if self.types[column] == "date" else name


async def find(connection: Connection, source: Source) -> Table | None:
    """Return the table of a source; None where an optional one is missing. Raises ``DatabaseError``."""
    types = dict(await _rows(connection, "columns", source))
    if not types:
        if source.needed:
            raise DatabaseError(f"there is no table {source.table}: is this the gateway's database?")
        return None
    key = tuple(name for (name,) in await _rows(connection, "primary_key", source))
    if not key and source.identity in types:
        key = (source.identity,)
    if not key:
        raise DatabaseError(
            f"table {source.table} has neither a primary key nor a column {source.identity}: "
            "its rows cannot be told apart"
        )
    indexed = frozenset(name for (name,) in await _rows(connection, "indexed_columns", source))
    table = Table(source, types, key, indexed)
    if table.time is not None and not table.types[table.time].startswith(("timestamp", "date")):
        raise DatabaseError(
            f"column {table.time} of {table.name} is {table.types[table.time]}: timestamptz, timestamp and "
            "date are understood"
        )
    return table


async def _rows(connection: Connection, query: str, source: Source) -> list[Any]:
    return await (await connection.execute(QUERIES[query], {"table": source.table})).fetchall()
