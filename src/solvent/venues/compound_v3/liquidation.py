"""Liquidation: whole accounts absorbed by the protocol, and the sale of what was seized from its store front.

Source: compound-finance/comet@d5a30b0, contracts/Comet.sol (absorb, buyCollateral, quoteCollateral).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from solvent.book import Book, BookError, Market, Purpose
from solvent.margin import assess_pool
from solvent.rules import RulesError, VenueRules
from solvent.units import Rounding, exact
from solvent.venues.compound_v3.facts import CollateralAsset, MarketFacts
from solvent.venues.compound_v3.formulas import FACTOR_SCALE, Totals, by_factor, units_worth
from solvent.venues.compound_v3.lending import base_units, collateral_values, indices, model_of, price_of

WHOLE_BPS = 10_000


class NotLiquidatable(RulesError):
    """An account that is not in breach and cannot be absorbed."""


class NotForSale(RulesError):
    """Reserves have reached their target: nothing seized is for sale."""


class TooMuchSlippage(RulesError):
    """The quote is below what the buyer asks for at least."""


class InsufficientReserves(RulesError):
    """The protocol has less of the collateral than was quoted."""


class Absorbed(NamedTuple):
    """One account absorbed: base units the protocol paid for it, its principal after, and what was taken.

    ``values`` are the seized balances' values in 10^-8 by asset, before the liquidation factor; ``seized`` their units.
    """

    pool: str
    base_paid_out: int
    principal: int
    values: Mapping[str, int]
    seized: Mapping[str, int]


class Absorption(NamedTuple):
    """The book, the market's totals and each account after an absorption."""

    book: Book
    totals: Totals
    accounts: tuple[Absorbed, ...]


@exact
def absorb(book: Book, market: Market, rules: VenueRules, pools: Sequence[str], totals: Totals) -> Absorption:
    """Absorb accounts in order: all collateral is seized, the debt is cleared, a surplus becomes their supply.

    The credit is value × liquidation factor, asset by asset, in base units at the base price, each step cut down. A
    debt above the credit is borne by the reserves. One account that is not in breach refuses the whole call.

    Parameters
    ----------
    book, market, rules
        As for :func:`solvent.margin.assess`, all at one price epoch and after accrual.
    pools
        The accounts, by id.
    totals
        The market's totals before.

    Raises
    ------
    NotLiquidatable
        An account's surplus at MAINTAIN is not below zero.

    Examples
    --------
    >>> from solvent.book import Holding, Method, Pool
    >>> from solvent.units import Asset
    >>> from solvent.venues.compound_v3.rules import market_rules
    >>> holding = Holding(Pool("me", method=Method.LENDING, numeraire="USDC"), {"USDC": -100})
    >>> book = Book({"USDC": Asset("USDC", 6)}, {}, (holding,))
    >>> done = absorb(book, Market({}), market_rules(MarketFacts("USDC")), ["me"], Totals(0, 0, 100))
    >>> done.accounts[0].base_paid_out, done.totals
    (100, Totals(base_units=0, supply_principal=0, borrow_principal=0))

    """
    done = []
    for pool in pools:
        found = assess_pool(book, market, rules, Purpose.MAINTAIN, pool)
        if not found.breached(inclusive=rules.breach_inclusive):
            msg = f"pool {pool} is not in breach: surplus {found.surplus} {found.numeraire}"
            raise NotLiquidatable(msg)
        book, totals, one = _absorbed(book, market, model_of(rules).facts, pool, totals)
        done.append(one)
    return Absorption(book, totals, tuple(done))


def _absorbed(
    book: Book, market: Market, facts: MarketFacts, pool: str, totals: Totals
) -> tuple[Book, Totals, Absorbed]:
    holding, index = book.holding(pool), indices(market, facts.base)
    taken = collateral_values(book, market, facts, holding)
    values = {name: value for name, value in taken.items() if name in facts.assets}
    credit = sum(by_factor(value, facts.assets[name].liquidation_factor) for name, value in values.items())
    price = price_of(market, facts.base, holding, Rounding.UP)
    before = base_units(market, facts.base, holding)
    after = max(0, before + units_worth(credit, price, 10 ** book.assets[facts.base].scale))
    old, new = holding.cash.get(facts.base, 0), index.principal(after)
    changed = holding.with_cash(facts.base, new - old)
    seized = {name: holding.cash[name] for name in values}
    for name, units in seized.items():
        changed = changed.with_cash(name, -units)
    moved = Totals(totals.base_units, totals.supply_principal + new, totals.borrow_principal + old)
    return book.with_holding(changed), moved, Absorbed(pool, after - before, new, values, seized)


def quote_collateral(
    facts: MarketFacts, asset: CollateralAsset, prices: tuple[int, int], scales: tuple[int, int], base_given: int
) -> int:
    """Units of seized collateral the protocol gives for base units: multiplied first, then divided twice, cut down.

    Parameters
    ----------
    facts, asset
        The market and the collateral asset on sale.
    prices, scales
        Of the base and of the collateral: price in 10^-8 and units of one whole token.
    base_given
        Base units that arrive.

    Examples
    --------
    >>> comp = CollateralAsset("COMP", liquidation_factor=6 * 10**17)
    >>> half = MarketFacts("USDC", store_front_factor=5 * 10**17)
    >>> quote_collateral(half, comp, (10**8, 200 * 10**8), (10**6, 10**18), 200 * 10**6)
    1250000000000000000

    """
    discount = by_factor(facts.store_front_factor, FACTOR_SCALE - asset.liquidation_factor)
    discounted = by_factor(prices[1], FACTOR_SCALE - discount)
    if discounted <= 0:
        msg = f"{asset.name}: a discounted price of zero has no quote"
        raise RulesError(msg)
    return prices[0] * base_given * scales[1] // discounted // scales[0]


class Sale(NamedTuple):
    """A purchase from the store front: units quoted, units that arrive at the buyer, reserves after, in base units."""

    quoted: int
    received: int
    reserves: int


def buy_collateral(
    facts: MarketFacts,
    asset: CollateralAsset,
    prices: tuple[int, int],
    scales: tuple[int, int],
    *,
    base_given: int,
    least: int,
    reserves: int,
    contract_units: int,
    users_units: int,
    fee_bps: int = 0,
) -> Sale:
    """Buy seized collateral; the checks stand in the protocol's order.

    Parameters
    ----------
    facts, asset, prices, scales
        As for :func:`quote_collateral`.
    base_given, least
        Base units the buyer sends, and the least collateral units it accepts.
    reserves
        The protocol's reserves before, in base units.
    contract_units, users_units
        Collateral units the contract holds, and those of them that belong to accounts: the rest is for sale.
    fee_bps
        What both tokens keep of a transfer, in parts of ten thousand, cut down.

    Raises
    ------
    NotForSale, TooMuchSlippage, InsufficientReserves
        In this order: reserves not below target; the quote below ``least``; the quote above what is for sale.

    Examples
    --------
    >>> comp = CollateralAsset("COMP", liquidation_factor=8 * 10**17)
    >>> shop = MarketFacts("USDC", store_front_factor=5 * 10**17, target_reserves_units=100)
    >>> stock = {"reserves": 0, "contract_units": 10**18, "users_units": 0}
    >>> buy_collateral(shop, comp, (10**8, 10**8), (10**6, 10**18), base_given=90, least=10**14, **stock)
    Sale(quoted=100000000000000, received=100000000000000, reserves=90)

    """
    if base_given < 0:
        msg = f"base units to sell for must not be negative, not {base_given}"
        raise BookError(msg)
    if reserves >= 0 and reserves >= facts.target_reserves_units:
        msg = f"reserves of {reserves} have reached the target of {facts.target_reserves_units}"
        raise NotForSale(msg)
    arrived = base_given - base_given * fee_bps // WHOLE_BPS
    quoted = quote_collateral(facts, asset, prices, scales, arrived)
    if quoted < least:
        msg = f"{quoted} units of {asset.name} are less than the {least} asked for"
        raise TooMuchSlippage(msg)
    if quoted > contract_units - users_units:
        msg = (
            f"{quoted} units of {asset.name} are more than the {contract_units - users_units} that belong to no account"
        )
        raise InsufficientReserves(msg)
    return Sale(quoted, quoted - quoted * fee_bps // WHOLE_BPS, reserves + arrived)
