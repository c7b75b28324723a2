"""A stock Faust 0.15.3 program: one agent that counts requests and tokens by caller. Nothing of streakline is in it.

    python -m tests.bench.faust_app worker

``BENCH_TABLES``: ``yes`` for two ``app.Table``, ``no`` for two ordinary counters, so that what the tables cost can
be told from what the agent costs. ``BENCH_GUARANTEE``: Faust's ``processing_guarantee``. Prints a JSON line twice a
second: events folded since it started, and when the first and the last one were (monotonic seconds).
"""

import json
import os
import sys
import time
from collections import Counter
from typing import Any

import faust

PARTITIONS = 8

app = faust.App(
    os.environ["BENCH_APP_ID"],
    broker="kafka://" + os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    # The default of 60 s leaves the partitions of a killed worker alone for a minute.
    broker_session_timeout=10.0,
    broker_heartbeat_interval=2.5,
    consumer_auto_offset_reset="earliest",
    datadir=os.environ["BENCH_DATADIR"],
    web_enabled=False,
)
topic = app.topic(os.environ["BENCH_TOPIC"], key_serializer="raw", value_serializer="json")

with_tables = os.environ["BENCH_TABLES"] == "yes"
requests: Any = app.Table("requests", default=int, partitions=PARTITIONS) if with_tables else Counter()
tokens: Any = app.Table("tokens", default=int, partitions=PARTITIONS) if with_tables else Counter()

folded = 0
first = last = 0.0


@app.agent(topic)
async def count(stream: Any) -> None:
    """Count requests and tokens of each caller."""
    global folded, first, last  # noqa: PLW0603 - what is reported is of this process
    async for event in stream:
        caller = event["caller_id"]
        requests[caller] += 1
        tokens[caller] += event["tokens_in"] + event.get("tokens_out", 0)
        folded += 1
        last = time.monotonic()
        first = first or last


@app.timer(0.5)  # type: ignore[untyped-decorator]
async def report() -> None:
    """Say how far it is."""
    print(json.dumps({"folded": folded, "first": first, "last": last}), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    app.main()
