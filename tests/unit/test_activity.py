from __future__ import annotations

from app.domain.achievements import achievement
from app.domain.progress import AchievementEarned, LevelReached, StageReached
from app.domain.species import SPECIES
from app.engine.fold import Batch
from tables.activity import OUTCOMES, Activity
from tables.partition import EventFold, Partition
from tests.support.in_process import BROKER_TIME, NOW, Read, surroundings

from agents import FOLDS, forwarded  # isort: skip

REQUESTS = "gateway.requests"
FOLD: EventFold = FOLDS[REQUESTS]


def read(offset: int, value: bytes) -> Read:
    """A message of partition 0."""
    return Read(REQUESTS, 0, offset, BROKER_TIME, None, value)


def request(number: int, caller: str) -> bytes:
    """The value of a request."""
    return (
        b'{"request_id":"r%d","caller_id":"%s","model":"m","status":"ok","created_at":"2025-12-01T00:00:00Z"}'
        % (number, caller.encode())
    )


def test_every_message_has_one_outcome() -> None:
    """What is read of a topic is the sum of its outcomes: applied, duplicate, dead, forwarded."""
    activity = Activity()
    around = surroundings(2)
    ours = next(f"c{n}" for n in range(9) if around.partition_of(b"c%d" % n) == 0)
    theirs = next(f"c{n}" for n in range(9) if around.partition_of(b"c%d" % n) == 1)
    values = [request(1, ours), request(2, ours), request(1, ours), request(3, theirs), b"{"]
    here, there = Partition(0, around, activity), Partition(1, around, activity)
    here.fold_batch(FOLD, Batch(REQUESTS, 0, [read(*each) for each in enumerate(values)]), NOW)
    assert activity.events() == {
        (REQUESTS, "applied"): 2,
        (REQUESTS, "duplicate"): 1,
        (REQUESTS, "dead"): 1,
        (REQUESTS, "forwarded"): 1,
    }
    sent = [message for message in here.drain().messages if message.topic == around.topic("forwarded")]
    arrived = [Read(each.topic, 1, 0, BROKER_TIME, each.key, each.value, each.headers or []) for each in sent]
    forwarded(FOLDS)(there, Batch(sent[0].topic, 1, arrived), NOW)
    assert activity.events()[REQUESTS, "applied"] == 3
    assert set(activity.read) == {REQUESTS}
    assert activity.unlocks == {"first-call": 2}


def test_counts_are_there_before_anything_is_read() -> None:
    """A topic that was named has all of its counts from the beginning on, at 0."""
    activity = Activity([REQUESTS])
    assert set(activity.events()) == {(REQUESTS, outcome) for outcome in OUTCOMES}
    assert set(activity.events().values()) == {0}


def test_published_progress_is_counted() -> None:
    """Unlocks count by achievement, level-ups together; evolutions are not counted."""
    activity = Activity()
    activity.published(AchievementEarned(achievement("first-call"), 1, 1))
    activity.published(AchievementEarned(achievement("first-call"), 1, 1))
    activity.published(LevelReached(1, 4, 900, 1325))
    activity.published(StageReached(SPECIES[0], SPECIES[0].stages[0], 0))
    assert activity.unlocks == {"first-call": 2}
    assert activity.level_ups == 1
