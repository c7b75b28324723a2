"""What lies in record batches, made up by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

some_bytes = st.one_of(st.none(), st.binary(max_size=80), st.binary(min_size=8_000, max_size=9_000))
headers = st.lists(st.tuples(st.text(max_size=8), st.one_of(st.none(), st.binary(max_size=80))), max_size=3)


def fields(record: Any) -> tuple[Any, ...]:
    """Return all that a fold may read of a record."""
    return record.offset, record.timestamp, record.key, record.value, tuple(record.headers)
