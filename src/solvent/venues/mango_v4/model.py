"""A pool of a book as the program's account, and its assessment: surplus is health, requirement its liabilities.

Purposes select the kind of health: WITHDRAW and ADMIT use INIT, RECOVER LIQUIDATION_END, FILL and MAINTAIN MAINT
(the program does not test a resting order's fill, because its worst case has counted since it was placed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.assessment import Assessment
from solvent.book import Book, Holding, Leg, Market, Order, PriceKey, PriceKind, Purpose
from solvent.instruments import Payoff, Perpetual, Spot
from solvent.margin.declared import asset_of, instrument_of
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import (
    PLACES,
    Account,
    BankTotals,
    HealthKind,
    Perp,
    PerpWeights,
    Prices,
    SpotOrders,
    Token,
    TokenWeights,
)
from solvent.venues.mango_v4.lines import Taken, perp_lines, spot_lines, token_lines

KINDS: Mapping[Purpose, HealthKind] = {
    Purpose.WITHDRAW: HealthKind.INIT,
    Purpose.ADMIT: HealthKind.INIT,
    Purpose.FILL: HealthKind.MAINT,
    Purpose.RECOVER: HealthKind.LIQUIDATION_END,
    Purpose.MAINTAIN: HealthKind.MAINT,
}


class TokenFacts(NamedTuple):
    """A token's weights, and the dollars of deposits and borrows from which INIT weights are scaled (None: never)."""

    weights: TokenWeights
    deposit_scale_start: Decimal | None = None
    borrow_scale_start: Decimal | None = None


@dataclass(frozen=True, slots=True)
class HealthModel:
    """How every pool of this venue is valued and margined.

    Parameters
    ----------
    tokens, perps
        Facts by asset, and weights by symbol or underlying.
    other_token, other_perp
        Facts of everything else.

    """

    tokens: Mapping[str, TokenFacts]
    perps: Mapping[str, PerpWeights]
    other_token: TokenFacts
    other_perp: PerpWeights = field(default_factory=PerpWeights)

    def perp_weights(self, contract: Perpetual) -> PerpWeights:
        """Weights of a contract: of its symbol, else of its underlying, else of any other."""
        return self.perps.get(contract.symbol) or self.perps.get(contract.underlying) or self.other_perp

    @exact
    def taken(self, book: Book, market: Market, holding: Holding) -> Taken:
        """A pool as the program sees it.

        Cash is what the pool owns with what its resting spot orders reserve; the account's balance is without. A price
        of kind SLOW is the stable price, where there is one. Market-wide figures ``deposits``, ``borrows`` and
        ``potential_spot_tokens`` of a token scale its weights at INIT; without them nothing is scaled.

        Raises
        ------
        BookError
            A price or asset is missing.
        RulesError
            The pool holds a leg of hedge mode, an option or a contract that is not linear.

        """
        spots = _spot_orders(book, holding)
        names = dict.fromkeys([holding.pool.numeraire, *holding.cash])
        perps = tuple(_perp(self, book, market, holding, symbol) for symbol in _symbols(book, holding))
        names.update(dict.fromkeys(perp.settle for perp in perps))
        names.update(dict.fromkeys(name for spot in spots.values() for name in (spot.base, spot.quote)))
        interest = {name: due for name in names if (due := _interest(book, market, holding, name))}
        tokens = tuple(self._token(book, market, holding, name, interest, spots) for name in names)
        return Taken(Account(tokens, tuple(spots.values()), perps), interest, tuple(spots))

    def _token(
        self,
        book: Book,
        market: Market,
        holding: Holding,
        name: str,
        interest: Mapping[str, Decimal],
        spots: Mapping[str, SpotOrders],
    ) -> Token:
        amount = asset_of(book, name).amount(holding.cash.get(name, 0)) - interest.get(name, ZERO)
        for spot in spots.values():
            amount -= spot.base_total if spot.base == name else ZERO
            amount -= spot.quote_total if spot.quote == name else ZERO
        facts = self.tokens.get(name, self.other_token)
        totals = BankTotals(
            market.figure("deposits", name, ZERO),
            market.figure("borrows", name, ZERO),
            market.figure("potential_spot_tokens", name, ZERO),
            facts.deposit_scale_start,
            facts.borrow_scale_start,
        )
        own = holding.pool.numeraire
        prices = Prices(ONE, ONE) if name == own else _prices(market, PriceKind.INDEX, name, own)
        return Token(name, amount, prices, facts.weights, totals)

    @exact
    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment: margin equity is its weighted assets, the requirement its weighted liabilities."""
        if holding.pool.mode not in rules.modes:
            msg = f"{rules.name}: no {holding.pool.mode.value} margin; pool {holding.pool.id}"
            raise RulesError(msg)
        found, kind = self.taken(book, market, holding), KINDS[purpose]
        lines = [*perp_lines(found.account, kind), *token_lines(found, kind), *spot_lines(found, kind)]
        return assessed(holding.pool.id, purpose, holding.pool.numeraire, lines)


def _prices(market: Market, kind: PriceKind, subject: str, quote: str) -> Prices:
    oracle = market.price(kind, subject, quote)
    return Prices(oracle, market.prices.get(PriceKey(PriceKind.SLOW, subject, quote), oracle))


def _interest(book: Book, market: Market, holding: Holding, name: str) -> Decimal:
    units = holding.cash.get(name, 0)
    due = ledger.interest_due(units, market.interest.get(name, 0), holding.borrow_index.get(name, 0))
    return asset_of(book, name).amount(due)


def _symbols(book: Book, holding: Holding) -> list[str]:
    """Contracts with a position or an order that may add to it; options and unknown instruments are refused."""
    found = dict.fromkeys(position.symbol for position in holding.positions)
    for position in holding.positions:
        if position.leg is not Leg.NET:
            msg = f"{position.symbol}: a {position.leg.name.lower()} leg; this venue holds one net position a market"
            raise RulesError(msg)
    for order in holding.orders:
        if not isinstance(_instrument(book, order.symbol), Spot) and not order.reduce_only:
            found[order.symbol] = None
    return list(found)


def _instrument(book: Book, symbol: str) -> Perpetual | Spot:
    listed = instrument_of(book, symbol)
    if not isinstance(listed, Spot) and not (isinstance(listed, Perpetual) and listed.payoff is Payoff.LINEAR):
        msg = f"{symbol}: only spot and linear perpetuals are covered"
        raise RulesError(msg)
    return listed


def _perp(model: HealthModel, book: Book, market: Market, holding: Holding, symbol: str) -> Perp:
    contract = _instrument(book, symbol)
    if isinstance(contract, Spot):
        msg = f"{symbol}: spot is held as balances, not as a position"
        raise RulesError(msg)
    position = holding.position(symbol)
    lots, cost, due = 0, 0, 0
    if position is not None:
        lots, cost = position.lots, position.cost
        due = ledger.funding_due(lots, market.funding.get(symbol, 0), position.funding_index)
    resting = [o for o in holding.orders if o.symbol == symbol and not o.reduce_only]
    return Perp(
        symbol,
        contract.settle.name,
        _prices(market, PriceKind.MARK, symbol, contract.quote.name),
        model.perp_weights(contract),
        lots=Decimal(lots),
        quote=contract.settle.amount(-cost),
        bid_lots=Decimal(sum(order.lots for order in resting if order.lots > 0)),
        ask_lots=Decimal(-sum(order.lots for order in resting if order.lots < 0)),
        lot_size=contract.lot_size * contract.contract_size,
        funding=contract.settle.amount(due),
    )


def _spot_orders(book: Book, holding: Holding) -> dict[str, SpotOrders]:
    """What resting spot orders reserve, by symbol, with the most extreme prices they were placed at."""
    by_symbol: dict[str, list[Order]] = {}
    for order in holding.orders:
        if isinstance(_instrument(book, order.symbol), Spot) and not order.reduce_only:
            by_symbol.setdefault(order.symbol, []).append(order)
    return {symbol: _spot(book, symbol, orders) for symbol, orders in by_symbol.items()}


def _spot(book: Book, symbol: str, orders: list[Order]) -> SpotOrders:
    listed = _instrument(book, symbol)
    assert isinstance(listed, Spot)
    asks = [order for order in orders if order.lots < 0]
    bids = [order for order in orders if order.lots > 0]
    highest = listed.price(max((order.ticks for order in bids), default=0))
    return SpotOrders(
        listed.base.name,
        listed.quote.name,
        base_total=listed.base.amount(-sum(order.lots for order in asks) * listed.lot_units),
        quote_total=listed.quote.amount(sum(order.lots * order.ticks for order in bids) * listed.tick_value),
        lowest_ask=listed.price(min((order.ticks for order in asks), default=0)),
        highest_bid_inverse=divide(ONE, highest, PLACES, Rounding.DOWN) if highest else ZERO,
    )
