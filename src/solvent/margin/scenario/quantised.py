"""The scenario matrix in whole numbers: what one lot is worth in every scenario, rounded once, against the account.

For a pool of one underlying, with present values V and shocked values v of its options by expiry, the rules say

    surplus = fixed + V + f · min(0, basis, min over s of w_s · Σ over expiries of counted(c·v_s − V)) − charges,

f being the factor, w a scenario's weight, c the static discount (``above`` where c·v ≥ 0, ``below`` where not), and
counted(g) = g, or share·g where g is a gain. Since f and w are not negative, and where above ≤ below and the share is 1
or not above 0,

    V + f·w·counted = min(A, B, max(C, D)),     A, B = V + f·w·(c·v − V)  with c above, below,
                                                C, D = V + f·w·share·(c·v − V)  (where the share is 1: A),

each of the four a sum over positions. The basis charge is one more such column (A, B the moves up and down, C = D = V),
and so is what nobody's shock loses: V itself. A perpetual, or a coin that moves with the underlying, has A = B = C = D.
So everything is made of sums over positions, minima and maxima: functions that never fall when a row rises.

A row is what one lot adds to A, B, C, D in every column: for a lot held and for a lot owed it is computed in floats,
lowered by a bound of their error, and rounded down to a grain. After that nothing is rounded, and sums are the same in
any order. Whatever is computed from rows is at most what the rules give, and by at most Σ lots × ``width`` less.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.instruments import Option, Perpetual
from solvent.margin.scenario.account import NOW
from solvent.margin.scenario.contingencies import haircut_of, value_of
from solvent.margin.scenario.errors import SHARE
from solvent.margin.scenario.listing import Listing, Quotes, size_of
from solvent.margin.scenario.quantised_form import QuantisedForm
from solvent.margin.scenario.reading import CoinHeld
from solvent.margin.scenario.scan import values
from solvent.margin.scenario.series import F64, I64, Expiries
from solvent.margin.scenario.shocks import Scenario
from solvent.rules import RulesError
from solvent.units import ONE, ZERO, exact

ROUND = 2.0**-48  # sixteen roundings
LARGEST = 2.0**61


class Quantised(NamedTuple):
    """Rows in grains, two of each thing: row 2·thing a lot held, 2·thing + 1 a lot owed.

    Attributes
    ----------
    branches
        Kinds × rows × columns: A, B, C, D, or A alone where everything nets.
    value, charge, width
        By row: what a lot is worth, its contingency, and how much less than exact a row can be.
    segment
        By row: what is netted before gains are told from losses; one expiry, or everything that moves in a line.
    naked, perp
        The charge of one lot of open short options, and of net perpetuals.

    """

    branches: I64
    value: I64
    charge: I64
    width: I64
    segment: I64
    naked: int
    perp: int


@exact
def quantise(form: QuantisedForm, listing: Listing, now: Quotes) -> Quantised:
    """The rows of one epoch.

    Raises
    ------
    RulesError
        The static discount takes more from what is owed than from what is held, or a row leaves 64 bits.

    """
    parts = [option_rows(form, listing, now)] if listing.options else []
    parts += [_line_rows(form, listing, now)] if listing.size > len(listing.options) else []
    return assembled(form, listing, now, parts, now.spot)


class Real(NamedTuple):
    """Rows of some things before rounding, in numeraire: low and high bounds (kinds × things × columns), and errors."""

    low: F64
    high: F64
    value_low: F64
    value_high: F64
    error: F64
    segment: I64


def assembled(form: QuantisedForm, listing: Listing, now: Quotes, parts: list[Real], spot: Decimal) -> Quantised:
    """Rows rounded against the account, with the charges at a spot (inside the exact context)."""
    kinds, columns = 1 if form.netted else 4, len(form.columns)
    size = 2 * listing.size
    branches = np.zeros((kinds, size, columns), np.int64)
    value, charge, width, segment = (np.zeros(size, np.int64) for _ in range(4))
    scale, at = 10.0**listing.places, 0
    for part in parts:
        stop = at + 2 * part.segment.size
        error = part.error * scale
        for side, low, worth in ((0, part.low, part.value_low), (1, -part.high, -part.value_high)):
            rows = slice(at + side, stop, 2)
            branches[:, rows] = _down(low * scale - error[:, None])
            value[rows] = _down(worth * scale - error)
            width[rows] = 1 + np.ceil(2.0 * error).astype(np.int64)
            segment[rows] = part.segment
        at = stop
    for k in range(len(listing.coins)):
        row = 2 * (listing.first_coin + k)
        charge[row] = _coin_charge(form, listing, now, k, spot)
        width[row] += 1
    option, perp = form.rules.maintenance.option, form.rules.maintenance.perp
    naked = _grains_up(listing, spot * option * form.charge_factor * lot_of(listing.options))
    return Quantised(
        branches, value, charge, width, segment, naked,
        _grains_up(listing, spot * perp * form.charge_factor * lot_of(listing.perps)),
    )  # fmt: skip


def _down(grains: F64) -> I64:
    if grains.size and not np.abs(grains).max() < LARGEST:
        raise RulesError("a lot is worth more grains than 61 bits hold: choose fewer places or smaller lots")
    found: I64 = np.floor(grains).astype(np.int64)
    return found


def lot_of(contracts: Sequence[Option | Perpetual]) -> Decimal:
    """The size of a lot that some contracts share; nothing where there are none."""
    return size_of(contracts[0]) if contracts else ZERO


def _grains_up(listing: Listing, amount: Decimal) -> int:
    top, bottom = amount.as_integer_ratio()
    return -(-top * int(10**listing.places) // bottom)


def _coin_charge(form: QuantisedForm, listing: Listing, now: Quotes, k: int, spot: Decimal) -> int:
    """What a step of a coin held adds to the requirement, a grain more where its value was rounded."""
    coin = listing.coins[k]
    cut = haircut_of(form.rules, coin.asset.name, listing.underlying)
    if cut is None:
        return 0
    worth = value_of(CoinHeld(coin.asset.name, coin.step, now.coins[k]), now.stable)
    on = coin.step * spot if form.rules.coin_in_spot else worth
    return _grains_up(listing, on * cut.maintenance * form.charge_factor) + (now.stable != ONE)


class Weights(NamedTuple):
    """A column of options as α·V + β·v, v being the shocked value before discounts, by expiry."""

    row: int  # of the scenarios that are priced: 0 is now
    alpha: tuple[F64, ...]  # by kind
    beta: tuple[F64, ...]


def weights(form: QuantisedForm, discount: F64, years: F64, above: F64, below: F64) -> list[Weights]:
    """The columns' weights; all arguments by expiry."""
    f, found, one = float(form.factor), [], np.ones_like(years)
    first = 1
    kinds = 1 if form.netted else 4
    if form.basis:
        m = f * (form.rules.basis.add + form.rules.basis.multiple * years)
        found += [Weights(-1, (1.0 - m, 1.0 - m, one, one), (m * discount, m * discount, 0.0 * one, 0.0 * one))]
        first = 3
    for k, scenario in enumerate(form.scenarios):
        w = f * scenario.weight
        share = w * scenario.gains
        pairs = [(w, above), (w, below), (share, above), (share, below) if share != w else (w, above)]
        alpha = tuple((1.0 - x) * one for x, _ in pairs[:kinds])
        beta = tuple(x * c * discount for x, c in pairs[:kinds])
        found.append(Weights(first + k, alpha, beta))
    return found


def discounts(form: QuantisedForm, now: Quotes) -> tuple[F64, F64, F64]:
    """By expiry: the discount factor, and the static discounts above and below."""
    above, below = form.rules.static_discount.factors(now.expiries)
    if (above > below).any():
        raise RulesError(f"{form.venue}: the static discount counts what is owed for less than what is held")
    return (now.expiries.discount if form.rules.discounted else np.ones_like(above)), above, below


def priced(form: QuantisedForm) -> tuple[Scenario, ...]:
    """The scenarios to price: now, the basis moves where there is a basis, then all others."""
    basis = form.rules.basis
    two = (Scenario("basis up", basis.up), Scenario("basis down", basis.down)) if form.basis else ()
    return (NOW, *two, *form.scenarios)


def option_rows(form: QuantisedForm, listing: Listing, now: Quotes) -> Real:
    """Rows of the options, and their bounds of error."""
    series, expiries, lot = now.series, now.expiries, float(lot_of(listing.options))
    discount, above, below = discounts(form, now)
    matrix = values(priced(form), series, expiries, form.rules.volatility) * lot
    at = series.expiry
    present = matrix[0] * discount[at]
    columns, steepest = weights(form, discount, expiries.years, above, below), np.ones_like(present)
    kinds = 1 if form.netted else 4
    rows = np.empty((kinds, present.size, len(columns)))
    for column, one in enumerate(columns):
        for kind in range(kinds):
            shocked = matrix[one.row] if one.row > 0 else matrix[1 + kind % 2]
            alpha, beta = one.alpha[kind][at], one.beta[kind][at]
            rows[kind, :, column] = alpha * present + beta * shocked
            steepest = np.maximum(steepest, np.abs(alpha) + np.abs(beta))
    return Real(rows, rows, present, present, option_error(form, listing, now, steepest), at)


def option_error(form: QuantisedForm, listing: Listing, now: Quotes, steepest: F64) -> F64:
    """A bound of the error of each option's rows: twice that of a value, times the steepest weights."""
    series = now.series
    highest = max(one.spot for one in (*priced(form), NOW))
    size = series.forward * max(highest, 1.0) + series.strike
    found: F64 = float(lot_of(listing.options)) * size * (2.0 * SHARE + series.slack) * (1.0 + steepest)
    return found


class Line(NamedTuple):
    """Perpetuals and coins, in columns: what a lot is worth, whether it moves with the underlying, funding paid."""

    worth: F64
    moves: F64
    funding: F64


def lines_of(form: QuantisedForm, listing: Listing, now: Quotes) -> Line:
    """What moves in a straight line, or not at all (inside the exact context)."""
    lot, stable = float(lot_of(listing.perps)), float(now.stable)
    cuts = [haircut_of(form.rules, one.asset.name, listing.underlying) for one in listing.coins]
    perps, coins = len(listing.perps), len(listing.coins)
    unit = 10.0**-listing.numeraire.scale
    return Line(
        np.array(
            [lot * float(one) for one in now.perps]
            + [float(one.step) * float(price) / stable for one, price in zip(listing.coins, now.coins, strict=True)]
        ),
        np.array([1.0] * perps + [float(cut is not None and cut.coin == listing.underlying) for cut in cuts]),
        np.array([one * unit for one in now.funding] + [0.0] * coins),
    )


def line_slopes(form: QuantisedForm) -> F64:
    """By column: what a shock adds to a thing that moves in a line, as a share of its worth."""
    f = float(form.factor)
    slopes = [f * one.weight * (one.spot - 1.0) for one in form.scenarios]
    return np.array([0.0, *slopes] if form.basis else slopes)


def _line_rows(form: QuantisedForm, listing: Listing, now: Quotes) -> Real:
    line = lines_of(form, listing, now)
    value = line.worth - line.funding
    rows = value[:, None] + (line.worth * line.moves)[:, None] * line_slopes(form)
    return lines_real(form, now.expiries, line, (rows, rows), (value, value))


def lines_real(
    form: QuantisedForm, expiries: Expiries, line: Line, rows: tuple[F64, F64], value: tuple[F64, F64]
) -> Real:
    """Rows of what moves in a line: the same in all four kinds."""
    kinds = 1 if form.netted else 4
    steepest = 1.0 + np.abs(line_slopes(form)).max(initial=0.0)
    error = (np.abs(line.worth) + np.abs(line.funding)) * steepest * ROUND + 1e-18
    segment = np.full(line.worth.size, len(expiries.names), np.int64)
    low, high = (np.broadcast_to(one, (kinds, *one.shape)) for one in rows)
    return Real(low, high, *value, error, segment)
