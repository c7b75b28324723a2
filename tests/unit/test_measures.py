from dataclasses import astuple
from typing import get_args

from app.domain.measures import MeasureName, Measures, value_of


def test_the_names_of_measures_are_its_fields() -> None:
    """Every measure can be named, in the order of its fields, and nothing else can."""
    assert get_args(MeasureName) == Measures.__match_args__


def test_a_measure_is_found_by_its_name() -> None:
    """The value of a measure by name is its field."""
    m = Measures(*range(1, 12))
    assert [value_of(m, name) for name in get_args(MeasureName)] == list(range(1, 12))


def test_a_scope_begins_with_nothing() -> None:
    """All measures of a new scope are 0."""
    assert set(astuple(Measures())) == {0}
