"""Margin on a pool's net Greeks: weighted sensitivities under correlations between underlyings."""

from solvent.margin.greeks.account import GreeksAccount, GreeksRules, Weight, charges
from solvent.margin.greeks.quadratic import CorrelationTable, Shift, positive_semidefinite, size
from solvent.margin.greeks.sensitivities import Sensitivities, sensitivities

__all__ = [
    "CorrelationTable",
    "GreeksAccount",
    "GreeksRules",
    "Sensitivities",
    "Shift",
    "Weight",
    "charges",
    "positive_semidefinite",
    "sensitivities",
    "size",
]
