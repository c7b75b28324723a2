"""How far a deployment has folded, seen from outside: by the positions that its workers commit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.engine.rows_written import KEY as ROWS_WRITTEN
from app.engine.sources import Sources
from app.errors import StreaklineError
from app.factory import GATEWAY_POSITIONS, POSITIONS
from app.topics import FORWARDED, GATEWAY_SHARES, INPUTS, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.settings import Settings

Offsets = dict[TopicPartition, int]

#: Seconds without progress after which nobody is taken to fold.
PATIENCE: Final = 60.0


class NotFoldedError(StreaklineError):
    """Nobody folds what is there."""


class Lag:
    """Follows the positions of a deployment. Use as an async context manager; its topics must exist."""

    def __init__(self, settings: Settings) -> None:
        self._around = Surroundings.of(settings)
        self._partitions = settings.partitions
        self._positions_read = AIOKafkaConsumer(
            **settings.kafka_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
        )
        self._sources = Sources(settings.kafka_options())
        self._positions: Offsets = {}

    async def __aenter__(self) -> Self:
        for each in (self._positions_read, self._sources):
            await each.__aenter__()
        callers, gateway = self._around.changelog(POSITIONS), self._around.changelog(GATEWAY_POSITIONS)
        self._positions_read.assign([*self._all_of(callers), TopicPartition(gateway, 0)])
        return self

    async def __aexit__(self, *exc: object) -> None:
        for each in (self._positions_read, self._sources):
            await each.__aexit__(*exc)

    async def wait_until_folded(self, on_progress: Callable[[int], None], patience: float = PATIENCE) -> None:
        """Return when all that is committed to the inputs now is folded, with what the folding passes on.

        ``on_progress`` is called with how many offsets are still to go. Raises ``NotFoldedError`` after
        ``patience`` seconds without progress.
        """
        inputs = [tp for name in INPUTS for tp in self._all_of(self._around.topic(name))]
        forwarded = list(self._all_of(self._around.topic(FORWARDED)))
        shares = [TopicPartition(self._around.topic(GATEWAY_SHARES), 0)]
        # One after the other: folding an input may forward it, and folding that changes a share.
        for sources in (inputs, forwarded, shares):
            ends = await self._sources.ends(sources)
            moved, left = time.monotonic(), -1
            while ends := await self._unfolded(ends):
                before, left = left, sum(end - self._positions.get(tp, 0) for tp, end in ends.items())
                if left != before:
                    moved = time.monotonic()
                elif time.monotonic() - moved > patience:
                    raise NotFoldedError(
                        f"nothing was folded for {patience:.0f} s, with {left:,} offsets to go in "
                        f"{min(ends).topic}: does a worker run?"
                    )
                on_progress(left)

    def _all_of(self, topic: str) -> Iterable[TopicPartition]:
        return (TopicPartition(topic, number) for number in range(self._partitions))

    async def _unfolded(self, ends: Offsets) -> Offsets:
        """Read what was committed since, then return what is still not folded."""
        before = dict(self._positions)
        for records in (await self._positions_read.getmany(timeout_ms=100)).values():
            for record in records:
                if record.key != ROWS_WRITTEN:
                    self._positions[TopicPartition(record.key.decode(), record.partition)] = int(record.value)
        behind = {tp: end for tp, end in ends.items() if self._positions.get(tp, 0) < end}
        for tp, end in list(behind.items()):
            position = self._positions.get(tp, 0)
            if position == before.get(tp, 0) and await self._sources.hold_nothing(tp, position, end):
                del behind[tp]
        return behind
