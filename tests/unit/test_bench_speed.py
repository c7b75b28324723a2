"""What the bench calls a speed."""

import pytest

from tests.bench.surroundings import BenchError
from tests.bench.usage import Sample, Speed, speed, whole


def test_all_that_is_done_behind_the_first_commit_counts() -> None:
    """Whatever the start took, and however the pace changed."""
    samples = [Sample(3, 0, 2), Sample(10, 1_000, 5), Sample(11, 8_000, 7), Sample(20, 11_000, 10)]
    found = speed(*whole(samples))
    assert found == Speed(1_000, 2_000)


def test_samples_that_say_nothing_new_change_nothing() -> None:
    """A program that waits and says so again, also when it has done all."""
    samples = [
        Sample(0, 0, 0),
        Sample(10, 1_000, 1),
        Sample(20, 1_000, 1),
        Sample(30, 3_000, 3),
        Sample(40, 3_000, 4),
    ]
    assert whole(samples) == (samples[1], samples[3])


@pytest.mark.parametrize("samples", [[], [Sample(1, 0, 1)], [Sample(3, 1_000, 1)]])
def test_one_look_is_no_speed(samples: list[Sample]) -> None:
    """Nothing can be told where all was done at once."""
    with pytest.raises(BenchError, match="too few events"):
        whole(samples)
