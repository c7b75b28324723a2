"""What a program has published, held against the contract (section 3) and the recount.

Every message of every program must have the contract's fields and headers; which ones there are is compared with
``Expected``. Nothing of ``app`` decides here: fields and headers are written out once more.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from aiokafka import TopicPartition

from tests.bench.expected import Expected
from tests.bench.subjects.subject import Run, Subject, records
from tests.bench.surroundings import BenchError

#: What the scope of a caller begins with.
CALLER: Final = "caller:"


class Cause(msgspec.Struct, forbid_unknown_fields=True):
    """The event that did it."""

    topic: str
    partition: int
    offset: int
    id: str


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of every output; all are required."""

    event_id: str
    scope: str
    achieved_at: str
    recorded_at: str
    cause: Cause | None

    def what(self, caller: str) -> Hashable:
        """Return it as the recount names it."""
        raise NotImplementedError

    def is_due(self) -> bool:
        """Say whether its numbers allow it."""
        return True


class Unlock(Message):
    """An achievement of a scope."""

    achievement_id: str
    title: str
    description: str
    icon: str
    category: str
    value: float
    threshold: float

    def what(self, caller: str) -> Hashable:
        """Return caller and achievement."""
        return caller, self.achievement_id

    def is_due(self) -> bool:
        """Say whether the threshold is reached."""
        return self.value >= self.threshold


class LevelUp(Message):
    """A level of a scope."""

    from_level: int
    level: int
    xp: int
    xp_for_next_level: int

    def what(self, caller: str) -> Hashable:
        """Return caller and level."""
        return caller, self.level

    def is_due(self) -> bool:
        """Say whether the points are those of the level."""
        return self.from_level < self.level and self.level**2 * 53 <= self.xp < self.xp_for_next_level


class Evolved(Message):
    """A stage of a species of a scope."""

    species_id: str
    species: str
    rarity: str
    stage: str
    stage_index: int

    def what(self, caller: str) -> Hashable:
        """Return caller, species and stage."""
        return caller, self.species_id, self.stage_index


#: The outputs by their names.
MESSAGES: Final[Mapping[str, type[Message]]] = {
    "achievement-unlocked": Unlock,
    "level-up": LevelUp,
    "pet-evolved": Evolved,
}


async def require(subject: Subject, run: Run, since: Mapping[TopicPartition, int]) -> None:
    """Compare what a program has published from offsets on with the recount. Raises ``BenchError``.

    One output after the other: of many callers each takes much memory.
    """
    for name, topic in subject.outputs(run).items():
        found: Counter[Hashable] = Counter()
        decode = msgspec.json.Decoder(MESSAGES[name]).decode
        async for record in records(run, [topic], since):
            try:
                message = decode(record.value)
            except msgspec.DecodeError as exc:
                raise BenchError(f"{run.name} published a {name} with {exc}: {record.value!r}") from exc
            if wrong := fault(name, message, record.key, record.headers):
                raise BenchError(f"{run.name} published a {name} with {wrong}: {record.value!r}")
            if message.scope.startswith(CALLER):
                found[message.what(message.scope.removeprefix(CALLER))] += 1
        if difference := compare(found, due(name, run.expected)):
            raise BenchError(f"{run.name} published {name} wrongly: {difference}")


def due(name: str, recount: Expected) -> Iterable[Hashable]:
    """Return what must be published to an output."""
    match name:
        case "achievement-unlocked":
            return recount.unlocks()
        case "level-up":
            return recount.levels()
        case _:
            return recount.pets()


def compare(found: Counter[Hashable], expected: Iterable[Hashable]) -> str:
    """Say how what was published differs from what must be, each once; empty if it does not. Empties ``found``."""
    total, missing = found.total(), []
    count = 0
    for count, each in enumerate(expected, 1):  # noqa: B007 - how many there were
        if (times := found.pop(each, 0)) == 0:
            missing.append(each)
        elif times > 1:
            found[each, "again"] = times - 1
    if not missing and not found:
        return ""
    extra = found.total()
    some = [*missing[:2], *list(found)[:2]]
    return f"{total} instead of {count}: {len(missing)} are missing, {extra} too many: {some}"


def fault(name: str, message: Message, key: bytes, headers: Sequence[tuple[str, bytes]]) -> str:
    """Say what is wrong with a message; empty if nothing is."""
    if not message.is_due():
        return "numbers that do not allow it"
    if key != message.scope.encode():
        return f"the key {key!r}"
    there = dict(headers)
    wanted = {
        "ce_specversion": b"1.0",
        "ce_id": message.event_id.encode(),
        "ce_source": there.get("ce_source", b""),
        "ce_type": f"io.streakline.{name}.v1".encode(),
        "ce_time": message.achieved_at.encode(),
        "ce_subject": message.scope.encode(),
        "content-type": b"application/json",
    }
    if there != wanted or len(headers) != len(wanted) or not there["ce_source"].startswith(b"/streakline/"):
        return f"the headers {headers}"
    return ""
