"""Making the topics, and saying what is wrong with existing ones."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from app.errors import StreaklineError
from app.settings import Settings
from app.topics import TopicSpec

#: From three replicas on, an acknowledged write is on two of them.
MIN_INSYNC_FROM = 3


#: Seconds after which a topic that was created must be listed.
KNOWN_WITHIN = 15.0


class TopicsError(StreaklineError):
    """The topics are not what the state needs."""


class UnreachableError(StreaklineError):
    """No broker answers."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One topic and what is wrong with it, empty if nothing is."""

    topic: str
    problem: str


class Provisioner:
    """Creates and checks topics. Use as an async context manager; raises ``UnreachableError`` on entering."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(**settings.kafka_options(), request_timeout_ms=15_000)

    async def __aenter__(self) -> Self:
        clients = logging.getLogger("aiokafka")
        level = clients.level
        clients.setLevel(logging.CRITICAL)  # it would say in its own words, and several times, what we say
        try:
            await self._admin.start()
        except KafkaConnectionError as exc:
            await self._admin.close()
            hint = (
                "`streakline kafka start` starts a local one"
                if self._settings.local_broker
                else "is it running?"
            )
            raise UnreachableError(f"no Kafka broker at {self._settings.bootstrap_servers}: {hint}") from exc
        finally:
            clients.setLevel(level)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._admin.close()

    async def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create the topics that do not exist; return their names. Existing ones are left as they are."""
        existing = set(await self._admin.list_topics())
        missing = [spec for spec in specs if spec.name not in existing]
        if not missing:
            return []
        response = await self._admin.create_topics([self._new_topic(spec) for spec in missing])
        created = []
        for name, code, *detail in response.topic_errors:
            if not code:
                created.append(name)
            elif for_code(code) is not TopicAlreadyExistsError:
                reason = detail[0] if detail and detail[0] else for_code(code).__name__
                raise TopicsError(f"topic {name} could not be created: {reason}")
        await self._wait_until_known(created)
        return created

    async def _wait_until_known(self, topics: Sequence[str]) -> None:
        """Wait until the broker lists what its controller has created, which takes it a moment."""
        deadline = time.monotonic() + KNOWN_WITHIN
        while missing := set(topics) - set(await self._admin.list_topics()):
            if time.monotonic() > deadline:
                raise TopicsError(
                    f"topic {min(missing)} was created, but the broker does not list it: try again"
                )
            await asyncio.sleep(0.1)

    def _new_topic(self, spec: TopicSpec) -> NewTopic:
        replicas = self._settings.replication_factor
        configs = dict(spec.configs)
        if replicas >= MIN_INSYNC_FROM:
            configs["min.insync.replicas"] = "2"
        return NewTopic(spec.name, spec.partitions, replicas, topic_configs=configs)

    async def check(self, specs: Sequence[TopicSpec], created: Collection[str] = ()) -> list[Finding]:
        """Return one finding for each topic, in order.

        Any broker may answer, and not all of them know at once what was just ``created``: those are asked for
        again until they are right, for ``KNOWN_WITHIN`` seconds.
        """
        deadline = time.monotonic() + (KNOWN_WITHIN if created else 0.0)
        while True:
            is_late = time.monotonic() >= deadline
            try:
                findings = await self._findings(specs)
            except KafkaError:
                if is_late:
                    raise
            else:
                if is_late or not any(each.problem and each.topic in created for each in findings):
                    return findings
            await asyncio.sleep(0.1)

    async def _findings(self, specs: Sequence[TopicSpec]) -> list[Finding]:
        existing = set(await self._admin.list_topics())
        present = [spec for spec in specs if spec.name in existing]
        described = {topic["topic"]: topic["partitions"] for topic in await self._describe(present)}
        policies = await self._cleanup_policies(present)
        return [
            Finding(spec.name, self._problem(spec, described.get(spec.name), policies.get(spec.name)))
            for spec in specs
        ]

    async def require(self, specs: Sequence[TopicSpec]) -> None:
        """Raise ``TopicsError`` where a topic is not what it must be, and say of one what is wrong."""
        for finding in await self.check(specs):
            if finding.problem:
                raise TopicsError(f"topic {finding.topic} {finding.problem}")

    async def _describe(self, specs: Sequence[TopicSpec]) -> list[dict[str, Any]]:
        return list(await self._admin.describe_topics([spec.name for spec in specs])) if specs else []

    async def _cleanup_policies(self, specs: Sequence[TopicSpec]) -> dict[str, str]:
        wanted = [
            ConfigResource(ConfigResourceType.TOPIC, spec.name, {"cleanup.policy": None})
            for spec in specs
            if spec.cleanup_policy
        ]
        if not wanted:
            return {}
        policies: dict[str, str] = {}
        for response in await self._admin.describe_configs(wanted):
            for code, _message, _kind, name, entries in response.resources:
                if code:
                    raise KafkaError(f"the settings of {name} cannot be read: {for_code(code).__name__}")
                policies |= {str(name): entry[1] for entry in entries if entry[0] == "cleanup.policy"}
        return policies

    def _problem(self, spec: TopicSpec, partitions: Any, policy: str | None) -> str:
        if partitions is None:
            return "does not exist: `streakline topics create` makes it"
        if len(partitions) != spec.partitions:
            return f"has {len(partitions)} partitions, {spec.partitions} are needed (STREAKLINE_PARTITIONS)"
        replicas = min(len(partition["replicas"]) for partition in partitions)
        if replicas < self._settings.replication_factor:
            wanted = self._settings.replication_factor
            return f"has {replicas} replicas, {wanted} are wanted (STREAKLINE_REPLICATION_FACTOR)"
        if spec.cleanup_policy and policy != spec.cleanup_policy:
            return f"has cleanup.policy={policy}, it must be {spec.cleanup_policy}"
        return ""
