"""`streakline worker`: folds until it is stopped."""

from __future__ import annotations

import os

import click

from app.settings import Settings


@click.command
def command() -> None:
    """Fold the gateway's events until stopped; start as many as there are partitions.

    SIGTERM or Ctrl-C commits what is folded and leaves within 15 seconds; much that waits while it is
    behind is left, to be folded again. Where memory could be ahead of the log (fenced by another worker,
    broker gone, a transaction failed) it leaves at once with status 1: let a supervisor start it again.

    \b
    Example:
      STREAKLINE_WORKER_PORT=0 streakline worker
    """
    settings = Settings.from_environ(os.environ)
    from app.worker import run  # noqa: PLC0415 - Faust takes a second to import, wrong settings are said at once

    run(settings)
