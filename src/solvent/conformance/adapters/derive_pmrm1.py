"""Vectors of Derive's first portfolio manager: small books through ring 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from solvent.book import Book, Holding, Market, Method, Pool, Position, PriceKey, PriceKind, curve
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import Instrument, Option, OptionKind, Perpetual
from solvent.margin.scenario.portfolio import PortfolioRules
from solvent.margin.scenario.reading import expiry_after, position_worth
from solvent.margin.scenario.report import Steps, steps
from solvent.rules import VenueRules
from solvent.units import ZERO, Asset
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import portfolio_rules, scenario_list
from solvent.venues.derive_srm.composing import with_parameters

POOL = "vector"
COIN = "COIN"
USD = Asset("USDC", 30)
TICK, LOT = Decimal("1e-12"), Decimal("1e-18")


@dataclass(slots=True)
class Drawn:
    """A book and a market in the making."""

    cash: dict[str, int] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=lambda: {USD.name: USD})
    instruments: dict[str, Instrument] = field(default_factory=dict)
    positions: list[Position] = field(default_factory=list)
    prices: dict[PriceKey, Decimal] = field(default_factory=dict)
    wide: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def book(self) -> Book:
        """The book with its one pool."""
        pool = Pool(POOL, numeraire=USD.name, method=Method.SCENARIO)
        return Book(self.assets, self.instruments, (Holding(pool, self.cash, tuple(self.positions)),))

    def market(self) -> Market:
        """The market."""
        return Market(self.prices, wide=self.wide)

    def money(self, amount: Decimal, stable: Decimal) -> None:
        """Cash, and what the stablecoin is worth."""
        self.cash[USD.name] = USD.units(amount, "cash")
        self.wide["stable_price", USD.name] = stable

    def spot(self, coin: str, price: Decimal, confidence: Decimal) -> None:
        """A coin's index and how sure it is."""
        self.prices[PriceKey(PriceKind.INDEX, coin, USD.name)] = price
        self.wide["confidence", coin] = confidence

    def coin(self, name: str, amount: Decimal) -> None:
        """A balance of a coin."""
        self.assets[name] = Asset(name, 18)
        self.cash[name] = self.assets[name].units(amount)

    def perp(
        self, coin: str, size: Decimal, price: Decimal, profit: Decimal, confidence: Decimal, funding: Decimal = ZERO
    ) -> None:
        """A perpetual with its unrealised profit and funding."""
        listed = Perpetual(f"{coin}-PERP", coin, USD, USD, TICK, LOT)
        self.instruments[listed.symbol] = listed
        self.positions.append(position_worth(listed, listed.lots(size), price, profit, funding))
        self.prices[PriceKey(PriceKind.MARK, listed.symbol, USD.name)] = price
        self.wide["confidence", listed.symbol] = confidence

    def expiry(self, coin: str, seconds: Decimal, forward: Decimal, figures: Mapping[str, Decimal]) -> int:
        """An expiry and its feeds; ``forward`` is the part of it that still moves."""
        when = expiry_after(Market({}), seconds)
        name = curve(coin, when)
        self.prices[PriceKey(PriceKind.FORWARD, name, USD.name)] = forward
        self.wide.update({(figure, name): value for figure, value in figures.items()})
        return when

    def option(
        self, coin: str, expiry: int, strike: Decimal, *, call: bool, size: Decimal, vol: Decimal | None
    ) -> None:
        """An option position; its volatility where it has one of its own."""
        number = len(self.positions)
        kind = OptionKind.CALL if call else OptionKind.PUT
        listed = Option(f"{coin}-{number}", coin, USD, USD, TICK, LOT, kind, strike, expiry)
        self.instruments[listed.symbol] = listed
        self.positions.append(Position(listed.symbol, listed.lots(size), 0))
        if vol is not None:
            self.prices[PriceKey(PriceKind.VOL, listed.symbol, USD.name)] = vol


def inner(inputs: Inputs, name: str) -> Inputs:
    """An object among the inputs."""
    found = inputs.given.get(name)
    if not isinstance(found, dict):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected an object")
    return Inputs(found, f"{inputs.place}.{name}")


def truth(inputs: Inputs, name: str) -> bool:
    """A truth value."""
    found = inputs.given.get(name)
    if not isinstance(found, bool):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected true or false")
    return found


def shared(vector: Vector, name: str) -> Inputs:
    """A table among what the file's vectors share."""
    return inner(inner(Inputs(vector.shared, "shared"), "shared"), name)


def drawn(given: Inputs) -> Drawn:
    """A vector's portfolio."""
    found = Drawn()
    found.money(given.number("cash"), given.number("stable"))
    found.spot(COIN, given.number("spot"), given.number("conf"))
    if given.number("base"):
        found.coin(COIN, given.number("base"))
    for row in given.rows("expiries"):
        feeds = {"settled_forward": row.number("fix"), "rate": row.number("rate")}
        feeds["forward_confidence"] = row.number("conf")
        when = found.expiry(COIN, row.number("sec"), row.number("var"), feeds)
        for option in row.rows("opts"):
            size, vol = option.number("n"), option.number("vol")
            found.option(COIN, when, option.number("K"), call=truth(option, "call"), size=size, vol=vol)
    if given.number("perp"):
        numbers = (given.number(name) for name in ("perp", "perp_price", "perp_value", "perp_conf"))
        found.perp(COIN, *numbers)
    elif given.number("perp_value"):
        raise VectorError(f"{given.place}.perp_value: expected none without a perpetual")
    return found


def parameters_of(vector: Vector, given: Inputs) -> PortfolioRules:
    """A named set of parameters with the file's scenarios."""
    table = {
        "basis": {
            "up": given.number("scenarioSpotUp"),
            "down": given.number("scenarioSpotDown"),
            "add": given.number("basisContAddFactor"),
            "multiple": given.number("basisContMultFactor"),
        },
        "factors": {
            "maintenance": 1,
            "initial": given.number("imFactor"),
            "peg_threshold": given.number("pegLossThreshold"),
            "peg_factor": given.number("pegLossFactor"),
        },
        "oracle": {"threshold": given.number("confThreshold"), "margin": given.number("confMargin")},
        "contingencies": {
            "collateral": given.number("basePercent"),
            "perp": given.number("perpPercent"),
            "option": given.number("optionPercent"),
        },
        "static_discount": {
            "base": given.number("baseStaticDiscount"),
            "rate": given.number("rateMultScale"),
            "add": given.number("rateAddScale"),
        },
        "volatility": {
            "up": given.number("volRangeUp"),
            "down": given.number("volRangeDown"),
            "short_power": given.number("shortTermPower"),
            "long_power": given.number("longTermPower"),
            "least_seconds": given.number("dteFloor"),
        },
        "auction": {"buffer": ZERO},
    }
    listed = inner(Inputs(vector.shared, "shared"), "shared").given.get("scenarios")
    if not isinstance(listed, list):
        raise VectorError("shared.shared.scenarios: expected a list")
    return portfolio_rules(table, scenario_list([[Decimal(row[0]), [row[1]]] for row in listed]))


def rules_of(vector: Vector, name: str) -> VenueRules:
    """The rule set with a named set of parameters."""
    return with_parameters(venue("derive_pmrm1"), parameters_of(vector, inner(shared(vector, "parameters"), name)))


def answer(found: Steps) -> dict[str, Any]:
    """What version 1's vectors expect."""
    return {
        "MM": found.maintenance,
        "IM": found.initial,
        "PortfolioMTM": found.value,
        "basis": found.basis,
        "static": found.static,
    }


def portfolio(inputs: Inputs, vector: Vector) -> Any:
    """Net margins and the steps to them."""
    found = drawn(inner(inputs, "portfolio"))
    rules = rules_of(vector, inputs.text("parameters"))
    return answer(steps(found.book(), found.market(), rules, POOL))


ADAPTERS = {
    ("derive_pmrm1", "testAndVerifyScenarios"): portfolio,
    ("derive_pmrm1", "test-cases-portfolio-pm"): portfolio,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
