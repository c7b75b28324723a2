"""The Faust app: agents, topics, worker and rebalance are Faust's; reading, state and writing are not."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import faust
from aiokafka import TopicPartition
from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from faust.types.transports import TransportT

from app.engine.batches import Batches, FoldFunction
from app.engine.consumer import Transport
from app.engine.fetching import use_quick_fetches
from app.engine.fold import Stage
from app.engine.recovery import Recovery, TableManager
from app.engine.tasks import Tasks
from app.engine.transactions import use_steady_producers

if TYPE_CHECKING:
    import ssl

logger = logging.getLogger(__name__)

#: Seconds without a heartbeat after which the group takes a worker's partitions away.
SESSION_TIMEOUT = 10.0

#: Seconds between two commits of the group's offsets, for lag monitors.
GROUP_COMMIT_INTERVAL = 3.0

#: Seconds without a fetch after which aiokafka would leave the group, and not join again before it fetches:
#: never. A worker that stands by has nothing to fetch, and a long restore fetches nothing. The watchdog
#: sees one that hangs.
MAX_POLL_INTERVAL = 1e9

#: Bytes of one fetch of one partition; a larger message is still fetched. With many callers a worker that is
#: behind folds the quicker the longer it stays with one partition: its callers stay in the processor's cache.
FETCH_BYTES = 8 * 1024 * 1024

#: Fetches that may wait in front of an agent, over all of its partitions.
FETCH_QUEUE = 4


class Passthrough(faust.Schema[Any, Any]):
    """Hands a fetch to the agent as it is: the fold decodes it."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Return a decoder that wraps the message's value in an event, untouched."""

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(None, message.value, message.headers, message)

        return decode


class App(faust.App):
    """A Faust app whose agents fold batches into tasks."""

    logger = logging.getLogger("faust")

    def __init__(
        self,
        app_id: str,
        stages: Sequence[Stage],
        kafka_options: Mapping[str, Any],
        changelog: Callable[[str], str],
        *,
        instance_id: str | None = None,
        **faust_settings: Any,
    ) -> None:
        use_quick_fetches()
        use_steady_producers()
        servers = str(kafka_options["bootstrap_servers"]).split(",")
        super().__init__(
            app_id,
            broker=";".join(f"kafka://{server.strip()}" for server in servers),
            broker_credentials=_credentials(kafka_options),
            TableManager=TableManager,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=1,  # keeps Faust's own assignor: co-partitioned and sticky
            stream_recovery_delay=0,
            stream_wait_empty=False,
            stream_buffer_maxsize=FETCH_QUEUE,
            broker_session_timeout=SESSION_TIMEOUT,
            broker_heartbeat_interval=SESSION_TIMEOUT / 4,
            broker_request_timeout=30.0,
            broker_rebalance_timeout=30.0,
            broker_max_poll_interval=MAX_POLL_INTERVAL,
            broker_commit_interval=GROUP_COMMIT_INTERVAL,
            consumer_auto_offset_reset="none",  # a position that is gone must be seen, not jumped over
            consumer_max_fetch_size=FETCH_BYTES,
            consumer_group_instance_id=instance_id,
            worker_redirect_stdouts=False,
            **faust_settings,
        )
        self.tasks = Tasks(app_id, stages, dict(kafka_options), changelog)
        self.is_ready = False

    @property
    def recovery(self) -> Recovery:
        """Return the service that opens and closes tasks around a rebalance."""
        return cast("Recovery", self.tables.recovery)  # type: ignore[attr-defined]  # our TableManager has it

    def _new_transport(self) -> TransportT:
        return cast("TransportT", Transport(self.conf.broker_consumer, self))

    def end_of(self, source: TopicPartition) -> int | None:
        """Return where a source ended when it was last fetched, None if this worker has not read it yet."""
        try:
            end: int | None = self.consumer.highwater(TP(*source)) if self.is_ready else None
        except (AssertionError, ConsumerNotStarted):  # not assigned any more, or not yet
            return None
        return end

    def fold_topic(self, topic: str, function: FoldFunction) -> None:
        """Add the agent that folds ``topic`` (its full name) with ``function``."""
        source = self.topic(topic, schema=Passthrough(), acks=False)

        async def fold(stream: Any) -> None:
            await Batches(stream, self.tasks).fold(function)

        self.agent(source, name=f"fold {topic}")(fold)

    def on_tasks_open(self) -> None:
        """Note that all assigned partitions fold."""
        self.is_ready = True
        logger.info("folding: %s", self.tasks)

    def on_tasks_closed(self) -> None:
        """Note that partitions are being taken away."""
        self.is_ready = False

    async def on_stop(self) -> None:
        """Close the tasks, as ``Task.close`` says, before the consumer leaves the group."""
        await self.recovery.give_up()
        logger.info("what was being committed is committed")
        await super().on_stop()


def _credentials(options: Mapping[str, Any]) -> Any:
    """Translate aiokafka's keyword arguments into the credentials object that Faust takes."""
    context = options.get("ssl_context")
    if options.get("security_protocol", "PLAINTEXT").startswith("SASL"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context=cast("ssl.SSLContext", context)) if context is not None else None
