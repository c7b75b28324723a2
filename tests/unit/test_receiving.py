from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from app.engine.receiving import LARGE, ReceivingProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PATIENCE = 30.0


@asynccontextmanager
async def receiving(
    pieces: Sequence[bytes], *, ends: bool = True
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.Transport]]:
    """Yield a reader of what a server sends piece by piece before it hangs up, made as aiokafka makes it."""
    gone = asyncio.Event()

    async def send(other: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if not ends:
            await other.read()
        writer.close()
        gone.set()

    async with asyncio.timeout(PATIENCE), await asyncio.start_server(send, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=2**16, loop=loop)
        protocol = ReceivingProtocol(loop.create_future(), reader, loop=loop)
        transport, _ = await loop.create_connection(lambda: protocol, host, port)
        try:
            yield reader, transport
        finally:
            transport.close()
            await gone.wait()


def parts(data: bytes, largest: int, rnd: random.Random) -> list[bytes]:
    """Cut bytes into pieces of any size."""
    cuts = [0]
    while cuts[-1] < len(data):
        cuts.append(cuts[-1] + rnd.randint(1, largest))
    return [data[start:end] for start, end in pairwise(cuts)]


@pytest.mark.parametrize("largest", [700, 70_000, 3_000_000])
async def test_answers_come_whole_and_in_their_order(largest: int) -> None:
    """Small and large answers, however they are cut on their way, are what was sent."""
    rnd = random.Random(largest)
    sizes = [0, 1, 4, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE, 4, 2_000_000, 12, 2_000_000, 30_000, 100_000]
    answers = [rnd.randbytes(size) for size in sizes]
    async with receiving(parts(b"".join(answers), largest, rnd)) as (reader, _):
        for answer in answers:
            assert await reader.readexactly(len(answer)) == answer
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(4)


@pytest.mark.parametrize("size", [100, 10 * LARGE])
async def test_an_answer_that_ends_too_soon(size: int) -> None:
    """A connection that ends in the middle of an answer is an error, as for asyncio's own reader."""
    async with receiving([b"x" * (size - 1)]) as (reader, _):
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(size)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(size)


async def test_a_connection_that_is_lost_in_an_answer() -> None:
    """Who waits for a large answer is told when the connection is closed under it."""
    async with receiving([b"x" * LARGE], ends=False) as (reader, transport):
        waiting = asyncio.create_task(reader.readexactly(10 * LARGE))
        await asyncio.sleep(0.05)
        transport.abort()
        with pytest.raises(ConnectionError):
            await waiting


async def test_who_does_not_wait_any_more() -> None:
    """After a cancelled wait nothing is written where it was to go."""
    async with receiving([b"x" * LARGE], ends=False) as (reader, _):
        waiting = asyncio.create_task(reader.readexactly(10 * LARGE))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_nothing_keeps_a_closed_connection() -> None:
    """Reader and protocol do not hold each other once the connection is closed."""
    async with receiving([b"x"]) as (reader, transport):
        assert "readexactly" in vars(reader)
        assert await reader.readexactly(1) == b"x"
        transport.abort()
        await asyncio.sleep(0.05)
        assert "readexactly" not in vars(reader)
