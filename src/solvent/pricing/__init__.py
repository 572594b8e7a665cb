"""Option formulas: prices, Greeks, implied volatility, surfaces. Floats, with their errors stated.

Importing this package does not load the compiler; only :func:`many` does.
"""

from solvent.pricing.bachelier import bachelier
from solvent.pricing.black import PRICE_ERROR, Greeks, black76, black_scholes, in_coin, many, price76
from solvent.pricing.implied import implied_volatility
from solvent.pricing.inputs import PricingError
from solvent.pricing.surface import ForwardCurve, GridSurface, Svi, butterfly_free, calendar_free

__all__ = [
    "PRICE_ERROR",
    "ForwardCurve",
    "Greeks",
    "GridSurface",
    "PricingError",
    "Svi",
    "bachelier",
    "black76",
    "black_scholes",
    "butterfly_free",
    "calendar_free",
    "implied_volatility",
    "in_coin",
    "many",
    "price76",
]
