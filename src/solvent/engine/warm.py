"""Compile every kernel once and keep it: ``python -m solvent.engine.warm`` before several processes need them."""

from __future__ import annotations

import numpy as np

from solvent.engine.hot import apply
from solvent.engine.jit import say_if_cold
from solvent.engine.orders import count_orders, release_all
from solvent.engine.records import EVENT, Verb, command
from solvent.engine.tables import NONE, Limits, empty
from solvent.engine.value import ADMIT, MAINTAIN, admit_surplus, assessed, in_breach, surplus

TINY = Limits(pools=4, entries=64, orders=8, things=4, rules=2, pieces=8, sources=2)


def warm() -> int:
    """Run each entry point of the hot half on empty tables; how many events that gave.

    >>> warm()
    1
    """
    t, events = empty(TINY), np.zeros(4, EVENT)
    _, written = apply(t, command(Verb.DEPOSIT, 1, 1, pool=2, amount=1), 0, 1, events, 0, 8)
    for pool in (0, 1):
        surplus(t, pool, MAINTAIN)
        assessed(t, pool, ADMIT)
        admit_surplus(t, pool)
        in_breach(t, pool)
        count_orders(t, pool)
        release_all(t, pool, NONE, events, 0)
    return int(written)


if __name__ == "__main__":
    say_if_cold()
    warm()
