"""Brute force: at every epoch every pool is computed again from its entries, in whole numbers, and compared.

What is compared is the engine's answer, the BREACHED events of an epoch: who is announced, in which order, with which
surplus, and who is not. The scan knows no screen, no mirror, no bands and no cache, only the exact kernels of
``engine/value.py``. Ring 1, which shares no code with them but the ledger's integer functions, judges every pool within
a thousandth of the line at every epoch, and a thousand others once in sixty epochs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from solvent.assessment import Assessment
from solvent.book import Purpose
from solvent.engine.arming import Watched
from solvent.engine.engine import Engine
from solvent.engine.records import FIRST_USER_POOL, Happened, PoolState, Records
from solvent.engine.scan import surpluses
from solvent.engine.tables import TOP_EPOCH, TOP_POOLS
from solvent.rules import VenueRules
from solvent.simulation.randomness import MILLION, Stream
from solvent.simulation.verdicts import assessments
from solvent.simulation.world import DOLLAR_SCALE
from solvent.units import exact, shifted

Ints = NDArray[np.int64]

MILLIONTH_PLACES = 6
NEAR_PER_MILLE = 1  # a surplus within so many thousandths of the requirement is near the line
OTHERS, OTHERS_EPOCHS = 1_000, 60  # others are judged by ring 1, so many once in so many epochs


@dataclass(slots=True)
class BruteForce:
    """Compares and counts.

    Args:
        rules: The rule set; says whether standing on the line is a breach.
        seed: Draws the others.
        pools: Most pools there will be.
        others, others_epochs: How many others, and every how many epochs.

    ``missed`` counts healthy pools in breach that were not announced; ``wrong`` those announced that are not in breach,
    or with another surplus than the scan's, or out of order; and every pool on which ring 1 says something else.
    ``by_bands`` counts the verdicts that the engine gave without looking at the pool, on the proof of its bands.
    """

    rules: VenueRules
    seed: int
    pools: int
    others: int = OTHERS
    others_epochs: int = OTHERS_EPOCHS
    epochs: int = 0
    scanned: int = 0
    announced: int = 0
    missed: int = 0
    wrong: int = 0
    near: int = 0
    other: int = 0
    by_bands: int = 0
    first: str = ""
    whole: Ints = field(init=False)
    millionths: Ints = field(init=False)
    required: Ints = field(init=False)
    rest: Ints = field(init=False)
    told: Watched | None = None

    def __post_init__(self) -> None:
        """Columns of one scan, by pool."""
        self.whole, self.millionths, self.required, self.rest = (np.zeros(self.pools, np.int64) for _ in range(4))

    def look(self, engine: Engine, events: Records) -> None:
        """After an epoch, before anything else happens: ``events`` are all that the epoch's command gave."""
        t = engine.tables
        last = int(t.top[TOP_POOLS])
        columns = (self.whole, self.millionths, self.required, self.rest)
        surpluses(t, FIRST_USER_POOL, last, *columns)
        pools = np.arange(FIRST_USER_POOL, last)
        whole, millionths, required, rest = (one[FIRST_USER_POOL:last] for one in columns)
        breach = whole < 0
        if self.rules.breach_inclusive:
            breach |= (whole == 0) & (millionths == 0) & (required + rest > 0)
        announced = events[events["kind"] == Happened.BREACHED]
        self.epochs += 1
        self.scanned += pools.size
        self.announced += announced.size
        self._announced_are(announced, breach)
        self.by_bands += self._on_bands(engine, events)
        healthy = t.pools["state"][pools] == PoolState.HEALTHY
        for pool in pools[breach & healthy].tolist():
            self.missed += 1
            self._say(f"epoch {int(t.top[TOP_EPOCH])}: pool {pool} is in breach and was not announced")
        near = np.abs(whole) * 1_000 <= required * NEAR_PER_MILLE
        near &= required > 0
        self.near += self._ring_1(engine, pools[near], breach[near])
        if self.epochs % self.others_epochs == 1:
            far = np.flatnonzero(~near)
            stream = Stream(self.seed, f"brute force/{int(t.top[TOP_EPOCH])}")
            chosen = far[np.unique(stream.integers(0, far.size, self.others))] if far.size else far
            self.other += self._ring_1(engine, pools[chosen], breach[chosen])

    def _announced_are(self, announced: Records, breach: NDArray[np.bool_]) -> None:
        """Everybody announced is in breach, with the surplus the scan finds, worst first."""
        before: tuple[int, Fraction, int] | None = None
        for pool, short in zip(announced["pool"].tolist(), announced["short"].tolist(), strict=True):
            own = int(self.whole[pool])
            place = self._badness(pool)
            if not breach[pool - FIRST_USER_POOL] or own != short:
                self._wrong(f"pool {pool} was announced with surplus {short}, it is {own}")
            elif before is not None and place < before:
                self._wrong(f"pool {pool} is worse than the one announced before it")
            before = place

    def _on_bands(self, engine: Engine, events: Records) -> int:
        """How many healthy pools this epoch's judge did not look at, neither as touched nor on a list nor by a scan."""
        before, now = self.told, engine.watched
        self.told = now
        if before is None or now is None or (now.epochs, now.scans) != (before.epochs + 1, before.scans):
            return 0
        below = before.frontier  # as it was when this epoch was judged
        unhealthy = np.count_nonzero(engine.tables.pools["state"][FIRST_USER_POOL:below] != PoolState.HEALTHY)
        changed = events[events["pool"] < below]["kind"]
        unhealthy += np.count_nonzero(changed == Happened.RECOVERED) - np.count_nonzero(changed == Happened.BREACHED)
        looked = now.judged + now.touched - before.judged - before.touched
        return int(below - FIRST_USER_POOL - unhealthy - looked)

    def _badness(self, pool: int) -> tuple[int, Fraction, int]:
        """Sorts worst first: by margin equity over requirement, which is 1 + surplus over requirement; then by pool."""
        required = int(self.required[pool]) * MILLION + int(self.rest[pool])
        if required <= 0:
            return 0, Fraction(0), pool
        return 1, Fraction(int(self.whole[pool]) * MILLION + int(self.millionths[pool]), required), pool

    def _ring_1(self, engine: Engine, pools: Ints, breach: NDArray[np.bool_]) -> int:
        """Ring 1's verdict and surplus, rounded down once, against the scan's; how many pools were judged."""
        for (pool, found), own in zip(
            assessments(engine, pools.tolist(), Purpose.MAINTAIN), breach.tolist(), strict=True
        ):
            same = millionths_of(found) == int(self.whole[pool]) * MILLION + int(self.millionths[pool])
            if not same or found.breached(inclusive=self.rules.breach_inclusive) != own:
                self._wrong(f"pool {pool}: ring 1 says surplus {found.low}, the scan {self.whole[pool]} units")
        return int(pools.size)

    def _wrong(self, text: str) -> None:
        self.wrong += 1
        self._say(text)

    def _say(self, text: str) -> None:
        self.first = self.first or text

    def counts(self) -> dict[str, int]:
        """What was compared and what was found, for a report."""
        names = ("epochs", "scanned", "announced", "near", "other", "by_bands", "missed", "wrong")
        return {name: int(getattr(self, name)) for name in names}


@exact
def millionths_of(found: Assessment) -> int:
    """Ring 1's surplus in millionths of a unit: a whole number, exactly."""
    surplus = shifted(found.low, DOLLAR_SCALE + MILLIONTH_PLACES)
    if surplus != int(surplus):
        raise ValueError(f"{found.pool}: surplus {found.low} has parts below a millionth of a unit, expected none")
    return int(surplus)
