"""The harness can turn red. All safeguards, one after the other: ``make chaos-mutants``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.judge import Verdict
from tests.chaos.mutants import MUTANTS, Trial, report, try_out
from tests.chaos.safeguards import SAFEGUARDS

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.broker import Broker


def test_outputs_outside_the_transaction_turn_the_suite_red(broker: Broker, tmp_path: Path) -> None:
    """A worker that sends outputs by a plain producer publishes them again after ``kill -9``, and the judge sees it."""
    mutant = next(each for each in MUTANTS if each.safeguard == "outputs-in-transactions")
    trial = try_out(mutant, broker.address, tmp_path, lambda *_: None, seed=1)
    assert not trial.problem, trial.problem
    assert trial.verdict.extra, report([trial])


def test_every_safeguard_is_taken_out() -> None:
    """No safeguard that a worker can lack is without a fault that must show it."""
    assert {each.safeguard for each in MUTANTS} == SAFEGUARDS.keys()


def test_what_is_not_folded_proves_nothing() -> None:
    """A mutant that gets stuck is caught by what is there twice, not by what is missing."""
    late = Verdict(missing=["an unlock"], wrong=["a number"])
    assert not Trial("", "", 1, late, problem="not folded").is_red
    assert Trial("", "", 1, Verdict(extra=["an unlock"]), problem="not folded").is_red
    assert Trial("", "", 1, late).is_red


def test_the_product_is_to_blame_for_getting_stuck() -> None:
    """The product itself must come to the end of the input, and nothing may differ then."""
    assert Trial("", "", 1, Verdict(), is_control=True).is_as_it_must_be
    assert not Trial("", "", 1, Verdict(), problem="not folded", is_control=True).is_as_it_must_be
    assert not Trial("", "", 1, Verdict(extra=["an unlock"]), is_control=True).is_as_it_must_be
