"""Connecting to the gateway's Postgres, and saying in one line why it does not work."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from app.errors import SettingsError, StreaklineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.settings import Settings

Connection = AsyncConnection[TupleRow]

_CONNECT_SECONDS = 10


class DatabaseError(StreaklineError):
    """The database cannot be reached, or is not what it must be."""


@asynccontextmanager
async def connect(settings: Settings, application_name: str = "streakline") -> AsyncIterator[Connection]:
    """Yield a connection in autocommit mode, whose days are UTC days and whose times are ISO 8601.

    What goes wrong with the database while it is used, too, is raised as one line: ``DatabaseError``;
    ``SettingsError`` where no database is named, or not by a URL.
    """
    options = _options(settings)
    where = _where(options)
    try:
        connection = await AsyncConnection.connect(
            **{"connect_timeout": _CONNECT_SECONDS, "application_name": application_name, **options},
            autocommit=True,
        )
    except psycopg.Error as error:
        hint = "" if "FATAL" in str(error) else ": is it running?"  # else the server has answered
        raise DatabaseError(f"no PostgreSQL at {where}: {_one_line(error)}{hint}") from error
    async with connection:
        try:
            await connection.execute("SET TimeZone = 'UTC'")
            await connection.execute("SET DateStyle = 'ISO'")
            yield connection
        except psycopg.Error as error:
            raise DatabaseError(f"the PostgreSQL at {where} says: {_one_line(error)}") from error


def _options(settings: Settings) -> dict[str, Any]:
    if settings.database_url is None:
        raise SettingsError(
            "STREAKLINE_DATABASE_URL is not set: it names the gateway's PostgreSQL, "
            "as postgresql://user:password@host:5432/database"
        )
    try:
        return dict(conninfo_to_dict(settings.database_url))
    except psycopg.ProgrammingError:
        # Without what libpq says: it repeats the URL, and with it the password.
        raise SettingsError(
            "STREAKLINE_DATABASE_URL is wrong: postgresql://user:password@host:5432/database is accepted"
        ) from None


def _where(options: dict[str, Any]) -> str:
    """Return the server and the database as people name them, without user and password."""
    host, port = options.get("host", "the local socket"), options.get("port")
    return f"{host}{f':{port}' if port else ''}, database {options.get('dbname', options.get('user', '?'))}"


def _one_line(error: psycopg.Error) -> str:
    """Return what the server or libpq says, the first line of it."""
    text = error.diag.message_primary or str(error) or type(error).__name__
    last = text.strip().splitlines()[0]
    return re.sub(r"^connection failed: ", "", last).rstrip(".")
