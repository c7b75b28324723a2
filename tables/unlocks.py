"""``unlocks``: the ledger of what was published, for readers.

Key: what was earned, a zero byte, the caller's id.

A fold never reads it: what a scope holds is in its counters.
"""

from datetime import datetime
from typing import Final

from app.domain.progress import AchievementEarned, LevelReached, Progress, StageReached
from tables.codec import Codec, VersionedRow


class Unlock(VersionedRow, array_like=True, kw_only=True):
    """When something was earned (event time) and recorded (clock), and the event that did it, if one did."""

    event_id: str
    achieved_at: datetime
    recorded_at: datetime
    cause_topic: str | None = None
    cause_partition: int | None = None
    cause_offset: int | None = None
    cause_id: str | None = None


def key_of(progress: Progress, caller_key: bytes) -> bytes:
    """Return the key of what was earned; a level's row is that of the highest level."""
    return _what(progress).encode() + b"\0" + caller_key


def _what(progress: Progress) -> str:
    match progress:
        case AchievementEarned(achievement):
            return f"achievement/{achievement.id}"
        case LevelReached():
            return "level"
        case StageReached(species, _, index):
            return f"stage/{species.id}/{index}"


def split_key(key: bytes) -> tuple[str, bytes]:
    """Return what was earned and the caller's id."""
    what, _, caller_key = key.partition(b"\0")
    return what.decode(), caller_key


TABLE: Final = "unlocks"
CODEC: Final = Codec(Unlock)
