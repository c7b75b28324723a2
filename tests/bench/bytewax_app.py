"""The same fold as a Bytewax program with its recovery store on. It runs in `.bench-venv`, without streakline."""

import json
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax._bytewax import run_main
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir

from tests.bench.plain_fold import DECODE, TOPICS, Caller, Cell, Fold, Reporter, total
from tests.bench.plain_judge import Judge
from tests.bench.plain_message import Messages

PREFIX = os.environ["BENCH_PREFIX"]
BROKERS = [os.environ["BENCH_BROKER"]]
STATE = Path(os.environ["BENCH_STATE"])
OUTPUTS = os.environ["BENCH_OUTPUTS"]

fold = Fold()
judge = Judge(Path(os.environ["BENCH_CATALOG"]))
messages = Messages(os.environ["BENCH_APP"])
reporter = Reporter()
encode = msgspec.msgpack.Encoder().encode
totals: dict[str, Any] = {}


class State(msgspec.Struct, array_like=True):
    """A caller with its days."""

    caller: Caller = msgspec.field(default_factory=Caller)
    days: dict[int, Cell] = msgspec.field(default_factory=dict)


decode_state = msgspec.msgpack.Decoder(State).decode


class FoldLogic(StatefulBatchLogic[Any, KafkaSinkMessage[bytes, bytes], bytes]):
    """The state of a key: objects in memory, and bytes in the recovery store, which are smaller than a pickle."""

    def __init__(self, snapshot: bytes | None) -> None:
        self._state = decode_state(snapshot) if snapshot is not None else State()
        self._caller = ""

    def on_batch(self, values: list[Any]) -> tuple[Iterable[KafkaSinkMessage[bytes, bytes]], bool]:
        """Fold the events that came together."""
        unlocked: list[KafkaSinkMessage[bytes, bytes]] = []
        caller, days = self._state.caller, self._state.days
        for topic, event, place in values:
            day = fold.day(event.created_at)
            cell = days.get(day, [0, 0, 0])
            if fold.fold(topic, event, caller, cell, day):
                days[day] = cell
            for each in judge.judge(topic, caller):
                output, key, value, headers = messages.message(
                    event.caller_id, each, event, (PREFIX + topic, *place)
                )
                unlocked.append(KafkaSinkMessage(key, value, OUTPUTS + output, headers))
            self._caller = event.caller_id
        reporter.add(len(values))
        return unlocked, StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[KafkaSinkMessage[bytes, bytes]], bool]:
        """Note what was counted, for the comparison."""
        totals[self._caller] = total(self._state.caller, self._state.days, judge.achievements)
        return (), StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        """Return the state for the recovery store."""
        return encode(self._state)


def by_caller(fetched: list[KafkaSourceMessage[bytes, bytes]]) -> list[tuple[str, Any]]:
    """Decode a whole batch at once: a step for each message would cost more than what it does."""
    keyed = []
    for each in fetched:
        assert each.topic is not None
        topic = each.topic.removeprefix(PREFIX)
        if topic not in DECODE:
            reporter.add(1)  # a subscription: of the gateway, not of a caller
            continue
        event = DECODE[topic](each.value)
        keyed.append((event.caller_id, (topic, event, (each.partition, each.offset))))
    return keyed


flow = Dataflow("bench")
events = op.input(
    "events",
    flow,
    KafkaSource(
        BROKERS,
        [PREFIX + name for name in TOPICS],
        tail=False,
        # More events of a caller in a batch, fewer calls for each (default: 1,000).
        batch_size=5_000,
        add_config={"fetch.message.max.bytes": str(4 * 1024 * 1024)},
    ),
)
keyed = op.flat_map_batch("by caller", events, by_caller)
unlocks = op.stateful_batch("fold", keyed, FoldLogic)
# Each message says its topic.
op.output("unlocks", op.key_rm("values", unlocks), KafkaSink(BROKERS, None))

if __name__ == "__main__":
    STATE.mkdir()
    init_db_dir(STATE, 1)
    # Ten seconds is its default: what was folded since then is folded again after a crash, and published again.
    run_main(
        flow,
        epoch_interval=timedelta(seconds=10),
        recovery_config=RecoveryConfig(str(STATE), timedelta(seconds=0)),
    )
    reporter.say()
    Path(os.environ["BENCH_TOTALS"]).write_text(json.dumps(totals), encoding="utf-8")
