"""SQL by name: `.sql` files beside the code, in which every query begins with a line `-- name: <name>`."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, LiteralString, cast

from psycopg.sql import SQL

_NAME: Final = re.compile(r"^-- name: *([\w.-]+) *\n", re.MULTILINE)


def load_queries(file: str, package: str = "app.postgres") -> Mapping[str, SQL]:
    """Return the queries of ``<file>.sql`` in a package by name, to be executed, or formatted and executed.

    What stands before the first name belongs to nobody and is a comment. A name is there once.
    """
    return parse(files(package).joinpath(f"{file}.sql").read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, SQL]:
    """Return the queries of a text. Raises ``ValueError`` for a name that is there twice, or has no query."""
    _, *parts = _NAME.split(text)
    queries: dict[str, SQL] = {}
    for name, query in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            raise ValueError(f"there are two queries {name}")
        if not query.strip():
            raise ValueError(f"there is no query {name}")
        # The files are ours and come with the code: what psycopg asks of a literal holds for them.
        queries[name] = SQL(cast("LiteralString", query.strip()))
    return queries
