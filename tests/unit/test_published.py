from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.achievements import achievement
from app.domain.occasions import Occasion, Reading
from app.domain.progress import AchievementEarned, LevelReached, Progress, StageReached
from app.domain.species import CACHE_CAT
from app.engine.fold import Changes, Message, Row
from tables import unlocks
from tables.activity import Activity
from tables.publishing import Publisher
from tests.support.in_process import surroundings

CALLER = 'ada "é"'
KEY = 'caller:ada "é"'.encode()
READING = Reading(datetime(2026, 1, 1, tzinfo=UTC), "gateway.cache-hits", 3)
OCCASION = Occasion(datetime(2025, 3, 1, 8, 30, 0, 123456, UTC), READING, 17, "hit-1")

#: What was earned, its output, its event id, the fields of its own, and its key in the ledger.
PUBLISHED: list[tuple[Progress, str, str, str, bytes]] = [
    (
        AchievementEarned(achievement("cost-1c"), 12_345_678, 10_000_000),
        "achievement-unlocked",
        "b0932e482d5472d92389a41719f645d2",
        (
            '"achievement_id":"cost-1c","title":"Bottle of Soda","description":"$0.01 of API cost saved","icon":"🥤",'
            '"category":"cache","value":0.012345678,"threshold":0.01}'
        ),
        b"achievement/cost-1c",
    ),
    (
        LevelReached(1, 4, 900, 1325),
        "level-up",
        "deed67c04a41b99d7eee505cd2accdac",
        '"from_level":1,"level":4,"xp":900,"xp_for_next_level":1325}',
        b"level",
    ),
    (
        StageReached(CACHE_CAT, CACHE_CAT.stages[2], 2),
        "pet-evolved",
        "4c43466adaf7f0d81d991bd7f814ae10",
        '"species_id":"cache-cat","species":"Cache Cat","rarity":"rare","stage":"Wise Cat","stage_index":2}',
        b"stage/cache-cat/2",
    ),
]


def publish(earned: list[Progress]) -> Changes:
    """Return what is written when a caller has earned something."""
    changes = Changes()
    Publisher(surroundings(1), unlocks.TABLE, Activity()).publish(earned, CALLER, OCCASION, changes)
    return changes


@pytest.mark.parametrize(("progress", "output", "event_id", "fields", "key"), PUBLISHED)
def test_what_is_published_is_the_same_forever(
    progress: Progress, output: str, event_id: str, fields: str, key: bytes
) -> None:
    """These bytes were published by the first release, and so they stay: whoever reads them relies on it."""
    shared = (
        '"scope":"caller:ada \\"é\\"","achieved_at":"2025-03-01T08:30:00.123456Z","recorded_at":"2026-01-01T00:00:00Z",'
        '"cause":{"topic":"gateway.cache-hits","partition":3,"offset":17,"id":"hit-1"}'
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", b"/streakline/streakline"),
        ("ce_type", b"io.streakline.%b.v1" % output.encode()),
        ("ce_time", b"2025-03-01T08:30:00.123456Z"),
        ("ce_subject", KEY),
        ("content-type", b"application/json"),
    ]
    value = f'{{"event_id":"{event_id}",{shared},{fields}'.encode()
    row = (
        b"\x98\x01\xd9 %b\xd7\xff\x1do(\x00g\xc2\xc5\x88\xd6\xffiU\xb9\x00\xb2gateway.cache-hits\x03\x11\xa5hit-1"
        % event_id.encode()
    )
    changes = publish([progress])
    assert changes.messages == [Message(f"streakline.{output}", 0, KEY, value, headers)]
    assert changes.rows == [Row("unlocks", key + b"\0" + CALLER.encode(), row)]


def test_messages_do_not_share_their_headers() -> None:
    """What one event has earned is published in its order, each message with headers of its own."""
    changes = publish([progress for progress, *_ in PUBLISHED])
    assert [message.topic for message in changes.messages] == [
        f"streakline.{output}" for _, output, *_ in PUBLISHED
    ]
    assert [dict(message.headers or [])["ce_id"].decode() for message in changes.messages] == [
        event_id for _, _, event_id, *_ in PUBLISHED
    ]


def test_nothing_earned_publishes_nothing() -> None:
    """An event that has earned nothing leaves no message and no row."""
    assert publish([]) == Changes()
