"""The chaos suite in full: ``make chaos``, or ``.venv/bin/python -m tests.chaos --help``."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from app.local import broker
from tests.chaos.faults import FAULTS
from tests.chaos.harness import run
from tests.chaos.report import report, shown


@click.command
@click.argument("keys", nargs=-1)
@click.option("--seed", default=1, show_default=True, help="Of the traffic and of the moments.")
@click.option("--short", is_flag=True, help="The few times of `make test`.")
def main(keys: tuple[str, ...], seed: int, *, short: bool) -> None:
    """Run the faults whose keys begin with one of KEYS (all by default); print a table in Markdown.

    Exit status 1 if anything is missing, extra or wrong, or a worker or a broker did not do what it has to.
    """
    chosen = [fault for fault in FAULTS if not keys or fault.key.startswith(keys)]
    if not chosen:
        raise click.UsageError(f"no such fault; known are {', '.join(fault.key for fault in FAULTS)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True)
    outcomes, failures = [], []
    with tempfile.TemporaryDirectory(prefix="streakline-chaos-") as name, shown(console) as progress:
        folder = Path(name)
        (folder / "kafka").mkdir()
        shared = broker.start(folder / "kafka", port=0)
        try:
            for fault in chosen:
                place = folder / fault.key
                place.mkdir()
                try:
                    outcomes.append(run(fault, shared.address, place, progress, seed=seed, short=short))
                except AssertionError as error:  # the next faults have topics and workers of their own
                    failures.append(f"{fault.title}: did not come to its end: {error}")
        finally:
            broker.stop(folder / "kafka")
    print("\n\n".join([report(outcomes), *failures]))  # noqa: T201 - its output
    sys.exit(0 if not failures and all(outcome.is_clean for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
