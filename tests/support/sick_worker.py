"""A worker that hangs for ever as soon as it meets an event of the caller ``hang``, and is given up soon.

.venv/bin/python -m tests.support.sick_worker SECONDS fold|commit
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import chain
from typing import TYPE_CHECKING, Any

from app.engine.batches import Batches
from app.engine.transactions import TransactionalWriter
from app.settings import Settings
from app.worker import run

if TYPE_CHECKING:
    from app.engine.fetched import Fetched
    from app.engine.fold import Message
    from app.engine.record_writer import Rows

HANG = b'"hang"'
FOR_EVER = 3600.0

_fold_one = Batches._fold_one
_write = TransactionalWriter.write


async def fold_one(batches: Batches, fetched: Fetched, function: Any) -> None:
    """Hang in the fold, where the event loop stands still too."""
    if any(HANG in (record.value or b"") for record in fetched.records):
        time.sleep(FOR_EVER)  # noqa: ASYNC251 - that is its purpose
    await _fold_one(batches, fetched, function)


async def write(writer: TransactionalWriter, messages: list[Message], rows: Rows) -> None:
    """Hang in the transaction, where the event loop goes on."""
    keys = [each.key or b"" for each in chain(messages, *rows.values())]
    if any(b"/hang" in key or key == b"hang" for key in keys):
        await asyncio.sleep(FOR_EVER)
    await _write(writer, messages, rows)


if __name__ == "__main__":
    seconds, where = sys.argv[1:]
    if where == "fold":
        Batches._fold_one = fold_one  # type: ignore[assignment,method-assign]
    elif where == "commit":
        TransactionalWriter.write = write  # type: ignore[assignment,method-assign]
    run(Settings.from_environ(os.environ), stuck_after=float(seconds))
