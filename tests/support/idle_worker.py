"""A worker whose last fetch is always some days ago, as it is where a worker has nothing to fetch for so long.

.venv/bin/python -m tests.support.idle_worker
"""

from __future__ import annotations

import os
from typing import Any

from aiokafka.consumer.subscription_state import SubscriptionState

from app.settings import Settings
from app.worker import run

DAYS = 3 * 24 * 3600.0

_idle_time: Any = SubscriptionState.fetcher_idle_time.fget

if __name__ == "__main__":
    SubscriptionState.fetcher_idle_time = property(lambda state: _idle_time(state) + DAYS)
    run(Settings.from_environ(os.environ))
