"""The ceiling: aiokafka's ``getmany``, bytes only, and nothing done with them."""

import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from tests.bench.load import TOPICS
from tests.bench.subjects.subject import Progress, Run, Subject, printed, said
from tests.bench.surroundings import PARTITIONS, Child
from tests.bench.usage import Sample


class GetMany(Subject):
    """Reads all topics of the load once."""

    name = "getmany"
    title = "aiokafka `getmany`: reads bytes and does nothing"
    counts = False

    def command(self, run: Run) -> Sequence[str]:
        """Return the reader."""
        topics = [part for topic in TOPICS for part in ("--topic", run.bench.prefix + topic, str(PARTITIONS))]
        return (sys.executable, "-m", "tests.bench.getmany", *topics)

    def environment(self, run: Run) -> dict[str, str]:
        """Return where the broker is."""
        return run.bench.environment("any")

    async def create_topics(self, run: Run) -> None:
        """Do nothing: it writes to none."""

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield how many records it says it has read."""
        return printed(child)

    def samples(self, child: Child, sampled: list[Sample]) -> list[Sample]:
        """Return its own: it is too fast to be looked at from outside."""
        return said(child)
