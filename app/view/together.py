"""Running coroutines together that all go on for ever."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*endless: Coroutine[Any, Any, None]) -> None:
    """Run all until one fails; the others are cancelled, and its exception is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in endless:
                group.create_task(each)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
