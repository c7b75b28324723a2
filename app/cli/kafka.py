"""`streakline kafka`: the local Apache Kafka from the command line."""

from __future__ import annotations

import os
import sys

import click

from app.cli.progress import progress
from app.local import broker
from app.settings import Settings


@click.group
def command() -> None:
    """Run Apache Kafka on this machine: one node, without Docker and without an installed Java.

    \b
    Its data, its log and its configuration are in the data directory (STREAKLINE_DATA_DIR). It listens on
    127.0.0.1 only, and goes on running until it is stopped.

    \b
    Example:
      streakline kafka start
      streakline kafka status
      streakline kafka stop
    """


@command.command
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to listen; 0 takes any free port. Default: as before in this data directory, else 9092.",
)
def start(port: int | None) -> None:
    """Start it, or find it running. The first start on a machine downloads 45 MB.

    \b
    Example:
      streakline kafka start --port 19092
    """
    data_dir = Settings.from_environ(os.environ).data_dir
    with progress() as report:
        running = broker.start(data_dir, port, report=report)
    verb = "already runs" if running.already_running else "runs"
    click.echo(f"Apache Kafka {broker.KAFKA_VERSION} {verb} on {running.address} (process {running.pid})")
    click.echo(f"data and {running.log_file.name} are in {running.data_dir}")


@command.command
def stop() -> None:
    """Stop it, and wait until it is gone. Its data stays.

    \b
    Example:
      streakline kafka stop
    """
    data_dir = Settings.from_environ(os.environ).data_dir
    stopped = broker.stop(data_dir)
    click.echo("Apache Kafka is stopped" if stopped else f"no Apache Kafka of {data_dir} is running")


@command.command
def status() -> None:
    """Say whether it runs, and where. Exit status: 0 it runs, 1 it does not.

    \b
    Example:
      streakline kafka status || streakline kafka start
    """
    data_dir = Settings.from_environ(os.environ).data_dir
    running = broker.status(data_dir)
    if running is None:
        click.echo(f"no Apache Kafka of {data_dir} is running: start it with `streakline kafka start`")
        sys.exit(1)
    click.echo(f"Apache Kafka {broker.KAFKA_VERSION} runs on {running.address} (process {running.pid})")
    click.echo(f"data and {running.log_file.name} are in {running.data_dir}")
