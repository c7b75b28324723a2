"""`streakline view`: answers questions about all scopes over HTTP."""

from __future__ import annotations

import contextlib
import os

import click

from app.cli.signals import end_like_ctrl_c
from app.settings import Settings


@click.command
@click.option("--insecure", is_flag=True, help="Serve other machines without a token.")
def command(*, insecure: bool) -> None:
    """Serve the dashboard and the HTTP interface until stopped; start as many as you like.

    It reads the changelogs: it needs no worker, and hurts none. It listens on 127.0.0.1:8080
    (STREAKLINE_VIEW_HOST, STREAKLINE_VIEW_PORT); an address that other machines reach needs
    STREAKLINE_API_TOKEN or --insecure.
    /healthz/ready is 503 until everything is read, and while the broker cannot be reached.

    \b
    Example:
      streakline view
      curl http://127.0.0.1:8080/v1/scopes/gateway/buddy
    """
    settings = Settings.from_environ(os.environ)
    import logging.config  # noqa: PLC0415 - wrong settings are said at once

    from app.view.guard import require_safe  # noqa: PLC0415
    from app.view.service import run  # noqa: PLC0415
    from app.worker import LOGGING  # noqa: PLC0415

    require_safe(settings, insecure=insecure)
    logging.config.dictConfig(LOGGING)
    # It would tell of every attempt to reach a broker that is away; the view says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    end_like_ctrl_c()
    with contextlib.suppress(KeyboardInterrupt):
        run(settings)
