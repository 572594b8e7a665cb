"""Portfolio margin: risk units of everything on one underlying, spot that hedges included; amounts in USD.

A unit's requirement is the worst of a price and volatility grid (MR1), decay (MR2) and an extreme move (MR6), plus term
structure (MR3), basis (MR4) and interest rate (MR5), at least a cost of reduction (MR7), plus stablecoin depeg (MR9);
borrowing (MR8) is the account's. MR2, MR3, MR5 and MR9 are figures of the market: their formulas are not published.
Source: the sample reply of POST /api/v5/account/position-builder, which these equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Holding, Leg, Market, Purpose
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.shocks import Move, PlainShock, Scenario
from solvent.margin.scenario.units import Grid, Required, Unit, gained, option_deltas, worst
from solvent.margin.unified import INITIAL, margin_cover
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PLACES = 18
GIVEN = ("mr2", "mr3", "mr5", "mr9")
UNMOVED = PlainShock(0.0, 0.0)
SPOT_YEARS = Decimal(-1)  # spot is a tenor of its own in the basis charge


class Extreme(NamedTuple):
    """Result of the extreme move, and the half of its loss that is charged, in USD."""

    result: Decimal
    charge: Decimal


class Linear(NamedTuple):
    """Basis charge (MR4) and cost of reduction (MR7) of a swap, in USD."""

    basis: Decimal
    reduction: Decimal


class Margin(NamedTuple):
    """Maintenance and initial margin of a risk unit, in USD."""

    maintenance: Decimal
    initial: Decimal


class Totals(NamedTuple):
    """An account's margins, in USD: derivatives' maintenance, borrowing's two, and the sums."""

    derivatives: Decimal
    borrow_maintenance: Decimal
    borrow_initial: Decimal
    maintenance: Decimal
    initial: Decimal


class UnitTerms(NamedTuple):
    """Terms of an underlying: MR1's moves, MR6's, MR4's yearly and least rates, MR7's rate and its scaling."""

    moves: tuple[Decimal, ...]
    extreme: Decimal
    annualised: Decimal
    basis: Decimal
    reduction: Decimal
    scaling: tuple[tuple[Decimal | None, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """The portfolio margin's numbers: terms by underlying with a default, and what all units and debts share."""

    terms: Mapping[str, UnitTerms]
    default: UnitTerms
    volatility: PlainShock
    extreme_share: Decimal
    initial_factor: Decimal
    borrow_rate: Decimal
    liquidation_fee: Decimal

    def of(self, underlying: str) -> UnitTerms:
        """The terms of an underlying."""
        return self.terms.get(underlying, self.default)


class Stressed(NamedTuple):
    """A risk unit's MR1 to MR9 without MR8, in USD, what was worst, and how far MR1 and MR6 may be off."""

    name: str
    spot: Decimal
    decay: Decimal
    term: Decimal
    basis: Decimal
    interest: Decimal
    extreme: Decimal
    reduction: Decimal
    depeg: Decimal
    scenario: str
    error: float

    @exact
    def margin(self, factor: Decimal) -> Margin:
        """The unit's margins, initial margin by a factor on maintenance."""
        charges = self.term, self.basis, self.interest
        return unit_margin(self.spot, self.decay, *charges, self.extreme, self.reduction, self.depeg, factor)


@exact
def cash_delta(contracts: Decimal, contract_value: Decimal, mark: Decimal, usd_rate: Decimal) -> Decimal:
    """Signed cash delta of a linear swap: size × **mark** × the settle currency's USD rate.

    >>> cash_delta(Decimal(-10), Decimal("0.01"), Decimal("97093.7"), Decimal("0.99954"))
    Decimal('-9704.90368980')
    """
    return contracts * contract_value * mark * usd_rate


@exact
def extreme_charge(result: Decimal, share: Decimal) -> Extreme:
    """MR6: a share (half) of what the worse extreme move loses; nothing where neither loses.

    >>> extreme_charge(Decimal(-24), Decimal("0.5")).charge, extreme_charge(Decimal(3), Decimal("0.5")).charge
    (Decimal('12.0'), Decimal('0'))
    """
    return Extreme(result, max(ZERO, -result * share) if result < 0 else ZERO)


@exact
def linear_charges(delta: Decimal, basis_rate: Decimal, reduction_rate: Decimal) -> Linear:
    """MR4 and MR7 of a lone swap: rates on its cash delta (0.20% and 0.45% for BTC in the sample).

    >>> linear_charges(Decimal(-1000), Decimal("0.002"), Decimal("0.0045"))
    Linear(basis=Decimal('2.000'), reduction=Decimal('4.5000'))
    """
    return Linear(abs(delta) * basis_rate, abs(delta) * reduction_rate)


@exact
def scaled_reduction(raw: Decimal, tiers: Sequence[tuple[Decimal | None, Decimal]]) -> Decimal:
    """MR7 after its scaling: each part of the raw amount × its tier's multiplier (rows of upper bound, multiplier).

    >>> scaled_reduction(Decimal(30_000), [(Decimal(10_000), Decimal(1)), (None, Decimal(2))])
    Decimal('50000')
    """
    total, floor = ZERO, ZERO
    for cap, multiplier in tiers:
        top = raw if cap is None else min(raw, cap)
        total += max(ZERO, top - floor) * multiplier
        if cap is None:
            return total
        floor = cap
    if raw > floor:
        msg = f"the tiers of MR7 end at {floor}, below {raw}; the last one needs no upper bound"
        raise RulesError(msg)
    return total


@exact
def unit_margin(
    spot: Decimal,
    decay: Decimal,
    term: Decimal,
    basis: Decimal,
    interest: Decimal,
    extreme: Decimal,
    reduction: Decimal,
    depeg: Decimal = ZERO,
    factor: Decimal = Decimal("1.3"),
) -> Margin:
    """Margin of a risk unit from MR1, MR2, MR3, MR4, MR5, MR6, MR7 and MR9.

    >>> unit_margin(Decimal(9), ZERO, Decimal(1), ZERO, ZERO, Decimal(8), Decimal(11), Decimal(2))
    Margin(maintenance=Decimal('13'), initial=Decimal('16.9'))
    """
    maintenance = max(max(spot, decay, extreme) + term + basis + interest, reduction) + depeg
    return Margin(maintenance, maintenance * factor)


@exact
def account_totals(
    units: Sequence[Decimal],
    owed: Decimal,
    borrow_rate: Decimal,
    borrow_leverage: Decimal,
    factor: Decimal = Decimal("1.3"),
    places: int = PLACES,
) -> Totals:
    """Margins of an account: its units' maintenance, and MR8 on what it owes (2% maintenance in the sample).

    >>> account_totals([Decimal(100)], Decimal(1_000), Decimal("0.02"), Decimal(10), places=0).initial
    Decimal('230.0')
    """
    derivatives = sum(units, ZERO)
    borrow, borrow_initial = owed * borrow_rate, divide(owed, borrow_leverage, places, Rounding.UP)
    initial = derivatives * factor + borrow_initial
    return Totals(derivatives, borrow, borrow_initial, derivatives + borrow, initial)


@exact
def liquidation_fees(owed: Decimal, borrow: Decimal, fee: Decimal) -> Decimal:
    """What the ratio adds to maintenance: a fee on what is owed and its margin (0.1% in the sample); swaps have none.

    >>> str(liquidation_fees(Decimal(1000), Decimal(20), Decimal("0.001")))
    '1.020'
    """
    return fee * (owed + borrow)


@exact
def margin_ratio(
    equity: Decimal, maintenance: Decimal, owed: Decimal, borrow: Decimal, fee: Decimal, places: int = PLACES
) -> Decimal:
    """Equity ÷ (maintenance + liquidation fees), rounded down.

    :class:`RulesError` where nothing is required.

    >>> margin_ratio(Decimal(100), Decimal(40), Decimal(0), Decimal(0), Decimal("0.001"), places=1)
    Decimal('2.5')
    """
    return margin_cover(equity, maintenance + liquidation_fees(owed, borrow, fee), places)


@exact
def spot_in_use(coins: Decimal, delta: Decimal) -> Decimal:
    """How much of a coin's balance joins its unit: what hedges the derivatives' delta, and no more.

    >>> [str(spot_in_use(Decimal(10), Decimal(n))) for n in (-4, -40, 4)]
    ['4', '10', '0']
    """
    if coins * delta >= 0:
        return ZERO
    size = min(abs(coins), abs(delta))
    return size if coins > 0 else -size


@exact
def basis_charge(deltas: Mapping[Decimal, Decimal], terms: UnitTerms) -> Decimal:
    """MR4: the net cash delta of each tenor × its rate, added up without offset.

    The rate is a year's for its time, or the least.

    Tenors are years to expiry; perpetuals have zero, and spot in use stands apart (below zero).
    """
    total = ZERO
    for years, delta in deltas.items():
        yearly = divide(terms.annualised * max(years, ZERO), ONE, PLACES, Rounding.UP)
        total += linear_charges(delta, max(terms.basis, yearly), ZERO).basis
    return total


def grid_of(terms: UnitTerms, volatility: PlainShock) -> Grid:
    """MR1's grid: no move and each move both ways, volatility up, unchanged and down."""
    spots = [ZERO, *(side * move for move in terms.moves for side in (1, -1))]
    found = [
        Scenario(f"index {move:+f}, volatility {vol.value}", float(ONE + move), vol)
        for move in spots
        for vol in (Move.UP, Move.NONE, Move.DOWN)
    ]
    return Grid(tuple(found), volatility, in_coin=False)


def extreme_grid(terms: UnitTerms) -> Grid:
    """MR6's two moves."""
    found = [Scenario(f"extreme {side * terms.extreme:+f}", float(ONE + side * terms.extreme)) for side in (1, -1)]
    return Grid(tuple(found), UNMOVED, in_coin=False)


@exact
def stressed(market: Market, unit: Unit, numeraire: str, parameters: Parameters) -> Stressed:
    """A unit's stress tests and charges; errors as :func:`~solvent.margin.scenario.units.gained`."""
    terms = parameters.of(unit.name)
    options = option_deltas(market, unit, numeraire)
    size = sum((one.size for one in unit.contracts), ZERO) + sum((one.delta for one in options), ZERO)
    used = spot_in_use(unit.coin, size) * unit.spot
    grid, far = grid_of(terms, parameters.volatility), extreme_grid(terms)
    scans, error = [], 0.0
    for one in (grid, far):
        found = gained(market, unit, numeraire, one)
        moved = float(used) * (np.array([scenario.spot for scenario in one.scenarios]) - 1.0)
        matrix = np.column_stack([found.matrix, moved])
        scans.append(worst(one, (*found.assets, "spot"), matrix))
        error += found.error
    deltas = {SPOT_YEARS: used}
    for years, delta in ((c.years, c.delta) for c in unit.contracts):
        deltas[years] = deltas.get(years, ZERO) + delta
    for option in options:
        deltas[option.years] = deltas.get(option.years, ZERO) + option.delta * unit.spot
    # A delta moves spot in use, which moves at most by the extreme move, and is charged at rates below 1 twice.
    error += 3.0 * float(unit.spot) * sum(option.error for option in options)
    raw = sum((linear_charges(one.delta, ZERO, terms.reduction).reduction for one in unit.contracts), ZERO)
    given = {name: market.figure(name, unit.name, ZERO) for name in GIVEN}
    loss = min(scans[0].loss, 0.0)
    return Stressed(
        unit.name,
        figure(abs(loss)),
        given["mr2"],
        given["mr3"],
        basis_charge(deltas, terms),
        given["mr5"],
        extreme_charge(figure(min(scans[1].loss, 0.0)), parameters.extreme_share).charge,
        scaled_reduction(raw, terms.scaling) if terms.scaling else raw,
        given["mr9"],
        scans[0].name if loss else "",
        error,
    )


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """What OKX asks of risk units: each one's margin, all added up, and the fee on what is owed."""

    parameters: Parameters

    @exact
    def required(
        self, market: Market, units: Sequence[Unit], found: Assessment, holding: Holding, purpose: Purpose
    ) -> Required:
        """See :class:`~solvent.margin.scenario.units.UnitMargin`; MR8 is a line of ``found``."""
        each = [stressed(market, unit, holding.pool.numeraire, self.parameters) for unit in units]
        factor = self.parameters.initial_factor
        lines = []
        for one in each:
            margin = one.margin(factor)
            lines.append(
                Line("unit", one.name, Leg.NET, required=margin.initial if purpose in INITIAL else margin.maintenance)
            )
        if purpose not in INITIAL:
            lines.extend(self._fees(found.lines))
        decided = max(each, key=lambda one: one.spot, default=None)
        binding = None
        if decided is not None and decided.spot:
            binding = Binding("scenario", f"{decided.name}: {decided.scenario}", decided.spot)
        error = sum(one.error for one in each) * float(factor)
        return Required(tuple(lines), error, binding)

    def _fees(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The fee to liquidate what is owed, from the lines of MR8."""
        for line in lines:
            if line.kind == "borrow":
                owed = divide(line.required, self.parameters.borrow_rate, PLACES, Rounding.UP)
                fee = liquidation_fees(owed, line.required, self.parameters.liquidation_fee)
                yield Line("fee", line.subject, Leg.NET, required=fee)
