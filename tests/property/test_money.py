from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import MAX_DOLLARS, NANOS_PER_DOLLAR, parse_dollars, to_dollars

amounts = st.decimals(0, MAX_DOLLARS, allow_nan=False, allow_infinity=False)


@given(amounts)
def test_reading_rounds_the_exact_value_once(amount: Decimal) -> None:
    """The nano-dollars of an amount are its exact value, rounded half to even, as decimal and as text."""
    nanos = round(Fraction(amount) * NANOS_PER_DOLLAR)
    assert parse_dollars(amount) == nanos
    assert parse_dollars(str(amount)) == nanos


@given(st.integers(0, MAX_DOLLARS * NANOS_PER_DOLLAR))
def test_an_amount_of_whole_nano_dollars_comes_back(nanos: int) -> None:
    """Nano-dollars written as decimal dollars are read back unchanged."""
    assert parse_dollars(str(Decimal(nanos).scaleb(-9))) == nanos
    assert parse_dollars(f"{nanos}e-9") == nanos


@given(st.floats(0, MAX_DOLLARS))
def test_a_float_is_the_decimal_that_it_prints_as(amount: float) -> None:
    """A float is read as its shortest decimal form."""
    quantum = Decimal("1E-9")
    assert parse_dollars(amount) == int(
        Decimal(repr(amount)).quantize(quantum, ROUND_HALF_EVEN) * NANOS_PER_DOLLAR
    )


@given(
    st.lists(amounts, max_size=20).flatmap(lambda parts: st.tuples(st.just(parts), st.permutations(parts)))
)
def test_a_sum_does_not_depend_on_order(orders: tuple[list[Decimal], list[Decimal]]) -> None:
    """Amounts add up to the same nano-dollars in any order."""
    a, b = (sum(map(parse_dollars, parts)) for parts in orders)
    assert a == b
    assert to_dollars(a) == a / 10**9
