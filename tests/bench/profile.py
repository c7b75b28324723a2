"""Where a microsecond goes: a worker at full load, sampled by py-spy. ``make profile``, or

    .venv/bin/python -m tests.bench.profile --out docs

A worker folds the load of ``make bench``; once it commits, py-spy looks at its stacks a few hundred times a second, from
outside. Every sample belongs to one kind of work: that of the innermost frame which says what it is for. The share of a
kind times the processor time of an event in the same seconds is what an event costs there. Waiting for the network is
left out. Of a compiled worker (``make compiled``) the functions that are machine code are told by their symbols.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click

from app.cli.progress import progress
from app.cli.signals import end_like_ctrl_c
from app.local.files import Report
from tests.bench import flames
from tests.bench.contest import follow, prepare
from tests.bench.load import Load
from tests.bench.parts import machine
from tests.bench.subjects.python_programs import ROOT
from tests.bench.subjects.streakline import COMPILED, Streakline
from tests.bench.surroundings import Bench, BenchError, Child, bench, finish
from tests.bench.table import markdown
from tests.bench.usage import Sample, Usage

PY_SPY: Final = ROOT / ".bench-venv" / "bin" / "py-spy"

#: Samples a second, of every thread that is not idle. Each stops the worker; of 250 a compiled one stands still most of the
#: time.
RATE: Final = 100

#: What a frame is for: the first that matches, from the innermost frame outwards.
KINDS: Final = (
    ("identity", ("tables/seen.py",)),
    (
        "decode",
        (
            "app/domain/events.py",
            "app/domain/quick.py",
            "app/domain/shapes/",
            "app/domain/counted.py",
            "app/domain/cloud_events.py",
            "app/domain/money.py",
        ),
    ),
    (
        "encode",
        (
            "tables/codec.py",
            "drain (tables/",
            "changed_rows (tables/",
            "_rows (app/engine/",
            "_batches (app/engine/",
            "app/engine/record_writer.py",
            "app/engine/written_batch.py",
            "aiokafka/producer/message_acc",
        ),
    ),
    ("publish", ("tables/publishing.py", "app/domain/encoded.py", "app/domain/published.py")),
    ("fold", ("(agents/", "(tables/", "(app/domain/")),
    (
        "fetch",
        (
            "aiokafka/consumer/",
            "aiokafka/record/",
            "app/engine/consumer.py",
            "app/engine/fetching.py",
            "app/engine/records.py",
            "app/engine/record.py",
            "app/engine/record_batch.py",
            "google_crc32c/",
        ),
    ),
    (
        "commit",
        (
            "aiokafka/producer/",
            "app/engine/transactions.py",
            "app/engine/task.py",
            "app/engine/rows_written.py",
        ),
    ),
    (
        "network",
        (
            "aiokafka/conn.py",
            "aiokafka/client.py",
            "aiokafka/protocol/",
            "asyncio/streams.py",
            "asyncio/selector_events.py",
        ),
    ),
    (
        "Faust and the event loop",
        ("faust/", "mode/", "asyncio/", "selectors.py", "app/engine/", "threading.py"),
    ),
)
OTHER: Final = "other"

#: Innermost frames that are no work. On a busy machine py-spy takes a thread that has slept here for a busy one.
WAITING: Final = frozenset({"EpollSelector.select (selectors.py)", "KqueueSelector.select (selectors.py)"})

#: The same where frames of C are seen too: waiting for the network and for Python's lock, with so many frames
#: at the most that are further in.
WAITING_IN_C: Final = ("epoll_wait", "select_epoll_poll", "pthread_cond_wait", "pthread_cond_timedwait")
BEFORE_WAITING: Final = 4

#: A function of a module that is compiled, as mypyc names it: the module, the class if any, the function.
SYMBOL: Final = re.compile(r"CPyDef_(\w+?)___(?:(\w+?)___)?(\w+) \(")
COMPILED_MODULES: Final = {
    made.name.partition(".")[0]: f"{made.parent.relative_to(ROOT)}/{made.name.partition('.')[0]}.py"
    for package in ("agents", "app", "tables")
    for made in (ROOT / package).rglob("*.so")
}


class Profile(NamedTuple):
    """Samples by stack (outermost frame first), and processor microseconds of an event in the same seconds."""

    stacks: Counter[tuple[str, ...]]
    cost: float
    events: int


@click.command
@click.option(
    "--events",
    default=6_000_000,
    show_default=True,
    help="Of the load: all are folded.",
)
@click.option("--callers", default=1_000, show_default=True)
@click.option("--seconds", default=8, show_default=True, help="To sample for.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for profile.md and profile.svg.")
def main(events: int, callers: int, seconds: int, out: Path | None) -> None:
    """Sample a worker under full load; print a Markdown table."""
    if not PY_SPY.exists():
        raise BenchError(f"{PY_SPY} is missing: start this with `make profile`")
    end_like_ctrl_c()
    with bench("profile") as here, progress() as report:
        profile = asyncio.run(_record(here, Load(events, callers), seconds, report))
    text = _text(profile, Load(events, callers), seconds)
    print(text)  # noqa: T201 - its output
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "profile.md").write_text(text + "\n", encoding="utf-8")
        picture = flames.draw(
            profile.stacks, "A streakline worker at full load", lambda frame: kind_of((frame,))
        )
        (out / "profile.svg").write_text(picture, encoding="utf-8")


async def _record(here: Bench, load: Load, seconds: int, report: Report) -> Profile:
    run = replace(await prepare(here, load, report), name="profile")
    subject = Streakline()
    await subject.create_topics(run)
    stacks = here.folder / "stacks.txt"
    with Child(subject.command(run), subject.environment(run), here.folder / "worker.log") as worker:
        command = (
            *(str(PY_SPY), "record", "--pid", str(worker.process.pid), "--duration", str(seconds)),
            *("--rate", str(RATE), "--format", "raw", "--output", str(stacks)),
            *(("--native",) if COMPILED else ()),
        )
        spies: list[Child] = []
        window: list[Sample] = []

        def on_sample(sample: Sample) -> None:
            if not spies:
                spies.append(Child(command, os.environ, here.folder / "py-spy.log"))
                window.append(sample)
            elif spies and spies[0].process.poll() is None:
                window.append(sample)

        await follow(subject, run, worker, Usage(worker.process.pid), on_sample=on_sample)
        await finish(spies[0], within=seconds + 30)
        await worker.terminate()
    if len(window) < 2:
        raise BenchError(
            f"nothing was committed in the {seconds} s that were sampled: give it more --seconds"
        )
    first, last = window[0], window[-1]
    events = last.events - first.events
    return Profile(Counter(dict(_stacks(stacks))), (last.processor - first.processor) / events * 1e6, events)


def _stacks(file: Path) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield stacks as py-spy's raw format has them, without the lines' numbers."""
    merged: Counter[tuple[str, ...]] = Counter()
    for line in file.read_text(encoding="utf-8").splitlines():
        text, _, count = line.rpartition(" ")
        frames = text.split(";")
        if any(each.startswith(WAITING_IN_C) for each in frames[-BEFORE_WAITING:]):
            continue
        stack = tuple(_frame(each) for each in frames if ".py:" in each or SYMBOL.match(each))
        if stack and stack[-1] not in WAITING:
            merged[stack] += int(count)
    yield from merged.items()


def _frame(text: str) -> str:
    """Return ``function (file)``; the file begins with its package."""
    if symbol := SYMBOL.match(text):
        module, class_, function = symbol.groups()
        name = f"{class_}.{function}" if class_ else function
        return f"{name} ({COMPILED_MODULES.get(module, module)})"
    name, _, place = text.partition(" (")
    if not place:
        return text
    path = place.rstrip(")").rpartition(":")[0]
    for package in ("site-packages/", "lib/python3.11/", f"{ROOT}/"):
        path = path.rpartition(package)[2]
    return f"{name} ({path})"


def kind_of(stack: tuple[str, ...]) -> str:
    """Return what a stack is for."""
    for frame in reversed(stack):
        for kind, marks in KINDS:
            if any(mark in frame for mark in marks):
                return kind
    return OTHER


def _text(profile: Profile, load: Load, seconds: int) -> str:
    kinds: Counter[str] = Counter()
    leaves: dict[str, Counter[str]] = {}
    for stack, count in profile.stacks.items():
        kind = kind_of(stack)
        kinds[kind] += count
        leaves.setdefault(kind, Counter())[stack[-1]] += count
    total = kinds.total()
    rows = [
        [
            kind,
            f"{count / total:.0%}",
            f"{profile.cost * count / total:.2f}",
            ", ".join(f"`{frame}` {there / total:.0%}" for frame, there in leaves[kind].most_common(4)),
        ]
        for kind, count in kinds.most_common()
    ]
    when = datetime.now(UTC).date().isoformat()
    head = (
        f"`make profile`, {when}: one worker{', compiled,' if COMPILED else ''} at full load, {load.callers:,} callers, all rules, identities on; "
        f"{total:,} samples in {seconds} s, in which {profile.events:,} events were committed at "
        f"{profile.cost:.2f} microseconds of processor time each, which is more than without a sampler: it stops the worker "
        f"each time. {machine()}."
    )
    return "\n\n".join(
        [
            "# Where a microsecond goes",
            head,
            markdown(("kind of work", "share", "microseconds of an event", "where, most of all"), rows),
            "![the same as a flame graph: outermost frames above, width is time](profile.svg)",
        ]
    )


if __name__ == "__main__":
    main()
