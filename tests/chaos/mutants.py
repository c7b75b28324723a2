"""The suite proves itself: ``make chaos-mutants``, or ``.venv/bin/python -m tests.chaos.mutants --help``.

Workers that lack one safeguard go through a fault of the suite that must turn red, and so does a stock Faust program;
the product as it is goes through the same faults and must stay green.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from app.engine.record_writer import COMPILED
from app.local import broker
from tests.chaos.faults import FAULTS
from tests.chaos.harness import run
from tests.chaos.judge import Verdict, judge
from tests.chaos.report import TOLD, reason, shown, table
from tests.chaos.state import Found
from tests.chaos.stock_faust import kill_stock_faust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.chaos.fault import Fault, Progress
    from tests.chaos.harness import Chaos


@dataclass(frozen=True, slots=True)
class Mutant:
    """A worker without a safeguard (all of them are there if it is empty), and a fault that must show it."""

    safeguard: str
    title: str
    fault: str
    times: int


MUTANTS = (
    Mutant("positions", "positions: it begins where the group's offsets are", "1", 4),
    Mutant("identities", "identities: every event is new", "1", 4),
    Mutant("identities-kept", "identities in the changelog: whoever takes over knows none", "1", 4),
    Mutant("home-partitions", "home partitions: events are folded where they arrive", "1", 4),
    Mutant(
        "outputs-in-transactions",
        "outputs in the transaction: a plain producer sends them",
        "2-after-rows",
        2,
    ),
    Mutant("rows-in-transactions", "rows in the transaction: a plain producer sends them", "2-after-rows", 2),
    Mutant(
        "positions-in-transactions",
        "positions in the transaction: a plain producer sends them",
        "2-after-rows",
        2,
    ),
    Mutant("fencing", "fencing: each worker has transactional ids of its own", "4-write", 4),
    Mutant("failures-heeded", "leaving: it goes on after a transaction that failed", "5-refusal", 1),
    Mutant(
        "markers-written-again",
        "markers: it restores as far as the broker says, and writes none of those that are lost",
        "5-markers",
        6,
    ),
    Mutant("committed-sources", "read_committed: it reads what is not committed", "6-aborted", 4),
)
STOCK_FAUST = "everything: a stock Faust agent with `app.Table` counts requests by caller"
STOCK_FAUST_KILLS = 2

HEADER = ("taken out", "fault", "times", "events", "missing", "extra", "wrong", "verdict")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a worker. ``problem``: why it did not come to the end of its input, if it did not."""

    title: str
    fault: str
    times: int
    verdict: Verdict
    problem: str = ""
    is_control: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_red(self) -> bool:
        """Say whether the judge finds it wrong: what it has not folded proves nothing, what is there twice does."""
        return bool(self.verdict.extra if self.problem else self.verdict.differences)

    @property
    def is_as_it_must_be(self) -> bool:
        """Say whether a mutant is caught, or the product is not to blame for anything."""
        return not (self.is_red or self.problem) if self.is_control else self.is_red

    @property
    def word(self) -> str:
        """Return the verdict in a word or two."""
        if self.is_control:
            return "green" if self.is_as_it_must_be else "RED"
        stuck = ", and stuck" if self.problem else ""
        return f"{'red' if self.is_red else 'NOT CAUGHT'}{stuck}"


def controls(mutants: Sequence[Mutant]) -> Iterator[Mutant]:
    """Yield the mutants, and before those of each fault the product as it is."""
    for (fault, times), group in groupby(mutants, lambda each: (each.fault, each.times)):
        yield Mutant("", "nothing", fault, times)
        yield from group


def try_out(mutant: Mutant, address: str, folder: Path, progress: Progress, *, seed: int) -> Trial:
    """Run a mutant through its fault; judge it even if it does not come to the end."""
    fault = next(each for each in FAULTS if each.key == mutant.fault)
    seen: list[Chaos] = []

    def strike(chaos: Chaos) -> None:
        seen.append(chaos)
        fault.strike(chaos)

    def say(what: str, done: int, total: int) -> None:
        progress(f"{mutant.safeguard or 'nothing'} taken out: {what}", done, total)

    arguments = ["--without", mutant.safeguard] if mutant.safeguard else []
    shortened: Fault = replace(fault, short=mutant.times, strike=strike)
    trial = Trial(mutant.title, fault.title, mutant.times, Verdict(), is_control=not mutant.safeguard)
    try:
        outcome = run(shortened, address, folder, say, seed=seed, short=True, arguments=arguments)
    except AssertionError as exc:  # its workers are gone, the shared broker is not
        [chaos] = seen
        trial = replace(trial, verdict=judge(Found(chaos.deployment.settings)), problem=str(exc))
        departures = chaos.workers.departures
    else:
        trial = replace(trial, verdict=outcome.verdict)
        departures = outcome.departures
    left = Counter((each.status, reason(each.last_line)) for each in departures if not each.expected)
    notes = [f"{count} x left with status {status}: {why}" for (status, why), count in left.most_common()]
    return replace(trial, notes=tuple(notes))


def report(trials: Sequence[Trial]) -> str:
    """Return the table, the first differences of each trial in words, and what else happened."""
    rows = [
        (
            trial.title,
            trial.fault,
            trial.times,
            f"{trial.verdict.events:,}",
            *(len(each) for each in (trial.verdict.missing, trial.verdict.extra, trial.verdict.wrong)),
            trial.word,
        )
        for trial in trials
    ]
    parts = [table(HEADER, rows)]
    for trial in trials:
        said = [*trial.verdict.differences[:TOLD], *trial.notes[:TOLD], trial.problem]
        lines = "\n".join(f"  {each}" for each in said if each)
        if lines:
            parts.append(f"{trial.title} ({trial.fault}):\n{lines}")
    return "\n\n".join(parts)


@click.command
@click.argument("safeguards", nargs=-1)
@click.option("--seed", default=1, show_default=True, help="Of the traffic and of the moments.")
def main(safeguards: tuple[str, ...], seed: int) -> None:
    """Take out SAFEGUARDS, one after the other (all by default; `stock-faust` is one); print a table in Markdown.

    Exit status 1 if a mutant is not caught, or the product as it is turns red.
    """
    known = [*(each.safeguard for each in MUTANTS), "stock-faust"]
    if unknown := set(safeguards) - set(known):
        raise click.UsageError(f"no such safeguard: {', '.join(unknown)}; known are {', '.join(known)}")
    if COMPILED:
        raise click.UsageError(
            "compiled code cannot be patched, so no safeguard would be taken out: make plain"
        )
    chosen = [each for each in MUTANTS if each.safeguard in (safeguards or known)]
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True, soft_wrap=True)
    trials = []
    with tempfile.TemporaryDirectory(prefix="streakline-mutants-") as name, shown(console) as progress:
        folder = Path(name)
        (folder / "kafka").mkdir()
        shared = broker.start(folder / "kafka", port=0)
        try:
            for number, mutant in enumerate(controls(chosen)):
                place = folder / f"{number}"
                place.mkdir()
                trials.append(try_out(mutant, shared.address, place, progress, seed=seed))
            if "stock-faust" in (safeguards or known):
                trials.append(try_stock_faust(shared.address, folder, progress, seed=seed))
        finally:
            broker.stop(folder / "kafka")
    print(report(trials))  # noqa: T201 - its output
    sys.exit(0 if all(trial.is_as_it_must_be for trial in trials) else 1)


def try_stock_faust(address: str, folder: Path, progress: Progress, *, seed: int) -> Trial:
    """Run the stock Faust program through kills."""
    verdict, notes = kill_stock_faust(address, folder, progress, seed=seed, times=STOCK_FAUST_KILLS)
    return Trial(STOCK_FAUST, "`kill -9` while it folds", STOCK_FAUST_KILLS, verdict, notes=tuple(notes))


if __name__ == "__main__":
    main()
