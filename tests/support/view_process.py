"""The installed view as a process, and what it answers."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.deployment import STREAKLINE
from tests.support.http import Answer, get

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment
    from tests.support.worker import Worker

#: Seconds within which a view answers what a test waits for.
PATIENCE = 60.0


def start_view(deployment: Deployment, **settings: str) -> Worker:
    """Start the installed view on any free port. Use as a context manager, which stops it."""
    return deployment.start_worker((str(STREAKLINE), "view"), **{"STREAKLINE_VIEW_PORT": "0", **settings})


def address(view: Worker) -> str:
    """Return where the view listens; wait until it does."""
    wait_until(lambda: "serving on " in view.log, view)
    found = re.search(r"serving on (http://\S+)/", view.log)
    assert found is not None
    return found[1]


def ask(view: Worker, path: str) -> Answer:
    """Return what the view answers, whatever it is."""
    return get(address(view) + path)


def scope(view: Worker, name: str, rest: str) -> Any:
    """Return a part of a scope; fail if it is not answered."""
    answer = ask(view, f"/v1/scopes/{quote(name, safe='')}/{rest}")
    assert answer.status == 200, answer.body
    return answer.json()


def is_ready(view: Worker) -> bool:
    """Say whether the view says that it is ready."""
    return ask(view, "/healthz/ready").status == 200


def wait_until_ready(view: Worker) -> None:
    """Return when the view is ready."""
    wait_until(lambda: is_ready(view), view)


def wait_until(condition: Callable[[], bool], view: Worker) -> None:
    """Return when the condition holds; fail with the view's log if it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        view.fail_if_crashed()
        if time.monotonic() > deadline:
            pytest.fail(f"still not so after {PATIENCE:.0f} s\n{view.log}")
        time.sleep(0.05)
