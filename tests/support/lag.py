"""How far a deployment has folded, seen from outside: the positions that it commits beside its rows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.engine.rows_written import KEY as ROWS_WRITTEN
from app.engine.sources import Sources
from app.factory import GATEWAY_POSITIONS, POSITIONS
from app.topics import FORWARDED, GATEWAY_SHARES, INPUTS, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.settings import Settings

Offsets = dict[TopicPartition, int]


class NotFoldedError(AssertionError):
    """Something is still not folded after all that time."""


class Lag:
    """Follows the positions of a deployment. Use as an async context manager; brokers may come and go."""

    def __init__(self, settings: Settings) -> None:
        self._around = Surroundings.of(settings)
        self._partitions = settings.partitions
        options: dict[str, Any] = {
            **settings.kafka_options(),
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "fetch_max_wait_ms": 50,
        }
        self._followed = AIOKafkaConsumer(**options, isolation_level="read_committed")
        #: The engine's own: if it overlooked a record, nobody would wait for it, and the recount miss it.
        self._sources = Sources(settings.kafka_options())
        #: Sees open transactions too: what they hide is not folded either.
        self._ends = AIOKafkaConsumer(**options)
        self._positions: Offsets = {}

    async def __aenter__(self) -> Self:
        for each in (self._followed, self._sources, self._ends):
            await each.__aenter__()
        callers, gateway = self._around.changelog(POSITIONS), self._around.changelog(GATEWAY_POSITIONS)
        self._followed.assign([*self._all_of(callers), TopicPartition(gateway, 0)])
        return self

    async def __aexit__(self, *exc: object) -> None:
        for each in (self._followed, self._sources, self._ends):
            await each.__aexit__(*exc)

    async def wait_until_folded(self, patience: float, tick: Callable[[], None] = lambda: None) -> None:
        """Return when all that is in the inputs now is folded, with what the folding forwards and shares.

        ``tick`` is called several times a second; it may raise. Raises ``NotFoldedError`` after ``patience``
        seconds.
        """
        deadline = time.monotonic() + patience
        inputs = [tp for name in INPUTS for tp in self._all_of(self._around.topic(name))]
        forwarded = list(self._all_of(self._around.topic(FORWARDED)))
        shares = [TopicPartition(self._around.topic(GATEWAY_SHARES), 0)]
        # One after the other: folding an input may forward it, and folding what was forwarded changes a share.
        for sources in (inputs, forwarded, shares):
            left = await self._ends_of(sources, deadline)
            while left := await self._unfolded(left):
                tick()
                if time.monotonic() > deadline:
                    behind = {
                        f"{tp.topic}[{tp.partition}]": (self._positions.get(tp, 0), left[tp]) for tp in left
                    }
                    raise NotFoldedError(f"not folded after {patience:.0f} s, (position, end) are {behind}")

    def _all_of(self, topic: str) -> Iterable[TopicPartition]:
        return (TopicPartition(topic, number) for number in range(self._partitions))

    async def _ends_of(self, sources: list[TopicPartition], deadline: float) -> Offsets:
        """Return where the sources end now; ask again while no broker answers."""
        while True:
            try:
                return dict(await self._ends.end_offsets(sources))
            except KafkaError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    async def _unfolded(self, ends: Offsets) -> Offsets:
        """Read what was committed since, then return what is still not folded."""
        before = dict(self._positions)
        for records in (await self._followed.getmany(timeout_ms=100)).values():
            for record in records:
                if record.key != ROWS_WRITTEN:
                    self._positions[TopicPartition(record.key.decode(), record.partition)] = int(record.value)
        behind = {tp: end for tp, end in ends.items() if self._positions.get(tp, 0) < end}
        for tp, end in list(behind.items()):
            position = self._positions.get(tp, 0)
            if position == before.get(tp, 0) and await self._sources.hold_nothing(tp, position, end):
                del behind[tp]
        return behind
