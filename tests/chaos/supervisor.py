"""Workers that are started again whenever they leave, as in production, and what became of each of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Arguments = Callable[[], Sequence[str]]

#: The worker of these tests: the product's, with a shorter session where asked for, and faults.
WORKER = (sys.executable, "-m", "tests.chaos.worker")
KILLED = -signal.SIGKILL

#: Seconds between two looks at the processes; also the pause before a start.
EVERY = 0.05
#: Seconds that a worker has to start, to join the group and to restore.
START_PATIENCE = 90.0
#: Seconds that a worker has to leave after SIGTERM (contract, section 4), and a few for a busy machine.
STOP_PATIENCE = 15.0 + 15.0


class WorkerError(AssertionError):
    """A worker does not do what it has to."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A worker that ended: what it was, its status, the last line of its log, and whether that was meant."""

    worker: str
    status: int
    last_line: str
    expected: bool


class Slot:
    """The place of one worker: a process after the other. Use from one thread; the supervisor watches."""

    def __init__(
        self, supervisor: Supervisor, name: str, environ: Mapping[str, str], arguments: Arguments
    ) -> None:
        self.name = name
        #: Asked before every start; see ``.venv/bin/python -m tests.chaos.worker --help``.
        self.arguments = arguments
        self.starts = 0
        #: Statuses that are no surprise when this worker leaves by itself.
        self.expected = supervisor.expected
        self.retired = False
        self._supervisor = supervisor
        self._environ = environ
        self.process = self._start()

    # -- what a fault does ---------------------------------------------------------------------------------

    def kill(self) -> None:
        """``kill -9``; the supervisor starts it again."""
        with self._supervisor.lock:
            self.process.kill()
            self.process.wait()
            self._end(expected=self.process.returncode == KILLED)

    def freeze(self) -> None:
        """SIGSTOP: it stands still, and knows nothing of it."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def retire(self) -> int:
        """SIGTERM; return the status that it leaves with. It is not started again."""
        with self._supervisor.lock:
            self.retired = True
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise WorkerError(
                f"{self.name} does not leave after {STOP_PATIENCE:.0f} s: {self.last_line}"
            ) from None
        with self._supervisor.lock:
            self._depart(expected=status == 0 or status in self.expected)
        return status

    # -- what it says --------------------------------------------------------------------------------------

    @property
    def log_file(self) -> Path:
        """Return the log of the process that runs now or ran last."""
        return self._log_file(self.starts)

    def _log_file(self, start: int) -> Path:
        return self._supervisor.folder / f"{self.name}-{start}.log"

    @property
    def log(self) -> str:
        """Return what that process has logged so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def last_line(self) -> str:
        """Return the last line of the log."""
        return (self.log.strip().splitlines() or [""])[-1]

    @property
    def openings(self) -> tuple[int, int]:
        """Return which of its processes runs now, and how often that one has opened what was assigned to it."""
        return self.starts, self.log.count("folding: ")

    def wait_until_folding(self, patience: float = START_PATIENCE) -> None:
        """Return when it folds, started again meanwhile or not. Raises ``WorkerError``."""
        self.wait_until(lambda: self.openings[1] > 0, "fold", patience)

    def wait_until_open_again(self, before: tuple[int, int], patience: float = START_PATIENCE) -> None:
        """Return when it has opened its partitions once more than it had ``before``. Raises ``WorkerError``."""
        self.wait_until(
            lambda: self.openings[1] > 0 and self.openings > before, "open its partitions again", patience
        )

    def wait_until_started_again(self, starts: int, patience: float = START_PATIENCE) -> None:
        """Return when it was started more than so many times. Raises ``WorkerError``."""
        self.wait_until(lambda: self.starts > starts, "end", patience)

    def wait_until(self, condition: Callable[[], bool], what: str, patience: float = START_PATIENCE) -> None:
        """Return when the condition holds; ``what`` says what it does then. Raises ``WorkerError``."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise WorkerError(f"{self.name} does not {what} after {patience:.0f} s:\n{self.log}")
            time.sleep(EVERY)

    # -- what the supervisor does --------------------------------------------------------------------------

    def look(self) -> None:
        """Start it again if it has left by itself."""
        if not self.retired and self.process.poll() is not None:
            self._end(expected=self.process.returncode in self.expected)

    def end(self) -> None:
        """Kill it for good."""
        self.retired = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _end(self, *, expected: bool) -> None:
        self._depart(expected=expected)
        self.process = self._start()

    def _depart(self, *, expected: bool) -> None:
        departure = Departure(self.name, self.process.returncode, self.last_line, expected)
        self._supervisor.departures.append(departure)

    def _start(self) -> subprocess.Popen[bytes]:
        # Whoever reads the log of the process that runs now must find one.
        with self._log_file(self.starts + 1).open("wb") as log:
            self.starts += 1
            return subprocess.Popen(
                [*WORKER, *self._supervisor.arguments, *self.arguments()],
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


class Supervisor:
    """Keeps workers running, from a thread of its own. Kills all of them at the end of its ``with`` block."""

    def __init__(self, environ: Mapping[str, str], folder: Path, arguments: Sequence[str] = ()) -> None:
        self.folder = folder
        self.slots: list[Slot] = []
        self.departures: list[Departure] = []
        self.lock = threading.RLock()
        #: Statuses that are no surprise when one of the workers to come leaves by itself.
        self.expected: frozenset[int] = frozenset()
        #: Of every worker.
        self.arguments = tuple(arguments)
        self._environ = environ
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for slot in self.slots:
            slot.end()

    def start(self, *, static: bool = False, arguments: Arguments = tuple) -> Slot:
        """Start one more worker; ``static`` gives it a lasting name in the consumer group."""
        name = f"worker-{len(self.slots)}"
        environ = {**self._environ, **({"STREAKLINE_INSTANCE_ID": name} if static else {})}
        with self.lock:
            slot = Slot(self, name, environ, arguments)
            self.slots.append(slot)
        return slot

    @property
    def running(self) -> list[Slot]:
        """Return the workers that are not retired."""
        return [slot for slot in self.slots if not slot.retired]

    def retire_all(self) -> None:
        """SIGTERM to all, one after the other; return when they have left."""
        for slot in self.running:
            slot.retire()

    def _watch(self) -> None:
        while not self._stopped.wait(EVERY):
            with self.lock:
                for slot in self.slots:
                    slot.look()
