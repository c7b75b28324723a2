"""gateway.requests: requests, their days and their models; the share also counts distinct callers."""

from app.domain.events import RequestRouted
from tables.partition import EventFold, Partition
from tables.scope import Scope


def fold(event: RequestRouted, day: int, caller: Scope, partition: Partition) -> None:
    """Count the request for its caller and for the share."""
    share = partition.share
    share.count_request(day)
    if caller.add_request(event.model, day):  # else its model and its day are known to the share too
        share.add_request_kind(event.model, day)
        if caller.requests == 1:
            share.callers += 1


REQUESTS = EventFold(RequestRouted, fold)
