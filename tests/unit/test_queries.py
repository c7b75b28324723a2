from __future__ import annotations

from importlib.resources import files

import pytest

from app.postgres.queries import load_queries, parse


def test_queries_by_name() -> None:
    """Each query has a name; what stands before the first is a comment."""
    queries = parse("-- About.\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- Why.\nSELECT\n  2\n")
    assert {name: query.as_string() for name, query in queries.items()} == {
        "one": "SELECT 1;",
        "two": "-- Why.\nSELECT\n  2",
    }


@pytest.mark.parametrize("text", ["-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n", "-- name: a\n\n"])
def test_names_are_unique_and_have_a_query(text: str) -> None:
    """A name that is there twice, or without a query, is refused."""
    with pytest.raises(ValueError, match="a"):
        parse(text)


@pytest.mark.parametrize("package", ["app.postgres", "app.local"])
def test_every_file_is_readable(package: str) -> None:
    """The .sql files beside the code are installed with it, and have queries."""
    for file in files(package).iterdir():
        if file.name.endswith(".sql"):
            assert load_queries(file.name.removesuffix(".sql"), package)
