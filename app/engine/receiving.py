"""The seam where aiokafka receives: a large answer goes straight to where it is decoded.

asyncio's ``StreamReader`` copies what has come twice, into its buffer and out of it, and moves what is behind
it each time. An answer with megabytes of records is received into memory of its own instead.
"""

import asyncio
import io
from typing import Any, Final

from aiokafka.conn import AIOKafkaProtocol

#: Bytes that must be missing of an answer for it to get memory of its own; else the ``StreamReader`` has it.
LARGE: Final = 64 * 1024


class ReceivingProtocol(AIOKafkaProtocol, asyncio.BufferedProtocol):
    """aiokafka's protocol, with an eye on what its reader waits for."""

    def __init__(self, closed: "asyncio.Future[None]", reader: asyncio.StreamReader, **options: Any) -> None:
        super().__init__(closed, reader, **options)
        self._reader = reader
        self._small = memoryview(b"")
        #: What is left to be filled of a large answer, and what is set when it is there.
        self._missing: memoryview | None = None
        self._received: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; until then, and where nothing answers, nothing keeps reader and protocol alive."""
        super().connection_made(transport)
        self._small = memoryview(bytearray(LARGE))
        self._reader.readexactly = self._read_exactly  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where the next bytes are to go."""
        return self._small if self._missing is None else self._missing

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that have come."""
        if self._missing is None:
            self._reader.feed_data(bytes(self._small[:nbytes]))
            return
        self._missing = self._missing[nbytes:]
        if not self._missing:
            self._end()

    def eof_received(self) -> bool | None:
        """Tell who waits that nothing more comes."""
        self._end(asyncio.IncompleteReadError(b"", None))
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits why."""
        self._end(exc or ConnectionResetError("the connection was closed"))
        self._reader.__dict__.pop("readexactly", None)
        super().connection_lost(exc)

    def _end(self, problem: Exception | None = None) -> None:
        self._missing = None
        received, self._received = self._received, None
        if received is None or received.done():
            return
        if problem is None:
            received.set_result(None)
        else:
            received.set_exception(problem)

    async def _read_exactly(self, n: int) -> bytes:
        """Do what ``StreamReader.readexactly`` does."""
        reader: Any = self._reader
        begun = reader._buffer
        if n - len(begun) < LARGE or reader._eof or reader.exception() is not None:
            return await asyncio.StreamReader.readexactly(reader, n)
        memory = io.BytesIO(bytes(n))  # whose bytes can be written to, until they are taken
        with memory.getbuffer() as view:
            view[: len(begun)] = begun
            self._missing = view[len(begun) :]
            self._received = asyncio.get_running_loop().create_future()
            begun.clear()
            reader._maybe_resume_transport()
            try:
                await self._received
            finally:
                self._missing = None
        return memory.getvalue()
