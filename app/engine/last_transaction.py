"""How the last transaction of a transactional id ended, as its coordinator remembers it."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

logger = logging.getLogger(__name__)

#: Whether a transaction counts, by the state that its coordinator names; in the other states there is none.
_COMMITTED: Final[Mapping[str, bool]] = {
    "Ongoing": False,
    "PrepareEpochFence": False,
    "PrepareAbort": False,
    "CompleteAbort": False,
    "PrepareCommit": True,
    "CompleteCommit": True,
}

_NEVER_USED: Final = 105  # the error code for a transactional id that the coordinator does not know

#: Seconds until a coordinator is asked again that does not answer yet.
_AGAIN_AFTER: Final = 0.1


class DescribeTransactionsResponse(Response):
    """Answer of version 0, as in Kafka's DescribeTransactionsResponse.json."""

    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString("utf-8")),
                ("state", CompactString("utf-8")),
                ("timeout_ms", Int32),
                ("start_time_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(
                        ("topic", CompactString("utf-8")),
                        ("partitions", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeTransactionsRequestV0(RequestStruct):
    """Request of version 0, as in Kafka's DescribeTransactionsRequest.json."""

    FLEXIBLE_VERSION = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = DescribeTransactionsResponse
    SCHEMA = Schema(("transactional_ids", CompactArray(CompactString("utf-8"))), ("tags", TaggedFields))


class DescribeTransactions(Request[DescribeTransactionsRequestV0]):
    """Asks the coordinator of a transactional id for its transaction; Kafka 3.0 and later know it."""

    API_KEY = 65

    def __init__(self, transactional_id: str) -> None:
        self._transactional_id = transactional_id

    def build(
        self, request_struct_class: type[DescribeTransactionsRequestV0]
    ) -> DescribeTransactionsRequestV0:
        """Return the request that is sent."""
        return request_struct_class([self._transactional_id], {})


async def is_committed(client: AIOKafkaClient, transactional_id: str) -> bool | None:
    """Return whether the last transaction of the id counts; None where there is none, or nobody can say.

    One that is still open does not: taking the id over aborts it. Blocks while the coordinator is away.
    Raises ``KafkaError`` where it refuses.
    """
    while True:
        try:
            coordinator = await client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
            answer = await client.send(coordinator, DescribeTransactions(transactional_id))
            code, _, state, *_ = answer.transactions[0]
            if code == 0:
                return _COMMITTED.get(state)
            if code == _NEVER_USED:
                return None
            raise for_code(code)(transactional_id)
        except IncompatibleBrokerVersion:
            return None
        except KafkaError as exc:
            if not exc.retriable:
                raise
            logger.debug("the coordinator of %s does not answer yet: %s", transactional_id, exc)
        await asyncio.sleep(_AGAIN_AFTER)
