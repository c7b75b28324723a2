"""``counters``: the sums of a scope, and what it has earned. Key: the caller's id, empty for a share."""

from typing import Final

from msgspec import field

from app.domain.progress import Held
from tables.codec import Codec, VersionedRow


class Counters(VersionedRow, array_like=True, kw_only=True):
    """Sums over events. Merging two of them is adding them; ``held`` is not merged but judged anew."""

    requests: int = 0
    tokens_saved: int = 0
    #: Nano-dollars.
    cost_saved: int = 0
    cache_hits: int = 0
    semantic_hits: int = 0
    races: int = 0
    facts_stored: int = 0
    facts_superseded: int = 0
    #: Distinct callers with a request; only a share counts them.
    callers: int = 0
    #: The newest event time, in microseconds since the epoch.
    newest: int = 0
    held: Held = field(default_factory=Held)

    def add(self, other: "Counters") -> None:
        """Add another scope's sums."""
        self.requests += other.requests
        self.tokens_saved += other.tokens_saved
        self.cost_saved += other.cost_saved
        self.cache_hits += other.cache_hits
        self.semantic_hits += other.semantic_hits
        self.races += other.races
        self.facts_stored += other.facts_stored
        self.facts_superseded += other.facts_superseded
        self.callers += other.callers
        self.newest = max(self.newest, other.newest)


TABLE: Final = "counters"
CODEC: Final[Codec[Counters]] = Codec(Counters)
