"""The same fold as a stock Faust 0.15.3 program with an ``app.Table``. Nothing of streakline's engine is in it.

    .venv/bin/python -m tests.bench.faust_app worker

``BENCH_GUARANTEE`` is Faust's ``processing_guarantee``.
"""

import os
from pathlib import Path
from typing import Any

import faust
import msgspec

from tests.bench.plain_fold import DECODE, TOPICS, Caller, Cell, Fold, Reporter
from tests.bench.plain_judge import ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED, Judge
from tests.bench.plain_message import Messages

PARTITIONS = 8
PREFIX = os.environ["BENCH_PREFIX"]


class State(msgspec.Struct, array_like=True):
    """A caller with its days: one row, because every row that is set is a message of its own."""

    caller: Caller = msgspec.field(default_factory=Caller)
    days: dict[int, Cell] = msgspec.field(default_factory=dict)


app = faust.App(
    os.environ["BENCH_APP"],
    broker="kafka://" + os.environ["BENCH_BROKER"],
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    # Rows as bytes: Faust's JSON codec would encode each of them several times slower than msgspec does. Said for the
    # whole app, because a restore reads changelogs by the app's codecs, whatever the table's are.
    key_serializer="raw",
    value_serializer="raw",
    # On the heap: RocksDB would only add to each set.
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    # The default of 60 s leaves the partitions of a killed worker alone for a minute.
    broker_session_timeout=10.0,
    broker_heartbeat_interval=2.5,
    consumer_auto_offset_reset="earliest",
    # Rows that are sent within 20 ms share a request (default: 0).
    producer_linger=0.02,
    producer_max_batch_size=256 * 1024,
    datadir=os.environ["BENCH_STATE"],
    web_enabled=False,
)
events = app.topic(*(PREFIX + name for name in TOPICS))
outputs = {
    name: app.topic(os.environ["BENCH_OUTPUTS"] + name)
    for name in (ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED)
}
callers: Any = app.Table("callers", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

fold = Fold()
judge = Judge(Path(os.environ["BENCH_CATALOG"]))
messages = Messages(os.environ["BENCH_APP"])
reporter = Reporter()
encode = msgspec.msgpack.Encoder().encode
decode_state = msgspec.msgpack.Decoder(State).decode


@app.agent(events)
async def on_event(stream: Any) -> None:
    """Fold each event into the row of its caller, publish what was unlocked."""
    async for each in stream.events():
        source = each.message
        topic = source.topic.removeprefix(PREFIX)
        if topic in DECODE:  # else a subscription: of the gateway, not of a caller
            event = DECODE[topic](source.value)
            day = fold.day(event.created_at)
            row = callers.get(source.key)
            state = decode_state(row) if row is not None else State()
            cell = state.days.get(day, [0, 0, 0])
            if fold.fold(topic, event, state.caller, cell, day):
                state.days[day] = cell
            place = source.topic, source.partition, source.offset
            for unlocked in judge.judge(topic, state.caller):
                output, key, value, headers = messages.message(event.caller_id, unlocked, event, place)
                await outputs[output].send(key=key, value=value, headers=headers)
            callers[source.key] = encode(state)
        reporter.add(1)


@app.timer(0.5)  # type: ignore[untyped-decorator]
async def report() -> None:
    """Say how far it is, also where nothing comes any more."""
    reporter.say()


if __name__ == "__main__":
    app.main()
