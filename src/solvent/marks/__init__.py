"""Prices from sources: the index, the mark, and what a price's state allows. Pure: time is an argument."""

from solvent.marks.index import Aggregate as Aggregate
from solvent.marks.index import IndexPrice as IndexPrice
from solvent.marks.index import IndexRules as IndexRules
from solvent.marks.index import MarksError as MarksError
from solvent.marks.index import Reading as Reading
from solvent.marks.index import SourcePrice as SourcePrice
from solvent.marks.index import Use as Use
from solvent.marks.index import index_price as index_price
from solvent.marks.index import weighted_median as weighted_median
from solvent.marks.mark import basis_price as basis_price
from solvent.marks.mark import carry_price as carry_price
from solvent.marks.mark import contract_mark as contract_mark
from solvent.marks.mark import median_of_three as median_of_three
from solvent.marks.mark import moving_average as moving_average
from solvent.marks.mark import smoothed as smoothed
from solvent.marks.mark import to_tick as to_tick
from solvent.marks.validity import ALLOWED as ALLOWED
from solvent.marks.validity import Action as Action
from solvent.marks.validity import allows as allows
from solvent.marks.validity import refusals as refusals
from solvent.marks.validity import worst as worst
