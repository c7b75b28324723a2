"""The database: rows and the offsets that led to them, in one transaction."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from psycopg.sql import SQL, Identifier

from app.domain.achievements import ACHIEVEMENTS, GATEWAY_ONLY
from app.postgres.connection import Connection
from app.postgres.project.batch import Place, Reached
from app.postgres.project.errors import ProjectionError
from app.postgres.project.projection import Changes
from app.postgres.project.rows import SqlRow, dollars
from app.postgres.queries import load_queries
from app.topics import Surroundings

_QUERIES: Final = load_queries("project", __package__)

#: Seconds in which one that was killed loses its lock: the server finishes the statement that runs.
_LOCK_PATIENCE: Final = 5.0


class Store:
    """The tables of one deployment. Used by one projector: see ``lock``."""

    def __init__(self, connection: Connection, around: Surroundings, places: Sequence[Place]) -> None:
        self._connection = connection
        self._place_of = {(around.changelog(place.table), place.partition): place for place in places}
        self._topic_of = {place: topic for (topic, _), place in self._place_of.items()}
        self._reached: dict[Place, Reached] = {}

    async def lock(self) -> None:
        """Be the only projector of this database while the connection lasts. Raises ``ProjectionError``."""
        deadline = time.monotonic() + _LOCK_PATIENCE
        while not await self._lock():
            if time.monotonic() > deadline:
                raise ProjectionError(
                    "another `streakline project` keeps the tables of this database: one is enough"
                )
            await asyncio.sleep(0.2)

    async def _lock(self) -> bool:
        row = await (await self._connection.execute(_QUERIES["lock"])).fetchone()
        return row is not None and bool(row[0])

    async def ping(self) -> None:
        """Find out whether the database is still there."""
        await self._connection.execute(_QUERIES["ping"])

    async def prepare(self, *, rebuild: bool) -> Mapping[Place, Reached]:
        """Get ready to write; return up to where each changelog is in the tables.

        With ``rebuild`` the tables are emptied before. Raises ``ProjectionError`` if they were filled from
        other topics.
        """
        connection = self._connection
        await connection.execute(_QUERIES["create_incoming"])
        async with connection.transaction():
            if rebuild:
                await connection.execute(_QUERIES["empty_tables"])
            await self._write_catalog()
            found = await (await connection.execute(_QUERIES["read_offsets"])).fetchall()
            if not found:
                for topic, partition in self._place_of:
                    await connection.execute(_QUERIES["insert_offset"], (topic, partition))
                found = [(topic, partition, 0, None) for topic, partition in self._place_of]
        if others := {(topic, partition) for topic, partition, *_ in found} ^ self._place_of.keys():
            topic, partition = min(others)
            raise ProjectionError(
                f"the tables were filled from other topics than these, as {topic}[{partition}] tells: "
                "another deployment, or another number of partitions? --rebuild fills them anew"
            )
        self._reached = {
            self._place_of[topic, partition]: Reached(next_offset, _milliseconds(newest))
            for topic, partition, next_offset, newest in found
        }
        return self._reached

    async def shares(self) -> list[SqlRow]:
        """Return the shares that were written, as (table, partition, key, value)."""
        return await (await self._connection.execute(_QUERIES["read_shares"])).fetchall()

    async def write(self, changes: Changes) -> None:
        """Write changes, all of them or none.

        Raises ``ProjectionError`` if the offsets in the database are not those that were written last:
        somebody else has written.
        """
        async with self._connection.transaction():
            await self._move(changes.reached)
            for table, keys in changes.deleted.items():
                async with self._connection.cursor() as cursor:
                    await cursor.executemany(_QUERIES[f"delete_{table}"], keys)
            for table, rows in changes.rows.items():
                await self._copy(table, rows)
                await self._connection.execute(_QUERIES[f"take_{table}"])
        self._reached.update(changes.reached)

    async def _move(self, reached: Mapping[Place, Reached]) -> None:
        if not reached:
            return
        rows: list[SqlRow] = []
        for place, (next_offset, newest) in reached.items():
            moment = datetime.fromtimestamp(newest / 1000, UTC)
            expected = self._reached[place].next_offset
            rows.append((self._topic_of[place], place.partition, expected, next_offset, moment))
        await self._copy("offsets", rows)
        moved = await self._connection.execute(_QUERIES["take_offsets"])
        if moved.rowcount != len(rows):
            raise ProjectionError(
                "something else writes to the schema streakline: find out what, then start again, "
                "with --rebuild if the tables may be wrong"
            )

    async def _copy(self, table: str, rows: Sequence[SqlRow]) -> None:
        target = SQL("COPY {} FROM STDIN").format(Identifier(f"incoming_{table}"))
        async with self._connection.cursor() as cursor, cursor.copy(target) as copy:
            for row in rows:
                await copy.write_row(row)

    async def _write_catalog(self) -> None:
        await self._connection.execute(_QUERIES["empty_catalog"])
        for position, each in enumerate(ACHIEVEMENTS):
            threshold = dollars(each.threshold) if each.measure == "cost_saved" else each.threshold
            about = (each.id, position, each.title, each.description, each.icon, each.category)
            values = (*about, each.measure, threshold, each.id in GATEWAY_ONLY)
            await self._connection.execute(_QUERIES["insert_achievement"], values)


def _milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None else round(moment.timestamp() * 1000)
