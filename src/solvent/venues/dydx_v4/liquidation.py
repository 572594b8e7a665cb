"""Liquidation of one position of a sub-account: how much, at what price, and what the insurance fund gets or pays.

Prices of a whole delta are in quote quantums received, signed: positive for closing a long. Source:
dydxprotocol/v4-chain@84d4664bae, ``protocol/x/clob/keeper/liquidations.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from solvent.book import Book, Market
from solvent.fixed import down, up
from solvent.ledger import MILLION, share_down
from solvent.rules import RulesError, VenueRules
from solvent.units import exact
from solvent.venues.dydx_v4.formulas import QUOTE_SCALE, Risk, maintenance_margin, power_of_ten
from solvent.venues.dydx_v4.limits import Left, LiquidationConfig, position_limits, subaccount_limits
from solvent.venues.dydx_v4.model import Figures, notional_quantums, position_figures, risk

MOST_SUBTICKS = 2**64 - 1


class DeltaError(RulesError):
    """A change of a position that a liquidation cannot make: no position, none at all, not smaller, or too much."""


class FillRefused(RulesError):
    """A liquidation fill that the chain rejects; the message says which limit it passes."""


class Fill(NamedTuple):
    """A fill of a liquidation order: base quantums at a price of subticks × 10^exponent quote quantums each."""

    is_buy: bool
    quantums: int
    subticks: int
    conversion_exponent: int

    @property
    def lots(self) -> int:
        """Signed change of the liquidated position."""
        return self.quantums if self.is_buy else -self.quantums

    @property
    def received(self) -> int:
        """Signed quote quantums received: its value cut to whole quantums."""
        worth = power_of_ten(self.subticks * self.quantums, self.conversion_exponent)
        return -worth if self.is_buy else worth


@exact
def bankruptcy_price(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int) -> int:
    """Quote quantums at which closing ``lots`` (signed change) leaves the rest of the account what it was worth.

    ``−ΔN − floor(TNC·|ΔMMR| ÷ TMMR)``: rounded up, so that the insurance fund never pays for a rounding.

    Raises
    ------
    DeltaError
        The position is not held, or ``lots`` does not make it smaller.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> from solvent.venues.dydx_v4.accounts import ChainPerpetual, ChainPosition, Subaccount, chain_state
    >>> from solvent.venues.dydx_v4.formulas import LiquidityTier
    >>> btc = ChainPerpetual(0, -8, 5_000_000_000, -5, LiquidityTier(200_000, 500_000))
    >>> s = chain_state([Subaccount("a", -13_000_000, (ChainPosition(btc, 100_000_000),))], venue("dydx_v4"))
    >>> bankruptcy_price(s.book, s.market, s.rules, "a", btc.symbol, -21_347)
    2776

    """
    one = _reduced(book, market, rules, pool, symbol, lots)
    whole = _liable(risk(book, market, rules, pool), pool)
    after = notional_quantums(one.contract, one.position.lots + lots, one.contract.ticks(one.mark, "mark"))
    freed = abs(maintenance_margin(after, one.tier) - maintenance_margin(one.notional, one.tier))
    return one.notional - after - whole.net_collateral * freed // whole.maintenance


@exact
def fillable_price(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int, config: LiquidationConfig
) -> Fraction:
    """The limit of a liquidation order in quote quantums a lot, exact: oracle less up to SMMR × maintenance.

    ``(N − ABR·SMMR·MMR) ÷ size`` of the whole position, where ABR = BA·(1 − TNC ÷ TMMR) inside 0 to 1.

    Raises
    ------
    DeltaError
        The position is not held, or ``lots`` does not make it smaller.
    RulesError
        The price would be below zero: the spread is more than the whole position.

    """
    one = _reduced(book, market, rules, pool, symbol, lots)
    whole = _liable(risk(book, market, rules, pool), pool)
    distance = 1 - Fraction(whole.net_collateral, whole.maintenance)
    rating = min(Fraction(1), max(Fraction(0), distance * config.bankruptcy_adjustment_ppm / MILLION))
    spread = Fraction(maintenance_margin(one.notional, one.tier) * config.spread_to_maintenance_ppm, MILLION)
    price = (one.notional - rating * spread) / one.position.lots
    if price < 0:
        msg = f"pool {pool}, {symbol}: a spread of {spread} quote quantums is more than the position is worth"
        raise RulesError(msg)
    return price


def limit_subticks(price: Fraction, conversion_exponent: int, subticks_per_tick: int, *, selling: bool) -> int:
    """A fillable price on the order book's tick: up for a sell, down for a buy, between one tick and 64 bits.

    >>> limit_subticks(Fraction(10, 3), 0, 1, selling=True), limit_subticks(Fraction(10, 3), 0, 1, selling=False)
    (4, 3)
    """
    ticks = price / Fraction(10) ** conversion_exponent / subticks_per_tick
    whole = (up if selling else down)(ticks.numerator, ticks.denominator)
    most = MOST_SUBTICKS - MOST_SUBTICKS % subticks_per_tick
    return max(subticks_per_tick, min(most, whole * subticks_per_tick))


def insurance_fund_delta(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, fill: Fill, config: LiquidationConfig
) -> int:
    """What a fill brings the insurance fund (positive: the fee) or costs it (negative), in quote quantums.

    What is received above the bankruptcy price goes to the fund up to the highest fee; what is missing it pays.

    Raises
    ------
    DeltaError
        Nothing is filled, or the fill does not make the position smaller.

    """
    above = fill.received - bankruptcy_price(book, market, rules, pool, symbol, fill.lots)
    return above if above <= 0 else min(share_down(abs(fill.received), config.max_fee_ppm), above)


def fund_covers(fund: int, delta: int) -> bool:
    """Whether the insurance fund can take part: it is paid, or it has what it pays (x/clob/keeper/deleveraging.go).

    >>> fund_covers(5, -5), fund_covers(5, -6), fund_covers(-1, 0)
    (True, False, True)
    """
    return delta >= 0 or fund + delta >= 0


@exact
def liquidation_lots(
    book: Book,
    market: Market,
    rules: VenueRules,
    pool: str,
    symbol: str,
    config: LiquidationConfig,
    *,
    step: int = 1,
    liquidated: int = 0,
) -> int:
    """The signed change that this block's liquidation of a position makes, in lots.

    The whole position where its notional is within the limits or it is one step; else the limit in lots, rounded down
    to steps, at least one. ``liquidated`` is the notional of the account already liquidated in this block.
    """
    one = position_figures(book, market, rules, pool, symbol)
    if one is None:
        msg = f"pool {pool} holds no {symbol}"
        raise DeltaError(msg)
    size = abs(one.position.lots)
    most = min(position_limits(one.notional, config).most, subaccount_limits(config, liquidated).notional)
    side = -1 if one.position.lots > 0 else 1
    if abs(one.notional) <= most or size <= step:
        return side * size
    unit = abs(one.contract.worth(1, one.contract.ticks(one.mark, "mark")))
    lots = power_of_ten(most, one.contract.settle.scale - QUOTE_SCALE) // unit
    return side * min(size, max(step, lots // step * step))


@exact
def checked_fill(
    book: Book,
    market: Market,
    rules: VenueRules,
    pool: str,
    symbol: str,
    fill: Fill,
    config: LiquidationConfig,
    left: Left,
    fund: int,
) -> int:
    """The insurance fund's delta of a fill that the chain accepts.

    Parameters
    ----------
    left
        What the sub-account may still liquidate and lose in this block (:func:`subaccount_limits`).
    fund
        The fund that stands behind the sub-account, in quote quantums.

    Raises
    ------
    DeltaError
        Nothing is filled, or the fill does not make the position smaller.
    FillRefused
        The fund would go below zero, or a block limit of the sub-account would be passed.

    """
    delta = insurance_fund_delta(book, market, rules, pool, symbol, fill, config)
    if not fund_covers(fund, delta):
        msg = f"pool {pool}: the insurance fund holds {fund} quote quantums and would pay {-delta}"
        raise FillRefused(msg)
    one = _reduced(book, market, rules, pool, symbol, fill.lots)
    closed = abs(notional_quantums(one.contract, fill.lots, one.contract.ticks(one.mark, "mark")))
    if closed > left.notional:
        msg = f"pool {pool}: {closed} quote quantums liquidated are more than the {left.notional} left in this block"
        raise FillRefused(msg)
    if -delta > left.insurance_lost:
        msg = f"pool {pool}: a loss of {-delta} is more than the {left.insurance_lost} left in this block"
        raise FillRefused(msg)
    return delta


class Ranked(NamedTuple):
    """A liquidation order as the chain sorts them: distance of its limit from the oracle, notional, hash."""

    limit: Fraction
    oracle: Fraction
    notional: int
    hash: str


def in_order(orders: Iterable[Ranked]) -> list[Ranked]:
    """Orders in the chain's sequence: furthest from the oracle first, then the largest, then by hash.

    >>> first, second = Ranked(Fraction(98), Fraction(100), 5, "b"), Ranked(Fraction(103), Fraction(100), 1, "a")
    >>> [one.hash for one in in_order([first, second])]
    ['a', 'b']
    """
    return sorted(orders, key=lambda one: (-abs(one.limit - one.oracle) / one.oracle, -one.notional, one.hash))


def _reduced(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int) -> Figures:
    """The position that ``lots`` makes smaller."""
    one = position_figures(book, market, rules, pool, symbol)
    size = 0 if one is None else one.position.lots
    if one is None or size * lots >= 0 or abs(lots) > abs(size):
        msg = f"pool {pool}, {symbol}: a change of {lots} lots does not reduce a position of {size}"
        raise DeltaError(msg)
    return one


def _liable(whole: Risk, pool: str) -> Risk:
    if whole.maintenance == 0:
        msg = f"pool {pool}: nothing is required at maintenance, so that nothing can be liquidated"
        raise RulesError(msg)
    return whole
