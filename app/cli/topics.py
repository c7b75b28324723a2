"""`streakline topics`: makes the topics, and says what is wrong with existing ones."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

from app.settings import Settings

if TYPE_CHECKING:
    from app.provision import Finding


@click.group
def command() -> None:
    """Make the topics, or say what is wrong with existing ones.

    \b
    Example:
      streakline topics create
      streakline topics check
    """


@command.command
def create() -> None:
    """Make the topics that do not exist; leave the others as they are, and check them.

    \b
    Example:
      STREAKLINE_PARTITIONS=16 streakline topics create
    """
    settings = Settings.from_environ(os.environ)
    created, findings = asyncio.run(_create(settings))
    for topic in created:
        click.echo(f"created {topic}")
    _report(findings)


@command.command
def check() -> None:
    """Say what is wrong with the topics. Exit status: 0 nothing, 1 something.

    \b
    Example:
      streakline topics check
    """
    findings = asyncio.run(_check(Settings.from_environ(os.environ)))
    _report(findings)


async def _create(settings: Settings) -> tuple[list[str], list[Finding]]:
    from app.factory import topic_specs  # noqa: PLC0415 - see app.cli.worker
    from app.provision import Provisioner  # noqa: PLC0415

    async with Provisioner(settings) as provisioner:
        created = await provisioner.create(topic_specs(settings))
        return created, await provisioner.check(topic_specs(settings), created)


async def _check(settings: Settings) -> list[Finding]:
    from app.factory import topic_specs  # noqa: PLC0415 - see app.cli.worker
    from app.provision import Provisioner  # noqa: PLC0415

    async with Provisioner(settings) as provisioner:
        return await provisioner.check(topic_specs(settings))


def _report(findings: list[Finding]) -> None:
    problems = [finding for finding in findings if finding.problem]
    for finding in problems:
        click.echo(f"{finding.topic} {finding.problem}")
    if problems:
        sys.exit(1)
    click.echo(f"all {len(findings)} topics are as they must be")
