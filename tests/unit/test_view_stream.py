from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from app.view import stream as module
from app.view.stream import HELLO, KEPT, WAITING, Stream, Told

if TYPE_CHECKING:
    import pytest


def message(number: int) -> Told:
    """A message of the gateway."""
    return Told(f"id-{number}", "gateway", b"%d" % number)


async def hear(stream: Stream, last_id: str | None = None) -> list[int]:
    """What a listener hears until it is let go."""
    async with aclosing(stream.listen(None, last_id)) as told:
        return [int(frame) async for frame in told if frame != HELLO]


async def test_who_comes_back_hears_what_it_missed_once() -> None:
    """What is kept after the id that was heard last comes first, more than may wait too; then what is told."""
    stream = Stream()
    stream.remember(message(number) for number in range(KEPT + 100))
    stream.tell(message(KEPT + 99))
    hearing = asyncio.create_task(hear(stream, f"id-{KEPT - 500}"))
    await asyncio.sleep(0)
    stream.tell(message(KEPT + 100))
    stream.close()
    assert await hearing == list(range(KEPT - 499, KEPT + 101))


async def test_an_id_that_is_not_kept_any_more_is_a_new_listener() -> None:
    """Nobody is sent what it has not asked for."""
    stream = Stream()
    stream.remember(message(number) for number in range(KEPT + 1))
    stream.close()
    assert await hear(stream, "id-0") == []
    assert await hear(stream, "unknown") == []
    assert await hear(stream) == []


async def test_a_slow_listener_is_let_go_and_misses_nothing_when_it_comes_back() -> None:
    """One that does not read is let go when too much waits for it; others do not notice."""
    stream = Stream()
    slow = stream.listen(None, None)
    assert await anext(slow) == HELLO
    for number in range(WAITING + 10):
        stream.tell(message(number))
    heard = [int(frame) async for frame in slow]
    assert heard == list(range(WAITING))
    assert stream.listeners == 0
    hearing = asyncio.create_task(hear(stream, f"id-{heard[-1]}"))
    await asyncio.sleep(0)
    stream.close()
    assert await hearing == list(range(WAITING, WAITING + 10))


async def test_a_silent_stream_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is told, a comment keeps the connection known to be there."""
    monkeypatch.setattr(module, "HEARTBEAT", 0.01)
    stream = Stream()
    async with aclosing(stream.listen(None, None)) as told:
        assert await anext(told) == HELLO
        assert await anext(told) == b": heartbeat\n\n"
        stream.tell(message(1))
        assert await anext(told) == b"1"
        assert stream.listeners == 1
    assert stream.listeners == 0
