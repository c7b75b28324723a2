"""``streakline`` with chunks so small and so slow that a kill finds an import anywhere.

.venv/bin/python -m tests.postgres.small_chunks import
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.cli import main
from app.postgres import reading
from app.postgres.chunks import Chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.fold import Message

#: Seconds before each chunk.
PAUSE = 0.05

_put = Chunks.put


async def put(chunks: Chunks, messages: Sequence[Message]) -> None:
    """Wait a little, so that an import takes longer than it lives between two kills on any machine."""
    await asyncio.sleep(PAUSE)
    await _put(chunks, messages)


if __name__ == "__main__":
    reading.CHUNK = 200
    Chunks.put = put  # type: ignore[assignment,method-assign]
    main()
