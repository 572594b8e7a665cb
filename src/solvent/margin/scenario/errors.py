"""How far the floats of a scan can be off: a bound that travels to the assessment.

Let u = 2^−53. An option's price is off by at most 2e-15 × (forward + strike) (:data:`solvent.pricing.PRICE_ERROR`),
given its volatility; a shocked volatility is off by a few u of itself, and by at most 50u where a smile is tilted,
which moves a price by at most 0.49 of that share of the forward (s·φ(s ÷ 2) is largest at s = 2); exponentials of
discounts add a few u. A volatility read from a smile brings its own slack. All of it is below 2e-14 × (forward +
strike) plus the slack. Adding n numbers one after the other adds at most n·u of the sum of their magnitudes. Minima,
maxima, shares of gains between −1 and 1 and discounts by sign are continuous and no steeper than their largest factor,
so a bound of what goes in is a bound of what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solvent.margin.scenario.scan import Linear, StaticDiscount
from solvent.margin.scenario.series import F64, Expiries, Series
from solvent.margin.scenario.shocks import Scenario

SHARE = 2e-14
UNIT = 2.0**-53
SPARE_TERMS = 32


def value_errors(series: Series, amounts: F64, highest: float) -> F64:
    """A bound of the error of each series' held value in any scenario up to a factor of ``highest`` on the forward."""
    size = np.abs(amounts) * (series.forward * highest + series.strike)
    terms = amounts.size + SPARE_TERMS
    found: F64 = size * (SHARE + terms * UNIT + series.slack)
    return found


def scan_error(
    scenarios: Sequence[Scenario],
    series: Series,
    amounts: F64,
    expiries: Expiries,
    linear: Sequence[Linear],
    credit: StaticDiscount | None,
) -> float:
    """A bound of the error of every scenario's profit.

    >>> from solvent.margin.scenario.series import one_series
    >>> series, expiries = one_series(100.0, 0.5, 86400.0)
    >>> 0 < scan_error([Scenario("up", 1.1)], series, np.ones(1), expiries, [], None) < 1e-11
    True
    """
    if not scenarios:
        return 0.0
    highest = max(1.0, *(one.spot for one in scenarios))
    weight = max(one.weight for one in scenarios)
    steepest = np.ones(len(expiries.names))
    if credit is not None:
        above, below = credit.factors(expiries)
        steepest = np.maximum(1.0, np.maximum(above, below))
    options = float((value_errors(series, amounts, highest) * 2.0 * steepest[series.expiry]).sum())
    straight = sum(abs(one.worth) for one in linear) * (highest + 1.0) * SPARE_TERMS * UNIT
    return weight * (options + straight)
