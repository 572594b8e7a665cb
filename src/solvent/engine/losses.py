"""Verbs of the way down: closing positions, penalties, who bears what is left, and settlement of futures.

A pool under liquidation that reaches surplus(RECOVER) ≥ 0 is healthy again (RECOVERED). Where it has no contract position
left and its value is below zero it is bankrupt (BANKRUPT) and waits for FUND or SOCIALISE. In between, with nothing left to
close and a value that only the weights of its debts and assets keep below the line, it stays where it is for CONVERT.
"""

from __future__ import annotations

from solvent import ledger
from solvent.book import Purpose
from solvent.engine.cash import add_balance, balance
from solvent.engine.desk import DONE, Answer, Command, Desk, Sheet
from solvent.engine.records import FIRST_USER_POOL, FUND_POOL, Happened, PoolState, Reason
from solvent.engine.switches import contract_slots
from solvent.engine.tables import TOP_POOLS, Tables
from solvent.engine.value import assessed, surplus

RECOVER, MAINTAIN, WITHDRAW = Purpose.RECOVER.value, Purpose.MAINTAIN.value, Purpose.WITHDRAW.value
