"""The installed worker as a process, with its log in a file."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import pytest

from tests.support.http import get

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Seconds that a worker has to start, to join the group and to restore.
START_PATIENCE = 60.0
#: Seconds that a worker has to leave after SIGTERM (contract, section 4), and a few for a busy machine.
STOP_PATIENCE = 15.0 + 5.0


class Worker:
    """A process that is stopped at the end of its ``with`` block, come what may."""

    def __init__(self, command: list[str], environ: Mapping[str, str], log_file: Path) -> None:
        self.log_file = log_file
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
        self._expected_to_end = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._expected_to_end = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    @property
    def log(self) -> str:
        """Return what it has logged so far."""
        return self.log_file.read_text(errors="replace")

    def wait_until_folding(self) -> None:
        """Return when the worker folds what was assigned to it."""
        deadline = time.monotonic() + START_PATIENCE
        while "folding: " not in self.log:
            self.fail_if_crashed()
            if time.monotonic() > deadline:
                pytest.fail(f"the worker does not fold after {START_PATIENCE:.0f} s\n{self.log}")
            time.sleep(0.05)

    @property
    def is_ready(self) -> bool:
        """Say whether it answers that it folds what is assigned to it now, or that it stands by."""
        [address] = re.findall(r"health on (\S+)", self.log)
        return get(address).status == HTTPStatus.OK

    def wait_until_ready(self) -> None:
        """Return when it is ready; it must have started already."""
        deadline = time.monotonic() + START_PATIENCE
        while not self.is_ready:
            self.fail_if_crashed()
            if time.monotonic() > deadline:
                pytest.fail(f"the worker is not ready after {START_PATIENCE:.0f} s\n{self.log}")
            time.sleep(0.05)

    def fail_if_crashed(self) -> None:
        """Fail with the log if the worker ended and nobody stopped it."""
        status = self.process.poll()
        if status is not None and not self._expected_to_end:
            pytest.fail(f"the worker left with status {status}\n{self.log}")

    def expect_end(self) -> None:
        """Note that it will end by itself, so that nobody fails because of it."""
        self._expected_to_end = True

    def stop(self) -> int:
        """Send SIGTERM; return the exit status."""
        self._expected_to_end = True
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the worker does not leave after {STOP_PATIENCE:.0f} s\n{self.log}")
