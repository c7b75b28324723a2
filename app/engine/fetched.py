"""What Faust's consumer hands to an agent: one fetch of one partition."""

from collections.abc import Sequence
from typing import NamedTuple

from app.engine.fold import Record


class Fetched(NamedTuple):
    """The records of one fetch of one partition: every record with ``start`` <= offset < ``end``.

    Offsets in that range may be missing: transaction markers, aborted records and compacted ones have none.
    ``generation`` is the consumer group's, so that a fetch which outlives a rebalance can be told. ``behind``
    says whether the partition held more than the fetch took.
    """

    topic: str
    partition: int
    start: int
    end: int
    generation: int
    records: Sequence[Record]
    behind: bool
