"""The migrations of the schema streakline, and who may read it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from app.postgres.connection import DatabaseError, connect
from app.postgres.schema import READER, Migration, SchemaError, grant_reading, migrate, migrations
from app.settings import Settings
from tests.postgres.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST = Migration(1, "0001-first.sql", "CREATE TABLE streakline.first (id integer)")
SECOND = Migration(2, "0002-second.sql", "ALTER TABLE streakline.first ADD name text; SELECT 1")


async def apply(url: str, *wanted: Migration) -> list[str]:
    """Bring a database to these migrations; return what was applied."""
    async with connect(Settings.from_environ({"HOME": "/", "STREAKLINE_DATABASE_URL": url})) as connection:
        return await migrate(connection, list(wanted))


async def test_each_is_applied_once(empty_database: str) -> None:
    """What is new is applied in order, and what was applied is not applied again."""
    assert await apply(empty_database, FIRST) == ["0001-first.sql"]
    assert await apply(empty_database, FIRST, SECOND) == ["0002-second.sql"]
    assert await apply(empty_database, FIRST, SECOND) == []
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO streakline.first (name) VALUES ('x')")
        rows = connection.execute("SELECT version, name, checksum FROM streakline.migrations").fetchall()
    assert rows == [(each.version, each.name, each.checksum) for each in (FIRST, SECOND)]


async def test_several_at_once(empty_database: str) -> None:
    """Programs that start at the same time take turns: each migration is applied by one of them."""
    applied = await asyncio.gather(*(apply(empty_database, FIRST, SECOND) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], [FIRST.name, SECOND.name]]


async def test_one_that_fails(empty_database: str) -> None:
    """A migration that fails leaves nothing of itself, nor of those that were applied with it."""
    with pytest.raises(DatabaseError, match='table "nothing" does not exist'):
        await apply(empty_database, FIRST, Migration(2, "0002-bad.sql", "DROP TABLE streakline.nothing"))
    assert await apply(empty_database, FIRST) == [FIRST.name]


async def test_newer_schema(empty_database: str) -> None:
    """A schema that a newer release has made is left alone."""
    await apply(empty_database, FIRST, SECOND)
    with pytest.raises(SchemaError, match="is at version 2 and this release knows 1"):
        await apply(empty_database, FIRST)


async def test_changed_migration(empty_database: str) -> None:
    """A migration that is not what was applied is refused."""
    await apply(empty_database, FIRST)
    changed = Migration(1, FIRST.name, FIRST.sql + " ")
    with pytest.raises(SchemaError, match=r"0001-first\.sql .* was applied with another content"):
        await apply(empty_database, changed, SECOND)


def test_files() -> None:
    """The files are numbered without a gap, and their names say what they do."""
    assert [each.version for each in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(re.fullmatch(r"\d{4}-[a-z-]+\.sql", each.name) for each in migrations())


async def test_everything_has_a_comment(empty_database: str) -> None:
    """Every table, view and column of a table says what it is."""
    await apply(empty_database, *migrations())
    with psycopg.connect(empty_database) as connection:
        relations = connection.execute(
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
            " WHERE relnamespace = 'streakline'::regnamespace AND relkind IN ('r', 'v')"
        ).fetchall()
        columns = connection.execute(
            "SELECT c.relname || '.' || a.attname, col_description(c.oid, a.attnum) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relnamespace = 'streakline'::regnamespace AND c.relkind = 'r' AND attnum > 0"
        ).fetchall()
    assert len(relations) >= 13
    assert len(columns) > 60
    assert [name for name, comment in [*relations, *columns] if not comment] == []


@pytest.fixture
def logins(postgres: str) -> Iterator[Sequence[str]]:
    """Two roles that may log in and nothing else: one to own a database, one to read."""
    names = ("streakline_test_owner", "streakline_test_reader")
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP ROLE IF EXISTS {name}".encode())
            connection.execute(f"CREATE ROLE {name} LOGIN".encode())
        yield names
        for name in names:
            connection.execute(f"DROP ROLE IF EXISTS {name}".encode())


async def grant(url: str) -> str | None:
    """Grant reading; return the notice."""
    async with connect(Settings.from_environ({"HOME": "/", "STREAKLINE_DATABASE_URL": url})) as connection:
        return await grant_reading(connection)


async def test_reader(postgres: str, empty_database: str, logins: Sequence[str]) -> None:
    """Who is a member of the reading role can read everything, and write nothing."""
    await apply(empty_database, *migrations())
    assert await grant(empty_database) is None
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"GRANT {READER} TO {logins[1]}".encode())
    with psycopg.connect(make_conninfo(empty_database, user=logins[1]), autocommit=True) as connection:
        for relation in ("counters", "stats", "achievements", "calendar", "migrations"):
            connection.execute(SQL("TABLE streakline.{}").format(Identifier(relation)))
        for statement in (
            "INSERT INTO streakline.levels VALUES ('x', 1, 1, 1)",
            "UPDATE streakline.levels SET level = 1",
            "DELETE FROM streakline.days",
            "TRUNCATE streakline.days",
            "CREATE TABLE streakline.mine (id integer)",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())


async def test_without_the_privilege_to_make_roles(
    postgres: str, empty_database: str, logins: Sequence[str]
) -> None:
    """Where the role is missing and may not be made, a notice says what an administrator has to run."""
    await apply(empty_database)
    await grant(empty_database)
    with new_database(postgres) as (name, url):
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} OWNER TO {logins[0]}".encode())
            connection.execute(f"ALTER ROLE {READER} RENAME TO streakline_reader_elsewhere".encode())
        try:
            own = make_conninfo(url, user=logins[0])
            await apply(own, *migrations())
            notice = await grant(own)
        finally:
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(f"ALTER ROLE streakline_reader_elsewhere RENAME TO {READER}".encode())
        assert await grant(own) is None
    assert notice is not None
    assert f"`CREATE ROLE {READER} NOLOGIN`" in notice
