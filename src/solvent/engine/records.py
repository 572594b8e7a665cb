"""The engine's vocabulary: commands in, events out, as fixed 64-bit records.

The journal stores these records, so a number here never changes its meaning. Every verb of the system is declared;
one this version cannot do is refused as ``UNSUPPORTED``. Unused fields are zero.

========================= =============================================================================================
verb                      fields
========================= =============================================================================================
LIST_ASSET                payload (JSON): name, scale, quote (its index is in this asset), tick (index tick),
                          max_units (largest balance); the asset gets the next thing id
LIST                      payload (JSON): an instrument's facts, max_lots, max_ticks; the next thing id
ADJUST, STATE             thing; STATE: flags = :class:`ThingState`
SCHEDULE_RULES            payload (JSON): rule set name, mode, account class, digest; ref = rules row to define
OPEN                      pool = next id, other = parent pool or −1, thing = only thing in scope or −1, lots = owner id,
                          amount = account id, ref = rules row, flags = mode number | legs number << 2
SET                       pool, flags = :class:`Setting`, thing, amount = new value
DEPOSIT                   pool, thing = asset, amount > 0, flags = :class:`Finality`, ref = deposit reference
WITHDRAW                  pool, thing = asset, amount > 0
TRANSFER                  pool → other, thing = asset, amount > 0
RESERVE                   pool, thing, flags = leg | REDUCE_ONLY, lots (signed), ticks, ref = order's, > 0, unique
RELEASE                   pool, thing, ref
FILL                      pool (taker) takes lots (signed) at ticks from other (maker, who takes −lots); flags = leg |
                          other leg << 2; amount = taker's order reference or 0, ref = maker's or 0; thing may be a spot
STOP                      pool, thing, flags = leg | STOP_BELOW (trigger when mark ≤ ticks, else ≥), lots (signed, must
                          reduce), ticks = trigger, ref; lots = 0 withdraws the standing stop ``ref``
PRICES                    payload: int64 pairs (thing, ticks); amount = time in ns; a new epoch, evaluated at once
ADVANCE_TIME              amount = time in ns
FUNDING                   thing, amount = rate in parts per billion of the mark (positive: longs pay)
INTEREST                  thing = asset, amount = seconds since the last accrual; the rate follows from utilisation
CONVERT                   pool gives amount > 0 of asset thing to other at ticks (index), in the pool's numeraire
SETTLE                    thing (a future past its expiry), ticks: every position closed at the settlement price
LIQUIDATE                 pool (liquidating) takes lots (signed, must reduce) at ticks from other; the penalty goes to
                          the fund; flags = leg | other leg << 2
ADL                       pool (liquidating) takes lots (must reduce) at ticks from other, a winner who must reduce;
                          no fee, no penalty
SOCIALISE                 pool (bankrupt, flat) is raised to zero; payload: int64 pairs (pool, units) of who pays; or
                          pool = −1: all healthy pools raise the bankrupt ones, by value; payload: their int64 ids
FUND                      pool (bankrupt, flat) is raised by amount from the fund; flags = 1: amount from pool into it
AUTO_REPAY, SEIZE, EXERCISE, ASSIGN, TRANSFER_POSITIONS, AUCTION_OPEN, AUCTION_BID, AUCTION_CLOSE, CORRECT: declared
========================= =============================================================================================

Every command has (source, source_seq): numbers of one source rise, and one not above the last is a duplicate.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Records = npt.NDArray[np.void]

# fmt: off
COMMAND = np.dtype([
    ("kind", "<i2"), ("flags", "<i2"), ("source", "<i4"), ("source_seq", "<i8"), ("pool", "<i4"), ("other", "<i4"),
    ("thing", "<i4"), ("spare", "<i4"), ("lots", "<i8"), ("ticks", "<i8"), ("amount", "<i8"), ("ref", "<i8"),
])  # payload verbs: amount/ref keep their meaning; offset and length of the payload are in lots and ticks
EVENT = np.dtype([
    ("seq", "<i8"), ("kind", "<i2"), ("reason", "<i2"), ("thing", "<i4"), ("pool", "<i4"), ("other", "<i4"),
    ("lots", "<i8"), ("ticks", "<i8"), ("amount", "<i8"), ("fee", "<i8"), ("other_fee", "<i8"), ("short", "<i8"),
    ("ref", "<i8"),
])
# fmt: on


class Verb(enum.IntEnum):
    """What a command asks for."""

    LIST_ASSET = 1
    LIST = 2
    ADJUST = 3
    STATE = 4
    SCHEDULE_RULES = 5
    OPEN = 6
    SET = 7
    DEPOSIT = 8
    WITHDRAW = 9
    TRANSFER = 10
    RESERVE = 11
    RELEASE = 12
    FILL = 13
    STOP = 14
    PRICES = 15
    ADVANCE_TIME = 16
    FUNDING = 17
    INTEREST = 18
    CONVERT = 19
    AUTO_REPAY = 20
    SEIZE = 21
    SETTLE = 22
    EXERCISE = 23
    ASSIGN = 24
    LIQUIDATE = 25
    TRANSFER_POSITIONS = 26
    AUCTION_OPEN = 27
    AUCTION_BID = 28
    AUCTION_CLOSE = 29
    ADL = 30
    SOCIALISE = 31
    FUND = 32
    CORRECT = 33


class Happened(enum.IntEnum):
    """What an event says. Every command has exactly one DONE or REFUSED event, first; the others follow it."""

    DONE = 1  # the command's verb is in ``amount``'s place only for verbs without an amount; see ``reason`` = OK
    REFUSED = 2
    BREACHED = 3  # pool's surplus(MAINTAIN) was proved below the line at this epoch; short = surplus, rounded down
    RECOVERED = 4  # pool under liquidation reached surplus(RECOVER) ≥ 0; short = surplus
    BANKRUPT = 5  # pool under liquidation is flat in contracts and its value is below zero; short = value
    STOPPED = 6  # a standing stop triggered: ref, thing, lots, ticks = mark; the stop is gone
    SETTLED = 7  # a position closed by SETTLE: pool, thing, lots, ticks
    ACCRUED = 8  # FUNDING or INTEREST moved an index: thing, amount = increment
    CANCELLED = 9  # an order released by the engine itself: pool, thing, ref, lots


class Reason(enum.IntEnum):
    """Why a command was refused; OK when it was not."""

    OK = 0
    UNSUPPORTED = 1
    DUPLICATE = 2
    UNKNOWN_POOL = 3
    UNKNOWN_THING = 4
    UNKNOWN_ORDER = 5
    UNKNOWN_RULES = 6
    REFERENCE_TAKEN = 7
    AMOUNT = 8  # an amount, size or price that is not positive, or past its declared limit
    REACH = 9  # a sum over the pool could leave 64 bits at some price
    STATE = 10  # the thing is halted, reduce-only, settling or closed
    POOL_STATE = 11  # the pool is liquidating, bankrupt or closed (or not liquidating, where it must be)
    SCOPE = 12  # the pool may not hold this thing
    LEG = 13  # the leg does not fit the pool's leg mode
    TAKER_SHORT = 14
    MAKER_SHORT = 15
    LEVERAGE = 16  # position too large for its leverage cap, or cap above what is allowed
    BORROW = 17  # the lending pool cannot lend what would be missing
    NOT_REDUCING = 18
    NOT_HELD = 19
    SWITCH = 20  # the venue does not allow this change of mode, legs, leverage or class now
    PRICE_STATE = 21
    TIME = 22  # time runs backwards, or is before an expiry
    FULL = 23  # a table has no room left
    MALFORMED = 24  # payload that does not decode, or an undefined flag
    FUNDS = 25  # the fund cannot pay this
    SAME_POOL = 26
    NOT_SHORT = 27  # nothing to cover


class ThingState(enum.IntEnum):
    """Life of an instrument."""

    LISTED = 0
    REDUCE_ONLY = 1
    HALTED = 2
    SETTLING = 3
    CLOSED = 4


class PoolState(enum.IntEnum):
    """Life of a pool; the lawful moves are in :data:`LAWFUL_MOVES`."""

    HEALTHY = 0
    LIQUIDATING = 1
    BANKRUPT = 2
    CLOSED = 3
    HOUSE = 4


LAWFUL_MOVES: dict[PoolState, frozenset[PoolState]] = {
    PoolState.HEALTHY: frozenset({PoolState.LIQUIDATING, PoolState.CLOSED}),
    PoolState.LIQUIDATING: frozenset({PoolState.HEALTHY, PoolState.BANKRUPT}),
    PoolState.BANKRUPT: frozenset({PoolState.HEALTHY, PoolState.BANKRUPT}),
    PoolState.CLOSED: frozenset(),
    PoolState.HOUSE: frozenset(),
}


class Setting(enum.IntEnum):
    """What SET changes."""

    LEVERAGE = 1  # pool, thing, amount = leverage cap
    LEGS = 2  # pool, amount = leg mode number
    RULES = 3  # pool, amount = rules row: another mode or account class of the same rule set
    MANDATE = 4


class Finality(enum.IntEnum):
    """How final a deposit is."""

    FINAL = 0
    PENDING = 1  # into the PENDING account under ``ref``; not the pool's yet
    CONFIRM = 2  # a pending deposit becomes the pool's
    REVERSE = 3  # a pending deposit is taken back


class House(enum.IntEnum):
    """The house's accounts that hold amounts by asset but no positions; rows of the HOUSE table."""

    EXTERNAL = 0  # minus everything that came in: Σ over all accounts of an asset is zero
    FEES = 1
    ROUNDING = 2
    PENDING = 3
    LENDING = 4  # what lenders provided, plus interest
    CONVERSION = 5


CCP_POOL = 0  # mirror account of the shard: counterparty of legs whose other side is in another shard
FUND_POOL = 1  # the insurance fund: a pool with margin rules like any other
FIRST_USER_POOL = 2

LEG_MASK = 3
OTHER_LEG_SHIFT = 2
REDUCE_ONLY = 16
STOP_BELOW = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands, and the bytes their payloads point into.

    ``commands`` has dtype :data:`COMMAND`; a payload verb's ``lots`` is the offset and ``ticks`` the length in bytes.
    """

    commands: Records
    payload: bytes = b""

    def __len__(self) -> int:
        """How many commands."""
        return int(self.commands.size)


def command(verb: Verb, source: int, source_seq: int, **fields: Any) -> Records:
    """One command record; fields not named are zero.

    >>> int(command(Verb.DEPOSIT, 1, 7, pool=3, thing=0, amount=5)["amount"][0])
    5
    """
    record = np.zeros(1, COMMAND)
    whole = dict.fromkeys(COMMAND.names or (), 0) | {"kind": int(verb), "source": source, "source_seq": source_seq}
    record[0] = tuple((whole | fields).values())  # all at once: field by field takes four times as long
    return record
