"""Risk parameter files of fixed columns (``.pa2``, expanded unpacked, "U2"), read line by line.

Columns are those of CME Group's "Risk Parameter File Layouts for the Positional Formats". Numbers have implied
decimals; a sign stands behind its number; lines may be cut on the right. Arrays, charges and minima are in the
performance bond currency times ten to the risk exponent of their combined commodity. A combined commodity is named by
its code, a contract ``ES FUT 202606`` or ``ES OOF 202606 C 5500`` (with the option's month).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, exact, shifted
from solvent.venues.span.formulas import NUMBER
from solvent.venues.span.parameters import Commodity, Kind, RiskFileError, RiskParameters, Series, Tier
from solvent.venues.span.spreads import InterLeg, InterSpread, IntraSpread, Leg, SpotCharge

FUTURES = frozenset({"FUT", "PHY", "CMB"})
OPTIONS = frozenset({"OOF", "OOP", "OOC"})
RIGHTS = {"C": Kind.CALL, "P": Kind.PUT}
FIRST_VALUES, LAST_VALUES = 9, 7
GROSS = "2"
DELTA_PLACES = RATIO_PLACES = SCALING_PLACES = 4
RATIO_OF_INITIAL_PLACES = 3
CREDIT_PLACES = 6  # four places of a percentage
VALUE_FACTOR_PLACES = 7
SCANNING_METHODS = frozenset({"04"})
NO_CREDIT = "credited by scanning, which is not built: no credit"


class Text(NamedTuple):
    """One line and its number; columns count from 1, both ends included."""

    number: int
    line: str

    def at(self, first: int, last: int) -> str:
        """The characters of some columns, without blanks around."""
        return self.line[first - 1 : last].strip()

    def whole(self, first: int, last: int, name: str) -> int:
        """A whole number that must be there."""
        found = self.at(first, last)
        if not found.isascii() or not found.isdigit():
            raise self.wrong(first, last, name, "digits")
        return int(found)

    def maybe(self, first: int, last: int, name: str, places: int = 0) -> Decimal:
        """A number with implied decimals; 0 where the columns are blank."""
        return shifted(Decimal(self.whole(first, last, name)), -places) if self.at(first, last) else ZERO

    def signed(self, first: int, last: int, name: str, places: int = 0) -> Decimal:
        """A number whose sign stands in the column behind it."""
        sign = self.line[last : last + 1]
        if sign not in ("", " ", "+", "-"):
            raise self.wrong(last + 1, last + 1, f"{name} sign", "+ or -")
        found = shifted(Decimal(self.whole(first, last, name)), -places)
        return -found if sign == "-" else found

    def wrong(self, first: int, last: int, name: str, expected: str) -> RiskFileError:
        """An error that names line, columns, value and what was expected."""
        given = self.line[first - 1 : last]
        return RiskFileError(f"line {self.number}, columns {first}-{last} ({name}): got {given!r}, expected {expected}")


class _Product(NamedTuple):
    commodity: str
    risk_exponent: int


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    name: str = ""
    date: str = ""
    commodities: dict[str, Commodity] = field(default_factory=dict)
    products: dict[tuple[str, str], _Product] = field(default_factory=dict)
    exponents: dict[str, int] = field(default_factory=dict)
    scaling: dict[str, Decimal] = field(default_factory=dict)
    decimals: dict[tuple[str, str], tuple[int, int, Decimal]] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    first: tuple[str, tuple[Decimal, ...]] | None = None
    inter: list[InterSpread] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def commodity(self, text: Text, first: int, last: int) -> Commodity:
        code = text.at(first, last)
        if code not in self.commodities:
            raise text.wrong(first, last, "combined commodity", "one that a record 2 before it lists")
        return self.commodities[code]

    def money(self, code: str, amount: Decimal) -> Decimal:
        return shifted(amount, self.exponents[code])


@exact
def read_pa2(lines: Iterable[str]) -> RiskParameters:
    """The parameters of a file, given as its lines.

    Raises
    ------
    RiskFileError
        A line that is not as its record has to be, or no header; the message names line and columns.

    Examples
    --------
    >>> read_pa2(["9 what is this"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    solvent.venues.span.parameters.RiskFileError: line 1, columns 1-2 (record): got '9 ', expected a header ...

    """
    reading = _Reading()
    text = Text(0, "")
    for number, line in enumerate(lines, 1):
        text = Text(number, line.rstrip("\r\n"))
        record = text.line[:2]
        if not record.strip():
            continue
        if not reading.date and record != "0 ":
            raise text.wrong(1, 2, "record", "a header record 0 first")
        verb = _RECORDS.get(record)
        if verb is not None:
            verb(reading, text)
    if not reading.date:
        raise RiskFileError("the file is empty: expected a header record 0")
    if reading.first is not None:
        raise RiskFileError(f"line {text.number}: the file ends after a record 81 or 83, expected its 82 or 84")
    return RiskParameters(
        reading.name,
        reading.date,
        reading.commodities,
        reading.series,
        tuple(reading.inter),
        skipped=tuple(reading.skipped),
    )


def _header(reading: _Reading, text: Text) -> None:
    text.whole(9, 16, "business date")
    reading.name, reading.date = text.at(3, 8), text.at(9, 16)
    if text.at(36, 37) not in ("U2", "U"):
        raise text.wrong(36, 37, "format", "U2, the expanded unpacked format")


def _families(reading: _Reading, text: Text) -> None:
    """Record 2: a combined commodity and the products in it; further lines add products."""
    code = text.at(7, 12)
    if not code:
        raise text.wrong(7, 12, "combined commodity", "a code")
    exponent = text.whole(13, 13, "risk exponent") if text.at(13, 13) else 0
    style = text.at(18, 18)
    if style not in ("", "P", "F"):
        raise text.wrong(18, 18, "option style", "P (premium) or F (futures)")
    reading.exponents.setdefault(code, exponent)
    reading.commodities.setdefault(code, Commodity(code, text.at(14, 16), futures_style=style == "F"))
    for start in range(23, 119, 16):
        product, kind = text.at(start, start + 9), text.at(start + 10, start + 12)
        if product:
            reading.products[product, kind] = _Product(code, exponent)


def _second(reading: _Reading, text: Text) -> None:
    """Record 3: tiers and the speculator's ratio of initial to maintenance."""
    own = reading.commodity(text, 3, 8)
    tiers = []
    for start in range(11, 67, 14):
        name = text.at(start, start + 1)
        if name and name != "00":
            first, last = text.whole(start + 2, start + 7, "tier start"), text.whole(start + 8, start + 13, "tier end")
            tiers.append(Tier(name, f"{first:06d}", f"{last:06d}"))
    ratio = text.maybe(77, 80, "initial ratio", RATIO_OF_INITIAL_PLACES) or ONE
    reading.commodities[own.code] = replace(own, tiers=(*own.tiers, *tiers), initial_ratio=ratio)


def _tier_spread(reading: _Reading, text: Text) -> None:
    """Record C: a spread between tiers."""
    own = reading.commodity(text, 3, 8)
    legs = []
    for k in range(text.whole(13, 14, "number of legs")):
        start = 22 + 7 * k
        ratio = Decimal(text.whole(start + 4, start + 5, f"ratio of leg {k + 1}"))
        legs.append(Leg(text.at(start + 2, start + 3), ratio, _side(text, start + 6)))
    _add_spread(reading, own, text.whole(11, 12, "priority"), text.maybe(15, 21, "charge rate"), legs)


def _month_spread(reading: _Reading, text: Text) -> None:
    """Record E: a spread between contract months."""
    own = reading.commodity(text, 3, 8)
    legs = []
    for start in range(21, len(text.line), 14):
        if text.at(start, start + 3):
            month = f"20{text.whole(start, start + 3, 'contract month'):04d}"
            ratio = text.maybe(start + 4, start + 9, "ratio", RATIO_PLACES)
            legs.append(Leg(month, ratio, _side(text, start + 10), by_month=True))
    _add_spread(reading, own, text.whole(9, 13, "priority"), text.maybe(14, 20, "charge rate"), legs)


def _add_spread(reading: _Reading, own: Commodity, priority: int, rate: Decimal, legs: list[Leg]) -> None:
    if len(legs) < 2 or any(leg.ratio <= 0 for leg in legs):
        raise RiskFileError(f"a spread of {own.code} (priority {priority}) needs two legs or more with positive ratios")
    spread = IntraSpread(priority, reading.money(own.code, rate), tuple(legs))
    reading.commodities[own.code] = replace(own, intra=(*own.intra, spread))


def _side(text: Text, column: int) -> str:
    found = text.at(column, column)
    if found not in ("A", "B"):
        raise text.wrong(column, column, "side", "A or B")
    return found


def _third(reading: _Reading, text: Text) -> None:
    """Record 4: delivery months and the short option minimum."""
    own = reading.commodity(text, 3, 8)
    charges = []
    for start in (13, 35):
        month = text.at(start + 2, start + 7)
        if month and text.at(9, 10) == "10":
            rates = (text.maybe(start + 8, start + 14, "spot rate"), text.maybe(start + 15, start + 21, "spot rate"))
            charges.append(SpotCharge(month, *(reading.money(own.code, rate) for rate in rates)))
    if text.at(9, 10) == "11":
        reading.skipped.append(f"{own.code}: delivery months by basis risk (method 11)")
    minimum = reading.money(own.code, text.maybe(63, 69, "short option minimum"))
    gross = text.at(79, 79) == GROSS
    reading.commodities[own.code] = replace(own, spot=(*own.spot, *charges), minimum_rate=minimum, minimum_gross=gross)


def _parameters(reading: _Reading, text: Text) -> None:
    """Record B: the delta scaling factor of contracts."""
    key = " ".join((text.at(6, 15), text.at(16, 18), text.at(19, 24), text.at(28, 33)))
    reading.scaling[key] = text.maybe(86, 91, "delta scaling factor", SCALING_PLACES) or ONE


def _prices(reading: _Reading, text: Text) -> None:
    """Record P: decimals of prices and strikes, and money a point."""
    product = (text.at(6, 15), text.at(16, 18))
    settle, strike = text.maybe(34, 36, "settlement decimals"), text.maybe(37, 39, "strike decimals")
    factor = text.maybe(42, 55, "contract value factor", VALUE_FACTOR_PLACES) or ONE
    reading.decimals[product] = (int(settle), int(strike), factor)


def _between(reading: _Reading, text: Text) -> None:
    """Record 6: a spread between commodities."""
    legs = []
    for start in range(17, 89, 18):
        code = text.at(start + 4, start + 9)
        if code:
            legs.append(
                InterLeg(code, text.maybe(start + 10, start + 16, "ratio", RATIO_PLACES), _side(text, start + 17))
            )
    priority, rate = text.whole(6, 9, "priority"), text.maybe(10, 16, "credit rate", CREDIT_PLACES)
    names = " : ".join(leg.name for leg in legs)
    if text.at(89, 90) in SCANNING_METHODS:
        reading.skipped.append(f"line {text.number}: spread {names} is {NO_CREDIT}")
        return
    if len(legs) < 2 or any(leg.ratio <= 0 for leg in legs):
        raise text.wrong(17, 88, "legs", "two or more with positive ratios")
    flat = text.at(101, 101) == "F"
    rate = text.maybe(10, 16, "credit rate", RATIO_PLACES) if flat else rate
    reading.inter.append(InterSpread(priority, rate, tuple(legs), flat=flat, super_spread=text.at(3, 5) == "S"))


def _array(width: int, count: int) -> Callable[[_Reading, Text], None]:
    """Records 81 to 84: half of an array; the second half brings delta and price."""

    def read(reading: _Reading, text: Text) -> None:
        product, kind = text.at(6, 15), text.at(26, 28)
        known = reading.products.get((product, kind))
        if known is None:
            reading.skipped.append(f"line {text.number}: {product} {kind} is in no combined commodity")
            reading.first = None
            return
        name = f"risk array of {product} {kind}"
        starts = (55 + k * (width + 1) for k in range(count))
        found = tuple(shifted(text.signed(start, start + width - 1, name), known.risk_exponent) for start in starts)
        identity = text.line[2:54]
        if count == FIRST_VALUES:
            reading.first = (identity, found)
            return
        if reading.first is None or reading.first[0] != identity:
            raise text.wrong(3, 54, "contract", "the contract of the record 81 or 83 before it")
        end = 55 + count * (width + 1)
        _add_series(reading, text, known.commodity, (*reading.first[1], *found), end)
        reading.first = None

    return read


def _add_series(reading: _Reading, text: Text, commodity: str, losses: tuple[Decimal, ...], end: int) -> None:
    product, kind = text.at(6, 15), text.at(26, 28)
    settle, strike_decimals, factor = reading.decimals.get((product, kind), (0, 0, ONE))
    delta = text.signed(end, end + 4, "composite delta", DELTA_PLACES)
    price = text.maybe(end + 14, end + 20, "settlement price", settle)
    future, option = text.at(30, 35), text.at(39, 44)
    key = " ".join((product, kind, text.at(30, 35), option))
    scaled = delta * reading.scaling.get(key, ONE)
    assert len(losses) == NUMBER
    if kind in FUTURES:
        symbol = f"{product} {kind} {future}".strip()
        reading.series[symbol] = Series(symbol, commodity, Kind.FUTURE, future, losses, scaled, price, factor)
        return
    if kind not in OPTIONS or text.at(29, 29) not in RIGHTS:
        raise text.wrong(26, 29, "product type and right", "FUT, PHY, CMB, or OOF, OOP, OOC with C or P")
    strike = text.maybe(48, 54, "strike", strike_decimals)
    month = option or future
    symbol = f"{product} {kind} {month} {text.at(29, 29)} {_plain(strike)}"
    reading.series[symbol] = Series(
        symbol, commodity, RIGHTS[text.at(29, 29)], future or month, losses, scaled, price, factor, strike
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


_RECORDS: dict[str, Callable[[_Reading, Text], None]] = {
    "0 ": _header,
    "2 ": _families,
    "3 ": _second,
    "C ": _tier_spread,
    "E ": _month_spread,
    "4 ": _third,
    "B ": _parameters,
    "P ": _prices,
    "6 ": _between,
    "81": _array(5, FIRST_VALUES),
    "82": _array(5, LAST_VALUES),
    "83": _array(8, FIRST_VALUES),
    "84": _array(8, LAST_VALUES),
}
