"""The whole stress of one pool: what is asked, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from solvent.book import Book, BookError, Market
from solvent.liquidation.depth import Depth
from solvent.margin.sensitivities import Exposure, exposures
from solvent.research.stress.closing import Closing, closings, unknown_depth
from solvent.research.stress.moving import Cell, Greeks, Mover, mover, price_now, volatility_now
from solvent.research.stress.payoff import Arrival, Line, expiries, payoff
from solvent.research.stress.reverse import Boundary, Reverse, reverse
from solvent.research.stress.silence import Gap, silence
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO, exact

PRICES = tuple(Decimal(one) / 100 for one in (-50, -40, -30, -20, -15, -10, -5, 0, 5, 10, 15, 20, 30, 40, 50))
VOLATILITIES = tuple(Decimal(one) / 100 for one in (-30, -15, 0, 15, 30, 60))
GAPS = tuple(Decimal(one) / 100 for one in (-30, -20, -10, -5, 5, 10, 20, 30))
SHARES = (Decimal(1), Decimal("0.5"), Decimal("0.25"), Decimal("0.1"))
MOST_DATES, POINTS = 4, 121


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of a stress.

    Attributes
    ----------
    prices, volatilities
        The grid: shares by which the underlyings and all volatilities move. Without options only the first counts.
    underlying
        What moves; None moves everything the pool holds together, by the same share.
    volatility
        Yearly, of the price; None takes the market's figure ``volatility``, else that of the option held nearest to the
        money.
    vol_of_vol
        Yearly volatility of the logarithm of volatility: an assumption, used by the joint reverse stress alone.
    days
        The horizon of the reverse stress.
    minutes, gaps
        How long the oracle is silent, and the shares by which the price has moved when it returns.
    shares
        Shares of the depth that a closing meets.
    arrival
        How a payoff's price gets to where it is shown.

    """

    prices: tuple[Decimal, ...] = PRICES
    volatilities: tuple[Decimal, ...] = VOLATILITIES
    underlying: str | None = None
    volatility: Decimal | None = None
    vol_of_vol: Decimal = ONE
    days: Decimal = ONE
    minutes: int = 30
    gaps: tuple[Decimal, ...] = GAPS
    shares: tuple[Decimal, ...] = SHARES
    arrival: Arrival = Arrival.LINEAR
    depth: Mapping[str, Depth] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a grid that is empty, does not rise, or moves a price or volatility by −100 % or more."""
        for name in ("prices", "volatilities", "gaps", "shares"):
            given = getattr(self, name)
            rising = all(low < high for low, high in pairwise(given))
            if not given or (not rising and name != "shares"):
                raise BookError(f"{name}: got {_listed(given)}, expected shares that rise, one at least")
            if min(given) <= (ZERO if name == "shares" else -ONE):
                raise BookError(f"{name}: got {_listed(given)}, expected each above {0 if name == 'shares' else -1}")
        for name in ("volatility", "vol_of_vol", "days", "minutes"):
            given = getattr(self, name)
            if given is not None and given <= 0:
                raise BookError(f"{name}: got {given}, expected more than 0")


def _listed(given: tuple[Decimal, ...]) -> str:
    return ", ".join(f"{one:f}" for one in given) or "nothing"


class Payoffs(NamedTuple):
    """Gains by day over factors on the price; the first line is today's."""

    factors: tuple[float, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Stress:
    """One pool stressed; amounts in its numeraire.

    Attributes
    ----------
    coins, price, volatility
        What moves; the price of it where it is one, and its yearly volatility where one is known.
    now
        The pool as it is.
    matrix
        A row a volatility, a cell a price.
    ladder
        The unmoved volatility's row: the pool by price level.
    buckets
        Exposures by underlying and expiry, at present.
    closing
        Empty where a depth is not known: of ``without_depth``.

    """

    pool: str
    venue: str
    numeraire: str
    coins: tuple[str, ...]
    price: Decimal | None
    volatility: Decimal | None
    settings: Settings
    now: Cell
    matrix: tuple[tuple[Cell, ...], ...]
    ladder: tuple[Cell, ...]
    payoffs: Payoffs
    buckets: tuple[Exposure, ...]
    closing: tuple[Closing, ...]
    without_depth: tuple[str, ...]
    silence: tuple[Gap, ...]
    reverse: Reverse

    @property
    def worst(self) -> Cell:
        """The cell with the smallest surplus."""
        return min((cell for row in self.matrix for cell in row), key=lambda one: one.surplus)


@exact
def stress(book: Book, market: Market, rules: VenueRules, pool: str, settings: Settings | None = None) -> Stress:
    """One pool under moves of price and volatility, thin depth and a silent oracle, and the smallest move that ends it.

    Values, requirements and verdicts are the rule set's own (:func:`solvent.margin.assess` at MAINTAIN) at each moved
    market; Greeks and payoffs are formulas in floats.

    Raises
    ------
    BookError
        Nothing the pool holds moves, a price is missing, or a setting makes no sense; the message names it.
    RulesError
        The rule set does not cover something the book holds.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> asked = Settings(prices=(Decimal("-0.2"), Decimal(0)), underlying="ETH", volatility=Decimal("0.9"))
    >>> found = stress(*two_positions(), venue("binance_usdm_2021"), "cross", asked)
    >>> [one.breached for one in found.ladder], round(found.reverse.down.sigmas, 2)
    ([True, False], 3.11)

    """
    asked = settings or Settings()
    moving = mover(book, market, rules, pool, asked.underlying)
    present = moving.assessed(Fraction(1)).value
    rows = asked.volatilities if moving.options is not None else (ZERO,)
    matrix = tuple(tuple(moving.cell(Fraction(ONE + p), v, present) for p in asked.prices) for v in rows)
    flat = next((row for row in matrix if row[0].volatility == 0), None)
    if flat is None:
        flat = tuple(moving.cell(Fraction(ONE + p), ZERO, present) for p in asked.prices)
    volatility = asked.volatility or volatility_now(moving)
    turned = reverse(moving, volatility, asked.days, asked.vol_of_vol)
    lines = [one.price for one in (turned.down, turned.up) if one is not None]
    return Stress(
        pool,
        rules.name,
        moving.holding.pool.numeraire,
        tuple(sorted(moving.coins)),
        price_now(moving),
        volatility,
        asked,
        moving.cell(Fraction(1), ZERO, present),
        matrix,
        flat,
        _payoffs(moving, asked),
        tuple(exposures(book, market, rules, pool)),
        tuple(closings(moving, asked.shares, asked.depth)),
        tuple(unknown_depth(moving, asked.depth)),
        tuple(silence(moving, asked.gaps, asked.minutes, volatility, lines)),
        turned,
    )


def _payoffs(moving: Mover, asked: Settings) -> Payoffs:
    """Lines for today and for the expiries there are: the first ones and the last where there are many."""
    low, high = float(ONE + asked.prices[0]), float(ONE + asked.prices[-1])
    factors = tuple(low + (high - low) * k / (POINTS - 1) for k in range(POINTS)) if high > low else (low,)
    days = expiries(moving)
    days = days if len(days) < MOST_DATES else [*days[: MOST_DATES - 2], days[-1]]
    return Payoffs(factors, tuple(payoff(moving, factors, [moving.market.time_ns, *days], asked.arrival)))


__all__ = ["Boundary", "Closing", "Gap", "Greeks", "Payoffs", "Reverse", "Settings", "Stress", "stress"]
