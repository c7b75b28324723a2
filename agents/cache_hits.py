"""gateway.cache-hits: hits, and the tokens and money that they saved."""

from app.domain.events import CacheHit
from app.domain.quick import nanos
from tables.partition import EventFold, Partition
from tables.scope import Scope


class CacheHits(EventFold):
    """Counts cache hits."""

    def fold(self, event: CacheHit, day: int, caller: Scope | None, partition: Partition) -> None:
        """Count the hit for its caller, if it has one, and for the share."""
        hits = 1 if event.hits is None else event.hits
        tokens, cost = event.tokens_saved or 0, nanos(event.cost_saved)
        semantic = event.kind == "semantic"
        partition.share.count_cache_hit(hits, tokens, cost, day, semantic=semantic)
        if caller is not None:
            caller.add_cache_hit(hits, tokens, cost, day, semantic=semantic)


CACHE_HITS = CacheHits(CacheHit)
