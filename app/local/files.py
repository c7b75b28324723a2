"""Files that survive being interrupted: written whole or not at all, changed by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import StreaklineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Report = Callable[[str, int, int], None]
"""Told about long work: what is being done, how much of it is done, of how much (0: nobody knows)."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class LocalBrokerError(StreaklineError):
    """The local Kafka cannot be started, found or stopped; the message says what to do."""


def explain(error: OSError, folder: Path) -> LocalBrokerError:
    """Say in one line what an error of the operating system about a file means."""
    if error.errno in FULL:
        return LocalBrokerError(f"the disk that holds {folder} is full: free some space, then start again")
    return LocalBrokerError(f"{error.filename or folder} cannot be used: {error.strerror or error}")


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader, and a start after a crash, sees the old content or the new."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def one_at_a_time(lock: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file's lock; block while another process holds it, after calling `on_wait`.

    The operating system gives the lock back when its holder dies, so it is never stale; the file itself
    stays.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
