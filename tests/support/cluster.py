"""Brokers that a test may end and bring back: one node, or three with three replicas of everything."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from string import Template
from typing import TYPE_CHECKING, Self

from app.local import process
from app.local.jars import fetch
from app.local.network import HOST, answers, free_port
from app.local.node import format_command, java_command, new_cluster_id
from app.settings import user_dir

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROPERTIES = Template("""\
process.roles=broker,controller
node.id=$number
listeners=CLIENTS://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=CLIENTS://127.0.0.1:$port
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=$voters
log.dirs=storage
auto.create.topics.enable=false
unclean.leader.election.enable=false
default.replication.factor=$replicas
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# The cleaner looks for something to compact twice a second, so that a test can wait for it.
log.cleaner.backoff.ms=500
log.retention.check.interval.ms=1000
""")

#: Has a broker take what is written to a partition that is not part of the transaction: it will get no marker.
UNCHECKED = "transaction.partition.verification.enable=false\n"

#: Seconds that a node has until it answers, and until it is gone after SIGTERM.
START_PATIENCE = 120.0
STOP_PATIENCE = 60.0


class Node:
    """One broker that is its own controller, or one of three. Its process is a child of ours."""

    def __init__(self, number: int, folder: Path, java: Sequence[str], properties: str = "") -> None:
        self.port = free_port()
        self.controller_port = free_port()
        self.number = number
        self._properties = properties
        self._folder = folder
        self._java = [java[0], "-Xms128m", *java[1:]]
        self._process: subprocess.Popen[bytes] | None = None

    def format(self, cluster_id: str, voters: str, replicas: int) -> None:
        """Write the configuration and make the storage."""
        self._folder.mkdir(parents=True)
        values = {
            "number": self.number,
            "port": self.port,
            "controller_port": self.controller_port,
            "voters": voters,
            "replicas": replicas,
            "in_sync": min(2, replicas),
        }
        (self._folder / "server.properties").write_text(PROPERTIES.substitute(values) + self._properties)
        process.run(format_command(self._java, "server.properties", cluster_id), self._folder)

    def start(self) -> None:
        """Start it; it does not answer yet."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", "server.properties"],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_it_answers(self) -> None:
        """Return when clients can work with it."""
        deadline = time.monotonic() + START_PATIENCE
        while not answers(self.port):
            assert self._process is not None
            assert self._process.poll() is None, f"the broker ended:\n{self._tail()}"
            assert time.monotonic() < deadline, f"the broker does not answer:\n{self._tail()}"
            time.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM: it hands over what it leads, and leaves."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(STOP_PATIENCE)

    def kill(self) -> None:
        """``kill -9``, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _tail(self) -> str:
        return "\n".join((self._folder / "log").read_text(errors="replace").splitlines()[-15:])


class Cluster:
    """Nodes that know each other, with further lines of configuration. A context manager: all are killed in the end."""

    def __init__(self, folder: Path, count: int, properties: str = "") -> None:
        java = java_command(fetch(user_dir(os.environ, "XDG_CACHE_HOME", ".cache"), lambda *_: None))
        self.nodes = [
            Node(number, folder / f"node-{number}", java, properties) for number in range(1, count + 1)
        ]
        self._cleanup = ExitStack()

    @property
    def address(self) -> str:
        """Return the bootstrap servers."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def __enter__(self) -> Self:
        cluster_id = new_cluster_id()
        voters = ",".join(f"{node.number}@{HOST}:{node.controller_port}" for node in self.nodes)
        for node in self.nodes:
            node.format(cluster_id, voters, len(self.nodes))
        for node in self.nodes:
            self._cleanup.callback(node.kill)
            node.start()
        for node in self.nodes:
            node.wait_until_it_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()
