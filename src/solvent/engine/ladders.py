"""Ladders: where price edges stand, so that a price that moves meets those it crosses and no others.

Each thing has two ladders, one of edges below its price and one of edges above. A ladder is a row of buckets of equal
width in the logarithm of the price; a bucket is a doubly linked list of entry slots, so that an edge is put in and
taken out at once. Edges beyond the ends stand in the end buckets. Numbers of buckets and links count from 1; 0 is none.

The invariant: every edge of an armed pool is linked, in the bucket of its price, and none stands between the price and
``near`` of its ladder, the price from which on edges may be met. What is linked but not of an armed pool, or of a slot
its pool no longer has, is void and met without effect. A price that stays inside ``near`` costs two comparisons; a
price beyond it costs the buckets it passes, one more at either end for the rounding of logarithms, and the edges in
them.
"""

# mypy: disable-error-code="no-any-return"
# A column of a table has no type that mypy knows.

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from solvent.engine.handed import handed
from solvent.engine.jit import kernel
from solvent.engine.leaving import ARMED, FRONTIER, TOUCHED
from solvent.engine.screen import F64
from solvent.engine.slots import SMALLEST
from solvent.engine.tables import I32, I64, TOP_ENTRIES, TOP_THINGS, Limits, Rows, Tables, at_a_line

BELOW, ABOVE = 0, 1  # sides of a price
SPAN = 1.4  # of a ladder, in logarithms: a price may double or halve before it is laid out anew
FEWEST_BUCKETS = 64
EDGES_A_BUCKET = 4
ROUNDING = 1e-9  # more than logarithms and powers are off by, relative
FAR = 1e300
TOUCHES, LIMIT, OVER, SWEPT, RELAID, REARMED, SCANNED, HEDGES = range(8)  # places in ``counts``
CONVEX, CONCAVE = 1, 2  # in ``bend``


# Sixteen bytes: the four of a pool's smallest block fill one line of memory.
NODE = np.dtype(
    [
        ("edge", "<f4"),  # the coordinate at which the entry's pool is touched
        ("bucket", "<i4"),  # where the edge stands; 0: nowhere
        ("after", "<i4"),  # next slot in the bucket + 1
        ("before", "<i4"),  # previous slot + 1
    ]
)


@handed
class Bands(NamedTuple):
    """Edges, ladders, and the coordinates of prices. E entry slots, H buckets, T things, K pieces, N pools.

    The coordinate of a contract is what a lot is worth less the funding since ``base``, in settle units; of an asset
    its index in ticks. After the T things come T ratios, of a contract's coordinate to the index of its coin, each with
    ladders of its own: :mod:`solvent.engine.hedges`.
    """

    node: Rows  # E, NODE: the edge of each entry slot
    holder: I32  # E / SMALLEST: the pool that last put an edge into a block of slots
    head: I32  # H + 1: first slot of each bucket + 1
    first: I64  # 4T + 1: first bucket of each ladder (thing × 2 + side)
    low: F64  # 2T: logarithm at the start of the first bucket
    lowest: F64  # 2T: coordinate below which the ladders are laid out anew
    highest: F64  # 2T: … and above which
    near: F64  # 4T: no edge stands between the price and this
    at: F64  # 2T: the coordinate now; 0 = no price yet
    base: I64  # T: carry at the layout
    most: I64  # T: carry up to which the edges are proved
    usual: F64  # 2T: mean move of an epoch, relative
    tail: F64  # K: least of amount − requirement on all later pieces; −FAR: the schedule is not fit for bands
    bend: I64  # K: whether the piece's schedule is CONVEX, CONCAVE, both or neither
    touched: I32  # N: pools touched in this epoch
    counts: I64  # see TOUCHES …


def empty_bands(limits: Limits, entries: int) -> Bands:
    """Nothing armed; memory is taken where it is written. ``entries`` in the slab size the ladders."""
    things, slots = limits.things, limits.entries
    buckets = 2 * (entries // EDGES_A_BUCKET) + 4 * FEWEST_BUCKETS * things + 1
    return Bands(
        node=at_a_line(slots, NODE),
        holder=np.zeros(-(-slots // SMALLEST), np.int32),
        head=np.zeros(buckets + 1, np.int32),
        first=np.ones(4 * things + 1, np.int64),
        low=np.zeros(2 * things),
        lowest=np.zeros(2 * things),
        highest=np.zeros(2 * things),
        near=np.zeros(4 * things),
        at=np.zeros(2 * things),
        base=np.zeros(things, np.int64),
        most=np.zeros(things, np.int64),
        usual=np.zeros(2 * things),
        tail=np.zeros(limits.pieces),
        bend=np.zeros(limits.pieces, np.int64),
        touched=np.zeros(limits.pools, np.int32),
        counts=np.zeros(8, np.int64),
    )


def lay_out(t: Tables, b: Bands) -> None:
    """Empty ladders of as many buckets as there are entries to share them; nothing may be armed."""
    entries, things = int(t.top[TOP_ENTRIES]), int(t.top[TOP_THINGS])
    b.node[:entries]["bucket"] = 0
    b.head[:] = 0
    key = t.key[:entries]
    held = np.bincount(key[key >= 0] >> 2, minlength=things)[:things]
    room = (b.head.size - 1 - 4 * FEWEST_BUCKETS * things) // 2
    share = min(1.0, room / max(1, int(held.sum()) // EDGES_A_BUCKET))
    size = FEWEST_BUCKETS + np.floor(held / EDGES_A_BUCKET * share).astype(np.int64)
    listed = b.most.size
    ladders = np.zeros(4 * listed, np.int64)
    ladders[: 2 * things] = np.repeat(size, 2)
    ladders[2 * listed : 2 * (listed + things)] = FEWEST_BUCKETS
    b.first[0] = 1
    b.first[1:] = 1 + np.cumsum(ladders)
    b.at[:] = 0.0
    forget_near(b)


def forget_near(b: Bands) -> None:
    """No edge of an armed pool stands anywhere."""
    b.near[BELOW::2], b.near[ABOVE::2] = -FAR, FAR


@kernel
def ratio_of(b: Bands, thing: int) -> int:
    """Where a contract's ratio to the index of its coin stands among the prices: after all things.

    Invariant: no two things share one. Cost: a sum.
    """
    return b.most.size + thing


@kernel
def bucket_of(b: Bands, thing: int, side: int, price: float) -> int:
    """The bucket of a price in one of a thing's ladders; the end buckets take what lies beyond.

    Invariant: does not fall as the price rises. Cost: a logarithm.
    """
    first, stop = b.first[2 * thing + side], b.first[2 * thing + side + 1]
    if price <= 0.0:
        return first
    place = (math.log(price) - b.low[thing]) * ((stop - first) / SPAN)
    if place <= 0.0:
        return first
    if place >= stop - first - 1:
        return stop - 1
    return first + int(place)


@kernel
def price_of(b: Bands, thing: int, side: int, bucket: int) -> float:
    """The price at which a bucket starts.

    Invariant: the inverse of :func:`bucket_of` but for rounding. Cost: an exponential.
    """
    first, stop = b.first[2 * thing + side], b.first[2 * thing + side + 1]
    return math.exp(b.low[thing] + (bucket - first) * (SPAN / (stop - first)))


@kernel
def kept(edge: float) -> float:
    """The nearest edge that a node keeps, which has 24 bits: a sixteen-millionth of the price is less than a usual
    move.

    Invariant: a kept edge is kept as it is. Cost: a rounding.
    """
    return float(np.float32(edge))


@kernel
def unlink(b: Bands, slot: int) -> None:
    """Take a slot's edge out of its ladder, if it stands in one.

    Invariant: the other slots of the bucket keep their order. Cost: a few reads and writes.
    """
    bucket = b.node[slot]["bucket"]
    if bucket == 0:
        return
    before, after = b.node[slot]["before"], b.node[slot]["after"]
    if before > 0:
        b.node[before - 1]["after"] = after
    else:
        b.head[bucket] = after
    if after > 0:
        b.node[after - 1]["before"] = before
    b.node[slot]["bucket"] = 0


@kernel
def link(b: Bands, slot: int, bucket: int) -> None:
    """Put a slot that stands nowhere at the head of a bucket.

    Invariant: a slot stands in one bucket at most. Cost: a few reads and writes.
    """
    after = b.head[bucket]
    b.node[slot]["before"], b.node[slot]["after"] = 0, after
    b.head[bucket] = slot + 1
    b.node[slot]["bucket"] = bucket
    if after > 0:
        b.node[after - 1]["before"] = slot + 1


@kernel
def stand_at(b: Bands, slot: int, pool: int, thing: int, side: int, edge: float) -> None:
    """Give a slot its edge, which is :func:`kept`, and the ladder its nearest one.

    Invariant: no edge stands between the price and ``near``. Cost: a logarithm, and a few reads and writes where the
    bucket is another.
    """
    bucket = bucket_of(b, thing, side, edge)
    if b.node[slot]["bucket"] != bucket:
        unlink(b, slot)
        link(b, slot, bucket)
    b.node[slot]["edge"], b.holder[slot // SMALLEST] = edge, pool
    ladder = 2 * thing + side
    if side == BELOW:
        b.near[ladder] = max(b.near[ladder], edge)
    else:
        b.near[ladder] = min(b.near[ladder], edge)


@kernel
def touch(t: Tables, b: Bands, slot: int) -> None:
    """An edge is met: its pool is touched, once an epoch, unless what stands there is void.

    Invariant: a pool is touched once an epoch at most; what is void touches nobody. Cost: a few reads.
    """
    pool = b.holder[slot // SMALLEST]
    if pool >= t.active[FRONTIER]:
        return
    row = t.pools[pool]
    if row["watch"] != ARMED:
        return
    if slot < row["first"] or slot >= row["first"] + row["used"]:
        return
    row["watch"] = TOUCHED
    b.touched[b.counts[TOUCHES]] = pool
    b.counts[TOUCHES] += 1


@kernel
def sweep(t: Tables, b: Bands, thing: int, side: int, price: float) -> None:
    """Touch every pool whose edge on a side of a thing the price has reached (an edge itself is reached).

    It stops where more pools are touched than ``counts[LIMIT]``: then bands no longer serve in this epoch.

    Invariant: every linked edge that the price has reached is met, unless too many are touched. Cost: the buckets
    between ``near`` and the price, one more at either end, and the edges in them.
    """
    ladder, step = 2 * thing + side, 2 * side - 1
    if (price - b.near[ladder]) * step < 0.0:
        return
    least, last = b.first[ladder], b.first[ladder + 1] - 1
    k = min(max(bucket_of(b, thing, side, b.near[ladder]) - step, least), last)
    stop = min(max(bucket_of(b, thing, side, price) + step, least), last)
    near = step * FAR
    while (stop - k) * step >= 0 and b.counts[TOUCHES] <= b.counts[LIMIT]:
        link_at = b.head[k]
        b.counts[SWEPT] += 1
        while link_at > 0:
            slot = link_at - 1
            edge = float(b.node[slot]["edge"])
            if (price - edge) * step >= 0.0:
                touch(t, b, slot)
            elif (near - edge) * step > 0.0:
                near = edge
            link_at = b.node[slot]["after"]
        k += step
    if side == BELOW and stop > least:
        near = max(near, price_of(b, thing, side, stop) * (1.0 + ROUNDING))
    elif side == ABOVE and stop < last:
        near = min(near, price_of(b, thing, side, stop + 1) * (1.0 - ROUNDING))
    b.near[ladder] = near


@kernel
def centre(b: Bands, thing: int, price: float) -> None:
    """Where a thing's ladders begin, with the price in their middle.

    Invariant: until the price leaves the bounds it sets, the ladders hold it. Cost: two exponentials and a logarithm.
    """
    b.low[thing] = math.log(price) - SPAN / 2
    b.lowest[thing], b.highest[thing] = price * math.exp(-0.45 * SPAN), price * math.exp(0.45 * SPAN)


@kernel
def taken_out(b: Bands, thing: int, side: int) -> int:
    """Take every edge out of a ladder: the chain of their slots.

    Invariant: afterwards the ladder is empty, and every slot of it is in the chain. Cost: the ladder's buckets and
    edges.
    """
    ladder, chain = 2 * thing + side, 0
    for bucket in range(b.first[ladder], b.first[ladder + 1]):
        while b.head[bucket] > 0:
            slot = b.head[bucket] - 1
            unlink(b, slot)
            b.node[slot]["after"] = chain
            chain = slot + 1
    return chain


@kernel
def relay(b: Bands, thing: int, price: float) -> None:
    """Lay out a thing's two ladders anew around a price: every edge is taken out and put back.

    Invariant: the same edges stand afterwards, in the buckets of the new layout. Cost: the thing's buckets and edges.
    """
    below, above = taken_out(b, thing, BELOW), taken_out(b, thing, ABOVE)
    centre(b, thing, price)
    put_back(b, thing, BELOW, below)
    put_back(b, thing, ABOVE, above)
    b.counts[RELAID] += 1


@kernel
def put_back(b: Bands, thing: int, side: int, chain: int) -> None:
    """Link the slots of a chain again, by their edges.

    Invariant: every slot of the chain stands by its edge. Cost: a logarithm an edge.
    """
    while chain > 0:
        slot = chain - 1
        chain = b.node[slot]["after"]
        link(b, slot, bucket_of(b, thing, side, float(b.node[slot]["edge"])))
