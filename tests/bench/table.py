"""Scores as Markdown tables."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tests.bench.contest import Score
from tests.bench.growth import EARLY, Growth, Workers
from tests.bench.latency import Delays
from tests.bench.plot import Bar
from tests.bench.restore import Restored
from tests.bench.subjects.streakline import Streakline
from tests.bench.subjects.subject import Subject

HEAD: Final = (
    "program",
    "events/s",
    "lowest to highest",
    "ratio",
    "events per CPU second",
    "ratio",
    "peak memory",
    "bytes to Kafka per event",
    "broker's CPU per event",
)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def contest(subjects: Sequence[Subject], scores: Mapping[str, Sequence[Score]]) -> str:
    """Return medians, what the speeds lie between, and ratios to the first program."""
    base = scores[subjects[0].name]
    wall, processor = (statistics.median(score.speed[place] for score in base) for place in (0, 1))
    return markdown(HEAD, [_row(each, scores[each.name], wall, processor) for each in subjects])


def _row(subject: Subject, scores: Sequence[Score], wall: float, processor: float) -> list[str]:
    walls = [score.speed.wall for score in scores]
    ours, cost = statistics.median(walls), statistics.median(score.speed.processor for score in scores)
    brokers = [score.broker for score in scores if score.broker is not None]
    written = [score.bytes_per_event for score in scores if score.bytes_per_event is not None]
    return [
        subject.title,
        f"{ours:,.0f}",
        f"{min(walls):,.0f} to {max(walls):,.0f}",
        ratio(wall, ours),
        f"{cost:,.0f}",
        ratio(processor, cost),
        f"{statistics.median(score.peak_memory for score in scores) / 1e6:,.0f} MB",
        f"{statistics.median(written):,.0f}" if written and subject.counts else "",
        f"{statistics.median(brokers):.1f} us" if brokers else "",
    ]


def ratio(ours: float, theirs: float) -> str:
    """Return how many times ours is theirs."""
    times = ours / theirs
    return f"{times:.2f} x" if times < 10 else f"{times:,.0f} x"


def bar(subject: Subject, scores: Sequence[Score], place: int) -> Bar:
    """Return the bar of a program's speed: by the clock on the wall (0), or by processor time (1)."""
    speeds = [score.speed[place] for score in scores]
    kind = "ours" if isinstance(subject, Streakline) else "theirs" if subject.counts else "ceiling"
    label = subject.title.replace("*", "").replace("`", "").partition(":")[0]
    return Bar(label, statistics.median(speeds), min(speeds), max(speeds), kind)


def restores(measured: Sequence[Sequence[Restored]]) -> str:
    """Return what restores took, of which the median is shown, and the memory after them."""
    head = (
        "callers, 40 active days each",
        "identities",
        "rows",
        "restore",
        "rows/s",
        "start to folding",
        "CPU of that",
        "memory after it",
    )
    rows = []
    for rounds in measured:
        seconds = [each.seconds for each in rounds]
        middle = statistics.median(seconds)
        folding = statistics.median(each.to_folding for each in rounds)
        rows.append(
            [
                f"{rounds[0].callers:,}",
                f"{rounds[0].identities:,}",
                f"{rounds[0].rows:,}",
                f"{middle:.1f} s ({min(seconds):.1f} to {max(seconds):.1f})",
                f"{rounds[0].rows / middle:,.0f}",
                f"{folding:.1f} s",
                f"{statistics.median(each.processor for each in rounds):.1f} s",
                f"{max(each.resident for each in rounds) / 1e6:,.0f} MB",
            ]
        )
    return markdown(head, rows)


def delays(measured: Mapping[tuple[str, int], Sequence[Delays]]) -> str:
    """Return percentiles in milliseconds: the median of the rounds, and what the rounds lie between."""
    head = ("program", "events/s", "p50", "p99", "p99.9", "cores used", "p99 of the sender's own lateness")
    rows = []
    for (title, rate), rounds in measured.items():
        percentiles = [_spread([each.percentile(share) for each in rounds]) for share in (0.5, 0.99, 0.999)]
        rows.append(
            [
                title,
                f"{rate:,}",
                *percentiles,
                f"{statistics.median(each.cores for each in rounds):.2f}",
                _spread([each.sender_late for each in rounds]),
            ]
        )
    return markdown(head, rows)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f} ms ({min(values):,.0f} to {max(values):,.0f})"


def growth(found: Growth) -> str:
    """Return what an event cost at first and at last."""
    head = ("CPU per event", "microseconds", "ratio")
    first = f"after {EARLY:,} events"
    last = f"after {found.events:,} events of {found.callers:,} callers"
    return markdown(
        head,
        [[first, f"{found.early:.2f}", ""], [last, f"{found.late:.2f}", f"{found.late / found.early:.2f} x"]],
    )


def workers(measured: Sequence[Sequence[Workers]]) -> str:
    """Return medians, and ratios to one worker."""
    head = (
        "workers",
        "events/s",
        "ratio",
        "CPU microseconds per event",
        "ratio",
        "of the broker",
        "all cores busy",
    )
    base = [statistics.median(each[place] for each in measured[0]) for place in (1, 2)]
    rows = []
    for rounds in measured:
        wall, cost, broker, busy = (
            statistics.median(each[place] for each in rounds) for place in (1, 2, 3, 4)
        )
        ratios = f"{wall / base[0]:.2f} x", f"{cost / base[1]:.2f} x"
        rows.append(
            [
                str(rounds[0].workers),
                f"{wall:,.0f}",
                ratios[0],
                f"{cost:.2f}",
                ratios[1],
                f"{broker:.2f}",
                f"{busy:.0%}",
            ]
        )
    return markdown(head, rows)
