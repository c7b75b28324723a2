from __future__ import annotations

from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from app.errors import SettingsError, StreaklineError
from app.postgres.connection import DatabaseError, connect
from app.settings import Settings


async def select(query: str, **environ: str) -> Any:
    """Return the first row that a query has."""
    async with connect(Settings.from_environ({"HOME": "/", **environ})) as connection:
        return await (await connection.execute(query.encode())).fetchone()


async def test_connect(empty_database: str) -> None:
    """Days are days of UTC, whatever the server's own time zone is."""
    query = "SELECT current_setting('TimeZone'), '2024-02-29 23:30:00-05'::timestamptz::date::text"
    url = make_conninfo(empty_database, options="-c TimeZone=America/New_York")
    assert await select(query, STREAKLINE_DATABASE_URL=url) == ("UTC", "2024-03-01")


async def test_no_database_is_named() -> None:
    """Without the setting, the error names it and shows how it looks."""
    with pytest.raises(SettingsError, match=r"STREAKLINE_DATABASE_URL is not set: .*postgresql://"):
        await select("SELECT 1")


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@[::1/d", "no url s3cret", "host"])
async def test_wrong_url(url: str) -> None:
    """A URL that is none is an error that does not repeat it, because a password may be in it."""
    with pytest.raises(SettingsError, match="is wrong") as error:
        await select("SELECT 1", STREAKLINE_DATABASE_URL=url)
    assert "s3cret" not in str(error.value)


async def test_no_server() -> None:
    """A server that does not answer is one line that says where it was looked for, without the password."""
    url = "postgresql://u:s3cret@127.0.0.1:1/gateway"
    with pytest.raises(
        StreaklineError, match=r"no PostgreSQL at 127\.0\.0\.1:1, database gateway: "
    ) as error:
        await select("SELECT 1", STREAKLINE_DATABASE_URL=url)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


async def test_no_such_database(postgres: str) -> None:
    """A database that does not exist is named."""
    with pytest.raises(DatabaseError, match='database "elsewhere" does not exist'):
        await select("SELECT 1", STREAKLINE_DATABASE_URL=make_conninfo(postgres, dbname="elsewhere"))


async def test_error_of_the_server(empty_database: str) -> None:
    """What the server refuses is one line in its own words."""
    with pytest.raises(DatabaseError, match=r'says: relation "nothing" does not exist$'):
        await select("SELECT * FROM nothing", STREAKLINE_DATABASE_URL=empty_database)
