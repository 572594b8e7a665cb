"""Options of one pool in columns: what they are worth when price, volatility or time move, their Greeks, their marks.

One set of formulas for every rule set; which inputs a rule set prices options from is its model's ``reads``
(:class:`~solvent.margin.options.Reads`). When the underlying moves by a factor, every forward moves by the same factor
(but for what a settlement average has fixed) and the volatility of each option stays what it is: sticky strikes.

Floats, of :mod:`solvent.pricing`; a mark made from one is rounded up to ten digits of its forward, so that it never
implies less than no volatility. None of it is money in a ledger.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from typing import NamedTuple

import numpy as np

from solvent.book import SECOND_NS, Book, BookError, Holding, Market, PriceKey, PriceKind, curve
from solvent.instruments import DOLLARS, Exercise, Option, OptionKind, Payoff
from solvent.margin.options import Reads
from solvent.pricing import Svi, black76, implied_volatility
from solvent.pricing.black import Greeks, spread_price
from solvent.pricing.inputs import F64
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO

YEAR_SECONDS = 31_536_000.0
DIGITS = 10
SVI = ("svi_a", "svi_b", "svi_rho", "svi_m", "svi_sigma", "svi_forward", "svi_years")
MARKED = (PriceKind.MARK, PriceKind.SLOW, PriceKind.BID, PriceKind.ASK)
_UP = Context(prec=60, rounding=ROUND_CEILING, traps=[])


class Moved(NamedTuple):
    """A move: factor on the underlying, share by which every volatility grows, and years that pass."""

    factor: float = 1.0
    volatility: float = 0.0
    years: float = 0.0


STILL = Moved()


@dataclass(frozen=True, slots=True)
class HeldOptions:
    """Option positions of a pool, in columns; ``size`` in underlying, signed; prices in quote, ``rate`` of quote.

    Attributes
    ----------
    spot, moving, settled
        Index of the underlying, and the parts of the forward that move and that are fixed.
    growth
        Continuous yearly growth of the spot to the forward: what is left of it when time passes.
    rate
        Continuous yearly rate of discount (zero where the rule set does not discount).
    worth
        One quote in the pool's numeraire.
    off
        Mark less model at present, by option.
    american
        1 where an option is never worth less than its exercise.
    in_coin
        1 where an option's mark and payoff are in the coin: its price over the forward, worth the spot; 2 where the
        pool counts in that coin too, in which it is worth itself.

    """

    listed: tuple[Option, ...]
    size: F64
    spot: F64
    moving: F64
    settled: F64
    strike: F64
    years: F64
    volatility: F64
    rate: F64
    growth: F64
    is_call: F64
    worth: F64
    off: F64
    american: F64
    in_coin: F64

    def forward(self, moved: Moved = STILL) -> F64:
        """Forwards after a move; growth rolls off as time passes, and an expired option's forward is the spot."""
        rolled = np.exp(-self.growth * np.minimum(moved.years, self.years))
        found: F64 = (self.moving * moved.factor + self.settled) * rolled
        return found

    def left(self, moved: Moved = STILL) -> F64:
        """Years to expiry after a move, not below zero."""
        return np.maximum(self.years - moved.years, 0.0)

    def models(self, moved: Moved = STILL) -> F64:
        """Price of one unit of each option after a move, in quote."""
        forward, left = self.forward(moved), self.left(moved)
        spread = self._volatility(moved) * np.sqrt(left)
        side = np.where(self.is_call, 1.0, -1.0)
        inner = np.maximum(side * (forward - self.strike), 0.0)
        # Out of the money by formula, the rest by parity: what is in the money is then never worth less than that.
        outer = np.where(forward > self.strike, 0.0, 1.0).astype(bool)
        found: F64 = (inner + spread_price(forward, self.strike, spread, outer)) * np.exp(-self.rate * left)
        exercised = np.maximum(side * (self.spot * moved.factor - self.strike), 0.0) * self.american
        return np.maximum(found, exercised)

    def values(self, moved: Moved = STILL) -> F64:
        """Signed value of each position after a move, in the numeraire."""
        found: F64 = self.models(moved) * self._times(moved)
        return found

    def _times(self, moved: Moved) -> F64:
        """What a price in quote is worth of each position: an option in coin is worth spot ÷ forward of its price."""
        coins = 1.0 / self.forward(moved)
        each = np.where(self.in_coin > 1, coins, self.spot * moved.factor * coins)
        return self.size * self.worth * np.where(self.in_coin > 0, each, 1.0)

    def greeks(self, moved: Moved = STILL) -> Greeks:
        """Signed value and Greeks of each position in the numeraire: by the spot, a volatility point, a day.

        Delta and gamma are those of all forwards moving by the spot's own factor. Theta holds forward and discount.
        """
        left, forward = self.left(moved), self.forward(moved)
        discount = np.exp(-self.rate * left)
        one = black76(forward, self.strike, left, self._volatility(moved), self.is_call.astype(bool), discount)
        times, slope = self._times(moved), (forward - self.settled) / (self.spot * moved.factor)
        return Greeks(
            one.price * times,
            one.delta * slope * times,
            one.gamma * slope * slope * times,
            one.vega * times,
            one.theta * times,
        )

    def prices(self, market: Market, factor: float = 1.0, volatility: float = 0.0) -> dict[PriceKey, Decimal]:
        """Marks of the options after a move, and their volatilities where those move."""
        moved, changed = Moved(factor, volatility), dict[PriceKey, Decimal]()
        forward = self.forward(moved)
        unit = np.where(self.in_coin > 0, forward, 1.0)
        least = np.minimum(forward, self.strike) / unit
        columns = ((self.models(moved) + self.off) / unit, least, self._volatility(moved))
        for one, price, least_whole, vol in zip(self.listed, *columns, strict=True):
            for kind in MARKED:
                key = PriceKey(kind, one.symbol, one.quote.name)
                if key in market.prices:
                    changed[key] = rounded(float(price), float(least_whole))
            if moved.volatility:
                changed[PriceKey(PriceKind.VOL, one.symbol, one.quote.name)] = Decimal(repr(float(vol)))
        return changed

    def _volatility(self, moved: Moved) -> F64:
        found: F64 = self.volatility * (1.0 + moved.volatility)
        return found


def rounded(price: float, scale: float) -> Decimal:
    """A mark of a model: ten digits of itself or of ``scale``, the larger, rounded up, and at least one step.

    >>> str(rounded(12.3456789012345, 100.0)), str(rounded(-1.0, 100.0))
    ('12.34567891', '1E-8')
    """
    places = DIGITS - math.ceil(math.log10(max(price, scale)))
    step = Decimal(1).scaleb(-places)
    return max(_UP.create_decimal_from_float(price).quantize(step, context=_UP), step)


def held_options(
    book: Book, market: Market, rules: VenueRules, holding: Holding, coins: Collection[str] | None = None
) -> HeldOptions | None:
    """The options a pool holds (on these underlyings), as its rule set prices them; None where it holds none.

    Raises
    ------
    BookError
        An index, mark or volatility the rule set reads is missing; the message names it.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> book, market = two_positions()
    >>> held_options(book, market, venue("generic"), book.holdings[0]) is None
    True

    """
    rows: list[tuple[Option, float]] = []
    for position in holding.positions:
        listed = book.instruments.get(position.symbol)
        if isinstance(listed, Option) and (coins is None or listed.underlying in coins):
            rows.append((listed, float(listed.size(position.lots) * listed.contract_size)))
    if not rows:
        return None
    reads = reads_of(rules, holding)
    inputs = np.array([_inputs(market, one, reads, holding.pool.numeraire) for one, _ in rows]).T
    spot, moving, settled, years, rate, growth, worth = inputs
    options = tuple(one for one, _ in rows)
    strike = np.array([float(one.strike) for one in options])
    is_call = np.array([one.kind is OptionKind.CALL for one in options], dtype=np.float64)
    own = holding.pool.numeraire
    in_coin = np.array([(own not in DOLLARS) + 1.0 if one.payoff is Payoff.INVERSE else 0.0 for one in options])
    marks = [market.prices.get(PriceKey(PriceKind.MARK, one.symbol, one.quote.name)) for one in options]
    price = np.array([np.nan if one is None else float(one) for one in marks])
    price *= np.where(in_coin > 0, moving + settled, 1.0)
    facts = (moving + settled, strike, years, rate, is_call)
    vols = _volatilities(market, options, price, facts, reads)
    american = np.array([float(reads.by_mark and one.exercise is Exercise.AMERICAN) for one in options])
    size = np.array([size for _, size in rows])
    columns = (options, size, spot, moving, settled, strike, years, vols, rate, growth, is_call, worth)
    bare = HeldOptions(*columns, 0 * size, american, in_coin)
    return replace(bare, off=np.nan_to_num(price - bare.models()))


def reads_of(rules: VenueRules, holding: Holding) -> Reads:
    """What a rule set prices options from: its model's ``reads``, else the market's forwards and volatilities."""
    found = getattr(rules.model_of(holding.pool), "reads", Reads.FEEDS)
    assert isinstance(found, Reads)
    return found


def _inputs(market: Market, one: Option, reads: Reads, numeraire: str) -> tuple[float, ...]:
    """Spot, moving and settled forward, years, rate, growth, worth of a quote."""
    in_coin = one.payoff is Payoff.INVERSE
    own_coin = in_coin and numeraire not in DOLLARS  # a coin's pool counts its options in the coin
    quote = ("USD" if own_coin else numeraire) if in_coin else one.quote.name
    key = PriceKey(PriceKind.INDEX, one.underlying, quote)
    spot = market.prices.get(key) or market.price(PriceKind.INDEX, one.underlying, numeraire)
    years = max(0, one.expiry_ns - market.time_ns) / SECOND_NS / YEAR_SECONDS
    day = curve(one.underlying, one.expiry_ns)
    worth = ONE if quote == numeraire or own_coin else market.price(PriceKind.INDEX, quote, numeraire)
    own = float(market.figure("rate", quote, ZERO)) if reads is not Reads.MARKS_UNDISCOUNTED else 0.0
    carry = own - float(market.figure("dividend_yield", one.underlying, ZERO)) if reads is Reads.MARKS else 0.0
    moving, settled = float(spot) * math.exp(carry * years), 0.0
    rate = own
    if not reads.by_mark:
        forwards = (market.prices.get(PriceKey(PriceKind.FORWARD, day, each)) for each in (quote, numeraire))
        given = next((each for each in forwards if each is not None), None)
        settled = float(market.figure("settled_forward", day, ZERO))
        moving = float(spot if given is None else given)
        rate = max(0.0, float(market.figure("rate", day, ZERO))) if reads is Reads.FEEDS else 0.0
    whole = moving + settled
    growth = math.log(whole / float(spot)) / years if years > 0 else 0.0
    return float(spot), moving, settled, years, rate, growth, float(worth)


def _volatilities(
    market: Market,
    options: tuple[Option, ...],
    price: F64,
    facts: tuple[F64, F64, F64, F64, F64],
    reads: Reads,
) -> F64:
    """A volatility an option: its own, of its expiry's smile, or what its mark implies (zero where it implies none)."""
    forward, strike, years, rate, is_call = facts
    known = np.isfinite(price)
    implied = implied_volatility(
        np.where(known, price, 0.0), forward, strike, years, is_call.astype(bool), np.exp(-rate * years)
    )
    found = np.where(known, np.nan_to_num(implied), np.nan)
    if not reads.by_mark:
        for k, one in enumerate(options):
            given = _given_volatility(market, one)
            found[k] = found[k] if given is None else given
    for k, one in enumerate(options):
        if math.isnan(found[k]):
            raise BookError(f"market.vol.{one.symbol}: neither a volatility nor a mark of {one.symbol}")
    return found


def _given_volatility(market: Market, one: Option) -> float | None:
    given = market.prices.get(PriceKey(PriceKind.VOL, one.symbol, one.quote.name))
    if given is not None:
        return float(given)
    day = curve(one.underlying, one.expiry_ns)
    if ("svi_a", day) not in market.wide:
        return None
    from solvent.margin.scenario.reading import smile_volatility  # noqa: PLC0415 - the scan's own edges of a smile

    smile = Svi(*(float(market.figure(name, day)) for name in SVI))
    return smile_volatility(smile, float(one.strike))[0]
