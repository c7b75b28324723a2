"""A `streakline worker` or `view` of our own: another process, its log in a file, ended before we end."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Self

from app.errors import StreaklineError

#: A worker that is told to stop commits what it has folded within 15 seconds.
_GRACE = 20.0
_TAIL = 15


class ProgramDiedError(StreaklineError):
    """The program ended by itself; a note is the end of its log."""


class Program:
    """Runs a command of streakline from entering to leaving.

    ``environ`` are the settings that it differs by from ours. Its log is in ``folder``.
    """

    def __init__(self, command: str, environ: Mapping[str, str], folder: Path) -> None:
        self.log_file = folder / f"demo-{command}.log"
        self._command = command
        self._environ = {**os.environ, **environ}
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            # A process group of its own: Ctrl-C is for us, and we end it in order. -P keeps another package
            # named app, in the folder that we were called in, out of its way.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "app.cli", self._command),
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
        """Wait until the program ends, which it should not. Raises ``ProgramDiedError``."""
        assert self._process is not None
        status = await self._process.wait()
        raise self.error(f"the {self._command} ended with status {status}")

    async def wait_for(self, what: Awaitable[object], seconds: float, late: str) -> None:
        """Wait for something that the program has to do. Raises ``ProgramDiedError`` if it takes too long."""
        try:
            await asyncio.wait_for(what, seconds)
        except TimeoutError:
            raise self.error(f"{late} after {seconds:.0f} s") from None

    def error(self, message: str) -> ProgramDiedError:
        """Return an error that shows the end of the program's log."""
        error = ProgramDiedError(f"{message}; the end of its log follows ({self.log_file})")
        lines = self.log_file.read_text(errors="replace").splitlines()
        error.add_note("\n".join(lines[-_TAIL:]))
        return error
