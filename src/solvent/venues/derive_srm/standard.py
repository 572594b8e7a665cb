"""A standard account: several markets added up, no offset between expiries or between options and perpetuals.

Sources: derivexyz/v2-core, src/risk-managers/StandardManager.sol, totals (364), depeg (387), markets (401), perpetuals
(442), options (476), base assets (519) and mark to market (840).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, NamedTuple

from solvent.assessment import Assessment, Line
from solvent.book import Book, Holding, Leg, Market, Purpose
from solvent.margin.options import Reads
from solvent.margin.scenario.account import INITIAL, NOW
from solvent.margin.scenario.contingencies import value_of
from solvent.margin.scenario.errors import value_errors
from solvent.margin.scenario.money import bounded, figure
from solvent.margin.scenario.reading import CoinHeld, Pooled, Underlying, columns, pooled, stable_price
from solvent.margin.scenario.resting import worst_with_orders
from solvent.margin.scenario.scan import values
from solvent.margin.scenario.shocks import PlainShock
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, exact
from solvent.venues.derive_srm.options import OptionTerms, Written, expiry_margin

UNMOVED = PlainShock(0.0, 0.0)
STEEPEST = 4.0  # no margin moves by more than this times an option's value


class MarketTerms(NamedTuple):
    """One market: its options, its perpetual's shares of value, and how its coin counts as collateral."""

    option: OptionTerms
    perp_initial: Decimal
    perp_maintenance: Decimal
    base: Decimal
    base_initial: Decimal


class Oracle(NamedTuple):
    """Confidence thresholds of perpetuals, options and base assets (0: off), and the charge's share of the spot."""

    perp: Decimal
    option: Decimal
    base: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True)
class StandardRules:
    """The standard manager's numbers: terms by underlying with a default, oracle and depeg charges, auction buffer."""

    markets: Mapping[str, MarketTerms]
    default: MarketTerms
    oracle: Oracle
    depeg_threshold: Decimal
    depeg_factor: Decimal
    buffer: Decimal = ZERO

    def terms(self, underlying: str) -> MarketTerms:
        """The terms of an underlying."""
        return self.markets.get(underlying, self.default)


class ExpiryHeld(NamedTuple):
    """The options of one expiry: what they are worth, the forward, the size written, and how sure the feeds are."""

    name: str
    options: tuple[Written, ...]
    forward: Decimal
    short: Decimal
    confidence: Decimal

    @property
    @exact
    def worth(self) -> Decimal:
        """The value of all of them."""
        return sum((one.worth for one in self.options), ZERO)


@dataclass(frozen=True, slots=True)
class StandardAccount:
    """The pool model of the standard manager. Resting orders count as in the portfolio managers' model."""

    rules: StandardRules
    reads: ClassVar[Reads] = Reads.FEEDS_UNDISCOUNTED

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment (inside the exact context)."""
        return worst_with_orders(
            lambda held: self._alone(book, market, rules, purpose, held), book, market, purpose, holding
        )

    def _alone(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        pool, own = pooled(book, market, holding, rules.name), holding.pool.numeraire
        stable, initial = stable_price(market, own), purpose in INITIAL
        lines = [Line("cash", own, Leg.NET, pool.cash, pool.cash)]
        for coin in pool.coins:
            lines.extend(self._coin(market, coin, stable, initial=initial))
        error = 0.0
        for held in pool.underlyings:
            found, slack = self._market(market, held, own, initial=initial)
            lines.extend(found)
            error += slack
        if initial:
            lines.extend(self._depeg(pool, stable))
        if purpose is Purpose.RECOVER:
            missing = sum((one.value - one.equity + one.required for one in lines), ZERO)
            lines.append(Line("buffer", "", Leg.NET, required=max(ZERO, missing) * self.rules.buffer))
        return bounded(holding.pool.id, purpose, own, lines, error * (1.0 + float(self.rules.buffer)))

    def _coin(self, market: Market, coin: CoinHeld, stable: Decimal, *, initial: bool) -> Iterator[Line]:
        """A base asset: a share of its price in dollars counts; a debt counts in full."""
        terms = self.rules.terms(coin.name)
        worth, price = value_of(coin, stable), coin.amount * coin.price
        weight = terms.base * (terms.base_initial if initial else ONE)
        yield Line("collateral", coin.name, Leg.NET, worth, price * weight if coin.amount > 0 else min(worth, price))
        if initial:
            confidence = market.figure("confidence", coin.name, ONE)
            charge = self._uncertain(confidence, self.rules.oracle.base) * max(ZERO, price)
            if charge:
                yield Line("oracle", coin.name, Leg.NET, required=charge)

    def _market(self, market: Market, held: Underlying, numeraire: str, *, initial: bool) -> tuple[list[Line], float]:
        """The lines of one market, and a bound of their error."""
        terms, oracle = self.rules.terms(held.name), self.rules.oracle
        rate = terms.perp_initial if initial else terms.perp_maintenance
        spot_sure = market.figure("confidence", held.name, ONE)
        lines: list[Line] = []
        for perp in held.perps:
            needed = abs(perp.size) * perp.price * rate
            lines.append(Line("position", perp.symbol, Leg.NET, perp.gain, perp.gain, needed))
            if initial:
                sure = min(spot_sure, market.figure("confidence", perp.symbol, ONE))
                charge = self._uncertain(sure, oracle.perp) * abs(perp.size) * held.spot
                lines.append(Line("oracle", perp.symbol, Leg.NET, required=charge))
        expiries, error = expiries_held(market, held, numeraire)
        for one in expiries:
            lines.extend(_expiry_lines(one, held.spot, terms.option, initial=initial))
            if initial:
                charge = self._uncertain(min(spot_sure, one.confidence), oracle.option) * one.short * held.spot
                lines.append(Line("oracle", one.name, Leg.NET, required=charge))
        return [one for one in lines if one.kind != "oracle" or one.required], error * STEEPEST

    def _uncertain(self, confidence: Decimal, threshold: Decimal) -> Decimal:
        return (ONE - confidence) * self.rules.oracle.share if confidence < threshold else ZERO

    def _depeg(self, pool: Pooled, stable: Decimal) -> Iterator[Line]:
        """A charge on written options and perpetuals while the stablecoin is below its threshold."""
        rate = max(ZERO, self.rules.depeg_threshold - stable) * self.rules.depeg_factor
        for held in pool.underlyings if rate else ():
            size = sum((-one.size for one in held.options if one.size < 0), ZERO)
            size += sum((abs(one.size) for one in held.perps), ZERO)
            yield Line("depeg", held.name, Leg.NET, required=rate * size * held.spot)


def _expiry_lines(one: ExpiryHeld, spot: Decimal, terms: OptionTerms, *, initial: bool) -> Iterator[Line]:
    """What an expiry is worth, and what its margin leaves of that; a margin better than the value is equity."""
    margin = expiry_margin(one.options, spot, one.forward, terms, initial=initial).margin
    needed = one.worth - margin
    yield Line("expiry", one.name, Leg.NET, one.worth, max(one.worth, margin), max(ZERO, needed))


def expiries_held(market: Market, held: Underlying, numeraire: str) -> tuple[list[ExpiryHeld], float]:
    """The options of an underlying by expiry, at undiscounted Black-76 value, and a bound of the error of the sum."""
    series, expiries, amounts = columns(market, held, numeraire)
    worths = values((NOW,), series, expiries, UNMOVED)[0] * amounts
    found = []
    for name in expiries.names:
        rows = [k for k, one in enumerate(held.options) if one.expiry == name]
        options = [held.options[k] for k in rows]
        written = tuple(
            Written(one.listed.kind, one.listed.strike, one.size, figure(worths[k]))
            for k, one in zip(rows, options, strict=True)
        )
        row = expiries.names.index(name)
        forward = figure(float(expiries.moving[row]) + float(expiries.settled[row]))
        feeds = ("forward_confidence", "volatility_confidence")
        sure = min(market.figure(feed, name, ONE) for feed in feeds)
        short = sum((-one.size for one in options if one.size < 0), ZERO)
        found.append(ExpiryHeld(name, written, forward, short, sure))
    return found, float(value_errors(series, amounts, 1.0).sum())


class OptionParts(NamedTuple):
    """Options of one market at one purpose: their margin and the short options' own, added up over expiries.

    ``last_payoff`` is that of the last expiry alone, with its charge and before a gain is cut to zero.
    """

    margin: Decimal
    isolated: Decimal
    last_payoff: Decimal


class Parts(NamedTuple):
    """The parts of a standard account's net margins; what they take is negative.

    ``initial`` and ``maintenance`` are by underlying; ``perp`` and ``base`` at maintenance, ``oracle`` and ``depeg`` at
    initial margin.
    """

    cash: Decimal
    profit: Decimal
    funding: Decimal
    perp: Decimal
    base: Decimal
    oracle: Decimal
    depeg: Decimal
    initial: Mapping[str, OptionParts]
    maintenance: Mapping[str, OptionParts]


@exact
def parts(book: Book, market: Market, rules: VenueRules, pool: str, model: StandardAccount) -> Parts:
    """A standard account taken apart; errors as :func:`solvent.margin.assess`."""
    holding = book.holding(pool)
    taken = pooled(book, market, holding, rules.name)
    perps = [one for held in taken.underlyings for one in held.perps]
    admit, maintain = (
        model.assess(book, market, rules, purpose, holding).lines for purpose in (Purpose.ADMIT, Purpose.MAINTAIN)
    )
    opening, held = (
        {
            one.name: _option_parts(model, market, one, holding.pool.numeraire, initial=initial)
            for one in taken.underlyings
        }
        for initial in (True, False)
    )
    return Parts(
        taken.cash,
        sum((one.profit for one in perps), ZERO),
        sum((one.funding for one in perps), ZERO),
        -sum((one.required for one in maintain if one.kind == "position"), ZERO),
        sum((one.equity for one in maintain if one.kind == "collateral"), ZERO),
        -sum((one.required for one in admit if one.kind == "oracle"), ZERO),
        -sum((one.required for one in admit if one.kind == "depeg"), ZERO),
        opening,
        held,
    )


def _option_parts(
    model: StandardAccount, market: Market, held: Underlying, numeraire: str, *, initial: bool
) -> OptionParts:
    terms, found = model.rules.terms(held.name).option, OptionParts(ZERO, ZERO, ZERO)
    for one in expiries_held(market, held, numeraire)[0]:
        both = expiry_margin(one.options, held.spot, one.forward, terms, initial=initial)
        found = OptionParts(found.margin + both.margin, found.isolated + both.isolated, both.least + both.charge)
    return found
