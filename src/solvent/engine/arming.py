"""Watching by bands, and the hybrid with the full scan.

Below the *frontier* pools are armed or on the active list, and an epoch costs what it touches; from the frontier on
they are judged by the scan. At the start the frontier is at the first pool. Calm epochs move it, page by page, within a
budget. An epoch that would touch more than a scan costs, or that finds funding, interest or listings beyond what edges
were proved for, moves it back to the first pool: then every band is void, the epoch is a full scan, and arming begins
again when it is calm. Nothing of this changes an outcome: everybody in breach is found at every epoch, by proof or by
judgement.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solvent.engine.bands import fit_tails
from solvent.engine.ladders import (
    OVER,
    REARMED,
    RELAID,
    SCANNED,
    SWEPT,
    TOUCHES,
    Bands,
    empty_bands,
    forget_near,
    lay_out,
)
from solvent.engine.leaving import COUNT, FRONTIER
from solvent.engine.records import FIRST_USER_POOL
from solvent.engine.screen import Marks, packed
from solvent.engine.slots import SMALLEST
from solvent.engine.tables import ASSET, I32, LINEAR, TOP_ENTRIES, TOP_PIECES, TOP_POOLS, TOP_THINGS, Limits, Tables
from solvent.engine.watching import SPARE_SHARE, epoch, page_armed
from solvent.ledger import TRILLION

LIMIT_SHARE = 128  # an epoch that touches more than this part of all pools costs more than a scan
FEWEST = 64  # … and never fewer than these
PAGE_SHARE = 128  # of all pools, armed in a calm epoch
FEWEST_ARMED = 256
CALM_SHARE = 16_384  # an epoch with fewer breaches than this part of all pools is calm
WAIT = 30  # calm epochs after bands were given up, before arming begins again
FIRST_MOVE = 1e-4
CROWDED, FEWEST_CROWDED = 4, 4096  # entries, of those at the layout, from which on ladders are laid out anew
NEVER = np.iinfo(np.int64).max // 4


class Watched(NamedTuple):
    """What watching has cost so far: epochs, and of these full scans; pools touched, judged on the list, armed, listed
    now; buckets swept, ladders laid out anew; the frontier.
    """

    epochs: int
    scans: int
    touched: int
    judged: int
    armed: int
    listed: int
    swept: int
    relaid: int
    frontier: int


class Watch:
    """Bands, ladders and the frontier of one engine's pools. ``limits`` are the engine's.

    ``patience`` is how many calm epochs pass after bands were given up before arming begins again; no outcome depends
    on it.
    """

    patience = WAIT

    def __init__(self, t: Tables, limits: Limits) -> None:
        self.limits = limits
        self.bands: Bands | None = None
        self.marks: Marks = packed(t)
        self.found: I32 = np.zeros(limits.pools, np.int32)
        self.laid, self.sized = (-1, -1), 0
        self.wait = 0
        self.epochs = self.scans = self.touched = 0
        self.give_up(t)

    @property
    def costs(self) -> dict[str, int]:
        """Counters of the kernels, by name."""
        if self.bands is None:
            return {}
        names = {"over": OVER, "swept": SWEPT, "relaid": RELAID, "armed": REARMED, "judged": SCANNED}
        return {name: int(self.bands.counts[place]) for name, place in names.items()}

    def told(self, t: Tables) -> Watched:
        """What watching has cost so far."""
        c = self.costs
        get = c.get
        return Watched(
            self.epochs, self.scans, self.touched, get("judged", 0), get("armed", 0), int(t.active[COUNT]),
            get("swept", 0), get("relaid", 0), int(t.active[FRONTIER]),
        )  # fmt: skip

    def nbytes(self, t: Tables) -> int:
        """Memory of edges and ladders, of slots and pools in use; the active list is one of the tables."""
        if self.bands is None:
            return 0
        b, pools, slots = self.bands, int(t.top[TOP_POOLS]), int(t.top[TOP_ENTRIES])
        by_slot = b.node[:slots].nbytes + b.holder[: -(-slots // SMALLEST)].nbytes
        by_pool = b.touched[:pools].nbytes + self.found[:pools].nbytes
        whole = sum(column.nbytes for column in b) - b.node.nbytes - b.holder.nbytes - b.touched.nbytes
        return whole + by_slot + by_pool

    def give_up(self, t: Tables) -> None:
        """Every band is void, and the list empty: the scan judges everybody until pools are armed again."""
        t.active[COUNT], t.active[FRONTIER] = 0, FIRST_USER_POOL
        if self.bands is not None:
            forget_near(self.bands)
            self._prove_ahead(t, self.bands)

    def _prove_ahead(self, t: Tables, b: Bands) -> None:
        """Edges set from now on are proved for more funding and interest than there is."""
        things = t.things[: int(t.top[TOP_THINGS])]
        n, spare = things.size, np.full(things.size, NEVER)
        asset, priced = things["kind"] == ASSET, (things["kind"] == LINEAR) & (things["mark"] > 0)
        spare[asset] = TRILLION // SPARE_SHARE
        spare[priced] = (things["tick_value"] * things["mark"])[priced] // SPARE_SHARE
        b.base[:n], b.most[:n] = things["carry"], things["carry"] + spare
        b.at[:] = 0.0  # coordinates are taken anew with the new base

    def _laid_out(self, t: Tables) -> Bands:
        """The bands, laid out anew where something has been listed, their schedules looked at where they are new."""
        laid, entries = (int(t.top[TOP_THINGS]), int(t.top[TOP_PIECES])), int(t.top[TOP_ENTRIES])
        crowded = entries > CROWDED * self.sized + FEWEST_CROWDED
        if self.bands is not None and laid == self.laid and not crowded:
            return self.bands
        if self.bands is None or crowded:
            self.bands, self.sized = empty_bands(self.limits, entries), entries
            self.bands.usual[:] = FIRST_MOVE
        if laid[0] != self.laid[0] or crowded:
            lay_out(t, self.bands)
            self.give_up(t)
        self.marks = packed(t)
        fit_tails(t, self.bands)
        self.laid = laid
        return self.bands

    def judged(self, t: Tables, screen: bool) -> tuple[I32, int]:
        """Pools below the frontier in breach, in no order, and the frontier: from there on the scan must judge."""
        b, count = self._laid_out(t), int(t.top[TOP_POOLS])
        limit = max(FEWEST, count // LIMIT_SHARE)
        self.epochs += 1
        n = int(epoch(t, self.marks, b, screen, limit, self.found))
        self.touched += int(b.counts[TOUCHES])
        if n < 0:
            self.scans += 1
            self.give_up(t)
            self.wait = self.patience
            n = int(epoch(t, self.marks, b, screen, limit, self.found))
        return self.found[:n], int(t.active[FRONTIER])

    def arm_page(self, t: Tables, breaches: int) -> None:
        """After an epoch has been judged: arm the next page of pools, if it was calm."""
        count, frontier = int(t.top[TOP_POOLS]), int(t.active[FRONTIER])
        if frontier == count or breaches > count // CALM_SHARE or self.bands is None:
            return
        if self.wait:
            self.wait -= 1
            return
        self.arm_to(t, min(count, frontier + max(FEWEST_ARMED, count // PAGE_SHARE)))

    def arm_to(self, t: Tables, frontier: int) -> None:
        """Arm every pool below a frontier that is not yet; everybody must have been judged at the present prices."""
        page_armed(t, self._laid_out(t), int(t.active[FRONTIER]), frontier)
