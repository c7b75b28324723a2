"""The metrics of worker and view: every name, what it counts, and where its numbers come from.

No label ever holds a caller. Counts of events are read when Prometheus asks: folding pays nothing for them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Final, Protocol

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector, exposition
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.domain.achievements import ACHIEVEMENTS
from app.engine.app import App
from app.engine.task import Commit
from tables.activity import Activity

#: Prometheus adds ``_total`` to the names of counters.
EVENTS: Final = "streakline_events"
UNLOCKS: Final = "streakline_unlocks"
LEVEL_UPS: Final = "streakline_level_ups"
EVENT_DELAY: Final = "streakline_event_delay_seconds"
TRANSACTION: Final = "streakline_transaction_seconds"
LAG: Final = "streakline_consumer_lag"
RESTORE_REMAINING: Final = "streakline_restore_remaining"
BUILD_INFO: Final = "streakline_build_info"
VIEW_READY: Final = "streakline_view_ready"
VIEW_CALLERS: Final = "streakline_view_callers"
VIEW_LISTENERS: Final = "streakline_view_listeners"
VIEW_REQUEST: Final = "streakline_view_request_seconds"

CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST

_DELAYS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
_ANSWERS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1)
_DURATIONS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def new_registry() -> CollectorRegistry:
    """Return a registry with what every process says: its build, its memory, its time and its files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Gauge(BUILD_INFO, "1, for the version that runs.", ["version"], registry=registry).labels(
        version("streakline")
    ).set(1)
    return registry


def exposed(registry: CollectorRegistry) -> bytes:
    """Return all of it as Prometheus reads it."""
    return exposition.generate_latest(registry)


class WorkerMetrics:
    """What a worker says of itself; from now on it hears of every commit of the app."""

    def __init__(self, app: App, activity: Activity) -> None:
        self.registry = new_registry()
        self.registry.register(_Folding(app, activity))
        self._delay = Histogram(
            EVENT_DELAY,
            "From the broker's timestamp of the first event of a fetch to the commit of what it did.",
            ["stage"],
            buckets=_DELAYS,
            registry=self.registry,
        )
        self._transaction = Histogram(
            TRANSACTION,
            "How long a transaction took.",
            ["stage"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        app.tasks.on_commit = self._on_commit

    def _on_commit(self, commit: Commit) -> None:
        self._transaction.labels(commit.stage).observe(commit.seconds)
        if commit.oldest is not None:
            self._delay.labels(commit.stage).observe(max(0.0, time.time() - commit.oldest / 1000))


class Followed(Protocol):
    """What a view reads of the changelogs: see ``ChangelogTail``."""

    # ruff: noqa: D102 - the class says it
    @property
    def is_ready(self) -> bool: ...
    @property
    def remaining(self) -> int: ...
    @property
    def callers(self) -> int: ...
    @property
    def positions(self) -> Mapping[TopicPartition, int]: ...
    @property
    def ends(self) -> Mapping[TopicPartition, int]: ...


class ViewMetrics:
    """What a view says of itself."""

    def __init__(self, followed: Followed, listeners: Callable[[], int]) -> None:
        self.registry = new_registry()
        self.registry.register(_Following(followed, listeners))
        self._requests = Histogram(
            VIEW_REQUEST,
            "How long an answer took, by route and status; the stream is left out.",
            ["route", "status"],
            buckets=_ANSWERS,
            registry=self.registry,
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(route, str(status)).observe(seconds)


class _Following(Collector):
    """Reads what a view knows at the time when it is asked."""

    def __init__(self, followed: Followed, listeners: Callable[[], int]) -> None:
        self._followed = followed
        self._listeners = listeners

    def collect(self) -> Iterator[Metric]:
        """Return how well the view follows, and for whom."""
        followed = self._followed
        yield GaugeMetricFamily(VIEW_READY, "1 while answers are complete, else 0.", value=followed.is_ready)
        yield GaugeMetricFamily(VIEW_CALLERS, "Callers that are known.", value=followed.callers)
        yield GaugeMetricFamily(VIEW_LISTENERS, "Open streams.", value=self._listeners())
        yield lag_family(
            "Offsets between what is read and where a changelog ended a second ago.",
            followed.positions,
            followed.ends.get,
        )
        yield restore_family(followed.remaining)


class _Folding(Collector):
    """Reads what was counted at the time when it is asked."""

    def __init__(self, app: App, activity: Activity) -> None:
        self._app = app
        self._activity = activity

    def collect(self) -> Iterator[Metric]:
        """Return the counts, the lag and what a restore still has to read."""
        activity = self._activity
        events = CounterMetricFamily(
            EVENTS,
            "Messages that were read, by what became of them. A forwarded one is read again at its home.",
            labels=["topic", "outcome"],
        )
        for labels, count in sorted(activity.events().items()):
            events.add_metric(labels, count)
        yield events
        unlocks = CounterMetricFamily(UNLOCKS, "Achievements that were unlocked.", labels=["achievement"])
        for achievement in ACHIEVEMENTS:
            unlocks.add_metric([achievement.id], activity.unlocks.get(achievement.id, 0))
        yield unlocks
        yield CounterMetricFamily(LEVEL_UPS, "Level-ups that were published.", value=activity.level_ups)
        yield lag_family(
            "Offsets between what is committed and the end of a partition; transaction markers occupy some.",
            self._app.tasks.committed(),
            self._app.end_of,
        )
        yield restore_family(self._app.tasks.restore_remaining)


def lag_family(
    text: str, positions: Mapping[TopicPartition, int], end_of: Callable[[TopicPartition], int | None]
) -> GaugeMetricFamily:
    """Return how far each partition is behind its end; those whose end is not known yet are left out."""
    family = GaugeMetricFamily(LAG, text, labels=["topic", "partition"])
    for tp, position in sorted(positions.items()):
        end = end_of(tp)
        if end is not None:
            family.add_metric([tp.topic, str(tp.partition)], max(0, end - position))
    return family


def restore_family(remaining: int) -> GaugeMetricFamily:
    """Return how much is still to be read before anything is answered or folded."""
    return GaugeMetricFamily(RESTORE_REMAINING, "Offsets of changelogs still to be read.", value=remaining)
