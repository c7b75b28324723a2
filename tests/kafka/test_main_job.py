from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.main_job_events import CACHE_HITS, MCP_CALLS, PHASES, REQUESTS, RESTART_AFTER, Given
from tests.support import rows as stored
from tests.support.deployment import PARTITIONS, Deployment, Sending
from tests.support.rows import Stats, caller_stats, day_cells, gateway_stats

if TYPE_CHECKING:
    from app.local.broker import Broker

OUTPUTS = ("achievement-unlocked", "level-up", "pet-evolved")


@dataclass
class Ran:
    """What came of the events: where each was sent, what was published, what is stored."""

    deployment: Deployment
    began: datetime
    #: (partition, offset) by topic and identity.
    sent: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    offsets: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    published: dict[str, list[Any]] = field(default_factory=dict)
    #: How many messages each topic had after each phase.
    published_after: list[dict[str, int]] = field(default_factory=list)
    rows: stored.Rows = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def send(self, phase: tuple[Given, ...]) -> None:
        """Send a phase, noting where each event is."""
        messages = []
        for event in phase:
            partition = (self.deployment.home(event.home_key) + event.away) % PARTITIONS
            target = (event.topic, partition)
            identity = next(
                value for name, value in event.fields.items() if name.endswith("_id") and name != "caller_id"
            )
            if event.topic == "gateway.facts":
                identity += "/superseded" if event.fields.get("superseded_by") else "/stored"
            self.sent[event.topic, identity] = (partition, self.offsets[target])
            self.offsets[target] += 1
            key = event.key.encode() if event.key is not None else None
            messages.append(Sending(event.topic, partition, json.dumps(event.fields).encode(), key))
        self.deployment.send(messages)

    def cause(self, topic: str, identity: str) -> dict[str, Any]:
        """Return what must be said of an event that was sent."""
        partition, offset = self.sent[topic, identity]
        full_name = self.deployment.prefix + topic
        return {"topic": full_name, "partition": partition, "offset": offset, "id": identity}

    def of(self, output: str, scope: str) -> list[dict[str, Any]]:
        """Return the values that were published for a scope, without when they were recorded."""
        values = [json.loads(record.value) for record in self.published[output]]
        return [
            {name: value for name, value in each.items() if name != "recorded_at"}
            for each in values
            if each["scope"] == scope
        ]

    def read(self) -> None:
        """Read what is published and stored now."""
        deployment = self.deployment
        self.published = {name: deployment.read(f"{deployment.prefix}streakline.{name}") for name in OUTPUTS}
        self.published_after.append({name: len(records) for name, records in self.published.items()})


@pytest.fixture(scope="module")
def ran(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All phases through two workers, one after the other."""
    deployment = Deployment(broker.address, tmp_path_factory.mktemp("main-job"), STREAKLINE_APP_ID="main-job")
    deployment.run("topics", "create")
    ran = Ran(deployment, datetime.now(UTC))
    phases = list(PHASES)
    for part in (phases[: RESTART_AFTER + 1], phases[RESTART_AFTER + 1 :]):
        with deployment.start_worker() as worker:
            for phase in part:
                ran.send(phase)
                deployment.wait_until_folded()
                ran.read()
            ran.statuses.append(worker.stop())
    ran.rows = deployment.read_rows(*stored.CALLER_TABLES, stored.GATEWAY_SHARES)
    return ran


# -- what is expected, by hand -----------------------------------------------------------------------------

#: Words of the reference, and the threshold.
WORDS: dict[str, tuple[str, str, str, str, float]] = {
    "first-call": ("Hello Gateway", "First request through the gateway", "👋", "first", 1),
    "first-cache": ("Cache Awakens", "First cache hit", "💾", "first", 1),
    "first-semantic": ("Mind Reader", "First semantic (fuzzy) cache hit", "🧠", "first", 1),
    "first-race": ("Started the Race", "Ran a multi-model race", "🏁", "race", 1),
    "first-fact": ("I Remember", "Stored your first knowledge fact", "📌", "memory", 1),
    "saved-1k": ("Penny Pincher", "1k tokens prevented", "🐷", "cache", 1_000),
    "saved-10k": ("Frugal Engineer", "10k tokens prevented", "💎", "cache", 10_000),
    "saved-100k": ("Token Hoarder", "100k tokens prevented", "👑", "cache", 100_000),
    "saved-1m": ("Million Saved", "1M tokens prevented", "🦄", "cache", 1_000_000),
    "cost-1c": ("Bottle of Soda", "$0.01 of API cost saved", "🥤", "cache", 0.01),
    "cost-1d": ("Coffee on Us", "$1 saved", "☕", "cache", 1),
    "cost-10d": ("Decent Lunch", "$10 saved", "🍱", "cache", 10),
    "streak-3": ("3-Day Glow", "3-day usage streak", "🔥", "streak", 3),
    "streak-7": ("Week Warrior", "7-day usage streak", "🌟", "streak", 7),
    "callers-3": ("Three Mouths", "3 distinct callers", "🗣️", "volume", 3),
    "models-5": ("Polyglot", "Routed through 5+ models", "🌐", "volume", 5),
    "wallet-pro": ("Pool Builder", "3+ subscriptions configured", "💼", "wallet", 3),
}

FACTS, RACES = "gateway.facts", "gateway.races"

#: Caller, achievement, value, time, and the event that did it.
UNLOCKS: list[tuple[str, str, float, str, str, str]] = [
    # Ada's third day in a row; the day that joins 1 to 3 March and 5 to 7 March.
    ("ada", "first-call", 1, "2024-03-01T08:00:00Z", REQUESTS, "a1"),
    ("ada", "streak-3", 3, "2024-03-03T08:00:00Z", REQUESTS, "a3"),
    ("ada", "saved-1k", 1_500_000, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    ("ada", "saved-10k", 1_500_000, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    ("ada", "saved-100k", 1_500_000, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    ("ada", "saved-1m", 1_500_000, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    ("ada", "streak-7", 7, "2024-03-04T12:00:00Z", REQUESTS, "a7"),
    # Bob: 999 + 1 tokens; 0.004 + "0.006" dollars are a cent exactly; with "0.99" a dollar exactly.
    ("bob", "first-cache", 1, "2024-03-10T23:59:59.999999Z", CACHE_HITS, "b1"),
    ("bob", "first-semantic", 1, "2024-03-10T23:30:00Z", CACHE_HITS, "b2"),
    ("bob", "saved-1k", 1_000, "2024-03-10T23:30:00Z", CACHE_HITS, "b2"),
    ("bob", "cost-1c", 0.01, "2024-03-10T23:30:00Z", CACHE_HITS, "b2"),
    ("bob", "cost-1d", 1.0, "2024-03-11T09:00:00Z", CACHE_HITS, "b3"),
    ("bob", "saved-10k", 50_000, "2024-03-12T10:00:00Z", CACHE_HITS, "b4"),
    # Cem: the run 29 February to 2 March is full with c4; the fifth model comes with c5.
    ("cem", "first-call", 1, "2024-02-29T01:00:00Z", REQUESTS, "c1"),
    ("cem", "streak-3", 3, "2024-03-02T00:00:00Z", REQUESTS, "c4"),
    ("cem", "models-5", 5, "2024-02-29T12:00:00Z", REQUESTS, "c5"),
    ("cem", "first-race", 1, "2024-03-02T10:00:00Z", RACES, "x1"),
    ("cem", "first-fact", 1, "2024-03-02T11:00:00Z", FACTS, "f1/stored"),
    # Dee: the first of two requests that were forwarded from one partition.
    ("dee", "first-call", 1, "2024-01-15T10:00:00Z", REQUESTS, "d1"),
    ("dee", "saved-1k", 50_880, "2024-01-20T00:00:00Z", MCP_CALLS, "d-mcp"),
    ("dee", "saved-10k", 50_880, "2024-01-20T00:00:00Z", MCP_CALLS, "d-mcp"),
]

#: Caller, from, to, points, points of the next level, time, and the event that did it.
LEVEL_UPS = [
    # 1,500,000 / 240 = 6250 points; level 10 begins at 5300, level 11 at 6413.
    ("ada", 1, 10, 6250, 6413, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    # 10 hits are 500 points, 1000 tokens are 4: past level 2 (212) to level 3 (477); level 4 begins at 848.
    ("bob", 1, 3, 504, 848, "2024-03-11T09:00:00Z", CACHE_HITS, "b3"),
    # 50,880 / 240 = 212 points: the least of level 2. Level 3 begins at 477.
    ("dee", 1, 2, 212, 477, "2024-01-20T00:00:00Z", MCP_CALLS, "d-mcp"),
]

DRAGON = ("gateway-dragon", "Gateway Dragon", "legendary")
CAT = ("cache-cat", "Cache Cat", "rare")
FOX = ("token-fox", "Token Fox", "uncommon")

#: Caller, species, stage, its index, time, and the event that did it.
EVOLUTIONS = [
    ("ada", FOX, "Pup", 0, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    ("ada", FOX, "Fox", 1, "2024-03-05T07:30:00Z", MCP_CALLS, "a-mcp"),
    # The tokens were saved before; the week unlocks the dragon, which passes all stages up to a million.
    ("ada", DRAGON, "Egg", 0, "2024-03-04T12:00:00Z", REQUESTS, "a7"),
    ("ada", DRAGON, "Hatchling", 1, "2024-03-04T12:00:00Z", REQUESTS, "a7"),
    ("ada", DRAGON, "Drake", 2, "2024-03-04T12:00:00Z", REQUESTS, "a7"),
    ("ada", DRAGON, "Dragon", 3, "2024-03-04T12:00:00Z", REQUESTS, "a7"),
    ("bob", FOX, "Pup", 0, "2024-03-10T23:30:00Z", CACHE_HITS, "b2"),
    ("bob", CAT, "Kitten", 0, "2024-03-11T09:00:00Z", CACHE_HITS, "b3"),
    ("bob", CAT, "Cat", 1, "2024-03-12T10:00:00Z", CACHE_HITS, "b4"),
    ("bob", CAT, "Wise Cat", 2, "2024-03-12T10:00:00Z", CACHE_HITS, "b4"),
    ("bob", FOX, "Fox", 1, "2024-03-12T10:00:00Z", CACHE_HITS, "b4"),
    ("dee", FOX, "Pup", 0, "2024-01-20T00:00:00Z", MCP_CALLS, "d-mcp"),
    ("dee", FOX, "Fox", 1, "2024-01-20T00:00:00Z", MCP_CALLS, "d-mcp"),
]

#: On 8 March 2024: Ada's run ended yesterday, Cem's longer ago. 14 requests = 7 + 5 + 2, 1,700,900 tokens =
#: 1,500,000 + 50,000 + 50,880 + 100,000 + 20, and so on. The gateway's days run from 29 February to 7 March.
TODAY = date(2024, 3, 8).toordinal() - date(1970, 1, 1).toordinal()
STATS = {
    "ada": Stats(7, 1_500_000, 0, 0, 0, 1, 1, 0, 0, 7, 0, 7),
    "bob": Stats(0, 50_000, 1_000_000_001, 11, 1, 0, 0, 0, 0, 0, 0, 0),
    "cem": Stats(5, 0, 0, 0, 0, 1, 5, 2, 2, 0, 0, 3),
    "dee": Stats(2, 50_880, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1),
    "gateway": Stats(14, 1_700_900, 11_000_000_001, 14, 4, 3, 6, 3, 3, 8, 2, 9),
}

CALLERS = ("ada", "bob", "cem", "dee")


def event_id(*parts: str) -> str:
    """Compute an event id as it was defined once: it must be the same forever."""
    text = json.dumps(parts, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def by_id(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order messages by identity: between topics, events have no order within a phase."""
    return sorted(messages, key=lambda message: str(message["event_id"]))


# -- callers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", CALLERS)
def test_unlocks_of_callers(ran: Ran, caller: str) -> None:
    """Each caller's achievements are published once, with every field, at the time and by the event that did it."""
    expected = []
    for who, achievement_id, value, achieved_at, topic, identity in UNLOCKS:
        title, description, icon, category, threshold = WORDS[achievement_id]
        if who == caller:
            expected.append(
                {
                    "event_id": event_id("achievement-unlocked", f"caller:{who}", achievement_id),
                    "scope": f"caller:{who}",
                    "achievement_id": achievement_id,
                    "title": title,
                    "description": description,
                    "icon": icon,
                    "category": category,
                    "value": value,
                    "threshold": threshold,
                    "achieved_at": achieved_at,
                    "cause": ran.cause(topic, identity),
                }
            )
    assert by_id(ran.of("achievement-unlocked", f"caller:{caller}")) == by_id(expected)


@pytest.mark.parametrize("caller", CALLERS)
def test_level_ups_of_callers(ran: Ran, caller: str) -> None:
    """Levels that one event passes through are one message, from the level before to the highest."""
    expected = [
        {
            "event_id": event_id("level-up", f"caller:{who}", str(level)),
            "scope": f"caller:{who}",
            "from_level": from_level,
            "level": level,
            "xp": xp,
            "xp_for_next_level": next_level,
            "achieved_at": achieved_at,
            "cause": ran.cause(topic, identity),
        }
        for who, from_level, level, xp, next_level, achieved_at, topic, identity in LEVEL_UPS
        if who == caller
    ]
    assert ran.of("level-up", f"caller:{caller}") == expected


@pytest.mark.parametrize("caller", CALLERS)
def test_evolutions_of_callers(ran: Ran, caller: str) -> None:
    """Each stage of a species is one message; a species that is unlocked late passes its stages at once."""
    expected = [
        {
            "event_id": event_id("pet-evolved", f"caller:{who}", species[0], str(index)),
            "scope": f"caller:{who}",
            "species_id": species[0],
            "species": species[1],
            "rarity": species[2],
            "stage": stage,
            "stage_index": index,
            "achieved_at": achieved_at,
            "cause": ran.cause(topic, identity),
        }
        for who, species, stage, index, achieved_at, topic, identity in EVOLUTIONS
        if who == caller
    ]
    assert by_id(ran.of("pet-evolved", f"caller:{caller}")) == by_id(expected)


def test_event_ids_are_the_same_forever(ran: Ran) -> None:
    """These identities were written down with the first release; a consumer may have stored them."""
    identities = {json.loads(record.value)["event_id"] for name in OUTPUTS for record in ran.published[name]}
    assert identities >= {
        "433308e9d5c6d2a3e6fe27dc281379a6",  # the achievement first-call of caller:ada
        "75a8a6bffbcf75a6c2bfe4e05ac80bed",  # level 3 of caller:bob
        "bc41571a4399aa93adf660741428fba7",  # the egg of the gateway's dragon
    }


@pytest.mark.parametrize("caller", CALLERS)
def test_stats_of_callers(ran: Ran, caller: str) -> None:
    """Each caller's twelve stats are those counted by hand."""
    assert caller_stats(ran.rows, caller, TODAY) == STATS[caller]


def test_days_of_callers(ran: Ran) -> None:
    """Requests and savings are booked on the UTC day of the event."""
    leap_day, first, tenth = TODAY - 8, TODAY - 7, TODAY + 2
    assert day_cells(ran.rows, "ada") == {first + n: (1, 0, 0) for n in range(7)}
    assert day_cells(ran.rows, "bob") == {
        tenth: (0, 1_000, 10_000_000),
        tenth + 1: (0, 0, 990_000_000),
        tenth + 2: (0, 49_000, 1),
    }
    assert day_cells(ran.rows, "cem") == {leap_day: (3, 0, 0), first: (1, 0, 0), first + 1: (1, 0, 0)}


def test_nobody_else_has_a_scope(ran: Ran) -> None:
    """Events without a caller make no caller's scope, and a message's key makes none either."""
    scopes = {json.loads(record.value)["scope"] for name in OUTPUTS for record in ran.published[name]}
    assert scopes == {"gateway", *(f"caller:{caller}" for caller in CALLERS)}
    assert set(ran.rows["counters"]) - {b""} == {caller.encode() for caller in CALLERS}


# -- the gateway -------------------------------------------------------------------------------------------


def test_unlocks_of_the_gateway(ran: Ran) -> None:
    """The gateway unlocks all that its callers and nobody did together, each once, without a cause."""
    unlocks = ran.of("achievement-unlocked", "gateway")
    assert sorted(each["achievement_id"] for each in unlocks) == sorted(WORDS)
    for each in unlocks:
        words = WORDS[each["achievement_id"]]
        assert (
            each["title"],
            each["description"],
            each["icon"],
            each["category"],
            each["threshold"],
        ) == words
        assert each["event_id"] == event_id("achievement-unlocked", "gateway", each["achievement_id"])
        assert each["value"] >= each["threshold"]
        assert each["cause"] is None


def test_the_gateway_after_one_event(ran: Ran) -> None:
    """Where one event is merged alone, the gateway's unlock has its time and its value."""
    [first_cache] = [
        each for each in ran.of("achievement-unlocked", "gateway") if each["achievement_id"] == "first-cache"
    ]
    assert (first_cache["value"], first_cache["achieved_at"]) == (1, "2024-03-10T23:59:59.999999Z")
    assert ran.published_after[0] == {"achievement-unlocked": 2, "level-up": 0, "pet-evolved": 0}


def test_the_gateway_has_a_subscription_that_was_dropped_before(ran: Ran) -> None:
    """A change that arrives late counts as ever configured, but the newest change decides what is configured."""
    [wallet] = [
        each for each in ran.of("achievement-unlocked", "gateway") if each["achievement_id"] == "wallet-pro"
    ]
    # The newest event that was ever merged is b4.
    assert (wallet["value"], wallet["achieved_at"]) == (3, "2024-03-12T10:00:00Z")
    before, after = ran.published_after[-2:]
    assert after == {**before, "achievement-unlocked": before["achievement-unlocked"] + 1}


def test_level_ups_of_the_gateway(ran: Ran) -> None:
    """The gateway rises without a gap to level 12: 7087 + 14 * 50 + 3 * 25 + 4 * 10 = 7902 points."""
    level_ups = ran.of("level-up", "gateway")
    assert [each["from_level"] for each in level_ups] == [1, *(each["level"] for each in level_ups[:-1])]
    assert level_ups[-1]["level"] == 12
    for each in level_ups:
        assert each["level"] ** 2 * 53 <= each["xp"] < each["xp_for_next_level"]
        assert each["xp_for_next_level"] == (each["level"] + 1) ** 2 * 53
        assert each["event_id"] == event_id("level-up", "gateway", str(each["level"]))
        assert each["cause"] is None


def test_evolutions_of_the_gateway(ran: Ran) -> None:
    """The gateway has the dragon by its own tokens and days, with all stages up to a million."""
    stages = [(each["species_id"], each["stage_index"]) for each in ran.of("pet-evolved", "gateway")]
    expected = {"gateway-dragon": 4, "cache-cat": 3, "token-fox": 2}
    assert sorted(stages) == sorted(
        (name, index) for name, count in expected.items() for index in range(count)
    )
    for each in ran.of("pet-evolved", "gateway"):
        assert each["cause"] is None
        assert each["event_id"] == event_id(
            "pet-evolved", "gateway", each["species_id"], str(each["stage_index"])
        )


def test_stats_of_the_gateway(ran: Ran) -> None:
    """The gateway's twelve stats are those counted by hand."""
    assert gateway_stats(ran.rows, TODAY) == STATS["gateway"]
    assert gateway_stats(ran.rows, TODAY + 2).streakDays == 0


# -- the messages ------------------------------------------------------------------------------------------


def test_messages_are_cloud_events(ran: Ran) -> None:
    """Every message carries CloudEvents headers in binary mode, and its key is the scope."""
    for name in OUTPUTS:
        for record in ran.published[name]:
            value = json.loads(record.value)
            assert record.key.decode() == value["scope"]
            assert list(record.headers) == [
                ("ce_specversion", b"1.0"),
                ("ce_id", value["event_id"].encode()),
                ("ce_source", b"/streakline/main-job"),
                ("ce_type", f"io.streakline.{name}.v1".encode()),
                ("ce_time", value["achieved_at"].encode()),
                ("ce_subject", value["scope"].encode()),
                ("content-type", b"application/json"),
            ]


def test_messages_have_the_fields_of_the_contract(ran: Ran) -> None:
    """A message has its fields and no others, and says when it was recorded."""
    common = {"event_id", "scope", "achieved_at", "recorded_at", "cause"}
    own = {
        "achievement-unlocked": {
            "achievement_id",
            "title",
            "description",
            "icon",
            "category",
            "value",
            "threshold",
        },
        "level-up": {"from_level", "level", "xp", "xp_for_next_level"},
        "pet-evolved": {"species_id", "species", "rarity", "stage", "stage_index"},
    }
    for name in OUTPUTS:
        for record in ran.published[name]:
            value = json.loads(record.value)
            assert set(value) == common | own[name]
            assert value["recorded_at"].endswith("Z")
            assert ran.began <= datetime.fromisoformat(value["recorded_at"]) <= datetime.now(UTC)


def test_nothing_is_published_twice(ran: Ran) -> None:
    """Every identity is in the outputs once, though the worker was replaced in between."""
    identities = [json.loads(record.value)["event_id"] for name in OUTPUTS for record in ran.published[name]]
    assert len(identities) == len(set(identities))


def test_messages_of_a_scope_are_in_one_partition(ran: Ran) -> None:
    """A consumer sees what a scope earned in order."""
    for name in OUTPUTS:
        homes: dict[bytes, set[int]] = defaultdict(set)
        for record in ran.published[name]:
            homes[record.key].add(record.partition)
        assert all(len(partitions) == 1 for partitions in homes.values())


def test_nothing_was_refused(ran: Ran) -> None:
    """None of the events is a dead letter."""
    assert ran.deployment.read(f"{ran.deployment.prefix}streakline.dead-letters") == []


def test_workers_leave_when_asked(ran: Ran) -> None:
    """SIGTERM ends a worker with status 0."""
    assert ran.statuses == [0, 0]
