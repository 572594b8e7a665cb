"""Pools that leave their bands, and pools that come back to be watched: the only part of watching the hot path sees.

A pool is *armed* when every price edge of its entries is proved and stands in a ladder. Whatever may lower its
surplus(MAINTAIN), or move its entries, makes it leave: one byte of its row changes and its number goes to the end of
the active list, which every epoch judges whole. Ladders are not touched; what stands there of the pool is void from
then on. ``active[0]`` is how many pools the list holds, ``active[1]`` the frontier: only pools below it are watched by
bands and by the list, all others are judged at every epoch. Without bands the frontier is 0 and ``watch`` is OFF.
"""

from __future__ import annotations

from solvent.engine.jit import kernel
from solvent.engine.tables import Tables

# A pool's ``watch``: not on the list; armed; touched in the present epoch; on the list for good; on the list, with so
# many epochs to go until it is armed again.
OFF, ARMED, TOUCHED, UNFIT, READY = range(5)
QUIET_EPOCHS = 8
NEAR_EPOCHS = 60
FRESH = READY + QUIET_EPOCHS
COUNT, FRONTIER, LIST = 0, 1, 2  # places in ``active``


@kernel
def enlist(t: Tables, pool: int, watch: int) -> None:
    """Put a pool that is below the frontier and not on the list on it.

    Invariant: a pool is on the list once. Cost: a few writes.
    """
    t.active[LIST + t.active[COUNT]] = pool
    t.active[COUNT] += 1
    t.pools[pool]["watch"] = watch


@kernel
def leave(t: Tables, pool: int) -> None:
    """The pool has changed in a way its bands do not follow: it is on the active list from now on, for a while anew.

    One byte is read where nothing is armed. A pool that is not HEALTHY is not watched, and OFF.

    Invariant: a HEALTHY pool below the frontier whose bands are void is on the list. Cost: one byte read where nothing
    is armed, a few writes where it is.
    """
    row = t.pools[pool]
    watch = row["watch"]
    if watch == OFF:
        return
    if watch == ARMED and pool < t.active[FRONTIER]:
        enlist(t, pool, FRESH)
    else:
        row["watch"] = FRESH


@kernel
def come_back(t: Tables, pool: int) -> None:
    """A pool is HEALTHY again: it is on the active list from now on.

    Invariant: a HEALTHY pool below the frontier is armed or on the list. Cost: a few writes.
    """
    if pool < t.active[FRONTIER]:
        enlist(t, pool, FRESH)
