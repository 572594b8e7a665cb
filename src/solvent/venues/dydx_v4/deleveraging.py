"""Deleveraging against other sub-accounts, separate collateral pools, and when withdrawals are held back.

Source: dydxprotocol/v4-chain@84d4664bae, ``protocol/x/clob/keeper/deleveraging.go`` and ``protocol/x/subaccounts``.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.book import Book, BookError, Holding, Market, Position
from solvent.instruments import Perpetual
from solvent.rules import RulesError, VenueRules
from solvent.units import exact
from solvent.venues.dydx_v4.accounts import settled
from solvent.venues.dydx_v4.formulas import QUOTE_SCALE, Outcome, transition
from solvent.venues.dydx_v4.liquidation import DeltaError, bankruptcy_price
from solvent.venues.dydx_v4.model import OPEN_INTEREST, position_figures, quote_quantums, risk
from solvent.venues.dydx_v4.tiers import LiquidityTiers

MOST_COUNTERPARTIES = 500
BLOCKED_BLOCKS = 50
CROSS_POOL = "subaccounts"
CROSS_FUND = "insurance-fund"


class TransitionRefused(RulesError):
    """A change that leaves a sub-account riskier below its initial line; the message has the chain's word."""


class DeleveragePrice(enum.Enum):
    """What both sides of a deleveraging trade at."""

    BANKRUPTCY = "bankruptcy"
    ORACLE = "oracle"


class Deleveraged(NamedTuple):
    """Book and market after a deleveraging trade, and what the liquidated side received in quote quantums."""

    book: Book
    market: Market
    received: int


class Walked(NamedTuple):
    """A walk over counterparties: book and market after it, lots closed by pool, and the lots still open."""

    book: Book
    market: Market
    closed: dict[str, int]
    left: int


class PoolTransfer(NamedTuple):
    """USDC that goes from one collateral pool to another, in quote quantums."""

    source: str
    target: str
    quantums: int


def deleverage_price(net_collateral: int, *, final_settlement: bool = False) -> DeleveragePrice | None:
    """The price a sub-account is deleveraged at, None where it may not be.

    Below zero at its bankruptcy price; in a market in final settlement, otherwise, at the oracle price.

    >>> deleverage_price(-1), deleverage_price(0), deleverage_price(0, final_settlement=True)
    (<DeleveragePrice.BANKRUPTCY: 'bankruptcy'>, None, <DeleveragePrice.ORACLE: 'oracle'>)
    """
    if net_collateral < 0:
        return DeleveragePrice.BANKRUPTCY
    return DeleveragePrice.ORACLE if final_settlement else None


@exact
def deleverage(
    book: Book,
    market: Market,
    rules: VenueRules,
    liquidated: str,
    offsetting: str,
    symbol: str,
    lots: int,
    price: DeleveragePrice = DeleveragePrice.BANKRUPTCY,
) -> Deleveraged:
    """Close ``lots`` (signed change of the liquidated position) against another sub-account, without fees.

    Both sides trade at the liquidated account's bankruptcy price (or the oracle's), their funding settled first; open
    interest falls by the lots, where the market states it.

    Raises
    ------
    DeltaError
        One side's position is not made smaller by it, or is not that large.
    TransitionRefused
        One side would be riskier below its initial line.

    """
    one = position_figures(book, market, rules, offsetting, symbol)
    size = 0 if one is None else one.position.lots
    if size * lots <= 0 or abs(lots) > abs(size):
        msg = f"pool {offsetting}, {symbol}: a position of {size} lots cannot take the other side of {lots}"
        raise DeltaError(msg)
    received = _received(book, market, rules, liquidated, symbol, lots, price)
    after = book.with_holding(_traded(book, market, liquidated, symbol, lots, received))
    after = after.with_holding(_traded(after, market, offsetting, symbol, -lots, -received))
    then = _less_open_interest(book, market, symbol, abs(lots))
    for pool in (liquidated, offsetting):
        outcome = transition(risk(book, market, rules, pool), risk(after, then, rules, pool))
        if outcome is not Outcome.SUCCESS:
            msg = f"pool {pool}: {outcome.value}"
            raise TransitionRefused(msg)
    return Deleveraged(after, then, received)


@exact
def deleverage_walk(
    book: Book,
    market: Market,
    rules: VenueRules,
    liquidated: str,
    symbol: str,
    counterparties: Sequence[str],
    price: DeleveragePrice = DeleveragePrice.BANKRUPTCY,
    most: int = MOST_COUNTERPARTIES,
) -> Walked:
    """Close a whole position against counterparties in the order given, each for as much as it holds.

    The chain begins at a random place; here the caller's order says where. A counterparty that would become riskier
    below its line is passed over, and at most ``most`` are asked.
    """
    one = position_figures(book, market, rules, liquidated, symbol)
    if one is None:
        msg = f"pool {liquidated} holds no {symbol}"
        raise DeltaError(msg)
    left, closed = -one.position.lots, dict[str, int]()
    now, then = book, market
    for pool in counterparties[:most]:
        held = now.holding(pool).position(symbol)
        if left == 0 or held is None or held.lots * left <= 0 or pool == liquidated:
            continue
        lots = min(abs(left), abs(held.lots)) * (1 if left > 0 else -1)
        try:
            now, then, _ = deleverage(now, then, rules, liquidated, pool, symbol, lots, price)
        except TransitionRefused:
            continue
        closed[pool] = lots
        left -= lots
    return Walked(now, then, closed, left)


def collateral_pool(rules: VenueRules, holding: Holding) -> str:
    """The collateral pool a sub-account's USDC is in: an isolated market's own, else the common one."""
    alone = _isolated(rules, holding)
    return CROSS_POOL if alone is None else f"{CROSS_POOL}:{alone}"


def insurance_fund(rules: VenueRules, holding: Holding) -> str:
    """The insurance fund that stands behind a sub-account: an isolated market's own, else the common one."""
    alone = _isolated(rules, holding)
    return CROSS_FUND if alone is None else f"{CROSS_FUND}:{alone}"


@exact
def pool_transfer(rules: VenueRules, book: Book, before: Holding, after: Holding) -> PoolTransfer | None:
    """The collateral that changes pools when a position in an isolated market is opened or closed; None otherwise.

    On opening, the USDC the sub-account had before; on closing, what it has after.

    Raises
    ------
    TransitionRefused
        A negative amount would have to be moved.

    """
    source, target = collateral_pool(rules, before), collateral_pool(rules, after)
    if source == target:
        return None
    kept = before if source == CROSS_POOL else after
    dollar = book.assets[kept.pool.numeraire]
    quantums = quote_quantums(kept.cash.get(dollar.name, 0), dollar.scale)
    if quantums < 0:
        msg = f"pool {kept.pool.id}: a negative amount of {quantums} cannot move from {source} to {target}"
        raise TransitionRefused(msg)
    return PoolTransfer(source, target, quantums)


def withdrawals_blocked(block: int, negative_seen: int | None = None, outage_ended: int | None = None) -> bool:
    """Whether withdrawals and transfers of a collateral pool are held back at a block.

    They are for 50 blocks from the one where a sub-account of the pool was seen below zero, and as long after the chain
    stood still for five minutes or more. Source: x/subaccounts/keeper/subaccount.go.

    >>> [withdrawals_blocked(block, negative_seen=100) for block in (100, 149, 150)]
    [True, True, False]
    """
    return any(seen is not None and block - seen < BLOCKED_BLOCKS for seen in (negative_seen, outage_ended))


def _received(
    book: Book, market: Market, rules: VenueRules, pool: str, symbol: str, lots: int, price: DeleveragePrice
) -> int:
    at_bankruptcy = bankruptcy_price(book, market, rules, pool, symbol, lots)
    if price is DeleveragePrice.BANKRUPTCY:
        return at_bankruptcy
    one = position_figures(book, market, rules, pool, symbol)
    assert one is not None
    worth = one.contract.worth(-lots, one.contract.ticks(one.mark, "mark"))
    return quote_quantums(worth, one.contract.settle.scale)


def _traded(book: Book, market: Market, pool: str, symbol: str, lots: int, received: int) -> Holding:
    """A holding after ``lots`` for ``received`` quote quantums, funding settled, profit realised."""
    dollar = book.assets[book.holding(pool).pool.numeraire]
    holding = settled(book, market, pool)
    held = holding.position(symbol) or Position(symbol, 0, 0)
    units = received * 10 ** (dollar.scale - QUOTE_SCALE)
    cost = ledger.cost_after(held.lots, held.cost, lots, -units)
    gain = ledger.realised(held.cost, -units, cost)
    traded = replace(held, lots=held.lots + lots, cost=cost)
    in_place = (traded if one is held else one for one in holding.positions)
    return replace(holding.with_cash(dollar.name, gain), positions=tuple(one for one in in_place if one.lots))


def _less_open_interest(book: Book, market: Market, symbol: str, lots: int) -> Market:
    key = (OPEN_INTEREST, symbol)
    if key not in market.wide:
        return market
    contract = book.instruments[symbol]
    if not isinstance(contract, Perpetual):
        msg = f"instruments: {symbol!r} is no perpetual"
        raise BookError(msg)
    less = max(Decimal(0), market.wide[key] - contract.size(lots) * contract.contract_size)
    return replace(market, wide={**market.wide, key: less})


def _isolated(rules: VenueRules, holding: Holding) -> str | None:
    tiers = rules.margin
    names = tiers.isolated if isinstance(tiers, LiquidityTiers) else frozenset[str]()
    return next((one.symbol for one in holding.positions if one.symbol in names), None)
