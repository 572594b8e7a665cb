"""What balances count: positive value through its weights, negative value in full and at the venue's debt rate."""

from __future__ import annotations

from decimal import Decimal

from solvent import ledger
from solvent.assessment import Line
from solvent.book import Leg
from solvent.margin.valuation import Equity, Scene
from solvent.rates import Schedule
from solvent.rules import Collateral, Counting
from solvent.units import ONE, ZERO, Asset

COUNTED_IN_FULL = Counting(Schedule.flat(ONE), ONE)
NO_COLLATERAL = Counting(None, ONE)


def weights(scene: Scene, equity: Equity) -> Counting:
    """Schedule of positive value (None: counts nothing) and rate of negative value; the numeraire counts in full."""
    name = equity.asset.name
    if name == scene.holding.pool.numeraire:
        return COUNTED_IN_FULL
    facts = scene.rules.collateral.asset(name)
    if facts is None:
        return NO_COLLATERAL
    if isinstance(facts, Collateral):
        return Counting(facts.weights.get(scene.purpose), facts.debt_rate)
    price = scene.market.price(scene.collateral_kind, name, scene.numeraire.name)
    return facts.counting(scene.purpose, equity.asset.amount(equity.counted_units), price, scene.market)


def value_units(scene: Scene, asset: Asset, units: int) -> int:
    """Units of an asset in numeraire units, rounded down: less for a balance, more for a debt."""
    if asset.name == scene.numeraire.name:
        return units
    rate = scene.rate(asset)
    return ledger.converted_down(units, rate.ticks, rate.divisor)


def counted(scene: Scene, equity: Equity, value: Decimal) -> Decimal:
    """V_s: what an asset's value in the numeraire counts as margin equity."""
    if equity.asset.name == scene.numeraire.name:
        return value
    schedule, debt_rate = weights(scene, equity)
    if value < 0:
        return value * debt_rate
    return ZERO if schedule is None else schedule.at(value)


def balance_lines(scene: Scene, equity: Equity, profits: Decimal, counts: Decimal) -> list[Line]:
    """Lines of one asset: its settled balance, interest, profit that does not count, and what its haircut takes.

    ``profits`` is what position lines already say for this asset and ``counts`` its margin equity, in the numeraire;
    the balance line is the rest of the asset's value, so that all lines sum to the totals.
    """
    name = equity.asset.name
    value = scene.numeraire.amount(value_units(scene, equity.asset, equity.units))
    funded = value
    if equity.counted_profit != equity.profit:
        funded = scene.numeraire.amount(value_units(scene, equity.asset, equity.counted_units))
    due = ZERO
    if equity.interest:
        due = -scene.numeraire.amount(value_units(scene, equity.asset, equity.interest))
    cash = value - profits - due
    lines = [Line("cash", name, Leg.NET, cash, cash)]
    if due:
        lines.append(Line("interest", name, Leg.NET, due, due))
    if funded != value:
        lines.append(Line("unfunded", name, Leg.NET, ZERO, funded - value))
    if counts != funded:
        lines.append(Line("haircut", name, Leg.NET, ZERO, counts - funded))
    return lines
