"""Rows that hold in a whole box of markets: for every lot the least it can add while prices stay inside.

A box stands round the market of one moment: every forward, the spot, every perpetual's mark and every coin's price
within a share of what it was, every volatility within a share, the time at most so many seconds later, and rates,
settled parts, funding and the stablecoin as they were.

The proof. An undiscounted Black-76 value never falls when volatility × √time rises; a call's never falls and a put's
never rises when the forward rises. So its least and greatest value in a box are at corners. Shocked volatilities,
discounts and static discounts are bounded by intervals: of monotone functions the values at both ends, else interval
arithmetic. Rows are α·V + β·v, so products and sums of intervals bound them. A row of the box is therefore at most any
row of a market inside it, before and, because three times the bound of the floats' error is taken off, after rounding;
and what is computed from rows never falls when a row rises (:mod:`solvent.margin.scenario.quantised`). Charges are
those of the highest spot and prices. So a portfolio that is sound on a box's rows is sound at every market inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.margin.scenario.listing import Listing, Quotes
from solvent.margin.scenario.portfolio import GrowingDiscount
from solvent.margin.scenario.quantised import (
    Quantised,
    Real,
    assembled,
    discounts,
    line_slopes,
    lines_of,
    lines_real,
    lot_of,
    option_error,
    priced,
    weights,
)
from solvent.margin.scenario.quantised_form import QuantisedForm
from solvent.margin.scenario.series import F64, YEAR_SECONDS
from solvent.margin.scenario.shocks import Move, PlainShock, Scenario, SkewShock, TermShock, VolatilityShock
from solvent.pricing.black import spread_price
from solvent.rules import RulesError
from solvent.units import exact

SMILE = (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE)
MARGIN = 3.0  # of the bound of error: a row's own, this row's own, and one to spare


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a box reaches: shares of prices and of volatilities to both sides, below 1, and seconds ahead."""

    price: float
    volatility: float
    seconds: float

    def __post_init__(self) -> None:
        """Refuse what is no share, and a box that reaches back in time."""
        for name in ("price", "volatility"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise RulesError(f"a box's share of {name} must be from 0 to below 1, not {getattr(self, name)}")
        if not self.seconds >= 0.0:
            raise RulesError(f"a box reaches 0 seconds ahead or more, not {self.seconds}")


class Between(NamedTuple):
    """Numbers known to lie from ``low`` to ``high``."""

    low: F64
    high: F64

    def __mul__(self, other: Between) -> Between:  # type: ignore[override]
        """All products."""
        found = np.stack(np.broadcast_arrays(*(x * y for x in self for y in other)))
        return Between(found.min(0), found.max(0))

    def __add__(self, other: Between) -> Between:  # type: ignore[override]
        """All sums."""
        return Between(self.low + other.low, self.high + other.high)

    def at(self, places: np.ndarray) -> Between:
        """Those at some places."""
        return Between(self.low[places], self.high[places])


def hull(*columns: F64) -> Between:
    """What lies between the least and the greatest of some columns."""
    found = np.stack(np.broadcast_arrays(*columns))
    return Between(found.min(0), found.max(0))


class Edges(NamedTuple):
    """The corners of a box: quotes with every price and volatility at its lowest or highest, early or late."""

    low: Quotes  # prices and volatilities low, and the time late
    high: Quotes  # prices and volatilities high, and the time early


@exact
def edges(now: Quotes, spread: Spread) -> Edges:
    """The corners of a box round a market."""
    return Edges(
        _corner(now, 1.0 - spread.price, 1.0 - spread.volatility, spread.seconds),
        _corner(now, 1.0 + spread.price, 1.0 + spread.volatility, 0.0),
    )


def _corner(now: Quotes, price: float, volatility: float, later: float) -> Quotes:
    seconds = np.maximum(now.expiries.seconds - later, 0.0)
    moving = now.expiries.moving * price
    expiries = now.expiries._replace(seconds=seconds, years=seconds / YEAR_SECONDS, moving=moving)
    forward = (moving + expiries.settled)[now.series.expiry] if now.series.symbols else now.series.forward
    series = now.series._replace(volatility=now.series.volatility * volatility, forward=forward)
    share = Decimal.from_float(price)  # noqa: FURB164 - the exact context lets no float in by the other door
    return now._replace(
        series=series,
        expiries=expiries,
        spot=now.spot * share,
        perps=tuple(one * share for one in now.perps),
        coins=tuple(one * share for one in now.coins),
        time_ns=now.time_ns + int(later * 1e9),
    )


def inside(box: Edges, now: Quotes) -> bool:
    """Whether a market lies in a box; what is listed must be the same."""
    low, high = box
    same = (
        (low.stable, low.funding) == (now.stable, now.funding)
        and np.array_equal(low.expiries.rate, now.expiries.rate)
        and np.array_equal(low.expiries.settled, now.expiries.settled)
        and np.array_equal(low.series.slack, now.series.slack)
    )
    return (
        same
        and high.time_ns <= now.time_ns <= low.time_ns
        and low.spot <= now.spot <= high.spot
        and all(a <= b <= c for a, b, c in zip(low.perps, now.perps, high.perps, strict=True))
        and all(a <= b <= c for a, b, c in zip(low.coins, now.coins, high.coins, strict=True))
        and _between(low.expiries.moving, now.expiries.moving, high.expiries.moving)
        and _between(low.expiries.seconds, now.expiries.seconds, high.expiries.seconds)
        and _between(low.series.volatility, now.series.volatility, high.series.volatility)
    )


def _between(low: F64, found: F64, high: F64) -> bool:
    return bool((low <= found).all() and (found <= high).all())


@exact
def box_rows(form: QuantisedForm, listing: Listing, box: Edges) -> Quantised:
    """Rows that are at most those of any market in the box, with the box's highest charges.

    Raises
    ------
    RulesError
        The rule set shocks volatility, or discounts, in a way that no bound is known for.

    """
    parts = [_options(form, listing, box)] if listing.options else []
    parts += [_lines(form, listing, box)] if listing.size > len(listing.options) else []
    widened = [one._replace(error=MARGIN * one.error) for one in parts]
    return assembled(form, listing, box.high, widened, box.high.spot)


def _options(form: QuantisedForm, listing: Listing, box: Edges) -> Real:
    high = box.high
    at, lot = high.series.expiry, float(lot_of(listing.options))
    matrix = [_values(one, form.rules.volatility, box) for one in priced(form)]
    discount, above, below = _discounts(form, box)
    one = np.array(lot)
    present = matrix[0] * discount.at(at) * Between(one, one)
    corners = [weights(form, d, t, a, b) for d, t, a, b in _corners(box, discount, above, below)]
    kinds = 1 if form.netted else 4
    shape = kinds, at.size, len(form.columns)
    found, steepest = Between(np.empty(shape), np.empty(shape)), np.ones(at.size)
    for column, same in enumerate(zip(*corners, strict=True)):
        for kind in range(kinds):
            alpha = hull(*(w.alpha[kind] for w in same)).at(at)
            beta = hull(*(w.beta[kind] for w in same)).at(at)
            row = same[0].row if same[0].row > 0 else 1 + kind % 2
            sums = alpha * present + beta * matrix[row] * Between(one, one)
            found.low[kind, :, column], found.high[kind, :, column] = sums
            sizes = [np.abs(x) + np.abs(y) for x in alpha for y in beta]
            steepest = np.maximum(steepest, np.max(sizes, axis=0))
    return Real(*found, *present, option_error(form, listing, high, steepest), at)


def _corners(box: Edges, *discounts_: Between) -> Iterator[tuple[F64, F64, F64, F64]]:
    """Discount, years and static discounts by expiry, at both ends: weights are straight in each."""
    discount, above, below = discounts_
    for d in discount:
        for years in (box.low.expiries.years, box.high.expiries.years):
            for a, b in zip(above, below, strict=True):
                yield d, years, a, b


def _discounts(form: QuantisedForm, box: Edges) -> tuple[Between, Between, Between]:
    """Discounts between the ends of the box's time, in which they are monotone."""
    own = form.rules.static_discount
    if type(own) is not GrowingDiscount or min(own.short_rate, own.short_add) < 0.0:
        raise RulesError(f"{form.venue}: no bound of its static discount in a box is known")
    late, early = discounts(form, box.low), discounts(form, box.high)
    first, second, third = (hull(*pair) for pair in zip(late, early, strict=True))
    return first, second, third


def _values(scenario: Scenario, shock: VolatilityShock, box: Edges) -> Between:
    """Undiscounted values of one option of each series, between those at corners."""
    series, at = box.high.series, box.high.series.expiry
    volatility = shocked_between(shock, scenario.move, box)
    spread = volatility * Between(*(np.sqrt(one.expiries.years[at]) for one in box))
    forward = [scenario.spot * one.expiries.moving[at] + one.expiries.settled[at] for one in box]
    cheap, dear = (np.where(series.is_call, *pair) for pair in (forward, forward[::-1]))
    return Between(
        spread_price(cheap, series.strike, spread.low, series.is_call),
        spread_price(dear, series.strike, spread.high, series.is_call),
    )


def shocked_between(shock: VolatilityShock, move: Move, box: Edges) -> Between:
    """Bounds of every series' shocked volatility in a box; :class:`RulesError` for a rule that has no known bound."""
    low, high = box
    if move in SMILE and isinstance(shock, TermShock) and shock.skew is not None:
        volatility = Between(low.series.volatility, high.series.volatility)
        return volatility * smile_between(shock.skew, move, box)
    steady = type(shock) is TermShock and min(shock.short_power, shock.long_power) >= 0.0
    if steady or type(shock) is PlainShock:
        # Straight in the volatility up to a floor; in time a range never grows, its powers not being negative.
        return hull(*(shock.shocked(move, one.series, when.expiries) for one in box for when in box))
    raise RulesError(f"no bound of volatilities shocked by {type(shock).__name__} in a box is known")


def smile_between(skew: SkewShock, move: Move, box: Edges) -> Between:
    """Bounds of the multiple of volatility where wings move against the middle."""
    low, high = box
    linear, series = move is Move.SKEW_LINEAR, high.series
    at = series.expiry
    root = Between(np.sqrt(low.expiries.years[at]), np.sqrt(high.expiries.years[at]))
    base, slope = (skew.linear_cap, skew.linear_slope) if linear else (skew.absolute_cap, skew.absolute_slope)
    cap = hull(*(slope * one + base for one in root))
    scale = np.full(root.low.shape, skew.width_scale)
    rises = hull(*(skew.vol_fixed + skew.vol_slope * one for one in root))
    width = root * Between(scale, scale) * rises
    width = Between(np.maximum(width.low, skew.least_width), np.maximum(width.high, skew.least_width))
    k = hull(*(np.log(series.strike / one.series.forward) for one in box))
    if not linear:
        least = np.where((k.low <= 0) & (k.high >= 0), 0.0, np.minimum(np.abs(k.low), np.abs(k.high)))
        k = Between(least, np.maximum(np.abs(k.low), np.abs(k.high)))
    change = k * cap * hull(*(1.0 / one for one in width))
    right = Between(np.minimum(change.low, cap.low), np.minimum(change.high, cap.high))
    left = Between(np.maximum(change.low, -cap.high), np.maximum(change.high, -cap.low))
    both = hull(*right, *left)
    sided = Between(
        *(np.where(k.low >= 0, r, np.where(k.high < 0, l_, b)) for r, l_, b in zip(right, left, both, strict=True))
    )
    return Between(np.maximum(0.0, 1.0 + sided.low), np.maximum(0.0, 1.0 + sided.high))


def _lines(form: QuantisedForm, listing: Listing, box: Edges) -> Real:
    """Perpetuals and coins: straight in their own price, which is one of the box's edges."""
    low, high = (lines_of(form, listing, one) for one in box)
    slopes = line_slopes(form)
    ends = [one.worth[:, None] * (1.0 + one.moves[:, None] * slopes) - one.funding[:, None] for one in (low, high)]
    rows, value = hull(*ends), hull(low.worth - low.funding, high.worth - high.funding)
    return lines_real(form, box.high.expiries, high, (rows.low, rows.high), (value.low, value.high))
