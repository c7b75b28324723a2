"""The broker's process: started apart from ours, found again by more than its number, and its state file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from app.local.files import LocalBrokerError, write_whole
from app.local.network import PortTakenError
from app.settings import STATE_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil

_FULL = ("No space left on device", "Disk quota exceeded")
_NOTHING = 2**20  # bytes
_SHELL = '"$@" </dev/null >"$LOG_FILE" 2>&1 & echo $!'


@dataclass(frozen=True, slots=True)
class State:
    """What the state file says: where the broker is and how to know it again.

    `token` is part of its command line. A process number alone is reused, and start times move with the
    clock.
    """

    pid: int
    token: str
    port: int
    address: str

    def write(self, data_dir: Path) -> None:
        """Put the state into the state file, whole."""
        write_whole(data_dir / STATE_FILE, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, data_dir: Path) -> State | None:
        """Read the state file; None without one, or when it does not say enough to find a process."""
        try:
            fields = json.loads((data_dir / STATE_FILE).read_bytes())
            pid, token, port, address = (fields[key] for key in ("pid", "token", "port", "address"))
            return cls(int(pid), str(token), int(port), str(address))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def forget(data_dir: Path) -> None:
        """Remove the state file."""
        (data_dir / STATE_FILE).unlink(missing_ok=True)

    def process(self) -> psutil.Process | None:
        """Find the running broker; None when it is gone, even if another process has its number now."""
        import psutil  # noqa: PLC0415 - part of the extra

        try:
            process = psutil.Process(self.pid)
            return process if any(self.token in word for word in process.cmdline()) else None
        except psutil.Error:
            return None


def _environment() -> dict[str, str]:
    """Hand on what Java needs: no secrets, and no options for Java that are meant for other programs."""
    return {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ} | {"LC_ALL": "C.UTF-8"}


def launch(command: Sequence[str], log_file: Path, cwd: Path) -> int:
    """Start a program that outlives us, in its own session so that no Ctrl-C reaches it; return its number.

    A shell starts it in the background and ends: so it is no child of ours, which would stay behind as a
    zombie.
    """
    started = subprocess.run(
        ["/bin/sh", "-c", _SHELL, "sh", *command],
        cwd=cwd,
        env=_environment() | {"LOG_FILE": str(log_file)},
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    return int(started.stdout)


def run(command: Sequence[str], cwd: Path) -> None:
    """Run a Java tool to its end. Raises LocalBrokerError with what it printed when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise failed(done.stdout.decode(errors="replace"), cwd)


def failed(output: str, data_dir: Path) -> LocalBrokerError:
    """Make the error for a broker that ended: its cause in one line if known, else the end of its output."""
    # On a full disk the log may be empty, too.
    if any(words in output for words in _FULL) or shutil.disk_usage(data_dir).free < _NOTHING:
        return LocalBrokerError(f"the disk that holds {data_dir} is full: free some space, then start again")
    if "Address already in use" in output:
        return PortTakenError("another program took a port while Apache Kafka was starting: start again")
    if "Failed to acquire lock on file" in output:
        return LocalBrokerError(f"another Kafka is using {data_dir}: stop it, or set STREAKLINE_DATA_DIR")
    error = LocalBrokerError(f"Apache Kafka ended while starting; the end of its output follows ({data_dir})")
    error.add_note("\n".join(output.splitlines()[-15:]))
    return error
