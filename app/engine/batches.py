"""What an agent iterates over: one fetch of one partition at a time, with the task that owns it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.fetched import Fetched
from app.engine.fold import Batch
from app.engine.leave import leave
from app.engine.tasks import Tasks

FoldFunction = Callable[[Any, Batch, datetime], None]


class Batches:
    """The batches of one agent, in the order of each partition."""

    def __init__(self, stream: Any, tasks: Tasks) -> None:
        self._stream = stream
        self._tasks = tasks

    async def fold(self, function: FoldFunction) -> None:
        """Fold every batch with ``function(state, batch, now)`` until the worker stops.

        ``function`` is the rule: pure Python on one batch, no await inside. If it raises, the process leaves:
        its state would be half folded.
        """
        async for event in self._stream.noack().events():
            await self._fold_one(event.value, function)
            event.ack()

    async def _fold_one(self, fetched: Fetched, function: FoldFunction) -> None:
        task = self._tasks.owner_of(fetched)
        if task is None:
            return
        try:
            records = task.take(fetched)
            if records:
                batch = Batch(fetched.topic, fetched.partition, records)
                function(task.state, batch, datetime.now(UTC))
            task.folded(fetched)
        except Exception as exc:  # noqa: BLE001 - whatever it is, half a batch is folded
            leave(f"a batch of {fetched.topic}[{fetched.partition}] could not be folded", exc)
        await task.wait_for_room()
