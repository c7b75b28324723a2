"""What the bench calls a speed."""

import pytest

from tests.bench.surroundings import BenchError
from tests.bench.usage import Sample, Speed, speed, steady


def test_an_even_pace_is_its_speed() -> None:
    """Whatever the warm-up and the end took."""
    even = [Sample(60 + second, 300_000 + 100_000 * second, 5 + 2 * second) for second in range(7)]
    found = speed(*steady([Sample(0, 1, 0), *even, Sample(99, 1_000_000, 77)]))
    assert found == pytest.approx(Speed(100_000, 50_000), rel=1e-4)


def test_where_it_stood_lies_between_samples() -> None:
    """A program that commits rarely is taken to go on evenly from one commit to the next."""
    first, last = steady([Sample(0, 0, 0), Sample(10, 1_000, 1), Sample(30, 3_000, 3)])
    assert first == Sample(10, 1_000, 1)
    assert last == Sample(27, 2_700, 2.7)


def test_samples_that_say_nothing_new_change_nothing() -> None:
    """A program that waits and says so again."""
    samples = [
        Sample(0, 0, 0),
        Sample(5, 0, 0),
        Sample(10, 1_000, 1),
        Sample(20, 1_000, 1),
        Sample(30, 3_000, 3),
    ]
    assert steady(samples) == steady([samples[0], samples[2], samples[4]])


def test_one_look_is_no_speed() -> None:
    """Nothing can be told where all was done at once."""
    with pytest.raises(BenchError, match="too few events"):
        steady([Sample(3, 1_000, 1)])
