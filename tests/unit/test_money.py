import json
from decimal import Decimal, localcontext

import msgspec
import pytest

from app.domain.money import MAX_DOLLARS, NANOS_PER_DOLLAR, AmountRangeError, parse_dollars, to_dollars


@pytest.mark.parametrize(
    ("amount", "nanos"),
    [
        (0, 0),
        (-0.0, 0),
        ("-0", 0),
        (1, NANOS_PER_DOLLAR),
        (0.1, 100_000_000),
        ("0.1", 100_000_000),
        (Decimal("0.1"), 100_000_000),
        (72.54, 72_540_000_000),
        ("0.000000001", 1),
        ("1e-9", 1),
        ("1.25E+2", 125 * NANOS_PER_DOLLAR),
        ("+5.", 5 * NANOS_PER_DOLLAR),
        (".5", 500_000_000),
        ("1e-999999999", 0),
        (MAX_DOLLARS, MAX_DOLLARS * NANOS_PER_DOLLAR),
        ("999999999.999999999", 999_999_999_999_999_999),
    ],
)
def test_an_amount_is_read_exactly(amount: Decimal | float | str, nanos: int) -> None:
    """An amount is read exactly, from an integer, a float, a decimal or a decimal string with or without exponent."""
    assert parse_dollars(amount) == nanos


@pytest.mark.parametrize(
    ("amount", "nanos"),
    [
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        ("0.0000000025", 2),
        ("0.00000000250000000000000000000000000000000000001", 3),
        (5e-10, 0),
        (1.5e-9, 2),
    ],
)
def test_a_tie_beyond_nine_decimals_goes_to_the_even_neighbour(amount: float | str, nanos: int) -> None:
    """Beyond nine decimals an amount is rounded once, a tie to the even neighbour."""
    assert parse_dollars(amount) == nanos


@pytest.mark.parametrize(
    "amount",
    [
        "",
        " ",
        "1 ",
        " 1",
        "1_000",
        "1,5",
        "0x10",
        "NaN",
        "Infinity",
        "-inf",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "\N{FULLWIDTH DIGIT ONE}",
        "1e",
        "e5",
        ".",
        "--1",
        "1\n",
    ],
)
def test_text_that_is_no_decimal_number_is_refused(amount: str) -> None:
    """Text that is not a plain decimal number is refused, and the error does not repeat it."""
    with pytest.raises(ValueError, match="decimal number") as refusal:
        parse_dollars(amount)
    assert not isinstance(refusal.value, AmountRangeError)


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), Decimal("sNaN"), Decimal("-Infinity")])
def test_an_amount_that_is_not_finite_is_refused(amount: Decimal | float) -> None:
    """NaN and infinity are refused."""
    with pytest.raises(ValueError, match="finite"):
        parse_dollars(amount)


def test_true_is_no_amount() -> None:
    """JSON's true is refused although Python counts it as 1."""
    with pytest.raises(ValueError, match="not true or false"):
        parse_dollars(True)  # noqa: FBT003


@pytest.mark.parametrize(
    "amount",
    [
        -1,
        -0.01,
        "-1e-20",
        Decimal(-5),
        MAX_DOLLARS + 1,
        "1000000000.0000000001",
        "1e999999999",
        1e300,
        "1e99999999999999999999",
    ],
)
def test_an_amount_out_of_range_is_told_apart(amount: Decimal | float | str) -> None:
    """A number that is negative or too large is refused as out of range, however large its exponent."""
    with pytest.raises(AmountRangeError):
        parse_dollars(amount)


def test_a_number_and_the_text_of_it_in_json_are_the_same_amount() -> None:
    """Whether JSON is read with floats or with decimals, a number in it is the amount that was written."""
    for text in ("0.1", "2.675", "0.000123456", "19.99"):
        assert parse_dollars(json.loads(text)) == parse_dollars(msgspec.json.decode(text, type=Decimal))


def test_the_decimal_context_of_the_program_does_not_matter() -> None:
    """How a program has set up its decimals does not change how an amount is read."""
    with localcontext() as context:
        context.prec = 3
        assert parse_dollars("123456.789") == 123_456_789_000_000


def test_dollars_are_the_nearest_float() -> None:
    """Nano-dollars become the float nearest to their value in dollars."""
    assert to_dollars(72_540_000_000) == 72.54
    assert to_dollars(1) == 1e-9
    assert to_dollars(0) == 0.0
