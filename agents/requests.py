"""gateway.requests: requests, their days and their models; the share also counts distinct callers."""

from app.domain.counted import Counted
from app.domain.events import RequestRouted
from tables.partition import EventFold, Partition
from tables.scope import Scope


class Requests(EventFold):
    """Counts requests."""

    def fold(self, event: Counted, caller: Scope | None, partition: Partition) -> None:
        """Count the request for its caller and for the share."""
        assert caller is not None  # the contract requires one
        share, day, model = partition.share, event.day, event.model
        share.count_request(day)
        if caller.add_request(model, day):  # else its model and its day are known to the share too
            share.add_request_kind(model, day)
            if caller.requests == 1:
                share.callers += 1


REQUESTS = Requests(RequestRouted)
