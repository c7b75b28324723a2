from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from agents import FOLDS
from app.domain.achievements import ACHIEVEMENTS
from app.domain.events import EVENT_OF_TOPIC, RequestRouted, decode, milliseconds
from app.domain.measures import Measures
from app.domain.progress import Held, holds, stages_held
from app.domain.species import SPECIES, active_species
from app.engine.fold import Batch
from app.local.sample import DAYS, Sample, traffic, trickle
from app.local.sample_callers import CALLERS
from app.topics import Surroundings
from tables.gateway import Gateway
from tables.partition import Partition

if TYPE_CHECKING:
    from app.engine.fold import Record

UNTIL = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample() -> list[Sample]:
    """The traffic that the demo sends."""
    return list(traffic(7, UNTIL))


@pytest.fixture(scope="module")
def held(sample: list[Sample]) -> dict[str, Held]:
    """What each caller holds in the end, and the gateway (the empty id)."""
    around = Surroundings("streakline", "", 1, lambda _: 0, 1_000_000)
    partition, gateway = Partition(0, around), Gateway(around, Measures())
    for offset, (topic, key, value, _) in enumerate(sample):
        record = SimpleNamespace(
            topic=topic,
            partition=0,
            offset=offset,
            timestamp=milliseconds(UNTIL),
            key=key,
            value=value,
            headers=[],
        )
        partition.fold_batch(FOLDS[topic], Batch(topic, 0, [cast("Record", record)]), UNTIL)
    shares = [each for each in partition.drain().messages if each.topic.endswith("gateway-shares")]
    gateway.fold_shares(Batch("gateway-shares", 0, cast("list[Record]", shares)), UNTIL)
    callers = {caller.id: partition._scopes[caller.id.encode()].held for caller in CALLERS}
    return callers | {"": gateway._held}


def test_the_same_seed_gives_the_same_traffic(sample: list[Sample]) -> None:
    """The same seed and time give the same messages, another seed gives others."""
    assert list(traffic(7, UNTIL)) == sample
    assert list(traffic(8, UNTIL)) != sample


def test_an_earlier_end_only_cuts_the_last_day(sample: list[Sample]) -> None:
    """Traffic until noon is the traffic until the afternoon without what came after noon."""
    noon = UNTIL.replace(hour=12, minute=0)
    assert list(traffic(7, noon)) == [each for each in sample if each.created_at < noon]


def test_it_is_six_weeks_of_traffic_in_the_order_of_time(sample: list[Sample]) -> None:
    """Between 20,000 and 30,000 messages on all six topics, oldest first, none after the end."""
    times = [each.created_at for each in sample]
    assert 20_000 < len(sample) < 30_000
    assert times == sorted(times)
    assert times[-1] < UNTIL
    assert times[0].date() == UNTIL.date() - timedelta(days=DAYS - 1)
    assert {each.topic for each in sample} == set(EVENT_OF_TOPIC)


def test_every_message_is_a_good_event_of_its_own(sample: list[Sample]) -> None:
    """Every message decodes to an event of its topic, with an identity of its own and its caller as key."""
    identities = set()
    for topic, key, value, created_at in sample:
        event, at, _ = decode(EVENT_OF_TOPIC[topic], value, milliseconds(UNTIL))
        assert at == created_at
        assert key == (event.caller_id.encode() if event.caller_id else None)
        identities.add((topic, event.identity))
    assert len(identities) == len(sample)


def test_activity_is_skewed_and_has_gaps(sample: list[Sample]) -> None:
    """A few callers make most requests, weekends are thinner, and on some days there is nothing."""
    requests = [
        decode(RequestRouted, each.value, milliseconds(UNTIL))[0]
        for each in sample
        if each.topic == "gateway.requests"
    ]
    by_caller = Counter(event.caller_id for event in requests).most_common()
    assert set(dict(by_caller)) == {caller.id for caller in CALLERS}
    assert sum(count for _, count in by_caller[:6]) > len(requests) / 2
    by_day = Counter(event.created_at.date() for event in requests)
    weekend = [count for day, count in by_day.items() if day.weekday() >= 5]
    working = [count for day, count in by_day.items() if day.weekday() < 5]
    assert sum(weekend) / len(weekend) < sum(working) / len(working) / 2
    assert len(by_day) < DAYS


def test_most_achievements_unlock_and_some_are_left_to_reach_for(held: dict[str, Held]) -> None:
    """The gateway earns all but two achievements, callers between them most, and everybody has some to go."""
    locked = {each.id for each in ACHIEVEMENTS if not holds(held[""], each)}
    assert locked == {"streak-30", "cost-100d"}
    callers = [scope for caller, scope in held.items() if caller]
    earned = {each.id for each in ACHIEVEMENTS if any(holds(scope, each) for scope in callers)}
    assert len(earned) >= 16
    assert sum(scope.achievements.bit_count() >= 8 for scope in callers) >= len(callers) / 2


def test_pets_of_all_species_are_somewhere(held: dict[str, Held]) -> None:
    """Dragons, cats and foxes are somebody's pet, the gateway's is a dragon, and somebody still has an egg."""
    pets = Counter(
        active_species({each.id for each in SPECIES if stages_held(scope, each)}).id
        if any(scope.stages)
        else "egg"
        for scope in held.values()
    )
    assert set(pets) == {"gateway-dragon", "cache-cat", "token-fox", "egg"}
    assert stages_held(held[""], SPECIES[0]) == 4
    assert sum(scope.level > 5 for scope in held.values()) >= 10


def test_the_trickle_is_traffic_of_the_moment() -> None:
    """Each moment of the trickle is at least a message at that time, all of them different."""
    source = trickle(7)
    sent = [each for second in range(200) for each in source.next(UNTIL + timedelta(seconds=second))]
    assert len(sent) >= 200
    assert len({each.value for each in sent}) == len(sent)
    for topic, _, value, created_at in sent:
        assert decode(EVENT_OF_TOPIC[topic], value, milliseconds(created_at))[1] >= UNTIL
