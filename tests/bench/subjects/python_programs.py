"""Bytewax, Quix Streams and stock Faust: programs in Python around one fold (``plain_fold.py``).

The first two run in an environment of their own, `.bench-venv`, which `make bench` makes: streakline's stays as small
as it is.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec

from app.domain.achievements import CALLER_ACHIEVEMENTS
from tests.bench.expected import Total
from tests.bench.plain_fold import Caller, Cell, total
from tests.bench.subjects.subject import (
    Progress,
    Run,
    Subject,
    catalog,
    group_offsets,
    newest_rows,
    outputs_of,
    printed,
    said,
)
from tests.bench.surroundings import BenchError, Child, finish
from tests.bench.usage import Sample

#: Of the checkout, so that the programs find the fold; ``BENCH_PYTHON`` is for an environment made elsewhere.
ROOT: Final = Path(__file__).parents[3]
THEIR_PYTHON: Final = ROOT / ".bench-venv" / "bin" / "python"

#: How many of the lowest bits of what a caller holds are achievements.
ACHIEVEMENTS: Final = len(CALLER_ACHIEVEMENTS)


class PythonProgram(Subject):
    """A program that is a module of this folder."""

    module: str

    def command(self, run: Run) -> Sequence[str]:
        """Return the module, run by the other environment."""
        if not THEIR_PYTHON.exists():
            raise BenchError(f"{self.title} needs {THEIR_PYTHON}: start the bench with `make bench`")
        return (str(THEIR_PYTHON), "-m", self.module)

    def environment(self, run: Run) -> dict[str, str]:
        """Return what the module reads."""
        return {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "BENCH_BROKER": run.bench.address,
            "BENCH_APP": run.app,
            "BENCH_PREFIX": run.bench.prefix,
            "BENCH_STATE": str(run.bench.folder / f"{run.app}-state"),
            "BENCH_CATALOG": str(catalog(run.bench.folder)),
            "BENCH_OUTPUTS": outputs_of(run),
            "BENCH_TOTALS": str(_totals_file(run)),
        }


class Bytewax(PythonProgram):
    """One worker, snapshots of its state in SQLite files of its own every ten seconds."""

    name = "bytewax"
    title = "Bytewax, one worker, state in local files (at least once)"
    module = "tests.bench.bytewax_app"

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield how many events it says it has folded: it commits nothing to Kafka."""
        return printed(child)

    async def end(self, child: Child) -> None:
        """Wait: it ends where its input does."""
        await finish(child, within=60)

    def samples(self, child: Child, sampled: list[Sample]) -> list[Sample]:
        """Return its own."""
        return said(child)

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what it wrote at the end of its input."""
        counted = json.loads(_totals_file(run).read_text(encoding="utf-8"))
        return {caller: _total(row) for caller, row in counted.items()}


class QuixStreams(PythonProgram):
    """Exactly-once: RocksDB, and a changelog in Kafka."""

    name = "quix-streams"
    title = "Quix Streams, exactly-once"
    share = 15
    module = "tests.bench.quix_app"

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield the offsets that it commits in its transactions."""
        return group_offsets(run)

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return what the changelog of its store says."""
        [changelog] = [
            topic for topic in await run.bench.topics() if topic.startswith(f"changelog__{run.app}--")
        ]
        rows = await newest_rows(run, changelog)
        callers: dict[str, Caller] = {}
        cells: dict[str, dict[int, Cell]] = {}
        for (_, _, key), value in rows.items():
            caller, _, what = key.decode().partition("|")
            if json.loads(what) == "caller":
                callers[caller] = msgspec.msgpack.decode(value, type=Caller)
            else:
                cells.setdefault(caller, {})[int(json.loads(what))] = msgspec.msgpack.decode(value)
        return {
            name: _total(total(caller, cells.get(name, {}), ACHIEVEMENTS)) for name, caller in callers.items()
        }


class Faust(PythonProgram):
    """Stock Faust, at least once as it is by default: an agent and one ``app.Table`` with a row for each caller."""

    name = "faust"
    title = "stock Faust, `app.Table` (at least once)"
    share = 30
    module = "tests.bench.faust_app"
    guarantee: ClassVar[str] = "at_least_once"

    def command(self, run: Run) -> Sequence[str]:
        """Return its worker: Faust is in streakline's environment."""
        return (sys.executable, "-m", self.module, "worker", "--without-web", "-l", "warn")

    def environment(self, run: Run) -> dict[str, str]:
        """Return what the module reads."""
        return {**super().environment(run), "BENCH_GUARANTEE": self.guarantee}

    async def create_topics(self, run: Run) -> None:
        """Make its changelog too.

        Where Faust makes it, its first start may find it without partitions and fail on every event until it is
        started again: seen in one of eight.
        """
        await run.bench.create_topics_of_its_own(*self.outputs(run).values(), self._changelog(run))

    def progress(self, run: Run, child: Child) -> AbstractAsyncContextManager[Progress]:
        """Yield the offsets that it commits."""
        return group_offsets(run)

    def samples(self, child: Child, sampled: list[Sample]) -> list[Sample]:
        """Return its own: it commits every 2.8 s only. The last that say the same are it waiting for more."""
        samples = said(child)
        return [each for each in samples if each.events < samples[-1].events] + [
            next(each for each in samples if each.events == samples[-1].events)
        ]

    async def totals(self, run: Run, child: Child) -> Mapping[str, Total]:
        """Return its table as the changelog has it, which is what the next worker would start with."""
        rows = await newest_rows(run, self._changelog(run))
        decode = msgspec.msgpack.Decoder(tuple[Caller, dict[int, Cell]]).decode
        return {
            key.decode(): _total(total(*decode(value), ACHIEVEMENTS)) for (_, _, key), value in rows.items()
        }

    def _changelog(self, run: Run) -> str:
        return f"{run.app}-callers-changelog"


class FaustExactlyOnce(Faust):
    """The same with Faust's transactions."""

    name = "faust-exactly-once"
    title = "stock Faust, `app.Table`, `exactly_once`"
    guarantee = "exactly_once"


def _totals_file(run: Run) -> Path:
    return run.bench.folder / f"{run.app}-totals.json"


def _total(row: Sequence[Any]) -> Total:
    *numbers, weighted = row
    return Total._make([*numbers, tuple(weighted)])
