from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.measures import Measures
from app.domain.progress import AchievementEarned, Held, LevelReached, StageReached, hold, judge
from tests.support.in_process import Deployed, Earned, earned
from tests.support.recount import Recount, day_of, recount
from tests.support.rows import Stats, caller_stats, gateway_stats

Event = dict[str, Any]

PARTITIONS = 3
FIRST_DAY = date(2024, 2, 20)

# -- events ------------------------------------------------------------------------------------------------

#: Two letters may share a home partition or not; nobody's events are at home by their identity.
callers = st.sampled_from(["ada", "ada", "bob", "cem", "dee"])
anybody = callers | st.none()

#: Times that are on another day in UTC than where they were written, and times without an offset.
clock_times = st.sampled_from(
    ["T00:00:00Z", "T12:00:00", "T23:59:59.999999Z", "T00:30:00+02:00", "T23:30:00-01:00"]
)
days = st.integers(0, 45).map(lambda n: FIRST_DAY + timedelta(days=n))
times = st.builds(lambda day, time: f"{day}{time}", days, clock_times)

tokens = st.sampled_from([0, 1, 239, 240, 999, 1_000, 4_999, 50_880, 99_999, 999_999, 1_000_000, 10_000_000])
amounts = st.sampled_from([None, 0.004, "0.006", 0.01, "0.99", 1e-9, 9, "90.5", "0.000000001"])


def event(topic: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Event]]:
    """Return one event of a topic."""
    made = st.fixed_dictionaries({"topic": st.just(f"gateway.{topic}"), **fields})
    return made.map(lambda each: [each])


def run_of_days(caller: str, start: date, length: int, model: str) -> list[Event]:
    """Return a request on each of some consecutive days."""
    days = [start + timedelta(days=n) for n in range(length)]
    return [
        {"topic": "gateway.requests", "caller_id": caller, "created_at": f"{day}T08:00:00Z", "model": model}
        for day in days
    ]


models = st.sampled_from(["m-1", "m-2", "m-3", "m-4", "m-5", "m-6"])


def every_model(caller: str, time: str, count: int) -> list[Event]:
    """Return requests at one time to some models."""
    return [
        {"topic": "gateway.requests", "caller_id": caller, "created_at": time, "model": f"m-{number}"}
        for number in range(count)
    ]


cache_hit = event(
    "cache-hits",
    caller_id=anybody,
    created_at=times,
    kind=st.sampled_from(["exact", "semantic", None]),
    hits=st.sampled_from([None, 0, 1, 3, 9, 10]),
    tokens_saved=tokens,
    cost_saved=amounts,
)
some_events = st.one_of(
    event("requests", caller_id=callers, created_at=times, model=models),
    st.builds(run_of_days, callers, days, st.sampled_from([2, 3, 6, 7, 30]), models),
    st.builds(lambda one: one * 99, event("requests", caller_id=callers, created_at=times, model=models)),
    st.builds(every_model, callers, times, st.sampled_from([2, 4, 5])),
    cache_hit,
    st.lists(cache_hit, min_size=3, max_size=6).map(lambda lists: [hit for [hit] in lists]),
    event("mcp-calls", caller_id=anybody, created_at=times, tokens_saved=tokens),
    event("races", caller_id=anybody, created_at=times),
    event("facts", caller_id=anybody, created_at=times, superseded_by=st.sampled_from([None, None, "f-0"])),
    event(
        "subscriptions",
        subscription_id=st.sampled_from(["s-1", "s-2", "s-3", "s-4"]),
        created_at=times,
        active=st.booleans(),
    ),
)
IDENTITIES = {
    "requests": "request_id",
    "cache-hits": "hit_id",
    "mcp-calls": "call_id",
    "races": "call_id",
    "facts": "fact_id",
}


def identified(lists: list[list[Event]]) -> list[Event]:
    """Give every event an identity of its own; changes of one subscription at one time are one change."""
    events: list[Event] = [dict(each) for some in lists for each in some]
    changes: dict[tuple[str, str], bool] = {}
    for number, each in enumerate(events):
        kind = each["topic"].removeprefix("gateway.")
        if kind in IDENTITIES:
            each[IDENTITIES[kind]] = f"e-{number}"
        if kind == "requests":
            each["status"] = "ok"
        if kind == "subscriptions":
            change = each["subscription_id"], each["created_at"]
            each["active"] = changes.setdefault(change, each["active"])
    return events


histories = st.lists(some_events, min_size=3, max_size=30).map(identified)

#: What happens to a task (the last is the gateway's): fold some, commit, be killed.
steps = st.lists(
    st.tuples(
        st.sampled_from(["fold", "fold", "drain", "crash"]),
        st.integers(0, PARTITIONS),
        st.sampled_from([1, 2, 7, 50]),
    ),
    max_size=60,
)


def some_twice(data: st.DataObject, events: list[Event]) -> list[Event]:
    """Return the events in any order, some of them more than once."""
    again = data.draw(st.lists(st.sampled_from(events), max_size=20))
    return data.draw(st.permutations([*events, *again]))


def arriving_anywhere(data: st.DataObject, events: list[Event]) -> list[tuple[int, Event]]:
    """Return each event with any partition."""
    partitions = st.integers(0, PARTITIONS - 1)
    arrivals = data.draw(st.lists(partitions, min_size=len(events), max_size=len(events)))
    return list(zip(arrivals, events, strict=True))


def play(deployed: Deployed, plan: list[tuple[str, int, int]]) -> None:
    """Let things happen to the tasks, then let everything be folded."""
    for what, number, count in plan:
        if what == "fold":
            deployed.fold(number, count)
        elif what == "drain":
            deployed.drain(number)
        else:
            deployed.crash(number)
    deployed.settle()


def play_in_parts(
    data: st.DataObject, arriving: list[tuple[int, Event]], plan: list[tuple[str, int, int]]
) -> Deployed:
    """Let a part of the events come to rest, put new workers in the place of all, and let the rest arrive."""
    deployed = Deployed(PARTITIONS)
    first = data.draw(st.integers(0, len(arriving)))
    deployed.arrive(arriving[:first])
    play(deployed, plan)
    for number in range(PARTITIONS + 1):
        deployed.crash(number)
    deployed.arrive(arriving[first:])
    play(deployed, plan)
    return deployed


def one_by_one(events: list[Event]) -> Deployed:
    """Fold each event alone, in order, and let everything come to rest after each."""
    deployed = Deployed(PARTITIONS)
    for each in events:
        deployed.arrive([(0, each)])
        deployed.settle()
    return deployed


def outcome(scopes: dict[str, Earned]) -> dict[str, tuple[set[str], set[tuple[str, int]], int]]:
    """Return what each scope has in the end, however it came to it."""
    return {name: (set(scope.achievements), set(scope.stages), scope.level) for name, scope in scopes.items()}


def as_stats(scope: Recount, today: date, *, gateway: bool) -> Stats:
    """Return the twelve stats of a recount."""
    n = scope.numbers(today)
    return Stats(
        n["requests"],
        n["tokens"],
        n["nanos"],
        n["hits"],
        n["semantic"],
        n["callers"],
        n["models"],
        n["races"],
        n["facts"],
        n["streak"],
        n["configured"] if gateway else 0,
        n["days"],
    )


# -- order -------------------------------------------------------------------------------------------------


@given(st.data(), histories, steps)
@settings(max_examples=300)
def test_order_batches_and_crashes_do_not_matter(
    data: st.DataObject, events: list[Event], plan: list[tuple[str, int, int]]
) -> None:
    """Shuffled, repeated, on any partition, in any batches, with crashes anywhere: as one by one, each once."""
    deployed = play_in_parts(data, arriving_anywhere(data, some_twice(data, events)), plan)
    expected = one_by_one(events)
    assert deployed.state() == expected.state()
    assert outcome(earned(deployed.published)) == outcome(earned(expected.published))


@given(st.data(), histories, steps)
@settings(max_examples=300)
def test_what_it_comes_to_is_the_recount(
    data: st.DataObject, events: list[Event], plan: list[tuple[str, int, int]]
) -> None:
    """Stats, achievements, stages and levels of every scope are those of an independent recount."""
    deployed = Deployed(PARTITIONS)
    deployed.arrive(arriving_anywhere(data, events))
    play(deployed, plan)
    rows, found = deployed.rows(), outcome(earned(deployed.published))
    today = FIRST_DAY + timedelta(days=data.draw(st.integers(0, 60)))
    today_number = today.toordinal() - date(1970, 1, 1).toordinal()
    for name, scope in recount(events).items():
        gateway = name == "gateway"
        achievements, stages, level = found.get(name, (set(), set(), 1))
        assert (name, achievements) == (name, scope.achievements(gateway=gateway))
        assert (name, stages) == (name, scope.stages())
        assert (name, level) == (name, scope.level())
        stats = (
            gateway_stats(rows, today_number)
            if gateway
            else caller_stats(rows, name.removeprefix("caller:"), today_number)
        )
        assert (name, stats) == (name, as_stats(scope, today, gateway=gateway))


@given(st.data(), histories, steps)
def test_nothing_is_published_twice(
    data: st.DataObject, events: list[Event], plan: list[tuple[str, int, int]]
) -> None:
    """Whatever happens, an achievement, a stage and a level are published once, and levels join up."""
    deployed = play_in_parts(data, arriving_anywhere(data, some_twice(data, events)), plan)
    for scope in earned(deployed.published).values():
        assert len(scope.achievements) == len(set(scope.achievements))
        assert len(scope.stages) == len(set(scope.stages))
        assert [low for low, _ in scope.levels] == [1, *(high for _, high in scope.levels)][
            : len(scope.levels)
        ]


# -- batches -----------------------------------------------------------------------------------------------


@given(histories, steps, steps)
@settings(max_examples=300)
def test_what_is_published_for_a_caller_does_not_depend_on_batches(
    events: list[Event], plan: list[tuple[str, int, int]], other_plan: list[tuple[str, int, int]]
) -> None:
    """For one order of events the messages for callers are the same to the byte, however they were batched."""
    messages = []
    for each in (plan, other_plan):
        deployed = Deployed(1)
        deployed.arrive((0, event) for event in events)
        play(deployed, [(what, min(number, 1), count) for what, number, count in each])
        messages.append([message for message in deployed.published if message.key != b"gateway"])
    assert messages[0] == messages[1]


# -- the readable fold -------------------------------------------------------------------------------------


@given(histories)
@settings(max_examples=300)
def test_the_hot_path_is_the_readable_fold(events: list[Event]) -> None:
    """Asking the judge at thresholds publishes, event by event, what asking it after every event publishes."""
    deployed = Deployed(1)
    deployed.arrive((0, event) for event in events)
    deployed.settle()
    found = [
        (value["scope"], value["cause"]["offset"], *_what(value))
        for value in (json.loads(message.value or b"") for message in deployed.published)
        if value["scope"] != "gateway"
    ]
    assert found == readable_fold(events)


def _what(value: dict[str, Any]) -> tuple[str, int]:
    if "achievement_id" in value:
        return value["achievement_id"], value["value"] if value["category"] != "wallet" else 0
    if "level" in value:
        return f"level {value['from_level']}", value["level"]
    return value["species_id"], value["stage_index"]


def readable_fold(events: list[Event]) -> list[tuple[str, int, str, float]]:
    """Return what is published when the judge is asked after every event, about everything so far."""
    published: list[tuple[str, int, str, float]] = []
    so_far: dict[str, Recount] = {}
    held: dict[str, Held] = {}
    for offset, each in enumerate(events):
        caller = each.get("caller_id")
        if caller is None:
            continue
        scope = so_far.setdefault(caller, Recount())
        scope.events.append(each)
        progress = judge(measures(scope), held.setdefault(caller, Held()), gateway=False)
        hold(held[caller], progress)
        for earned_now in progress:
            match earned_now:
                case AchievementEarned(achievement, value, _):
                    amount = value / 10**9 if achievement.measure == "cost_saved" else value
                    published.append((f"caller:{caller}", offset, achievement.id, amount))
                case LevelReached(from_level, level, _, _):
                    published.append((f"caller:{caller}", offset, f"level {from_level}", level))
                case StageReached(species, _, index):
                    published.append((f"caller:{caller}", offset, species.id, index))
    return published


def measures(scope: Recount) -> Measures:
    """Return a caller's measures by its recount."""
    n = scope.numbers(date.min)
    return Measures(
        requests=n["requests"],
        tokens_saved=n["tokens"],
        cost_saved=n["nanos"],
        cache_hits=n["hits"],
        semantic_hits=n["semantic"],
        callers=n["callers"],
        models=n["models"],
        races=n["races"],
        facts=n["stored"],
        longest_streak=n["longest"],
    )


def test_the_events_of_these_tests_reach_far() -> None:
    """The recount agrees with what is known by hand, so that these tests do not compare nothing with nothing."""
    events = identified([run_of_days("ada", FIRST_DAY, 7, "m-1")])
    events.append(
        {
            "topic": "gateway.mcp-calls",
            "call_id": "x",
            "caller_id": "ada",
            "tokens_saved": 1_000_000,
            "created_at": "2024-02-20T00:30:00+02:00",
        }
    )
    ada = recount(events)["caller:ada"]
    assert day_of(events[-1]) == date(2024, 2, 19)
    assert ada.achievements(gateway=False) == {
        "first-call",
        "saved-1k",
        "saved-10k",
        "saved-100k",
        "saved-1m",
        "streak-3",
        "streak-7",
    }
    assert ada.stages() == {("gateway-dragon", n) for n in range(4)} | {("token-fox", n) for n in range(2)}
    assert ada.level() == 8  # 4166 points: 64 * 53 = 3392, 81 * 53 = 4293
    assert ada.numbers(date(2024, 2, 27))["streak"] == 8
    assert ada.numbers(date(2024, 2, 28))["streak"] == 0
