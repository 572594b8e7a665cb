"""Options on a normally distributed forward, which may be negative (L. Bachelier, 1900).

Units as in :mod:`solvent.pricing.black`, but ``volatility`` is in quote per √year and vega per 0.01 of it. Error of a
price: 2e-15 × (|forward − strike| + volatility × √years).
"""

from __future__ import annotations

import numpy as np

from solvent.pricing.black import DAYS, LEAST_SPREAD, POINT, Greeks
from solvent.pricing.elementary import DENSITY, fast_exp, normal_given
from solvent.pricing.inputs import Number, Truth, arrays


def bachelier(
    level: Number, strike_level: Number, years: Number, volatility: Number, is_call: Truth, discount: Number = 1.0
) -> Greeks:
    """Price and Greeks; ``level`` and ``strike_level`` are forward and strike of either sign.

    Examples
    --------
    >>> found = bachelier(-37.63, -40.0, 0.1, 50.0, True)
    >>> float(found.price.round(6)), float(found.delta.round(6))
    (7.56356, 0.559575)

    """
    f, k, t, v, df = arrays(
        level=level, strike_level=strike_level, years=years, volatility=volatility, discount=discount
    )
    root = np.sqrt(t)
    spread = v * root
    s = np.maximum(spread, LEAST_SPREAD)
    alive = spread > LEAST_SPREAD
    side = np.where(is_call, 1.0, -1.0)
    d = side * (f - k) / s
    gauss = fast_exp(-0.5 * d * d)
    n = normal_given(d, gauss)
    dense = np.where(alive, gauss * DENSITY * df, 0.0)
    price = np.maximum(df * side * (f - k) * n + dense * s, 0.0)
    decay = np.where(alive, -0.5 * dense * v / np.where(alive, root, 1.0), 0.0)
    return Greeks(price, df * side * n, dense / s, POINT * dense * root, decay / DAYS)
