"""gateway.requests: requests, their days and their models; the share also counts distinct callers."""

from collections.abc import Sequence

from app.domain.events import RequestRouted
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: RequestRouted, day: int, scopes: Sequence[Scope], _: Partition) -> None:
    """Count the request for its caller and for the share."""
    caller, share = scopes
    caller.add_request(event.model, day)
    share.add_request(event.model, day)
    if caller.counters.requests == 1:
        share.counters.callers += 1


REQUESTS = EventFold(RequestRouted, fold)
