"""The seam where Faust would recover its tables: our tasks are fenced and restored there."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from faust.tables.manager import TableManager as FaustTableManager
from faust.tables.recovery import Recovery as FaustRecovery

from app.engine.leave import leave

if TYPE_CHECKING:
    from app.engine.app import App


class Recovery(FaustRecovery):
    """Opens the tasks of a new assignment outside the rebalance callback, where heartbeats go on."""

    app: "App"
    logger = logging.getLogger("faust")
    _opening: "asyncio.Task[None] | None" = None

    async def _resume_streams(self, generation_id: int = 0) -> None:
        """Fence and restore what is assigned, then let Faust seek and resume; called after each rebalance."""
        app = self.app
        if app.consumer_generation_id != generation_id:
            return  # the group has gone on meanwhile, and these partitions may have another owner
        assigned = app.consumer.assignment()
        self._opening = asyncio.create_task(app.tasks.open(assigned, generation_id))
        await asyncio.wait([self._opening])
        if self._opening.cancelled():
            return
        try:
            self._opening.result()
        except Exception as exc:  # noqa: BLE001 - whatever it is, another worker must have them
            leave("the assigned partitions could not be opened", exc)
        try:
            if app.consumer_generation_id == generation_id:
                await super()._resume_streams(generation_id)
        except Exception as exc:  # noqa: BLE001 - as above
            if not app.should_stop and app.consumer_generation_id == generation_id:
                leave("the sources could not be sought", exc)
        # A worker to which nothing is assigned, because enough others are there, stands by: it is ready.
        if (app.tasks.any_open or not assigned) and app.consumer_generation_id == generation_id:
            app.on_tasks_open()

    async def give_up(self) -> None:
        """Stop a restore that still runs, then close the open tasks. Leaves if they cannot be closed."""
        app = self.app
        app.on_tasks_closed()
        opening = self._opening
        if opening is not None and not opening.done():
            if not opening.cancelling():  # a second time would interrupt how it gives up
                opening.cancel()
            await asyncio.wait([opening])
        await app.tasks.close()


class TableManager(FaustTableManager):
    """Faust's table manager without tables, with our recovery."""

    _recovery: Recovery | None
    logger = logging.getLogger("faust")

    @property
    def recovery(self) -> Recovery:
        """Return the recovery service of this app."""
        if self._recovery is None:
            self._recovery = Recovery(cast("Any", self.app), self, beacon=self.beacon, loop=self.loop)
        return self._recovery
