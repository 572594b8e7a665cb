"""The cheapest way to pair the legs of one underlying into strategies: an integer programme, never greedy.

``minimise Σ cost × times`` with every lot of every leg in exactly one strategy. HiGHS (through SciPy) finds it in
binary floating point; what comes back is checked in exact arithmetic: every lot is placed, the cost is the exact cost
of that placing, and a lower bound is proved from the linear programme's dual prices. Where both are equal the matching
is optimal beyond doubt; else the true optimum lies between them, and the assessment says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from solvent.rules import RulesError
from solvent.units import ZERO, exact, shifted
from solvent.venues.reg_t.legs import Class, Strategy, Used
from solvent.venues.reg_t.strategies import Listing, stock_steps

MOST_PLACES = 12
WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class Matched:
    """The strategies chosen, their exact cost, and a proved lower bound of every matching's cost."""

    used: tuple[Used, ...]
    cost: Decimal
    bound: Decimal


@exact
def matched(held: Class, *, initial: bool) -> Matched:
    """The cheapest strategies for the legs of an underlying.

    Raises
    ------
    RulesError
        Legs that can be paired are there and SciPy is not installed, or it finds no placing.

    Examples
    --------
    >>> from solvent.instruments import OptionKind
    >>> from solvent.venues.reg_t.formulas import Rates
    >>> from solvent.venues.reg_t.legs import OptionLeg
    >>> def call(strike, price, count):
    ...     return OptionLeg(f"C{strike}", OptionKind.CALL, Decimal(strike), 0, Decimal(price), count, Decimal(100))
    >>> legs = (call(598, "8.11", 1), call(600, "6.72", 1), call(603, "4.85", -1), call(605, "3.77", -1))
    >>> float(matched(Class("SPY", Decimal("600.4"), Rates(), legs, (), 0), initial=True).cost)
    0.0

    """
    listing = Listing(held)
    steps = stock_steps(held)
    whole = [int(abs(stock.shares) // step) for stock, step in zip(held.stocks, steps, strict=True)]
    counts = [*(abs(leg.count) for leg in held.options), *whole]
    rest = [
        Used(listing.rest(stock, abs(stock.shares) - step * count), Decimal(1))
        for stock, step, count in zip(held.stocks, steps, whole, strict=True)
        if abs(stock.shares) != step * count
    ]
    strategies = listing.every()
    costs = [cost(one, initial=initial) for one in strategies]
    times, bound = _chosen(strategies, costs, counts)
    used = [Used(one, Decimal(n)) for one, n in zip(strategies, times, strict=True) if n]
    left = sum((cost(one.strategy, initial=initial) for one in rest), ZERO)
    total = sum((price * n for price, n in zip(costs, times, strict=True)), ZERO)
    return Matched((*used, *rest), total + left, bound + left)


def cost(strategy: Strategy, *, initial: bool) -> Decimal:
    """What a strategy needs once, less what is lent against it."""
    needed = strategy.needed.initial if initial else strategy.needed.maintenance
    return needed - strategy.loan


def _chosen(
    strategies: Sequence[Strategy], costs: Sequence[Decimal], counts: Sequence[int]
) -> tuple[list[int], Decimal]:
    """How often each strategy is used, and the proved bound."""
    single = len(counts)
    if len(strategies) == single:
        return list(counts), sum((price * n for price, n in zip(costs, counts, strict=True)), ZERO)
    relaxed = _solved(strategies, costs, counts, whole=False)
    bound = _bound(strategies, costs, counts, relaxed.eqlin.marginals)
    times = _rounded(strategies, counts, relaxed.x)
    if times is None:
        times = _rounded(strategies, counts, _solved(strategies, costs, counts, whole=True).x)
    if times is None:
        raise RulesError(f"the optimiser placed {len(counts)} legs in no whole number of strategies")
    return times, bound


def _solved(strategies: Sequence[Strategy], costs: Sequence[Decimal], counts: Sequence[int], *, whole: bool) -> Any:
    """The linear programme, or the integer one."""
    try:
        import numpy as np  # noqa: PLC0415 — only where legs can be paired
        from scipy import sparse  # type: ignore[import-untyped] # noqa: PLC0415
        from scipy.optimize import linprog  # type: ignore[import-untyped] # noqa: PLC0415
    except ImportError:
        raise RulesError("matching legs into strategies needs SciPy: pip install 'solvent[options]'") from None
    taken = [(row, column, n) for column, one in enumerate(strategies) for row, n in one.takes.items()]
    rows, columns, numbers = zip(*taken, strict=True)
    shape = (len(counts), len(strategies))
    table = sparse.csr_array((np.array(numbers, dtype=float), (rows, columns)), shape=shape)
    found = linprog(
        np.array([float(price) for price in costs]),
        A_eq=table,
        b_eq=np.array(counts, dtype=float),
        bounds=(0, None),
        integrality=np.ones(len(strategies)) if whole else None,
        options={"mip_rel_gap": 0.0} if whole else None,
        method="highs",
    )
    if found.x is None:
        raise RulesError(f"the optimiser found no placing of {len(counts)} legs: {found.message}")
    return found


def _rounded(strategies: Sequence[Strategy], counts: Sequence[int], given: Sequence[float]) -> list[int] | None:
    """The solution in whole numbers, if it is one: every lot placed exactly once."""
    times = [round(value) for value in given]
    if any(abs(value - n) > WHOLE or n < 0 for value, n in zip(given, times, strict=True)):
        return None
    placed = [0] * len(counts)
    for one, n in zip(strategies, times, strict=True):
        for row, taken in one.takes.items():
            placed[row] += taken * n
    return times if placed == list(counts) else None


def _bound(
    strategies: Sequence[Strategy], costs: Sequence[Decimal], counts: Sequence[int], marginals: Sequence[float]
) -> Decimal:
    """A lower bound of every matching's cost, from any prices of legs: exact, whatever the prices are.

    ``Σ price × lots`` plus, for each strategy cheaper than its legs' prices, that difference times the most it can be
    used.
    """
    places = min(MOST_PLACES, max((-int(price.as_tuple().exponent) for price in costs if price), default=0))
    places = max(places, 0)
    prices = [shifted(Decimal(round(value * 10**places)), -places) for value in map(float, marginals)]
    bound = sum((price * n for price, n in zip(prices, counts, strict=True)), ZERO)
    for one, own in zip(strategies, costs, strict=True):
        reduced = own - sum((prices[row] * taken for row, taken in one.takes.items()), ZERO)
        if reduced < 0:
            bound += reduced * min(counts[row] // taken for row, taken in one.takes.items())
    return bound
