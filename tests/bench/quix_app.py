"""The same fold as a Quix Streams program, exactly-once. It runs in `.bench-venv`, without streakline."""

import os
from pathlib import Path
from typing import Any

import msgspec
from quixstreams import Application, State, message_context

from tests.bench.plain_fold import DECODE, TOPICS, Caller, Cell, Fold, message

PREFIX = os.environ["BENCH_PREFIX"]

fold = Fold(Path(os.environ["BENCH_CATALOG"]))
encode = msgspec.msgpack.Encoder().encode
decode_caller = msgspec.msgpack.Decoder(Caller).decode
decode_cell = msgspec.msgpack.Decoder(Cell).decode

app = Application(
    os.environ["BENCH_BROKER"],
    consumer_group=os.environ["BENCH_APP"],
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    # A transaction each second, as for Kafka Streams (default: 5 s): what is unlocked is seen then.
    commit_interval=1.0,
    state_dir=os.environ["BENCH_STATE"],
    # The topics are there; only the changelog, whose name the library chooses, is made by it.
    auto_create_topics=True,
    consumer_extra_config={
        # Enough fetched ahead that the interpreter never waits for the network (default: 64 MB for all, 1 MB for each).
        "queued.max.messages.kbytes": 262_144,
        "fetch.message.max.bytes": 4 * 1024 * 1024,
        "session.timeout.ms": 10_000,
    },
    # Larger batches of changelog rows; they wait for the commit anyway.
    producer_extra_config={
        "linger.ms": 100,
        "batch.size": 900_000,
        "queue.buffering.max.messages": 1_000_000,
    },
    loglevel="WARNING",
)


def on_event(value: bytes, key: bytes, _timestamp: int, _headers: Any, state: State) -> list[bytes]:
    """Fold an event into its caller and its day, each a row of its own as bytes, so that a write is small."""
    context = message_context()
    topic = context.topic.removeprefix(PREFIX)
    if topic not in DECODE:
        return []  # a subscription: of the gateway, not of a caller
    event = DECODE[topic](value)
    day = fold.day(event.created_at)
    row, cell_key = state.get_bytes("caller"), str(day)
    caller = decode_caller(row) if row is not None else Caller()
    cell = [0, 0, 0]
    if topic in ("gateway.requests", "gateway.cache-hits") and (row := state.get_bytes(cell_key)) is not None:
        cell = decode_cell(row)
    if fold.fold(topic, event, caller, cell, day):
        state.set_bytes(cell_key, encode(cell))
    place = context.topic, context.partition, context.offset
    unlocked = [
        message(event.caller_id, what, fields, event, place) for what, fields in fold.judge(topic, caller)
    ]
    state.set_bytes("caller", encode(caller))
    return unlocked


frames = [
    app.dataframe(app.topic(PREFIX + name, key_deserializer="bytes", value_deserializer="bytes"))
    for name in TOPICS
]
all_events = frames[0]
for frame in frames[1:]:
    all_events = all_events.concat(frame)
all_events = all_events.apply(on_event, stateful=True, metadata=True, expand=True)
all_events.to_topic(app.topic(os.environ["BENCH_UNLOCKS"], key_serializer="bytes", value_serializer="bytes"))

if __name__ == "__main__":
    app.run()
