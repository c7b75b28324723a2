"""The three outputs: values, identities and CloudEvents headers. Source: contract, section 3."""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from app.domain.achievements import Achievement
from app.domain.money import to_dollars
from app.domain.progress import AchievementEarned, LevelReached, Progress, StageReached

ACHIEVEMENT_UNLOCKED: Final = "achievement-unlocked"
LEVEL_UP: Final = "level-up"
PET_EVOLVED: Final = "pet-evolved"
OUTPUTS: Final = (ACHIEVEMENT_UNLOCKED, LEVEL_UP, PET_EVOLVED)

#: Numbers in JSON and MessagePack end here; what is larger is published as this.
LARGEST: Final = 2**63 - 1

#: Hexadecimal digits of an event id.
EVENT_ID_DIGITS: Final = 32

_ENCODER: Final = msgspec.json.Encoder()
_SPEC_VERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")


class Cause(msgspec.Struct, frozen=True, gc=False):
    """The event that did it: where it was read, and its identity."""

    topic: str
    partition: int
    offset: int
    id: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What the values of all outputs have. Times are RFC 3339 in UTC."""

    event_id: str
    scope: str
    achieved_at: datetime
    recorded_at: datetime
    cause: Cause | None


class AchievementUnlocked(Published, frozen=True, kw_only=True):
    """A scope has an achievement. ``value`` and ``threshold`` are dollars for money, else counts."""

    achievement_id: str
    title: str
    description: str
    icon: str
    category: str
    value: int | float
    threshold: int | float


class LevelUp(Published, frozen=True, kw_only=True):
    """A scope has reached a level, perhaps past others."""

    from_level: int
    level: int
    xp: int
    xp_for_next_level: int


class PetEvolved(Published, frozen=True, kw_only=True):
    """A scope's species has reached a stage; stage 0 is its unlocking."""

    species_id: str
    species: str
    rarity: str
    stage: str
    stage_index: int


def publish(
    progress: Progress, scope: str, achieved_at: datetime, recorded_at: datetime, cause: Cause | None
) -> tuple[str, Published]:
    """Return the output's name and its value."""
    match progress:
        case AchievementEarned(achievement, value, threshold):
            return ACHIEVEMENT_UNLOCKED, AchievementUnlocked(
                event_id=event_id(ACHIEVEMENT_UNLOCKED, scope, achievement.id),
                scope=scope,
                achievement_id=achievement.id,
                title=achievement.title,
                description=achievement.description,
                icon=achievement.icon,
                category=achievement.category,
                value=_in_unit(achievement, min(value, LARGEST)),
                threshold=_in_unit(achievement, threshold),
                achieved_at=achieved_at,
                recorded_at=recorded_at,
                cause=cause,
            )
        case LevelReached(from_level, level, xp, xp_for_next_level):
            return LEVEL_UP, LevelUp(
                event_id=event_id(LEVEL_UP, scope, str(level)),
                scope=scope,
                from_level=from_level,
                level=level,
                xp=min(xp, LARGEST),
                xp_for_next_level=min(xp_for_next_level, LARGEST),
                achieved_at=achieved_at,
                recorded_at=recorded_at,
                cause=cause,
            )
        case StageReached(species, stage, stage_index):
            return PET_EVOLVED, PetEvolved(
                event_id=event_id(PET_EVOLVED, scope, species.id, str(stage_index)),
                scope=scope,
                species_id=species.id,
                species=species.name,
                rarity=species.rarity,
                stage=stage.name,
                stage_index=stage_index,
                achieved_at=achieved_at,
                recorded_at=recorded_at,
                cause=cause,
            )


def _in_unit(achievement: Achievement, value: int) -> int | float:
    return to_dollars(value) if achievement.measure == "cost_saved" else value


def event_id(*parts: str) -> str:
    """Return a hash of what makes a message unique, the same forever: 32 hexadecimal digits."""
    return hashlib.sha256(_ENCODER.encode(parts)).hexdigest()[:EVENT_ID_DIGITS]


def cloud_event_headers(name: str, value: Published, app_id: str) -> list[tuple[str, bytes]]:
    """Return the headers of CloudEvents 1.0 in Kafka's binary mode."""
    source, type_ = _named(name, app_id)
    return [
        _SPEC_VERSION,
        ("ce_id", value.event_id.encode()),
        source,
        type_,
        ("ce_time", _ENCODER.encode(value.achieved_at.astimezone(UTC))[1:-1]),
        ("ce_subject", value.scope.encode()),
        _JSON,
    ]


@lru_cache(64)
def _named(name: str, app_id: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    return (
        ("ce_source", f"/streakline/{app_id}".encode()),
        ("ce_type", f"io.streakline.{name}.v1".encode()),
    )
