"""The stable price: it follows the oracle's, but no faster than a limit that is tighter the further a day-old price is.

Every hour's average becomes a delay price, which moves by at most a share an hour; the one of a day ago holds the
stable price back. Source: programs/mango-v4/src/state/stable_price.rs. The program computes in binary floating point;
here products are exact and quotients and stored prices keep 18 decimals, rounded down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES

INTERVALS = 24
LEAST_SECONDS = 10  # updates closer together are ignored
MOST_SECONDS = 600  # of an update that count, however long ago the last one was


@dataclass(frozen=True, slots=True)
class StablePrice:
    """The model's state.

    Attributes
    ----------
    stable
        The price used beside the oracle's at INIT.
    delays
        Delay prices, one an interval of the day; ``interval`` is the one in progress, whose place still holds the
        price of a day ago.
    weighted, weighed_seconds
        The average in progress: the sum of price × seconds counted, and seconds. Seconds are counted in full while
        the price counts for at most :data:`MOST_SECONDS`, as in the program, so rare updates pull the average down.

    """

    stable: Decimal
    delays: tuple[Decimal, ...]
    updated_s: int = 0
    interval: int = 0
    weighted: Decimal = ZERO
    weighed_seconds: int = 0
    interval_seconds: int = 3600
    delay_growth_limit: Decimal = Decimal("0.06")
    stable_growth_limit: Decimal = Decimal("0.0003")

    @staticmethod
    def reset(
        price: Decimal,
        now_s: int = 0,
        delay_growth_limit: Decimal = Decimal("0.06"),
        stable_growth_limit: Decimal = Decimal("0.0003"),
    ) -> StablePrice:
        """A model that has only ever seen one price, which must be above zero."""
        if price <= 0:
            msg = f"a stable price starts from a price above 0, not {price}"
            raise RulesError(msg)
        fresh = StablePrice(price, (price,) * INTERVALS, now_s)
        return replace(fresh, delay_growth_limit=delay_growth_limit, stable_growth_limit=stable_growth_limit)

    @exact
    def updated(self, now_s: int, oracle: Decimal) -> StablePrice:
        """The model after it saw the oracle's price at ``now_s`` (seconds).

        >>> model = StablePrice.reset(Decimal(1))
        >>> model.updated(9, Decimal(10)) == model
        True
        >>> model.updated(10, Decimal(10)).stable.normalize()
        Decimal('1.003')
        """
        passed = now_s - self.updated_s
        if passed < LEAST_SECONDS:
            return self
        counted = Decimal(min(passed, MOST_SECONDS))
        weighted, weighed = self.weighted + oracle * counted, self.weighed_seconds + passed
        seen = replace(self, updated_s=now_s, weighted=weighted, weighed_seconds=weighed)
        closed = _delayed(seen, now_s, skipped_all=passed > INTERVALS * self.interval_seconds)
        return replace(closed, stable=_followed(closed, oracle, counted))


def observed(model: StablePrice, seen: Iterable[tuple[int, Decimal]]) -> StablePrice:
    """The model after it saw oracle prices at times, in their order."""
    for now_s, oracle in seen:
        model = model.updated(now_s, oracle)
    return model


def after_stretches(model: StablePrice, stretches: Iterable[tuple[int, int, Decimal]]) -> list[StablePrice]:
    """The model after each stretch of (seconds between updates, updates, price), one following the other from 0.

    >>> stretches = [(60, 2, Decimal(1)), (9, 1, Decimal(2))]
    >>> [str(model.stable.normalize()) for model in after_stretches(StablePrice.reset(Decimal(1)), stretches)]
    ['1', '1']
    """
    start_s, found = 0, []
    for every_s, times, oracle in stretches:
        model = observed(model, ((start_s + every_s * (k + 1), oracle) for k in range(times)))
        start_s += every_s * times
        found.append(model)
    return found


def one_switch(
    every_s: int, times: int, before: Decimal, switch_s: int, after: Decimal
) -> Iterator[tuple[int, Decimal]]:
    """Regular observations of a price that changes once; at ``switch_s`` itself the old one is still seen.

    >>> [(moment, str(price)) for moment, price in one_switch(10, 3, Decimal(1), 20, Decimal(2))]
    [(10, '1'), (20, '1'), (30, '2')]
    """
    for k in range(times):
        now_s = every_s * (k + 1)
        yield now_s, before if now_s <= switch_s else after


def _delayed(model: StablePrice, now_s: int, *, skipped_all: bool) -> StablePrice:
    """Close the interval in progress when a new one has begun; intervals without an update get its price too."""
    begun = now_s // model.interval_seconds % INTERVALS
    if begun == model.interval:
        return model
    average = divide(model.weighted, Decimal(model.weighed_seconds), PLACES, Rounding.DOWN)
    price = _clamped(average, model.delays[model.interval - 1], model.delay_growth_limit)
    count = INTERVALS if skipped_all else (begun - model.interval) % INTERVALS
    passed = {(model.interval + k) % INTERVALS for k in range(count)}
    delays = tuple(price if k in passed else old for k, old in enumerate(model.delays))
    return replace(model, delays=delays, interval=begun, weighted=ZERO, weighed_seconds=0)


def _followed(model: StablePrice, oracle: Decimal, counted: Decimal) -> Decimal:
    """The stable price moved towards the oracle's, slower by the square of its distance from the delay price."""
    delay = model.delays[model.interval]
    share = divide(min(delay, model.stable), max(delay, model.stable), PLACES, Rounding.DOWN)
    return _clamped(oracle, model.stable, model.stable_growth_limit * share * share * counted)


def _clamped(target: Decimal, before: Decimal, limit: Decimal) -> Decimal:
    """``target``, at most a share ``limit`` away from the price before; kept to 18 decimals."""
    moved = max(before * (ONE - limit), min(target, before * (ONE + limit)))
    return divide(moved, ONE, PLACES, Rounding.DOWN)
