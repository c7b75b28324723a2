"""A `streakline worker` of our own: another process, its log in a file, ended before we end."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from app.errors import StreaklineError

#: A worker that is told to stop commits what it has folded within 15 seconds.
_GRACE = 20.0
_TAIL = 15


class WorkerDiedError(StreaklineError):
    """The worker ended by itself; ``detail`` is the end of its log."""


class Worker:
    """Runs a worker from entering to leaving. ``environ`` are the settings that it differs by from ours."""

    def __init__(self, environ: Mapping[str, str], log_file: Path) -> None:
        self.log_file = log_file
        self._environ = {**os.environ, **environ}
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            # A process group of its own: Ctrl-C is for us, and we end it in order. -P keeps another package
            # named app, in the folder that we were called in, out of its way.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "app.cli", "worker"),
                env=self._environ,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                process_group=0,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def died(self) -> None:
        """Wait until the worker ends, which it should not. Raises ``WorkerDiedError``."""
        assert self._process is not None
        status = await self._process.wait()
        raise self.error(f"the worker ended with status {status}")

    def error(self, message: str) -> WorkerDiedError:
        """Return an error that shows the end of the worker's log."""
        error = WorkerDiedError(f"{message}; the end of its log follows ({self.log_file})")
        lines = self.log_file.read_text(errors="replace").splitlines()
        error.detail = "\n".join(lines[-_TAIL:])
        return error
