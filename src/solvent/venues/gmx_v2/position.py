"""Whether a GMX V2 position stands: what remains of its collateral against the least it must be, line by line.

A pool is one position and its collateral. ``remaining = collateral + capped profit + capped impact − fees`` is compared
with ``max(least USD, size × factor)``; at ADMIT and WITHDRAW the collateral alone must also cover the size times a
factor that grows with open interest. Sources: contracts/position/PositionUtils.sol (isPositionLiquidatable,
willPositionCollateralBeSufficient, getPositionPnlUsd) and contracts/pricing/PositionPricingUtils.sol of
gmx-io/gmx-synthetics.

What the market and the position carry besides prices is read by name from the market's wide figures, USD unless said:

========================= ======== ===================================================================================
name                      of       meaning (without it)
========================= ======== ===================================================================================
long_open_interest        symbol   entry size of all longs; with its short twin gives the close's impact (no impact)
long_open_interest_tokens symbol   their size in index tokens; with ``long_pool`` caps profits (no cap)
long_pool                 symbol   the pool's own tokens of that side, without profits
impact_pool               symbol   what a positive impact may be paid from (no bound)
borrowing_factor_long     symbol   cumulative borrowing factor, a fraction; the position's own at its last touch is
                                   ``borrow_index`` of the symbol, in parts of 10^12 (nothing due)
close_impact              pool     impact of closing the whole position, in place of the computed one
pending_impact_tokens     pool     impact recorded at opening, in index tokens (none)
fees_due                  pool     closing, borrowing and funding fees together, in place of the computed ones
========================= ======== ===================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.assessment import Assessment, Line, Piecewise
from solvent.book import Book, Holding, Leg, Market, Position, PriceKey, PriceKind, Purpose
from solvent.instruments import Perpetual
from solvent.margin.totals import assessed
from solvent.margin.valuation import Scene
from solvent.rates import Schedule
from solvent.rules import RulesError, Sized, VenueRules
from solvent.units import ONE, ZERO
from solvent.venues.gmx_v2.adl import capped_profit, profit
from solvent.venues.gmx_v2.impact import OpenInterest, capped_positive, price_impact
from solvent.venues.gmx_v2.requirement import OPENING, MarketFacts, MarketTable, interest_factor

INDEX_UNIT = Decimal("1e-12")


class Standing(NamedTuple):
    """A position's figures in USD before anything is decided; fees by name, as they are due."""

    size: Decimal
    profit: Decimal
    capped: Decimal
    impact: Decimal
    fees: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class IsolatedPosition:
    """The pool model of GMX V2: one position, its collateral, and nothing else."""

    table: MarketTable

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment in its numeraire: of the contract's two tests the one with less surplus."""
        scene = Scene(book, market, rules, holding, purpose, PriceKind.MARK, PriceKind.INDEX)
        if len(holding.positions) > 1:
            held = [position.symbol for position in holding.positions]
            raise RulesError(f"pool {holding.pool.id}: on GMX a pool is one position; this one holds {held}")
        collateral = list(_collateral(scene))
        if not holding.positions:
            return assessed(holding.pool.id, purpose, scene.numeraire.name, collateral)
        position = holding.positions[0]
        facts = self.table.facts(scene.instrument(position.symbol))
        standing = stand(scene, facts, position)
        tests = [_remaining(scene, rules, position, standing)]
        if purpose in OPENING:
            tests.append(_alone(scene, facts, position, standing))
        whole = [assessed(holding.pool.id, purpose, scene.numeraire.name, [*collateral, *lines]) for lines in tests]
        return min(whole, key=lambda one: one.low)


def _collateral(scene: Scene) -> Iterator[Line]:
    """Every balance at the oracle's low price; what is owed counts in full."""
    own = scene.numeraire.name
    for name, units in scene.holding.cash.items():
        amount = scene.asset(name).amount(units)
        value = amount if name == own else amount * low_price(scene.market, name, own)
        yield Line("cash", name, Leg.NET, value, value)


def low_price(market: Market, asset: str, quote: str) -> Decimal:
    """The oracle's low price of an asset where it gives one (BID), else its index."""
    found = market.prices.get(PriceKey(PriceKind.BID, asset, quote))
    return market.price(PriceKind.INDEX, asset, quote) if found is None else found


def adverse_price(market: Market, contract: Perpetual, *, is_long: bool) -> Decimal:
    """The oracle's bound that is worse for the position (BID for a long, ASK for a short), else the mark."""
    kind = PriceKind.BID if is_long else PriceKind.ASK
    found = market.prices.get(PriceKey(kind, contract.symbol, contract.quote.name))
    return market.price(PriceKind.MARK, contract.symbol, contract.quote.name) if found is None else found


def stand(scene: Scene, facts: MarketFacts, position: Position) -> Standing:
    """A position's size, profit, impact of closing it and fees due, in the pool's numeraire."""
    contract, market = scene.contract(position.symbol), scene.market
    settle, own = contract.settle, scene.numeraire.name
    unit = ONE if settle.name == own else market.price(PriceKind.INDEX, settle.name, own)
    is_long = position.lots > 0
    size = abs(settle.amount(position.cost)) * unit
    tokens = abs(contract.size(position.lots)) * contract.contract_size
    price = adverse_price(market, contract, is_long=is_long) * unit
    gain = profit(size, tokens, price, is_long=is_long)
    pool = scene.holding.pool.id
    closing = _close_impact(scene, facts, contract.symbol, size, is_long=is_long)
    pending = market.figure("pending_impact_tokens", pool, ZERO) * price
    impact = max(min(ZERO, closing + pending), -size * facts.max_liquidation_impact)
    due = market.wide.get(("fees_due", pool))
    fees = {"fees": due} if due is not None else _fees(scene, facts, position, size, unit, balancing=closing >= 0)
    return Standing(size, gain, _capped(scene, facts, contract.symbol, gain, price, is_long=is_long), impact, fees)


def _capped(scene: Scene, facts: MarketFacts, symbol: str, gain: Decimal, price: Decimal, *, is_long: bool) -> Decimal:
    side = "long" if is_long else "short"
    names = (f"{side}_open_interest", f"{side}_open_interest_tokens", f"{side}_pool")
    given = [scene.market.wide.get((name, symbol)) for name in names]
    size, tokens, pool = given
    if size is None or tokens is None or pool is None:
        return gain
    return capped_profit(gain, profit(size, tokens, price, is_long=is_long), pool, facts.max_profit_factor)


def _close_impact(scene: Scene, facts: MarketFacts, symbol: str, size: Decimal, *, is_long: bool) -> Decimal:
    """Impact of closing the whole position, a gain under its caps; nothing where open interest is not given."""
    market = scene.market
    told = market.wide.get(("close_impact", scene.holding.pool.id))
    if told is not None:
        return told
    long, short = (market.wide.get((f"{side}_open_interest", symbol)) for side in ("long", "short"))
    if long is None or short is None:
        return ZERO
    found = price_impact(OpenInterest(long, short), -size, facts.impact, is_long=is_long)
    payable = market.figure("impact_pool", symbol, abs(found))
    return capped_positive(size, found, facts.max_positive_impact, payable)


def _fees(
    scene: Scene, facts: MarketFacts, position: Position, size: Decimal, unit: Decimal, *, balancing: bool
) -> dict[str, Decimal]:
    """Fees by name: closing, borrowing since the last touch, and funding; funding received is claimed apart."""
    symbol, market = position.symbol, scene.market
    side = "long" if position.lots > 0 else "short"
    touched = Decimal(scene.holding.borrow_index.get(symbol, 0)) * INDEX_UNIT
    grown = market.figure(f"borrowing_factor_{side}", symbol, touched) - touched
    funding = ledger.funding_due(position.lots, market.funding.get(symbol, 0), position.funding_index)
    return {
        "closing_fee": size * (facts.closing_fee_balancing if balancing else facts.closing_fee),
        "borrowing_fee": size * grown,
        "funding_fee": max(ZERO, scene.contract(symbol).settle.amount(funding) * unit),
    }


def _remaining(scene: Scene, rules: VenueRules, position: Position, standing: Standing) -> list[Line]:
    """The first test: everything counts, against the least that must remain."""
    contract = scene.contract(position.symbol)
    facts = rules.margin.contract(contract).schedules[scene.purpose]
    sized = Sized(contract.symbol, contract.size(position.lots), standing.size, scene.market)
    piece = (facts if isinstance(facts, Schedule) else facts.at_size(sized)).pieces[0]
    needed = piece.at(standing.size)
    shown = Piecewise(standing.size, ZERO, ZERO, -needed)
    symbol, leg = position.symbol, position.leg
    lines = [Line("position", symbol, leg, standing.profit, standing.profit, needed, shown)]
    capped = standing.capped - standing.profit
    if capped:
        lines.append(Line("unfunded", symbol, leg, capped, capped))
    lines.extend(Line(name, symbol, leg, -fee, -fee) for name, fee in standing.fees.items() if fee)
    if standing.impact:
        lines.append(Line("price_impact", symbol, leg, ZERO, standing.impact))
    return lines


def _alone(scene: Scene, facts: MarketFacts, position: Position, standing: Standing) -> list[Line]:
    """The second test: collateral alone, against the factor that grows with open interest."""
    symbol, leg = position.symbol, position.leg
    side = "long" if position.lots > 0 else "short"
    interest = scene.market.figure(f"{side}_open_interest", symbol, ZERO)
    needed = standing.size * interest_factor(facts, interest)
    due = sum(standing.fees.values(), ZERO)
    value = standing.capped - due
    shown = Piecewise(standing.size, ZERO, ZERO, -needed)
    lines = [Line("position", symbol, leg, value, value, needed, shown)]
    return [*lines, Line("unfunded", symbol, leg, ZERO, -value)] if value else lines
