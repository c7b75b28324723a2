"""What a bench runs in: a broker, an environment with a prefix of its own, and child processes that end with it."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.errors import StreaklineError
from app.factory import topic_specs
from app.local import broker as local
from app.local.node import STORAGE
from app.provision import Provisioner
from app.settings import Settings
from app.topics import INPUTS, Surroundings

PARTITIONS = 8
REQUESTS = "gateway.requests"

#: Seconds after which partitions that were just made have leaders; clients complain loudly until then.
LEADERS_WITHIN = 1.5

#: A worker as the command starts it; -c puts the checkout first, whatever is installed.
WORKER = (sys.executable, "-c", "from app.cli import main; main()", "worker")


class BenchError(StreaklineError):
    """Something that is measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A broker, a topic prefix and a folder for logs. All that is made under the prefix is deleted in the end.

    ``storage`` is the folder of the broker's logs, ``broker`` its process; None where it is not the bench's own.
    """

    address: str
    prefix: str
    folder: Path
    storage: Path | None = None
    broker: int | None = None

    def under(self, name: str) -> "Bench":
        """Return the same bench with a longer prefix, for input topics of their own."""
        return replace(self, prefix=f"{self.prefix}{name}-")

    def bytes_written(self) -> int:
        """Return the bytes in all logs on the broker's own disk: differences say what was written between.

        Compaction takes some away again, but never from the newest segment of a partition. What is left of
        deleted topics is not counted.
        """
        assert self.storage is not None
        total = 0
        for folder in self.storage.iterdir():
            with suppress(FileNotFoundError, NotADirectoryError):  # of a topic that was just deleted; a file
                total += 0 if folder.name.endswith("-delete") else _bytes_of_logs(folder)
        return total

    def environment(self, app_id: str) -> dict[str, str]:
        """Return the environment of a deployment: the same input topics for all, changelogs of its own."""
        return {
            "STREAKLINE_REPLICATION_FACTOR": "1",
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.address,
            "STREAKLINE_TOPIC_PREFIX": self.prefix,
            "STREAKLINE_APP_ID": app_id,
            "STREAKLINE_PARTITIONS": str(PARTITIONS),
            "STREAKLINE_WORKER_PORT": "0",
            "STREAKLINE_DATA_DIR": str(self.folder),
        }

    def settings(self, app_id: str) -> Settings:
        """Return the settings of a deployment."""
        return Settings.from_environ(self.environment(app_id))

    async def create_inputs(self) -> None:
        """Make the gateway's topics, as a deployment would."""
        settings = self.settings("any")
        inputs = {Surroundings.of(settings).topic(name) for name in INPUTS}
        async with Provisioner(settings) as provisioner:
            await provisioner.create([spec for spec in topic_specs(settings) if spec.name in inputs])
        await asyncio.sleep(LEADERS_WITHIN)

    async def create_topics(self, app_id: str) -> None:
        """Make the topics of a deployment."""
        settings = self.settings(app_id)
        async with Provisioner(settings) as provisioner:
            await provisioner.create(topic_specs(settings))
        await asyncio.sleep(LEADERS_WITHIN)

    async def create_topics_of_its_own(self, *names: str) -> None:
        """Make topics that are not of a deployment."""
        admin = AIOKafkaAdminClient(**self.settings("any").kafka_options())
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        finally:
            await admin.close()
        await asyncio.sleep(LEADERS_WITHIN)

    async def topics(self) -> list[str]:
        """Return the names of all topics of the broker."""
        admin = AIOKafkaAdminClient(**self.settings("any").kafka_options())
        await admin.start()
        try:
            return list(await admin.list_topics())
        finally:
            await admin.close()

    async def delete_topics(self, beginning: str = "") -> None:
        """Delete the topics whose names begin with the prefix and ``beginning``."""
        admin = AIOKafkaAdminClient(**self.settings("any").kafka_options())
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if name.startswith(self.prefix + beginning)]
            if names:
                await admin.delete_topics(names)
        finally:
            await admin.close()


def _bytes_of_logs(folder: Path) -> int:
    with os.scandir(folder) as files:
        return sum(file.stat().st_size for file in files if file.name.endswith(".log"))


@contextmanager
def bench(name: str) -> Iterator[Bench]:
    """Yield a bench on the broker that KAFKA_BOOTSTRAP_SERVERS says, else on one that lives as long as the bench."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    configured = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    prefix = f"{name[0]}{os.getpid()}-"  # short: Quix Streams puts six topic names into one of 255 characters
    with tempfile.TemporaryDirectory(prefix="streakline-bench-") as folder:
        if configured:
            here = Bench(configured, prefix, Path(folder))
            try:
                yield here
            finally:
                asyncio.run(here.delete_topics())
            return
        running = local.start(Path(folder), port=0)
        try:
            yield Bench(running.address, prefix, Path(folder), Path(folder) / STORAGE, running.pid)
        finally:
            local.stop(Path(folder))


class Child:
    """A program of its own, with its output in a file. Killed when the bench ends, however it ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.started = time.monotonic()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def output(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text(errors="replace")

    def require_running(self) -> None:
        """Raise ``BenchError`` with the end of its output if it has ended."""
        if (status := self.process.poll()) is not None:
            end = "\n".join(self.output.splitlines()[-20:])
            raise BenchError(f"{self.log.stem} ended with status {status}:\n{end}")

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    async def terminate(self, within: float = 30.0) -> int | None:
        """Ask it to end; return its status, None if it had to be killed after ``within`` seconds."""
        self.process.terminate()
        try:
            return await asyncio.to_thread(self.process.wait, within)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


async def finish(child: Child, within: float) -> str:
    """Wait until a program ends with status 0; return its output. Raises ``BenchError``."""
    try:
        status = await asyncio.to_thread(child.process.wait, within)
    except subprocess.TimeoutExpired as exc:
        raise BenchError(f"{child.log.stem} has not ended in {within:.0f} s") from exc
    if status:
        child.require_running()
    return child.output
