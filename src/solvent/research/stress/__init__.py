"""Stress of one pool: a matrix of price and volatility, payoffs, ladders, thin depth, a silent oracle, reverse stress.

Nothing is printed here; ``solvent stress`` prints it.
"""

from solvent.research.stress.closing import Closed, Closing, closings, from_figure
from solvent.research.stress.crisis import Crisis, Moment, crisis
from solvent.research.stress.moving import Cell, Greeks, Mover, mover
from solvent.research.stress.payoff import Arrival, Line, payoff
from solvent.research.stress.reverse import Boundary, Reverse, reverse
from solvent.research.stress.run import Payoffs, Settings, Stress, stress
from solvent.research.stress.silence import Gap, silence

__all__ = [
    "Arrival",
    "Boundary",
    "Cell",
    "Closed",
    "Closing",
    "Crisis",
    "Gap",
    "Greeks",
    "Line",
    "Moment",
    "Mover",
    "Payoffs",
    "Reverse",
    "Settings",
    "Stress",
    "closings",
    "crisis",
    "from_figure",
    "mover",
    "payoff",
    "reverse",
    "silence",
    "stress",
]
