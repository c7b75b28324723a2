"""Every topic by name: what it is for, how many partitions it has, how the broker keeps it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.domain.events import EVENT_OF_TOPIC
from app.domain.murmur import partitioner
from app.domain.published import OUTPUTS

if TYPE_CHECKING:
    from app.settings import Settings

INPUTS: Final = tuple(EVENT_OF_TOPIC)
DEAD_LETTERS: Final = "streakline.dead-letters"

#: Internal topics; their names begin with the app id.
FORWARDED: Final = "forwarded"
GATEWAY_SHARES: Final = "gateway-shares"
IMPORT: Final = "import"

#: The largest message of our own topics: a dead letter is a message that the broker has accepted once, with a
#: few headers more, and a row of a changelog is whole.
LARGEST_MESSAGE: Final = {"max.message.bytes": str(16 * 1024 * 1024)}

_FOREVER: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

#: What is forwarded is on no other topic that is still read: it has to last until its home partition has
#: folded it, however far behind that is.
_FORWARDED: Final = {**_FOREVER, "retention.ms": str(30 * 24 * 3600 * 1000), **LARGEST_MESSAGE}
_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(64 * 1024 * 1024),
    **LARGEST_MESSAGE,
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a fold must know of its deployment: the names of topics and where a key belongs.

    ``dedupe_window`` is how many identities a partition remembers; ``scopes_in_use`` how
    many callers it keeps the rows of decoded between transactions. No connection to anything.
    """

    app_id: str
    prefix: str
    partitions: int
    partition_of: Callable[[bytes], int]
    dedupe_window: int
    scopes_in_use: int = 16_384

    @classmethod
    def of(cls, settings: "Settings") -> "Surroundings":
        """Return the surroundings that the settings say."""
        count = settings.partitions
        return cls(settings.app_id, settings.topic_prefix, count, partitioner(count), settings.dedupe_window)

    @property
    def group_id(self) -> str:
        """Return the consumer group, also the beginning of transactional ids."""
        return self.prefix + self.app_id

    def topic(self, name: str) -> str:
        """Return the full name of a topic of the contract or of an internal one."""
        return (
            f"{self.prefix}{self.app_id}.{name}"
            if name in {FORWARDED, GATEWAY_SHARES, IMPORT}
            else self.prefix + name
        )

    def output_topic(self, output: str) -> str:
        """Return the full name of an output's topic."""
        return f"{self.prefix}streakline.{output}"

    def changelog(self, table: str) -> str:
        """Return the full name of a table's changelog."""
        return f"{self.prefix}{self.app_id}.{table}-changelog"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be. ``compacted`` is what the state depends on; ``configs`` are how we create it."""

    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)

    @property
    def cleanup_policy(self) -> str | None:
        """Return the cleanup policy that matters, None where the gateway decides."""
        return self.configs.get("cleanup.policy")


def specs(around: Surroundings, tables: Mapping[str, int]) -> list[TopicSpec]:
    """Return all topics of a deployment; ``tables`` says how many partitions each table has."""
    count = around.partitions
    stamped = {"message.timestamp.type": "LogAppendTime"}
    return [
        *(TopicSpec(around.topic(name), count, stamped) for name in INPUTS),
        *(TopicSpec(around.output_topic(output), count, _FOREVER) for output in OUTPUTS),
        TopicSpec(around.topic(DEAD_LETTERS), count, {**_FOREVER, **LARGEST_MESSAGE}),
        TopicSpec(around.topic(FORWARDED), count, _FORWARDED),
        TopicSpec(around.topic(GATEWAY_SHARES), 1, _COMPACTED),
        TopicSpec(around.topic(IMPORT), 1, _COMPACTED),
        *(TopicSpec(around.changelog(table), partitions, _COMPACTED) for table, partitions in tables.items()),
    ]
