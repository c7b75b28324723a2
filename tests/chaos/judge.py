"""The verdict: what is stored and published, compared with the recount of the input."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.chaos.recount import GATEWAY, Recount, Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tests.chaos.recount import Place
    from tests.chaos.state import Found, Numbers

UNLOCKED, LEVELS, EVOLVED = "achievement-unlocked", "level-up", "pet-evolved"

#: Headers that a dead letter carries behind those of the message.
ERRORS = "__connect.errors."


@dataclass
class Verdict:
    """How the deployment differs from the recount; each difference in words."""

    events: int = 0
    duplicates: int = 0
    bad: int = 0
    #: Scopes, unlocks, levels, evolutions and dead letters that are not there.
    missing: list[str] = field(default_factory=list)
    #: Those that are there though nothing earned them, or once more than once.
    extra: list[str] = field(default_factory=list)
    #: Numbers of the state, and what is said in messages, that are not those of the recount.
    wrong: list[str] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        """Return all of them."""
        return [f"{kind}: {each}" for kind in ("missing", "extra", "wrong") for each in getattr(self, kind)]

    def compare(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        """Note what is there too rarely, and what too often."""
        self.missing += [f"{what} {each}" for each in (expected - found).elements()]
        self.extra += [f"{what} {each}" for each in (found - expected).elements()]


def judge(found: Found) -> Verdict:
    """Recount the input and compare everything that was made of it; workers must stand still meanwhile."""
    published = found.published()
    causes = {found.place_of(each["cause"]) for each in _messages(published) if each["cause"] is not None}
    recount = recounted(found, causes)
    verdict = Verdict(recount.messages, recount.duplicates, len(recount.bad))
    _judge_state(verdict, recount.scopes, found.numbers())
    _judge_published(verdict, recount.scopes, published)
    _judge_causes(verdict, recount, published, found)
    _judge_dead_letters(verdict, recount.bad, found.dead_letters())
    return verdict


def recounted(found: Found, causes: Collection[Place] = ()) -> Recount:
    """Count the input again; ``causes`` are the places to remember the events of."""
    recount = Recount(causes)
    found.inputs(
        lambda topic, record: recount.add(
            (topic, record.partition, record.offset),
            record.timestamp,
            record.key,
            record.value,
            record.headers,
        )
    )
    return recount


def _judge_state(verdict: Verdict, expected: Mapping[str, Scope], found: Mapping[str, Numbers]) -> None:
    verdict.compare("scope", Counter(expected.keys()), Counter(found.keys()))
    for name in expected.keys() & found.keys():
        numbers, stored = expected[name].numbers(gateway=name == GATEWAY), found[name]
        verdict.wrong += [
            f"{name} {number}: {_short(stored.get(number))} instead of {_short(value)}"
            for number, value in numbers.items()
            if stored.get(number) != value
        ]


def _short(value: Any) -> str:
    return str(value)[:60]


def _messages(published: Mapping[str, list[dict[str, Any]]]) -> Iterable[dict[str, Any]]:
    return (each for messages in published.values() for each in messages)


def _judge_published(
    verdict: Verdict, scopes: Mapping[str, Scope], published: Mapping[str, list[dict[str, Any]]]
) -> None:
    verdict.compare(
        "unlock",
        Counter((name, each) for name, scope in scopes.items() for each in _achievements(name, scope)),
        Counter((each["scope"], each["achievement_id"]) for each in published[UNLOCKED]),
    )
    verdict.compare(
        "evolution",
        Counter((name, *stage) for name, scope in scopes.items() for stage in scope.stages()),
        Counter((each["scope"], each["species_id"], each["stage_index"]) for each in published[EVOLVED]),
    )
    levels: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in published[LEVELS]:
        levels[each["scope"]].append((each["from_level"], each["level"]))
    for name in scopes.keys() | levels.keys():
        _judge_levels(verdict, name, levels[name], scopes[name].level() if name in scopes else 1)


def _achievements(name: str, scope: Scope) -> set[str]:
    return scope.achievements(gateway=name == GATEWAY)


def _judge_levels(verdict: Verdict, name: str, steps: list[tuple[int, int]], highest: int) -> None:
    """Each level-up of a scope begins where the one before ended, and the last one ends at the right level."""
    level = 1
    for before, after in steps:
        if before > level:
            verdict.missing.append(f"level of {name}: from {level} to {before}")
        elif before < level:
            verdict.extra.append(f"level of {name}: from {before} again")
        level = max(level, after)
    if level < highest:
        verdict.missing.append(f"level of {name}: from {level} to {highest}")
    elif level > highest:
        verdict.extra.append(f"level of {name}: {level} above {highest}")


def _judge_causes(
    verdict: Verdict, recount: Recount, published: Mapping[str, list[dict[str, Any]]], found: Found
) -> None:
    """What is published of a caller names an event of that caller, with its own time, where it is in the input."""
    for each in _messages(published):
        if each["scope"] == GATEWAY:
            continue
        cause = each["cause"]
        known = recount.known.get(found.place_of(cause)) if cause is not None else None
        if known is None:
            verdict.wrong.append(f"cause of {each['event_id']}: {cause} is no event")
        elif (f"caller:{known.caller}", known.identity, known.at) != (
            each["scope"],
            cause["id"],
            datetime.fromisoformat(each["achieved_at"]),
        ):
            verdict.wrong.append(f"cause of {each['event_id']}: {cause} is {known}")


def _judge_dead_letters(verdict: Verdict, bad: Mapping[Place, Any], letters: list[Any]) -> None:
    """Every message that cannot be counted is there once, unchanged."""
    places: Counter[Place] = Counter()
    for letter in letters:
        headers = dict(letter.headers)
        topic, partition, offset = (
            headers[ERRORS + name].decode() for name in ("topic", "partition", "offset")
        )
        place = (_unprefixed(topic), int(partition), int(offset))
        places[place] += 1
        if place in bad:
            key, value, own = bad[place]
            if (letter.key, letter.value, tuple(letter.headers[: len(own)])) != (key, value, own):
                verdict.wrong.append(f"dead letter of {place}: changed")
    verdict.compare("dead letter", Counter(bad.keys()), places)


def _unprefixed(topic: str) -> str:
    return topic[topic.index("gateway.") :]
