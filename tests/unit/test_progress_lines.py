from __future__ import annotations

import pytest

from app.cli.progress import _left


@pytest.mark.parametrize(
    ("seconds", "done", "said"),
    [
        (10.0, 250, ", about 30 s left"),
        (10.0, 10, ", about 16 min left"),
        (1.0, 250, ""),
        (10.0, 0, ""),
        (10.0, 1000, ""),
    ],
)
def test_time_left(seconds: float, done: int, said: str) -> None:
    """The rest takes as long as the part that is done did; nothing is said while nobody can know."""
    assert _left(seconds, done, 1000) == said
