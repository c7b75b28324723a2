from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.chaos.recount import BadMessageError, parse
from tests.kafka.bad_messages import BAD, GOOD, Case


def now() -> int:
    """Return the clock in milliseconds."""
    return int(datetime.now(UTC).timestamp() * 1000)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_judge_refuses_what_is_bad(case: Case) -> None:
    """The recount refuses by its own rules every message that the product must refuse."""
    with pytest.raises(BadMessageError):
        parse(case.topic, case.value, now())


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_the_judge_takes_what_only_looks_bad(case: Case) -> None:
    """And takes what the product must take."""
    event, _ = parse(case.topic, case.value, now())
    assert event["caller_id"] == "odd"
