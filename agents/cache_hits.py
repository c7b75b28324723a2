"""gateway.cache-hits: hits, and the tokens and money that they saved."""

from app.domain.counted import Counted
from app.domain.events import CacheHit
from tables.partition import EventFold, Partition
from tables.scope import Scope


class CacheHits(EventFold):
    """Counts cache hits."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:
        """Count the hit for its caller, if it has one, and for the share."""
        hits, tokens, cost, day = event.hits, event.tokens_saved, event.cost_saved, event.day
        semantic = event.is_semantic
        partition.share.count_cache_hit(hits, tokens, cost, day, semantic=semantic)
        if caller is not None:
            caller.add_cache_hit(hits, tokens, cost, day, semantic=semantic)


CACHE_HITS = CacheHits(CacheHit)
