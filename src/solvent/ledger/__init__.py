"""Arithmetic once: the integer functions of everything that moves money.

Each is a plain function of ``int`` arguments. Ring 1 calls them as they are, on Python's unbounded integers; the
engine compiles the same objects to 64 bits, which the limits declared at listing make safe. Nothing here is ever
rounded without its name saying to which side, and nothing here imports anything.
"""

from solvent.ledger.arithmetic import MILLION as MILLION
from solvent.ledger.arithmetic import TRILLION as TRILLION
from solvent.ledger.arithmetic import divide_down as divide_down
from solvent.ledger.arithmetic import divide_up as divide_up
from solvent.ledger.arithmetic import grown_up as grown_up
from solvent.ledger.arithmetic import part_down as part_down
from solvent.ledger.arithmetic import share_down as share_down
from solvent.ledger.arithmetic import share_up as share_up
from solvent.ledger.positions import converted_down as converted_down
from solvent.ledger.positions import converted_up as converted_up
from solvent.ledger.positions import cost_after as cost_after
from solvent.ledger.positions import fill_fee as fill_fee
from solvent.ledger.positions import funding_due as funding_due
from solvent.ledger.positions import funding_per_lot as funding_per_lot
from solvent.ledger.positions import interest_due as interest_due
from solvent.ledger.positions import inverse_notional as inverse_notional
from solvent.ledger.positions import inverse_worth as inverse_worth
from solvent.ledger.positions import leverage_margin as leverage_margin
from solvent.ledger.positions import linear_notional as linear_notional
from solvent.ledger.positions import linear_worth as linear_worth
from solvent.ledger.positions import realised as realised
