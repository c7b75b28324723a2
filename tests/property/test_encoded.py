from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain import encoded
from app.domain.achievements import ACHIEVEMENTS
from app.domain.encoded import FORMS
from app.domain.occasions import Occasion, Reading
from app.domain.progress import AchievementEarned, LevelReached, Progress, StageReached
from app.domain.published import Cause, cloud_event_headers, event_id, publish
from app.domain.species import SPECIES
from app.engine.fold import Changes, Message, Row
from tables import unlocks
from tables.activity import Activity
from tables.publishing import Publisher, scope_name
from tests.support.in_process import surroundings

AROUND = surroundings(8)

#: Numbers up to what cannot be published as it is, and beyond.
numbers = st.integers(0, 2**70) | st.sampled_from([0, 10**7, 10**9 - 1, 2**53, 2**63 - 1, 2**63, 2**64])
achievements = st.builds(
    lambda each, value: AchievementEarned(each, value, each.threshold), st.sampled_from(ACHIEVEMENTS), numbers
)
levels = st.builds(LevelReached, st.integers(1, 10**6), st.integers(2, 10**6), numbers, numbers)
stages = st.sampled_from(
    [StageReached(species, stage, index) for species in SPECIES for index, stage in enumerate(species.stages)]
)
things: st.SearchStrategy[list[Progress]] = st.lists(achievements | levels | stages, max_size=6)

#: Ids as gateways have them, and whatever else JSON escapes or UTF-8 makes long.
ids = st.text(min_size=1, max_size=200) | st.text(
    'ab:"\\/\0\b\n\r\t\x1f\x7f\u2028é👋', min_size=1, max_size=200
)
zones = st.sampled_from([UTC, UTC, timezone(timedelta(hours=2)), timezone(timedelta(minutes=-1))])
times = st.datetimes(datetime(1970, 1, 3), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001
causes = st.builds(Cause, ids, st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), ids)


def readable(
    progress: Progress, caller_id: str, at: datetime, now: datetime, cause: Cause | None
) -> tuple[Message, Row]:
    """Return the message and the ledger's row of something earned, made by the structs alone."""
    name, value = publish(progress, scope_name(caller_id), at, now, cause)
    key = value.scope.encode()
    headers = cloud_event_headers(name, value, AROUND.app_id)
    row = unlocks.Unlock(event_id=value.event_id, achieved_at=at, recorded_at=now)
    if cause is not None:
        row.cause_topic, row.cause_partition = cause.topic, cause.partition
        row.cause_offset, row.cause_id = cause.offset, cause.id
    return (
        Message(
            AROUND.output_topic(name), AROUND.partition_of(key), key, msgspec.json.encode(value), headers
        ),
        Row(unlocks.TABLE, unlocks.key_of(progress, caller_id.encode()), unlocks.CODEC.encode(row)),
    )


def occasion(at: datetime, now: datetime, cause: Cause | None) -> Occasion:
    """Return the same occasion as the folds have it."""
    if cause is None:
        return Occasion(at, Reading(now))
    return Occasion(at, Reading(now, cause.topic, cause.partition), cause.offset, cause.id)


@given(things, st.just("") | ids, times, times, st.none() | causes)
@example([AchievementEarned(each, each.threshold, each.threshold) for each in ACHIEVEMENTS], "a", *[datetime(2025, 3, 1, 12, 30, 0, 1, UTC)] * 2, None)  # fmt: skip
@example([form.example for form in FORMS], '"\x00é', *[datetime(2025, 3, 1, tzinfo=UTC)] * 2, Cause("t", 0, 0, "r"))  # fmt: skip
def test_what_is_published_is_what_the_structs_say(
    earned: list[Progress], caller_id: str, at: datetime, now: datetime, cause: Cause | None
) -> None:
    """Messages and the ledger's rows that are put together from pieces are those of the structs, byte for byte."""
    changes = Changes()
    publisher = Publisher(AROUND, unlocks.TABLE, Activity())
    publisher.publish(earned, caller_id, occasion(at, now, cause), changes)
    expected = [readable(progress, caller_id, at, now, cause) for progress in earned]
    assert changes.messages == [message for message, _ in expected]
    assert changes.rows == [row for _, row in expected]


@given(achievements | levels | stages, ids)
def test_an_identity_is_that_of_its_parts(progress: Progress, scope: str) -> None:
    """The event id of a message is the hash of its output, its scope and what was earned, and of nothing else."""
    at = datetime(2025, 3, 1, tzinfo=UTC)
    form, identity, _ = encoded.write(progress, msgspec.json.encode(scope), Occasion(at, Reading(at)))
    output, _ = publish(form.example, scope, at, at, None)
    assert identity.decode() == event_id(output, scope, *parts_of(progress))


def parts_of(progress: Progress) -> tuple[Any, ...]:
    """What makes a message unique beside its output and its scope."""
    match progress:
        case AchievementEarned():
            return (progress.achievement.id,)
        case LevelReached():
            return (str(progress.level),)
        case StageReached():
            return (progress.species.id, str(progress.stage_index))


def test_there_is_a_form_for_everything() -> None:
    """Every achievement and every stage has a form of its own, and all levels have one."""
    things = [form.example for form in FORMS]
    assert [each.achievement for each in things if isinstance(each, AchievementEarned)] == list(ACHIEVEMENTS)
    assert sum(isinstance(each, LevelReached) for each in things) == 1
    reached = [(each.species.id, each.stage) for each in things if isinstance(each, StageReached)]
    assert reached == [(species.id, stage) for species in SPECIES for stage in species.stages]
