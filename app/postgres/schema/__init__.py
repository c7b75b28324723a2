"""The schema ``streakline``: its migrations, and what applies each of them once.

A migration is a file ``NNNN-<what>.sql`` beside this one, numbered from 1 without a gap. One that was
released is never edited: its checksum is recorded where it was applied. ``streakline_reader`` may read all.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from psycopg import errors

from app.postgres.connection import Connection, DatabaseError
from app.postgres.queries import load_queries

READER: Final = "streakline_reader"

_FILE: Final = re.compile(r"(\d{4})-[a-z0-9-]+\.sql")
_QUERIES: Final = load_queries("schema", __name__)

#: The least PostgreSQL that has multiranges.
_OLDEST: Final = 140000


class SchemaError(DatabaseError):
    """The schema is not what this release can work with."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return a hash of what it does."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the migrations of this release, in order."""
    found = sorted((file.name, file) for file in files(__name__).iterdir() if _FILE.fullmatch(file.name))
    return [Migration(int(name[:4]), name, file.read_text(encoding="utf-8")) for name, file in found]


async def migrate(connection: Connection, wanted: list[Migration] | None = None) -> list[str]:
    """Bring the schema to this release, in one transaction; return the names of what was applied now.

    Programs that call this at the same time take turns. Raises ``SchemaError`` if the server is too old, the
    schema is newer than this release, or a migration was changed after it was applied.
    """
    wanted = migrations() if wanted is None else wanted
    if connection.info.server_version < _OLDEST:
        raise SchemaError(
            f"the PostgreSQL is version {connection.info.server_version // 10000}: 14 is needed"
        )
    async with connection.transaction():
        await connection.execute(_QUERIES["lock_schema"])
        if not await _value(connection, "schema_exists"):
            await connection.execute(_QUERIES["create_schema"])
        if not await _value(connection, "migrations_exist"):
            await connection.execute(_QUERIES["create_migrations"])
        applied = {
            int(version): (str(name), str(checksum))
            for version, name, checksum in await (
                await connection.execute(_QUERIES["applied_migrations"])
            ).fetchall()
        }
        _check(wanted, applied)
        new = [each for each in wanted if each.version not in applied]
        for each in new:
            await connection.execute(each.sql.encode())
            await connection.execute(_QUERIES["record_migration"], (each.version, each.name, each.checksum))
    return [each.name for each in new]


async def grant_reading(connection: Connection) -> str | None:
    """Let ``streakline_reader`` read the schema; return what to do where privileges do not allow it."""
    try:
        if not await _value(connection, "reader_exists"):
            await connection.execute(_QUERIES["create_reader"])
    except errors.InsufficientPrivilege:
        return (
            f"there is no role {READER} and this user may not make it: have an administrator run "
            f"`CREATE ROLE {READER} NOLOGIN`, then start again"
        )
    except (errors.DuplicateObject, errors.UniqueViolation):
        pass  # another database of the same server was quicker
    async with connection.transaction():
        await connection.execute(_QUERIES["grant_reading"])
    return None


def _check(wanted: list[Migration], applied: dict[int, tuple[str, str]]) -> None:
    newest = max((each.version for each in wanted), default=0)
    if applied and max(applied) > newest:
        raise SchemaError(
            f"the schema streakline is at version {max(applied)} and this release knows {newest}: "
            "use the newer release that wrote it"
        )
    for each in wanted:
        name, checksum = applied.get(each.version, (each.name, each.checksum))
        if (name, checksum) != (each.name, each.checksum):
            raise SchemaError(
                f"migration {name} of the schema streakline was applied with another content than "
                f"{each.name} has: use the release that wrote it, or drop the schema to fill it anew"
            )


async def _value(connection: Connection, query: str) -> bool:
    row = await (await connection.execute(_QUERIES[query])).fetchone()
    return row is not None and bool(row[0])
