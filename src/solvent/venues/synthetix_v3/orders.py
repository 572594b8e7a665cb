"""Orders on Synthetix V3: the price a fill gets, its fee, and whether the account may take it.

Source: contracts/storage/AsyncOrder.sol and PerpsMarket.sol of Synthetixio/synthetix-v3, markets/perps-market. Sizes
are signed amounts of the underlying; the skew is longs less shorts; USD otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Leg, Market, PriceKind
from solvent.instruments import Instrument, Perpetual
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Rounding, divide, exact
from solvent.venues.synthetix_v3.account import costs_of, margins, model_of, seized_value
from solvent.venues.synthetix_v3.requirement import PerpFacts, scaled_by
from solvent.venues.synthetix_v3.rewards import Costs, KeeperRules, possible_reward

PRICE_PLACES = 18
HALF = Decimal("0.5")
NO_COSTS = Costs()


class Entry(NamedTuple):
    """A position: its market's facts, signed size and price."""

    facts: PerpFacts
    size: Decimal
    price: Decimal


class Order(NamedTuple):
    """An order: its market's facts, the size held, the change, the market's skew, the oracle price it settles at."""

    facts: PerpFacts
    old_size: Decimal
    size_delta: Decimal
    skew: Decimal
    price: Decimal


class Account(NamedTuple):
    """What is judged: available margin, undiscounted collateral, and the positions in other markets."""

    available: Decimal
    collateral: Decimal
    others: Sequence[Entry]


class Admission(NamedTuple):
    """The verdict on an order: fill price, fees, what is required with them, what is there then, and why not.

    ``refusals`` are among ``liquidatable``, ``margin``, ``max_positions``, ``max_market_size``, ``max_market_value``
    and ``credit``.
    """

    fill_price: Decimal
    fees: Decimal
    required: Decimal
    available: Decimal
    refusals: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing refuses it."""
        return not self.refusals


@exact
def fill_price(skew: Decimal, skew_scale: Decimal, size_delta: Decimal, price: Decimal) -> Decimal:
    """The oracle price moved by the mean premium before and after the fill, rounded against the trader to 18 decimals.

    >>> fill_price(Decimal(0), Decimal(1_000_000), Decimal(100), Decimal(1200))
    Decimal('1200.060000000000000000')
    """
    rounding = Rounding.UP if size_delta > 0 else Rounding.DOWN
    return price + divide(price * (skew + skew + size_delta) * HALF, skew_scale, PRICE_PLACES, rounding)


@exact
def order_fee(facts: PerpFacts, skew: Decimal, size_delta: Decimal, price: Decimal) -> Decimal:
    """The fee of a fill: maker on what reduces the skew, taker on what increases it.

    >>> rest = (Decimal(0),) * 6
    >>> facts = PerpFacts(*rest, maker_fee=Decimal("0.001"), taker_fee=Decimal("0.01"))
    >>> order_fee(facts, Decimal(-4), Decimal(10), Decimal(100))
    Decimal('6.400')
    """
    after = skew + size_delta
    reducing = ZERO
    if skew * size_delta < 0:
        reducing = min(abs(skew), abs(size_delta))
    increasing = abs(size_delta) - reducing
    assert skew * after >= 0 or increasing == abs(after)
    return price * (reducing * facts.maker_fee + increasing * facts.taker_fee)


@exact
def reduces(old_size: Decimal, new_size: Decimal) -> bool:
    """Whether a change leaves less of a position on its own side, or none."""
    return old_size * new_size >= 0 and abs(new_size) < abs(old_size)


@exact
def order_check(
    account: Account, order: Order, fees: Decimal, keeper: KeeperRules, costs: Costs = NO_COSTS
) -> Admission:
    """Whether an account may take an order: initial margin of everything, the possible reward and fees must be there.

    The order's market counts at its new size and the oracle price, its part of the reward at the fill price. A fill
    worse than the oracle price is a loss at once; a better one gains nothing yet. Less of a position on its side needs
    only its fee. A liquidatable account may do nothing.

    >>> from solvent.venues.synthetix_v3.rewards import Guards
    >>> guards = Guards(Decimal(100), Decimal(0), Decimal(10_000), Decimal(1000))
    >>> eth = PerpFacts(*map(Decimal, ("10000", "0.02", "0.01", "0.5", "0.01", "0")))
    >>> order = Order(eth, Decimal(0), Decimal(3), Decimal(0), Decimal(2000))
    >>> found = order_check(Account(Decimal(100), Decimal(100), ()), order, Decimal(0), KeeperRules(guards))
    >>> found.fill_price, int(found.required), int(found.available), found.refusals
    (Decimal('2000.300000000000000000'), 160, 99, ('margin',))
    """
    price, new_size = order.price, order.old_size + order.size_delta
    filled = fill_price(order.skew, order.facts.skew_scale, order.size_delta, price)
    available = account.available + min(ZERO, order.size_delta * (price - filled))
    refusals = []
    before = [*account.others, Entry(order.facts, order.old_size, price)]
    if _liquidatable(account, before, keeper, costs):
        refusals.append("liquidatable")
    required = fees
    if not reduces(order.old_size, new_size):
        after = [*account.others, Entry(order.facts, new_size, price)]
        flagged = [*account.others, Entry(order.facts, new_size, filled)]
        required += sum((one.facts.required(one.size, one.price, initial=True) for one in after), ZERO)
        required += _reward(flagged, account.collateral, keeper, costs)
    if available < required:
        refusals.append("margin")
    return Admission(filled, fees, required, available, tuple(refusals))


def _reward(entries: Sequence[Entry], collateral: Decimal, keeper: KeeperRules, costs: Costs) -> Decimal:
    flags = sum((abs(one.size) * one.price * one.facts.flag_ratio for one in entries), ZERO)
    windows = max((one.facts.windows(one.size) for one in entries), default=0)
    return possible_reward(keeper, flags, collateral, windows, costs)


def _liquidatable(account: Account, entries: Sequence[Entry], keeper: KeeperRules, costs: Costs) -> bool:
    held = [one for one in entries if one.size]
    if not held:
        return False
    needed = sum((one.facts.required(one.size, one.price, initial=False) for one in held), ZERO)
    return needed + _reward(held, account.collateral, keeper, costs) > account.available


@exact
def side_size_after(market_size: Decimal, skew: Decimal, old_size: Decimal, new_size: Decimal) -> Decimal:
    """Open interest of the order's side after it, in the underlying: half of total plus or minus skew.

    >>> side_size_after(Decimal(100), Decimal(20), Decimal(0), Decimal(5))
    Decimal('65.0')
    """
    total = market_size - abs(old_size) + abs(new_size)
    after = skew - old_size + new_size
    return abs(total + after if new_size > 0 else total - after) * HALF


@exact
def admission(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int) -> Admission:
    """Whether a pool may take an order of signed lots at the present oracle price (the mark).

    The market's figures ``skew`` and ``open_interest`` of the symbol (underlying; without them zero) give the fill;
    ``max_market_size`` and ``max_market_value``, where given, cap each side; ``credit`` of ``"lp"`` is what liquidity
    providers may still back with the order's size, in USD; ``settlement_reward`` of the symbol is added to the fee.
    """
    holding, model = book.holding(pool), model_of(rules)
    others = _others(book, market, rules, pool, symbol)
    order = _order(book, market, rules, pool, symbol, lots)
    account = Account(margins(book, market, rules, pool).available, seized_value(book, market, holding), others)
    filled = fill_price(order.skew, order.facts.skew_scale, order.size_delta, order.price)
    fees = order_fee(order.facts, order.skew, order.size_delta, filled) + market.figure(
        "settlement_reward", symbol, ZERO
    )
    found = order_check(account, order, fees, model.keeper, costs_of(market))
    most, count = model.most_positions, len(others) + (1 if order.old_size + order.size_delta else 0)
    crowded = ["max_positions"] if most is not None and count > most else []
    return found._replace(refusals=(*found.refusals, *crowded, *_caps(market, symbol, order)))


def _others(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str) -> list[Entry]:
    """The positions of a pool in other markets, at their marks."""
    table, found = model_of(rules).table, []
    for one in book.holding(pool).positions:
        if one.symbol != symbol:
            listed = book.instruments[one.symbol]
            price = market.price(PriceKind.MARK, one.symbol, listed.quote.name)
            facts = scaled_by(table.facts(listed), market, one.symbol)
            found.append(Entry(facts, _size(listed, one.lots), price))
    return found


def _order(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int) -> Order:
    contract = book.instruments.get(symbol)
    if not isinstance(contract, Perpetual):
        raise RulesError(f"{symbol}: an order needs a perpetual of the book")
    held = book.holding(pool).position(symbol, Leg.NET)
    return Order(
        scaled_by(model_of(rules).table.facts(contract), market, symbol),
        _size(contract, held.lots if held is not None else 0),
        _size(contract, lots),
        market.figure("skew", symbol, ZERO),
        market.price(PriceKind.MARK, symbol, contract.quote.name),
    )


def _size(listed: Instrument, lots: int) -> Decimal:
    """Lots in the underlying."""
    return listed.size(lots) * (listed.contract_size if isinstance(listed, Perpetual) else Decimal(1))


def _caps(market: Market, symbol: str, order: Order) -> list[str]:
    """Which caps of the market an order would break; less of a position is always allowed."""
    new_size = order.old_size + order.size_delta
    if reduces(order.old_size, new_size):
        return []
    interest = market.figure("open_interest", symbol, ZERO)
    side = side_size_after(interest, order.skew, order.old_size, new_size)
    found = []
    if side > market.figure("max_market_size", symbol, side):
        found.append("max_market_size")
    if side * order.price > market.figure("max_market_value", symbol, side * order.price):
        found.append("max_market_value")
    grown = (abs(new_size) - abs(order.old_size)) * order.price
    if grown > market.figure("credit", "lp", grown):
        found.append("credit")
    return found
