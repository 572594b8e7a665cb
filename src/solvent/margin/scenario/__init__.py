"""One scenario engine: shocks, matrix, scan, contingencies. What differs between venues is data."""

from solvent.book import curve
from solvent.margin.scenario.account import Figures, ScenarioAccount, figures
from solvent.margin.scenario.portfolio import (
    Basis,
    Factors,
    GrowingDiscount,
    Haircut,
    Oracle,
    PortfolioRules,
    Shares,
)
from solvent.margin.scenario.reading import expiry_after, position_worth
from solvent.margin.scenario.scan import Linear, Scan, scan, values
from solvent.margin.scenario.shocks import Move, PlainShock, Scenario, SkewShock, TermShock
from solvent.margin.scenario.volatilities import with_surfaces

__all__ = [
    "Basis",
    "Factors",
    "Figures",
    "GrowingDiscount",
    "Haircut",
    "Linear",
    "Move",
    "Oracle",
    "PlainShock",
    "PortfolioRules",
    "Scan",
    "Scenario",
    "ScenarioAccount",
    "Shares",
    "SkewShock",
    "TermShock",
    "curve",
    "expiry_after",
    "figures",
    "position_worth",
    "scan",
    "values",
    "with_surfaces",
]
