"""A pool as a sub-account of the chain, assessed in whole quote quantums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.assessment import Assessment, Line, Piecewise
from solvent.book import Book, Holding, Leg, Market, Position, PriceKind, Purpose
from solvent.fixed import towards_zero
from solvent.instruments import Perpetual
from solvent.margin.declared import asset_of, instrument_of
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Asset, exact, shifted, whole
from solvent.venues.dydx_v4.formulas import (
    QUOTE_SCALE,
    LiquidityTier,
    Risk,
    custom_initial_ppm,
    effective_initial_ppm,
    initial_collateralised,
    initial_margin,
    maintenance_margin,
)
from solvent.venues.dydx_v4.tiers import AT_INITIAL, LiquidityTiers

DOLLAR = "USDC"
OPEN_INTEREST = "open_interest"


class LeverageRefused(RulesError):
    """A leverage the chain does not set; the message says why."""


class Figures(NamedTuple):
    """A position in whole quote quantums: its signed notional; what it cost and owes in funding in ledger units."""

    position: Position
    contract: Perpetual
    tier: LiquidityTier
    notional: int
    cost_units: int
    funding_units: int
    mark: Decimal


@dataclass(frozen=True, slots=True)
class SubaccountModel:
    """The chain's judgement of a sub-account: net collateral against plain sums of its positions' requirements.

    Net collateral is cash less costs and funding due, rounded down once to a quote quantum, plus each position's
    notional cut towards zero. Requirements are rounded up by position. Resting orders require nothing.
    """

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """Assess one pool: WITHDRAW, ADMIT and FILL by initial margin, RECOVER and MAINTAIN by maintenance margin."""
        dollar = _dollar(book, rules, holding)
        lines: list[Line] = []
        profits = ZERO
        figures = _figures(book, market, rules, holding)
        for one in figures:
            required, piece = _required(one, market, purpose)
            profit = quote(one.notional) - dollar.amount(one.cost_units + one.funding_units)
            profits += profit
            symbol, leg = one.position.symbol, one.position.leg
            lines.append(Line("position", symbol, leg, profit, profit, quote(required), piece))
        cash = quote(_net_collateral(dollar, holding, figures)) - profits
        lines.append(Line("cash", dollar.name, Leg.NET, cash, cash))
        return assessed(holding.pool.id, purpose, dollar.name, lines)


@exact
def risk(book: Book, market: Market, rules: VenueRules, pool: str) -> Risk:
    """Net collateral and both requirements of a pool in quote quantums, funding settled.

    Raises
    ------
    BookError
        A mark, or the open interest of a market whose tier has caps, is missing.
    RulesError
        The pool holds what a sub-account cannot: another asset, a future, an isolated market beside another.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.venues.dydx_v4.accounts import ChainPerpetual, ChainPosition, Subaccount, chain_state
    >>> btc = ChainPerpetual(0, -8, 5_000_000_000, -5, LiquidityTier(200_000, 500_000))
    >>> account = Subaccount("a", -4_501_000_000, (ChainPosition(btc, 10_000_000),))
    >>> state = chain_state([account], venue("dydx_v4"))
    >>> risk(state.book, state.market, state.rules, "a")
    Risk(net_collateral=499000000, initial=1000000000, maintenance=500000000)

    """
    holding = book.holding(pool)
    dollar = _dollar(book, rules, holding)
    figures = _figures(book, market, rules, holding)
    return Risk(
        _net_collateral(dollar, holding, figures),
        sum(_initial(one, market) for one in figures),
        sum(maintenance_margin(one.notional, one.tier) for one in figures),
    )


@exact
def with_leverage(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, leverage: int) -> Book:
    """The book after a user chose a leverage for a position: no less margin than the tier's, and the account has it.

    Source: x/subaccounts/keeper/leverage.go. Below the initial line no relief applies here.

    Raises
    ------
    LeverageRefused
        The position is not held, the fraction is below the tier's, or initial margin would not be covered.

    """
    one = position_figures(book, market, rules, pool, symbol)
    if one is None:
        msg = f"pool {pool} holds no {symbol}"
        raise LeverageRefused(msg)
    fraction_ppm = custom_initial_ppm(leverage)
    if fraction_ppm < one.tier.initial_margin_ppm:
        least = one.tier.initial_margin_ppm
        msg = f"pool {pool}, {symbol}: an initial margin fraction of {fraction_ppm} ppm is below the tier's {least}"
        raise LeverageRefused(msg)
    holding = book.holding(pool).with_position(replace(one.position, leverage=leverage))
    after = book.with_holding(holding)
    found = risk(after, market, rules, pool)
    if not initial_collateralised(found):
        needs = f"{found.initial} quote quantums would be required, and there are {found.net_collateral}"
        msg = f"pool {pool}, {symbol}: {needs}"
        raise LeverageRefused(msg)
    return after


def position_figures(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str) -> Figures | None:
    """The figures of one position; None where it is not held."""
    found = (one for one in _figures(book, market, rules, book.holding(pool)) if one.position.symbol == symbol)
    return next(found, None)


def quote(quantums: int) -> Decimal:
    """Quote quantums as dollars.

    >>> quote(-1_500_000)
    Decimal('-1.500000')
    """
    return shifted(Decimal(quantums), -QUOTE_SCALE)


def quantums_of(dollars: Decimal) -> int:
    """Dollars as whole quote quantums; :class:`UnitsError` where they are finer.

    >>> quantums_of(Decimal("-1.5"))
    -1500000
    """
    return whole(shifted(dollars, QUOTE_SCALE), f"{dollars} {DOLLAR}", f"1e-{QUOTE_SCALE} {DOLLAR}")


def quote_quantums(units: int, scale: int) -> int:
    """Ledger units of an asset of ``scale`` decimals in quote quantums, rounded down.

    >>> quote_quantums(-1, 12), quote_quantums(3, 2)
    (-1, 30000)
    """
    step: int = 10 ** abs(scale - QUOTE_SCALE)
    return units * step if scale <= QUOTE_SCALE else units // step


def notional_quantums(contract: Perpetual, lots: int, ticks: int) -> int:
    """Signed worth of lots at a price in quote quantums, cut towards zero."""
    units, scale = contract.worth(lots, ticks), contract.settle.scale
    return towards_zero(units * 10**QUOTE_SCALE, 10**scale)


def _net_collateral(dollar: Asset, holding: Holding, figures: list[Figures]) -> int:
    units = holding.cash.get(dollar.name, 0) - sum(one.cost_units + one.funding_units for one in figures)
    return quote_quantums(units, dollar.scale) + sum(one.notional for one in figures)


def _required(one: Figures, market: Market, purpose: Purpose) -> tuple[int, Piecewise]:
    amount = quote(abs(one.notional))
    tier = one.tier
    if purpose not in AT_INITIAL:
        rate = shifted(Decimal(tier.initial_margin_ppm * tier.maintenance_fraction_ppm), -12)
        return maintenance_margin(one.notional, tier), Piecewise(amount, ZERO, rate, ZERO)
    fraction_ppm = max(effective_initial_ppm(tier, _open_interest(one, market)), _custom_ppm(one))
    return _initial(one, market), Piecewise(amount, ZERO, shifted(Decimal(fraction_ppm), -6), ZERO)


def _initial(one: Figures, market: Market) -> int:
    return initial_margin(one.notional, one.tier, _open_interest(one, market), _custom_ppm(one))


def _custom_ppm(one: Figures) -> int:
    leverage = one.position.leverage
    return 0 if leverage is None else custom_initial_ppm(leverage)


def _open_interest(one: Figures, market: Market) -> int:
    """Open interest in quote quantums; asked for only where the tier has caps."""
    if one.tier.open_interest_upper_cap == 0:
        return 0
    coins = market.figure(OPEN_INTEREST, one.position.symbol)
    top, bottom = (coins * one.mark).as_integer_ratio()
    return towards_zero(top * 10**QUOTE_SCALE, bottom)


def _figures(book: Book, market: Market, rules: VenueRules, holding: Holding) -> list[Figures]:
    """Every position of a pool that a sub-account may hold."""
    tiers = rules.margin
    if not isinstance(tiers, LiquidityTiers):
        msg = f"{rules.name}: a sub-account is margined by liquidity tiers, not by {type(tiers).__name__}"
        raise RulesError(msg)
    _check_isolated(tiers, holding)
    return [_valued(book, market, tiers, holding, position) for position in holding.positions]


def _valued(book: Book, market: Market, tiers: LiquidityTiers, holding: Holding, position: Position) -> Figures:
    contract = instrument_of(book, position.symbol)
    tier = tiers.tier(contract)
    assert isinstance(contract, Perpetual)
    if position.leg is not Leg.NET or contract.settle.name != holding.pool.numeraire:
        msg = f"{position.symbol} in pool {holding.pool.id}: a sub-account holds one net position, settled in {DOLLAR}"
        raise RulesError(msg)
    mark = market.price(PriceKind.MARK, position.symbol, contract.quote.name)
    due = ledger.funding_due(position.lots, market.funding.get(position.symbol, 0), position.funding_index)
    worth = notional_quantums(contract, position.lots, contract.ticks(mark, "mark"))
    return Figures(position, contract, tier, worth, position.cost, due, mark)


def _dollar(book: Book, rules: VenueRules, holding: Holding) -> Asset:
    """The one asset a sub-account may hold."""
    name = holding.pool.numeraire
    if rules.collateral.asset(name) is None:
        msg = f"pool {holding.pool.id}: {rules.name} judges sub-accounts in {DOLLAR}, not in {name}"
        raise RulesError(msg)
    for other, units in holding.cash.items():
        if other != name and units:
            msg = f"pool {holding.pool.id}: {other} is no collateral; a sub-account holds {name} alone"
            raise RulesError(msg)
    return asset_of(book, name)


def _check_isolated(tiers: LiquidityTiers, holding: Holding) -> None:
    alone = [position.symbol for position in holding.positions if position.symbol in tiers.isolated]
    if alone and len(holding.positions) > 1:
        msg = f"pool {holding.pool.id}: {alone[0]} is an isolated market and takes a whole sub-account"
        raise RulesError(msg)
