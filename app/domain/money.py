"""Money as an integer of nano-dollars, so that a sum depends neither on order nor on rounding on the way."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

NANOS_PER_DOLLAR: Final = 10**9

#: The largest single amount. It keeps an amount in 64 bits, and `1e999999999` from becoming an integer.
MAX_DOLLARS: Final = 10**9

_NANO = Decimal("1E-9")
# Our own context: what a program sets for its other decimals must not change how money is read.
_CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)
# Decimal() alone would also take "1_000", " 1 ", digits of every script and "NaN".
_DECIMAL_TEXT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class AmountRangeError(ValueError):
    """An amount that is a number, but negative or above MAX_DOLLARS."""


def parse_dollars(amount: Decimal | float | str) -> int:
    """The nano-dollars of an amount in dollars, exact; beyond nine decimals rounded half to even.

    A float counts as the decimal that it prints as, so that the JSON number 0.1 and the text "0.1" are the
    same amount. Raises ValueError for what is not a decimal number, and its subclass AmountRangeError for one
    that is negative or above MAX_DOLLARS.
    """
    dollars = _to_decimal(amount)
    if not 0 <= dollars <= MAX_DOLLARS:
        raise AmountRangeError(f"an amount must be between 0 and {MAX_DOLLARS} dollars")
    return int(dollars.quantize(_NANO, context=_CONTEXT).scaleb(9, context=_CONTEXT))


def to_dollars(nanos: int) -> float:
    """The dollars of an amount in nano-dollars, correctly rounded to a float."""
    return nanos / NANOS_PER_DOLLAR


def _to_decimal(amount: Decimal | float | str) -> Decimal:
    """The finite decimal that an amount says. Errors never repeat the amount: values must not reach a log."""
    if isinstance(amount, bool):
        raise ValueError("an amount must be a number or a decimal string, not true or false")  # noqa: TRY004 - one type for callers
    if isinstance(amount, str):
        if not _DECIMAL_TEXT.fullmatch(amount):
            raise ValueError("an amount must be a decimal number, as 12.5 or 1.25e1")
        try:
            return Decimal(amount)
        except InvalidOperation:
            raise AmountRangeError("the exponent of an amount is out of range") from None
    dollars = Decimal(repr(amount)) if isinstance(amount, float) else Decimal(amount)
    if not dollars.is_finite():
        raise ValueError("an amount must be finite")
    return dollars
