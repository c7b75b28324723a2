"""The worker of the chaos suite: the product's own, with a shorter session, a point to die at or a safeguard less.

.venv/bin/python -m tests.chaos.worker --session 6 --die-at after-fold:3 --without fencing
"""

from __future__ import annotations

import os

import click

import app.engine.app
from app.settings import Settings
from app.worker import run
from tests.chaos.points import POINTS, STOPPING, arm, lose_markers
from tests.chaos.safeguards import SAFEGUARDS, take_out


@click.command
@click.option("--session", type=float, help="Seconds without a heartbeat after which the group goes on.")
@click.option(
    "--die-at", metavar="POINT:N", help=f"Die when it comes there the n-th time: {', '.join(POINTS)}."
)
@click.option(
    "--stop-before", metavar="POINT:N", help=f"Stop there as by SIGSTOP, once: {', '.join(STOPPING)}."
)
@click.option("--lose-markers", "lose_at", metavar="N", type=int, help="Die, and half the markers with it.")
@click.option("--without", type=click.Choice(list(SAFEGUARDS)), help="Take a safeguard out.")
def main(
    session: float | None,
    die_at: str | None,
    stop_before: str | None,
    lose_at: int | None,
    without: str | None,
) -> None:
    """Fold as `streakline worker` does."""
    if session is not None:
        app.engine.app.SESSION_TIMEOUT = session
    if without is not None:
        take_out(without)
    if die_at is not None:
        arm(POINTS, die_at)
    if stop_before is not None:
        arm(STOPPING, stop_before)
    if lose_at is not None:
        lose_markers(lose_at)
    run(Settings.from_environ(os.environ))


if __name__ == "__main__":
    main()
