"""Option formulas: prices, Greeks, implied volatility, surfaces. Floats, with their errors stated.

Importing this package does not load the compiler; only :func:`many` does.
"""

from solvent.pricing.american import american, american_volatility
from solvent.pricing.bachelier import bachelier
from solvent.pricing.black import PRICE_ERROR, Greeks, black76, black_scholes, in_coin, many, price76
from solvent.pricing.chain import Quotes, parity_forward
from solvent.pricing.fitting import Fit, fit_smiles
from solvent.pricing.implied import implied_volatility
from solvent.pricing.inputs import PricingError
from solvent.pricing.proof import butterfly_proved, calendar_proved
from solvent.pricing.smiles import SmileSurface, smile_surface
from solvent.pricing.surface import ForwardCurve, GridSurface, Svi, butterfly_free, calendar_free

__all__ = [
    "PRICE_ERROR",
    "Fit",
    "ForwardCurve",
    "Greeks",
    "GridSurface",
    "PricingError",
    "Quotes",
    "SmileSurface",
    "Svi",
    "american",
    "american_volatility",
    "bachelier",
    "black76",
    "black_scholes",
    "butterfly_free",
    "butterfly_proved",
    "calendar_free",
    "calendar_proved",
    "fit_smiles",
    "implied_volatility",
    "in_coin",
    "many",
    "parity_forward",
    "price76",
    "smile_surface",
]
