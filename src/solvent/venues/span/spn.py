"""Risk parameter files in XML (``.spn``, fileFormat 4.00), read as a stream.

Element names are those of the "SPAN XML Schema Specification". Arrays are in the currency of their portfolio, for one
contract. A contract is named ``NIFTY FUT 20260630`` or ``NIFTY OPT 20260630 C 24000``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import IO, Any
from xml.etree import ElementTree as ET

from solvent.units import ONE, ZERO, exact
from solvent.venues.span.formulas import NUMBER
from solvent.venues.span.parameters import Commodity, Kind, PerDelta, RiskFileError, RiskParameters, Series, Tier
from solvent.venues.span.spreads import InterLeg, InterSpread, IntraSpread, Leg, SpotCharge

FUTURE_FAMILIES = frozenset({"futPf", "phyPf"})
OPTION_FAMILIES = frozenset({"oofPf", "oopPf", "oocPf"})
METHODS = {"1": PerDelta.NORMAL, "NORMAL": PerDelta.NORMAL, "SCANRANGE": PerDelta.SCAN_RANGE,
           "SCANRANGE_CAP": PerDelta.CAPPED}  # fmt: skip
RIGHTS = {"C": Kind.CALL, "P": Kind.PUT}
GROSS = frozenset({"GROSS", "2"})
CHUNK = 1 << 16


@dataclass(slots=True)
class _Reading:
    date: str = ""
    commodities: dict[str, Commodity] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    inter: list[InterSpread] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@exact
def read_spn(source: IO[bytes]) -> RiskParameters:
    """The parameters of a file opened in binary.

    Raises
    ------
    RiskFileError
        It is not XML, declares entities, or an element is missing or no number; the message names the element.

    Examples
    --------
    >>> from io import BytesIO
    >>> read_spn(BytesIO(b"<spanFile><pointInTime/></spanFile>"))
    Traceback (most recent call last):
    ...
    solvent.venues.span.parameters.RiskFileError: pointInTime/date: nothing given, expected a date

    """
    reading = _Reading()
    for element in _elements(source):
        if element.tag == "pointInTime":
            _date(reading, element)
        elif element.tag == "ccDef":
            _commodity(reading, element)
            element.clear()
        elif element.tag in FUTURE_FAMILIES | OPTION_FAMILIES:
            _family(reading, element)
            element.clear()
        elif element.tag == "interSpreads":
            reading.inter += [one for row in element.findall("dSpread") if (one := _between(reading, row)) is not None]
    if not reading.date:
        raise RiskFileError("spanFile/pointInTime: nothing given, expected one")
    found = {series.symbol: series for series in reading.series.values()}
    return RiskParameters(
        "", reading.date, reading.commodities, found, tuple(reading.inter), skipped=tuple(reading.skipped)
    )


def _elements(source: IO[bytes]) -> Iterator[ET.Element]:
    """Finished elements in order; entities are refused, as they can grow without end."""
    parser: Any = ET.XMLPullParser(("end",))
    tail = b""
    try:
        while chunk := source.read(CHUNK):
            if b"<!ENTITY" in tail + chunk:
                raise RiskFileError("the file declares entities: expected plain elements")
            tail = chunk[-8:]
            parser.feed(chunk)
            events: Any = parser.read_events()
            for _, element in events:
                assert isinstance(element, ET.Element)
                yield element
        parser.close()
    except ET.ParseError as error:
        raise RiskFileError(f"not XML: {error}") from None


def _text(element: ET.Element, name: str, expected: str) -> str:
    found = (element.findtext(name) or "").strip()
    if not found:
        raise RiskFileError(f"{element.tag}/{name}: nothing given, expected {expected}")
    return found


def _number(element: ET.Element, name: str, default: Decimal | None = None) -> Decimal:
    text = (element.findtext(name) or "").strip()
    if not text and default is not None:
        return default
    return _decimal(text, f"{element.tag}/{name}")


def _decimal(text: str, place: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise RiskFileError(f"{place}: got {text!r}, expected a number")
    return found


def _date(reading: _Reading, element: ET.Element) -> None:
    reading.date = _text(element, "date", "a date")


def _commodity(reading: _Reading, element: ET.Element) -> None:
    code = _text(element, "cc", "the code of a combined commodity")
    tiers = tuple(
        Tier(
            _text(row, "tn", "a tier's number"),
            _text(row, "sPe", "its first period"),
            _text(row, "ePe", "its last period"),
        )
        for row in element.findall("intraTiers/tier")
    )
    minimum = element.find("somTiers/tier/rate")
    ratio = max((_number(row, "val", ONE) for row in element.findall("adjRate")), default=ONE)
    method = (element.findtext("wfprMeth") or "1").strip()
    if method not in METHODS:
        reading.skipped.append(f"{code}: price risk a delta by method {method} taken as the normal one")
    for link in element.findall("pfLink"):
        reading.families[_text(link, "pfId", "a portfolio's number")] = code
    reading.commodities[code] = Commodity(
        code,
        (element.findtext("currency") or "").strip(),
        tiers,
        tuple(_spread(row, code) for row in element.findall("dSpread")),
        tuple(_spot(row) for row in element.findall("spotRate")),
        ZERO if minimum is None else _number(minimum, "val"),
        (element.findtext("somMeth") or "").strip().upper() in GROSS,
        max(ONE, ratio),
        METHODS.get(method, PerDelta.NORMAL),
        excess_value_lost=(element.findtext("capAnov") or "1").strip() != "0",
    )


def _spread(row: ET.Element, code: str) -> IntraSpread:
    legs = [_leg(leg, by_month=leg.tag == "pLeg") for leg in row if leg.tag in ("tLeg", "pLeg")]
    rate = row.find("rate")
    if len(legs) < 2 or rate is None:
        raise RiskFileError(f"ccDef[{code}]/dSpread: got {len(legs)} legs, expected two or more and a rate")
    return IntraSpread(int(_number(row, "spread")), _number(rate, "val"), tuple(legs))


def _leg(row: ET.Element, *, by_month: bool) -> Leg:
    name = _text(row, "pe" if by_month else "tn", "a period or a tier")
    return Leg(name, _ratio(row), _side(row), by_month)


def _ratio(row: ET.Element) -> Decimal:
    found = _number(row, "i")
    if found <= 0:
        raise RiskFileError(f"{row.tag}/i: got {found}, expected a positive ratio")
    return found


def _side(row: ET.Element) -> str:
    found = _text(row, "rs", "A or B")
    if found not in ("A", "B"):
        raise RiskFileError(f"{row.tag}/rs: got {found!r}, expected A or B")
    return found


def _spot(row: ET.Element) -> SpotCharge:
    return SpotCharge(_text(row, "pe", "a period"), _number(row, "sprd", ZERO), _number(row, "outr", ZERO))


def _between(reading: _Reading, row: ET.Element) -> InterSpread | None:
    legs = tuple(InterLeg(_text(leg, "cc", "a commodity"), _ratio(leg), _side(leg)) for leg in row.findall("tLeg"))
    rate = row.find("rate")
    method = (row.findtext("chargeMeth") or "W").strip()
    if method == "S" or row.find("sLeg") is not None:
        reading.skipped.append(f"interSpreads/dSpread {row.findtext('spread')}: credited by scanning: no credit")
        return None
    if len(legs) < 2 or rate is None:
        raise RiskFileError(f"interSpreads/dSpread: got {len(legs)} legs, expected two or more and a rate")
    return InterSpread(int(_number(row, "spread")), _number(rate, "val"), legs, flat=method == "F")


def _family(reading: _Reading, element: ET.Element) -> None:
    """A portfolio of contracts, of futures or of options by series."""
    number, code = _text(element, "pfId", "a portfolio's number"), _text(element, "pfCode", "a product's code")
    commodity = reading.families.get(number)
    if commodity is None:
        reading.skipped.append(f"{element.tag} {code}: in no combined commodity")
        return
    factor = _number(element, "cvf", ONE)
    if element.tag in FUTURE_FAMILIES:
        for row in element.findall("fut") + element.findall("phy"):
            month = (row.findtext("pe") or "").strip()
            symbol = f"{code} FUT {month}".strip()
            reading.series[symbol] = _series(
                row, symbol, commodity, Kind.FUTURE, month, factor, _number(row, "sc", ONE)
            )
        return
    for series in element.findall("series"):
        month, scaling = _text(series, "pe", "a period"), _number(series, "sc", ONE)
        for row in series.findall("opt"):
            right = _text(row, "o", "C or P")
            if right not in RIGHTS:
                raise RiskFileError(f"opt/o: got {right!r}, expected C or P")
            strike = _number(row, "k")
            symbol = f"{code} OPT {month} {right} {strike.normalize():f}"
            found = _series(row, symbol, commodity, RIGHTS[right], month, factor, scaling, strike)
            reading.series[symbol] = found


def _series(
    row: ET.Element, symbol: str, commodity: str, kind: Kind, month: str, factor: Decimal, scaling: Decimal,
    strike: Decimal = ZERO,
) -> Series:  # fmt: skip
    array = row.find("ra")
    values = [] if array is None else [(one.text or "").strip() for one in array.findall("a")]
    if array is None or len(values) != NUMBER:
        raise RiskFileError(f"{symbol}: ra: got {len(values)} values, expected {NUMBER}")
    losses = tuple(_decimal(text, f"{symbol}: ra/a") for text in values)
    delta = _number(array, "d", ONE if kind is Kind.FUTURE else None) * scaling
    return Series(symbol, commodity, kind, month, losses, delta, _number(row, "p", ZERO), factor, strike)
