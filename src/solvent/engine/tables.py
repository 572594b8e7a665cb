"""The engine's state: arrays only, so that a kernel takes it whole.

Signed 64-bit columns throughout. *Derived* columns are neither hashed nor saved. A pool's entries lie in one block of
the entry slab: ``first`` … ``first + used``, room 4·2^k. An entry is a position (key = thing × 4 + leg) or a balance in
an asset other than the pool's numeraire (key = asset × 4). Free entries have key −1 and are zero elsewhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.engine.handed import handed

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int8]
Rows = npt.NDArray[np.void]

FREE = -1
NONE = -1
SPOT, LINEAR, INVERSE, ASSET, UNCOVERED = range(5)  # kinds of things
POSITION_BITS = 58  # max_lots × max_ticks × tick_value ≤ 2^58
POOL_BITS = 61  # Σ over a pool ≤ 2^61
LOT_BITS = 31  # max_lots < 2^31: cost is released in proportion to lots
PURPOSES = 5
MOST_LEVERAGE_STEPS = 16
LINE = 64  # bytes

# fmt: off
POOL = np.dtype([
    ("cash", "<i8"),       # numeraire units, settled
    ("accrual", "<i8"),    # the numeraire's interest index at the last touch of a negative cash
    ("reach", "<i8"),      # Σ |lots| × max_ticks × tick_value (assets: max_units × max_ticks ÷ divisor): ≤ 2^61
    ("whole", "<i8"), ("millionths", "<i8"), ("epoch", "<i8"),  # derived: Σ contributions at ADMIT, valid at `epoch`
    ("first", "<i8"), ("used", "<i4"), ("room", "<i4"),
    ("owner", "<i4"), ("account", "<i4"), ("parent", "<i4"), ("scope", "<i4"),
    ("rules", "<i2"), ("state", "i1"), ("mode", "i1"), ("legs", "i1"),
    ("watch", "i1"),  # derived: armed, touched, or on the active list (leaving.py)
    ("spare", "i1", 2),
])
THING = np.dtype([
    ("kind", "<i4"), ("state", "<i4"),
    ("settle", "<i4"),      # asset profit is paid in (contracts), quote asset (spot), asset its index is in (assets)
    ("base", "<i4"),        # spot: the asset bought; else −1
    ("underlying", "<i4"),  # asset thing whose coin it follows, −1 where that is no listed asset
    ("tick_value", "<i8"),  # linear: settle units per lot-tick; spot: quote units per lot-tick
    ("constant", "<i8"),    # inverse: settle units × ticks per lot
    ("lot_units", "<i8"),   # spot: base units per lot
    ("divisor", "<i8"),     # assets: units × ticks ÷ divisor = units of `settle`
    ("max_lots", "<i8"),    # assets: largest balance in units
    ("max_ticks", "<i8"), ("expiry_ns", "<i8"),
    ("mark", "<i8"),        # ticks; assets: index ticks; 0 = no price yet
    ("carry", "<i8"),       # contracts: funding, settle units per lot; assets: interest index (parts of 10^12)
    ("pnl", "<i8"),         # −Σ cost over all accounts (L-03), settle units
    ("funding_paid", "<i8"),  # Σ funding paid by touched accounts, settle units; with what is due it sums to zero
    ("borrowed", "<i8"),    # assets: Σ of users' negative balances, units, positive
])
RULES = np.dtype([
    ("numeraire", "<i4"), ("transition", "<i4"), ("orders", "<i4"), ("inclusive", "<i4"),
    ("losses_only", "<i4"),   # bit p: at purpose p unrealised profit counts only when negative
    ("leverage_at", "<i4"),   # bit p: notional ÷ leverage is required too
    ("on_entry", "<i4"),      # schedules are on entry value, not on notional
    ("missing", "<i4"),       # Missing: 0 borrow, 1 convert, 2 negative
    ("penalty_base", "<i4"),
    ("taker_ppm", "<i8"), ("maker_ppm", "<i8"), ("levy_ppm", "<i8"),
    ("max_leverage", "<i8"),
    ("base_ppm", "<i8"), ("slope_low_ppm", "<i8"), ("slope_high_ppm", "<i8"), ("kink_ppm", "<i8"), ("cap_ppm", "<i8"),
    ("legs", "<i4"), ("modes", "<i4"),  # bit masks of what the venue allows
    ("venue", "<i4"), ("mode", "<i4"),  # index into names of venues; the mode this row is for
])
ORDER = np.dtype([
    ("ref", "<i8"), ("pool", "<i4"), ("key", "<i4"), ("lots", "<i8"), ("ticks", "<i8"),
    ("next", "<i4"), ("previous", "<i4"), ("flags", "<i4"), ("spare", "<i4"),
])  # flags: REDUCE_ONLY; STANDING = a stop, not chained to an entry
# fmt: on
STANDING = 64


@handed
class Tables(NamedTuple):
    """Everything the engine knows. Sizes are reserved at the start; ``top`` holds what has been used.

    Shapes: N pools, E entry slots, O order slots, T things, R rules rows, K pieces, S sources.
    """

    pools: Rows  # N, POOL
    key: I32  # E: thing × 4 + leg; FREE
    lots: I64  # E: lots of a contract, units of an asset
    cost: I64  # E: signed cost, settle units (contracts only)
    carry: I64  # E: funding index at last touch; interest index for an asset's debt
    leverage: I32  # E: leverage cap chosen for the instrument; 0 = the rules' default
    orders: I32  # E: first resting order of the entry; NONE
    order: Rows  # O, ORDER
    free: I64  # by block size: first slot of a free block (next in cost[0]); last item: first free order
    top: I64  # see TOP_*
    things: Rows  # T, THING
    rules: Rows  # R, RULES
    span: I32  # R × 5 × 2T × 2: first piece and count; [.., 2·thing] contracts' requirement or assets' weight
    floor: I64  # K: numeraire units
    rate: I64  # K: ppm
    part: I64  # K: deduction, whole units
    rest: I64  # K: deduction, millionths of a unit
    debt_ppm: I64  # R × T: what a negative value counts, ppm ≥ 10^6
    default_leverage: I64  # R × T
    bracket_floor: I64  # R × T × 16: notional above which …
    bracket_leverage: I64  # R × T × 16: … at most this leverage; 0 = unused
    penalty_ppm: I64  # R × T
    house: I64  # accounts of House × T assets: units
    sources: I64  # S: last source_seq applied
    active: I32  # derived, N + 2: how many pools are on the active list, the frontier of watching, then the list
    mirrored: I8  # N, up to a multiple of 8; derived: where full passes read a pool (engine/mirror.py); 0 once changed


# Positions in `top`.
(
    TOP_POOLS,
    TOP_ENTRIES,
    TOP_ORDERS,
    TOP_THINGS,
    TOP_RULES,
    TOP_PIECES,
    TOP_SEQ,  # next event sequence number
    TOP_EPOCH,  # bumped by whatever changes contributions for everybody: prices, funding, interest
    TOP_TIME,  # ns
    TOP_COMMANDS,  # commands applied so far
    TOP_LIVE_ORDERS,
    TOP_STOPS,  # first standing stop + 1, 0: none; they are linked by `next` and `previous`, counted likewise
) = range(12)
TOP_SIZE = 12


class Limits(NamedTuple):
    """How much of each table is reserved; what does not fit is refused as FULL."""

    pools: int = 1 << 16
    entries: int = 1 << 20
    orders: int = 1 << 18
    things: int = 512
    rules: int = 16
    pieces: int = 1 << 16
    sources: int = 64


def at_a_line(count: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros that begin where a line of the processor's memory does, so that a block of eight numbers is one line.

    >>> at_a_line(3, np.int64).ctypes.data % LINE
    0
    """
    size = np.dtype(kind).itemsize
    held = np.zeros(count * size + LINE, np.int8)
    start = -held.ctypes.data % LINE
    zeros: npt.NDArray[Any] = held[start : start + count * size].view(kind)
    return zeros


def empty(limits: Limits) -> Tables:
    """Tables with nothing in them; memory is only taken when written."""
    n, e, o, t, r, k, s = limits
    free_sizes = 40
    made = Tables(
        pools=np.zeros(n, POOL),
        key=at_a_line(e, np.int32),
        lots=at_a_line(e, np.int64),
        cost=at_a_line(e, np.int64),
        carry=at_a_line(e, np.int64),
        leverage=at_a_line(e, np.int32),
        orders=at_a_line(e, np.int32),
        order=np.zeros(o, ORDER),
        free=np.full(free_sizes, NONE, np.int64),
        top=np.zeros(TOP_SIZE, np.int64),
        things=np.zeros(t, THING),
        rules=np.zeros(r, RULES),
        span=np.zeros((r, PURPOSES, 2 * t, 2), np.int32),
        floor=np.zeros(k, np.int64),
        rate=np.zeros(k, np.int64),
        part=np.zeros(k, np.int64),
        rest=np.zeros(k, np.int64),
        debt_ppm=np.full((r, t), 1_000_000, np.int64),
        default_leverage=np.zeros((r, t), np.int64),
        bracket_floor=np.zeros((r, t, MOST_LEVERAGE_STEPS), np.int64),
        bracket_leverage=np.zeros((r, t, MOST_LEVERAGE_STEPS), np.int64),
        penalty_ppm=np.zeros((r, t), np.int64),
        house=np.zeros((6, t), np.int64),
        sources=np.full(s, -1, np.int64),
        active=np.zeros(n + 2, np.int32),
        mirrored=np.zeros(-(-n // 8) * 8, np.int8),
    )
    made.key[:], made.orders[:] = FREE, NONE
    return made
