from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from app.local.postgres import local_postgres
from app.postgres.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Iterator

GATEWAY = load_queries("gateway", "app.local")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of one real PostgreSQL for all tests: the one that STREAKLINE_DATABASE_URL names, else one of our own."""
    if url := os.environ.get("STREAKLINE_DATABASE_URL"):
        yield url
    else:
        with local_postgres() as url:
            yield url


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """The name of a database with the gateway's tables, all of them and empty."""
    with new_database(postgres) as (name, url):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(GATEWAY["create_tables"])
            connection.execute(GATEWAY["create_optional_tables"])
        yield name


@pytest.fixture
def database(postgres: str, template: str) -> Iterator[str]:
    """The URL of a database of the test's own: the gateway's tables, empty."""
    with new_database(postgres, template) as (_, url):
        yield url


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """The URL of a database of the test's own without tables."""
    with new_database(postgres) as (_, url):
        yield url


@contextmanager
def new_database(postgres: str, template: str = "template1") -> Iterator[tuple[str, str]]:
    """Make a database; yield its name and its URL; drop it, even where a test has left connections open."""
    name = f"streakline_{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        )
        try:
            yield name, make_conninfo(postgres, dbname=name)
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
