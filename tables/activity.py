"""What the folds of a process have done, in numbers, for whoever watches it. Not state: it begins at 0."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from app.domain.progress import AchievementEarned, LevelReached, Progress

Outcome: TypeAlias = Literal["applied", "duplicate", "dead", "forwarded"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("applied", "duplicate", "dead", "forwarded")


class Activity:
    """Counts of a process: the folds of all its partitions add to the same one, from one thread.

    An event that is applied costs nothing here: what was read is counted by batch, and the rest is rare.
    Events count under the full name of the topic where they were first read. ``topics`` are those that have
    counts, of 0, before anything was read: whoever watches a count must see it rise.
    """

    def __init__(self, topics: Iterable[str] = ()) -> None:
        self.read: Counter[str] = Counter(dict.fromkeys(topics, 0))
        #: What was read and not applied, by topic and outcome.
        self.set_aside: Counter[tuple[str, Outcome]] = Counter()
        #: Achievements that were unlocked, by id.
        self.unlocks: dict[str, int] = {}
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
        if isinstance(progress, AchievementEarned):
            achievement_id = progress.achievement.id
            self.unlocks[achievement_id] = self.unlocks.get(achievement_id, 0) + 1
        elif isinstance(progress, LevelReached):
            self.level_ups += 1
