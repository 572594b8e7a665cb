"""Figures as text: exact for programs, and cut to what an eye reads for tables."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

SHOWN = Context(prec=60, rounding=ROUND_HALF_EVEN)
ABSENT = "–"


def text(number: Decimal) -> str:
    """The exact decimal without exponent or idle zeros.

    >>> text(Decimal("1030895.55638000")), text(Decimal("1E+3")), text(Decimal("-0.00"))
    ('1030895.55638', '1000', '0')
    """
    if not number:
        return "0"
    plain = str(number)
    if "E" in plain:
        plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def shown(number: Decimal | None, places: int = 2) -> str:
    """A figure for a table: grouped thousands, at most ``places`` decimals, or more where it would show as zero.

    >>> shown(Decimal("1030895.55638")), shown(Decimal("0.00045")), shown(None)
    ('1,030,895.56', '0.00045', '–')
    """
    if number is None:
        return ABSENT
    cut = number.quantize(Decimal(1).scaleb(-places), context=SHOWN)
    if cut == 0 and number != 0:
        cut = SHOWN.create_decimal(f"{number:.3g}")
    plain = f"{cut:,f}"
    return "0" if cut == 0 else plain


def significant(number: Decimal | str | float, digits: int = 4) -> str:
    """A figure of a formula for a table: so many digits, plain, with grouped thousands.

    >>> significant("-456.21703"), significant("-0.0000454812"), significant(0), significant("12345678.9")
    ('-456.2', '-0.00004548', '0', '12,345,679')
    """
    exact = Decimal(number)
    if not exact:
        return "0"
    places = max(0, digits - 1 - exact.adjusted())
    return f"{exact.quantize(Decimal(1).scaleb(-places), context=SHOWN):,f}"
