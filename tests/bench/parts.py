"""The parts of the bench: what each measures, how much of it, and the table and the picture that it makes."""

import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psutil

from app.local.broker import KAFKA_VERSION
from app.local.files import Report
from tests.bench import contest, growth, latency, plot, restore, table
from tests.bench.load import PROPORTIONS, Load
from tests.bench.subjects import SUBJECTS
from tests.bench.subjects.kafka_streams import WARM_UP_SHARE, KafkaStreamsOften, KafkaStreamsQuick
from tests.bench.subjects.streakline import Streakline
from tests.bench.subjects.subject import Subject
from tests.bench.surroundings import Bench

#: Who is sent events at a steady rate: those whose unlocks are seen soon after, and nobody, for what remains.
AT_A_RATE: Final = (Streakline, KafkaStreamsOften, KafkaStreamsQuick, None)

#: Seconds of small transactions that a broker needs until it has compiled what they go through: before that it takes
#: twice the processor time, of which there is none left on two cores.
BROKER_WARM_UP: Final = 40

#: What speeds are shown by, with the end of the picture's name.
BY: Final = {"": "second", "-cpu": "second of processor time"}

#: From so many callers on there are fewer programs and rounds: what each has counted and published of every caller is read
#: and compared, which takes longer than the fold. And everyone sends: by chance alone half of the callers would not.
CROWD: Final = 1_000_000

#: Else an event would cost less in the end for its topic alone: those with few events are read to their end before.
REQUESTS_ONLY: Final = (sum(PROPORTIONS), *(0 for _ in PROPORTIONS[1:]))

#: What the tables do not say.
SPEED_NOTE: Final = """\
Ratios are of streakline to the program. All read the same six topics from the beginning, keep counters, day cells,
streaks and models of every caller, and publish its achievements, levels and pets with the same fields and CloudEvents headers. What
each has counted was compared with a recount caller by caller, and what it has published message by message, on all three topics. What is
measured is from the first commit of a program to its last, so that all have the same mix of events although they read topics in different orders;
a turn of the first program before all rounds is not counted, and Kafka Streams folds a fifth of the load in the same process before it is
measured, so that Java has compiled itself. Quix Streams was given a fifteenth of the events and Faust one of 30, of the same callers,
so each of these comes less often, and more of their events begin a day or earn something. What streakline does beside that, and nobody else: it remembers identities, checks every field
(the others decode those that they need), keeps the scope of the gateway, and a ledger of what it has published. Kafka Streams
(exactly_once_v2; 0.1 s is its default) and Quix Streams write rows, messages and offsets in one transaction, as streakline does; Bytewax keeps
its state in local files and Faust commits after the fact, so both publish and (Faust) count again after a crash."""

RESTORE_NOTE: Final = """\
Rows are those of streakline's own fold for 256 callers, under the names of all; memory is that of the worker after the
restore. The last line has full windows of identities too."""

LATENCY_NOTE: Final = """\
One event in twenty is the first of its caller and unlocks an achievement; the time is from when the event was due until
a read_committed reader in another process has its unlock. A turn before all rounds and the first seconds of each are not counted:
until then the broker compiles itself. Kafka Streams folds a fifth of the load in the same process before, as for the speeds; it is
measured as it comes (commit.interval.ms 100, linger.ms 100) and tuned for delay (25 and 0). "Nothing" is what producing and
reading the events themselves takes."""

WORKERS_NOTE: Final = """\
Measured while both fold, between 30 and 85 % of the load. Where all cores are busy with one worker and its broker, a second
worker cannot be faster by the clock; what it takes per event says what it would be with cores of its own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    events: int
    callers: tuple[int, ...]
    programs: tuple[str, ...]
    #: Instead, with as many callers as ``CROWD``.
    crowd_rounds: int
    crowd_programs: tuple[str, ...]
    #: Callers to restore.
    restored: tuple[int, ...]
    #: Events a second, and for how many seconds.
    rates: tuple[int, ...]
    seconds: int
    #: Events after which an event should cost what it did before.
    many: int

    def contest(self, callers: int) -> tuple[Load, Sequence[Subject], int]:
        """Return what is folded for the part `speed` with so many callers, by whom, and in how many rounds."""
        crowd = callers >= CROWD
        programs = self.crowd_programs if crowd else self.programs
        load = Load(self.events, callers, everyone=crowd and self.events >= callers)
        return load, [SUBJECTS[name]() for name in programs], self.crowd_rounds if crowd else self.rounds


#: How many times the load two workers are given: two fold the usual one in two seconds, which is two transactions.
WORKERS_LOAD: Final = 4

FULL: Final = Plan(
    rounds=3,
    events=3_000_000,
    callers=(1_000, 100_000, CROWD),
    programs=tuple(SUBJECTS),
    crowd_rounds=2,
    # The nearest in speed, on the heap and on disk. The others take minutes for each round of so many callers.
    crowd_programs=("streakline", "kafka-streams", "kafka-streams-rocksdb"),
    restored=(10_000, 100_000, 1_000_000),
    rates=(1_000, 20_000),
    seconds=20,
    many=10_000_000,
)
QUICK: Final = Plan(
    rounds=1,
    events=1_500_000,
    callers=(1_000,),
    programs=tuple(SUBJECTS),
    crowd_rounds=1,
    crowd_programs=("streakline", "kafka-streams", "kafka-streams-rocksdb"),
    restored=(10_000,),
    rates=(1_000,),
    seconds=10,
    many=400_000,
)


class Section(NamedTuple):
    """What a part found: a Markdown text, and pictures by the names of their files."""

    text: str
    pictures: dict[str, str]


def machine() -> str:
    """Say what the figures are of."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, broker (Kafka {KAFKA_VERSION}) on the same machine"


async def speed(here: Bench, plan: Plan, report: Report) -> Section:
    """Compare events per second, processor time, memory and bytes written."""
    texts, pictures = [], {}
    for callers in plan.callers:
        load, subjects, rounds = plan.contest(callers)
        scores = await contest.rounds(here, subjects, load, rounds, report)
        title = f"{plan.events:,} events of {callers:,} callers"
        text = f"### {title}\n\n{table.contest(subjects, scores)}"
        texts.append(f"{text}\n\n{crowd_note(load, rounds)}" if callers >= CROWD else text)
        note = f"{title}; median of {rounds} interleaved rounds, the line is the spread. {machine()}."
        for place, (file, what) in enumerate(BY.items()):
            bars = [table.bar(subject, scores[subject.name], place) for subject in subjects]
            pictures[f"bench-{callers}{file}.svg"] = plot.bars(f"Events per {what}, one worker", note, bars)
    return Section("\n\n".join([*texts, SPEED_NOTE]), pictures)


def crowd_note(load: Load, rounds: int) -> str:
    """Say in what the contest of very many callers differs from the others."""
    first = f"{load.callers / load.events:.0%} of the events are the first of theirs."
    everyone = f"Every caller sends at least once: {first} " if load.everyone else ""
    return f"{everyone}Only these programs took part, in {rounds} round{'s' if rounds > 1 else ''}."


async def delays(here: Bench, plan: Plan, report: Report) -> Section:
    """Measure from produce to published unlock. A turn before all rounds is not counted, as in the contest."""
    measured: dict[tuple[str, int], list[latency.Delays]] = {}
    warm_up = await contest.prepare(here, Load(plan.events // WARM_UP_SHARE, plan.callers[0]), report)
    await latency.measure(Streakline(), here, "warm-up", (plan.rates[0], BROKER_WARM_UP), report)
    for number in range(1, plan.rounds + 1):
        for rate in plan.rates:
            for each in AT_A_RATE:
                name, title = (
                    (each.name, each.title) if each else ("nothing", "nothing: the events, read back")
                )
                pace = rate, plan.seconds + latency.WARM_UP
                subject = each() if each else None
                run = f"{name}-{rate}-{number}"
                found = await latency.measure(subject, here, run, pace, report, warm_up=warm_up)
                measured.setdefault((title, rate), []).append(found)
    await warm_up.bench.delete_topics()
    return Section(
        f"### From produce to published unlock (read_committed)\n\n{table.delays(measured)}\n\n{LATENCY_NOTE}",
        {},
    )


async def restores(here: Bench, plan: Plan, report: Report) -> Section:
    """Measure restores and memory."""
    restored = [await restore.measure(here, callers, plan.rounds, report) for callers in plan.restored]
    restored.append(await restore.measure(here, plan.restored[0], plan.rounds, report, identities=True))
    return Section(f"### Restore and memory\n\n{table.restores(restored)}\n\n{RESTORE_NOTE}", {})


async def long_run(here: Bench, plan: Plan, report: Report) -> Section:
    """Measure what an event costs after many others: requests of callers who have all been seen in the beginning."""
    load = Load(plan.many, plan.callers[0], proportions=REQUESTS_ONLY)
    found = await growth.after_many(here, load, report)
    return Section(f"### What an event costs after many\n\n{table.growth(found)}", {})


async def workers(here: Bench, plan: Plan, report: Report) -> Section:
    """Measure two workers beside one."""
    load = Load(WORKERS_LOAD * plan.events, plan.callers[0])
    found = await growth.workers(here, load, 2, plan.rounds, report)
    return Section(f"### Two workers beside one\n\n{table.workers(found)}\n\n{WORKERS_NOTE}", {})


PARTS: Final[dict[str, Callable[[Bench, Plan, Report], Coroutine[Any, Any, Section]]]] = {
    "speed": speed,
    "latency": delays,
    "restore": restores,
    "growth": long_run,
    "workers": workers,
}
