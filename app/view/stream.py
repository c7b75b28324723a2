"""What is published, for whoever listens: server-sent events, and what one that was away has missed."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from app.domain.published import Published

#: Messages that are kept for listeners that come back.
KEPT: Final = 1_000

#: Messages that may wait for one listener. One that is slower is let go, and comes back for what it missed.
WAITING: Final = 256

#: Milliseconds after which a listener that has lost its connection should come back.
RETRY_MS: Final = 2_000

#: Seconds of silence after which a comment is sent, so that both ends notice a connection that is gone.
HEARTBEAT: Final = 15.0

HELLO: Final = b"retry: %d\n: connected\n\n" % RETRY_MS
_HEARTBEAT: Final = b": heartbeat\n\n"


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it is sent: ``id`` is its event id, the same in every view and for ever."""

    id: str
    scope: str
    frame: bytes


def told(output: str, value: bytes, message: Published) -> Told:
    """Return a message of an output topic as a server-sent event; ``value`` is its JSON."""
    data = msgspec.json.format(value, indent=-1)  # on one line, whoever wrote it
    frame = b"id: %s\nevent: %s\ndata: %s\n\n" % (message.event_id.encode(), output.encode(), data)
    return Told(message.event_id, message.scope, frame)


@dataclass(eq=False, slots=True)
class _Listener:
    scope: str | None
    queue: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(WAITING + 1))
    gone: bool = False

    def wants(self, message: Told) -> bool:
        return self.scope is None or self.scope == message.scope

    def offer(self, message: Told) -> None:
        if self.gone or not self.wants(message):
            return
        if self.queue.qsize() >= WAITING:
            self.let_go()
        else:
            self.queue.put_nowait(message)

    def let_go(self) -> None:
        if not self.gone:
            self.gone = True
            self.queue.put_nowait(None)  # there is always room for this one


class Stream:
    """Hands every message once to every listener, however often it comes."""

    def __init__(self) -> None:
        self._kept: deque[Told] = deque()
        self._known: set[str] = set()
        self._listeners: set[_Listener] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def remember(self, messages: Iterable[Told]) -> None:
        """Keep messages of before, for those who come back; nobody is told."""
        for message in messages:
            self._keep(message)

    def tell(self, message: Told) -> None:
        """Tell all listeners."""
        if self._keep(message):
            for listener in self._listeners:
                listener.offer(message)

    def _keep(self, message: Told) -> bool:
        if message.id in self._known:
            return False
        self._known.add(message.id)
        self._kept.append(message)
        if len(self._kept) > KEPT:
            self._known.discard(self._kept.popleft().id)
        return True

    async def listen(self, scope: str | None, last_id: str | None) -> AsyncGenerator[bytes]:
        """Return what to send, until the listener is let go: it was too slow, or the view ends.

        Begins with what came after ``last_id``, if that is still kept. ``scope`` None is all scopes.
        """
        listener, missed = _Listener(scope), self._after(last_id)
        if self._closed:
            listener.let_go()
        self._listeners.add(listener)
        try:
            yield HELLO
            for message in missed:
                if listener.wants(message):
                    yield message.frame
            while True:
                try:
                    waiting = await asyncio.wait_for(listener.queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield _HEARTBEAT
                    continue
                if waiting is None:
                    return
                yield waiting.frame
        finally:
            self._listeners.discard(listener)

    def _after(self, last_id: str | None) -> list[Told]:
        if last_id is None or last_id not in self._known:
            return []
        kept = list(self._kept)
        place = next(number for number, message in enumerate(kept) if message.id == last_id)
        return kept[place + 1 :]

    def close(self) -> None:
        """Let all listeners go; those who come anew too."""
        self._closed = True
        for listener in self._listeners:
            listener.let_go()
