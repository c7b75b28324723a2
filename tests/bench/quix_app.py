"""The same fold as a Quix Streams program, exactly-once. It runs in `.bench-venv`, without streakline."""

import os
from pathlib import Path
from typing import Any

import msgspec
from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer

from tests.bench.plain_fold import DECODE, TOPICS, Caller, Cell, Fold
from tests.bench.plain_judge import ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED, Judge
from tests.bench.plain_message import Message, Messages

PREFIX = os.environ["BENCH_PREFIX"]
OUTPUTS = os.environ["BENCH_OUTPUTS"]

fold = Fold()
judge = Judge(Path(os.environ["BENCH_CATALOG"]))
messages = Messages(os.environ["BENCH_APP"])
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


class ValueOf(Serializer):
    """Takes the value of a message, which goes through the last steps as a whole."""

    def __call__(self, value: Message, ctx: SerializationContext) -> bytes:  # noqa: ARG002 - named by the library
        """Return the bytes to send."""
        return value.value


def on_event(value: bytes, key: bytes, _timestamp: int, _headers: Any, state: State) -> list[Message]:
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
    unlocked = [messages.message(event.caller_id, each, event, place) for each in judge.judge(topic, caller)]
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
all_events = all_events.set_headers(lambda message, _key, _timestamp, _headers: message.headers)
outputs = {
    name: app.topic(OUTPUTS + name, key_serializer="bytes", value_serializer=ValueOf())
    for name in (ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED)
}
all_events.to_topic(
    lambda message, _key, _timestamp, _headers: outputs[message.output], key=lambda message: message.key
)

if __name__ == "__main__":
    app.run()
