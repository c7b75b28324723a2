"""What the folds of a process have done, in numbers, for whoever watches it. Not state: it begins at 0."""

from collections import Counter
from typing import Final, Literal, TypeAlias

from app.domain.progress import AchievementEarned, LevelReached, Progress

Outcome: TypeAlias = Literal["applied", "duplicate", "dead", "forwarded"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("applied", "duplicate", "dead", "forwarded")


class Activity:
    """Counts of a process: the folds of all its partitions add to the same one, from one thread.

    An event that is applied costs nothing here: what was read is counted by batch, and the rest is rare.
    Events count under the full name of the topic where they were first read.
    """

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        #: What was read and not applied, by topic and outcome.
        self.set_aside: Counter[tuple[str, Outcome]] = Counter()
        #: Achievements that were unlocked, by id.
        self.unlocks: Counter[str] = Counter()
        self.level_ups = 0

    def events(self) -> dict[tuple[str, Outcome], int]:
        """Return how many events had which outcome, by topic."""
        counts = {
            (topic, outcome): self.set_aside[topic, outcome] for topic in self.read for outcome in OUTCOMES
        }
        for topic, read in self.read.items():
            counts[topic, "applied"] = read - sum(counts[topic, outcome] for outcome in OUTCOMES)
        return counts

    def published(self, progress: Progress) -> None:
        """Count what is published."""
        match progress:
            case AchievementEarned(achievement):
                self.unlocks[achievement.id] += 1
            case LevelReached():
                self.level_ups += 1
