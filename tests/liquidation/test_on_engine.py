"""A plan carried out by the engine: every step is accepted and leaves exactly the surplus that was planned."""

from fractions import Fraction

import pytest

from solvent.book import Purpose
from solvent.engine.records import CCP_POOL, PoolState, Verb
from solvent.liquidation import Action, Depth, Level, plan
from solvent.units import exact
from tests.engine.world import ALT, BTC_ID, COIN, MARK, PERP, World, said

THINGS = {"BTC-PERP": PERP, "ALT-PERP": ALT, "BTC-COIN": COIN}


def quotes_near(marks, per_mille):
    """Plenty on both sides at so many thousandths from each mark."""
    found = {}
    for symbol, mark in marks.items():
        away = mark * per_mille // 1_000
        found[symbol] = Depth((Level(mark - away, 10**9),), (Level(mark + away, 10**9),))
    return found


def carried_out(world, pool, steps):
    """Send the closes to the engine; each must be done and leave what was planned."""
    for step in steps:
        planned = int(Fraction(exact(lambda s=step: s.after * 10**6)()) // 1)
        fill = {"thing": THINGS[step.symbol], "lots": step.lots, "ticks": step.worst_ticks}
        events = world.do(Verb.LIQUIDATE, pool=pool, other=CCP_POOL, **fill)
        assert said(events)[0] == ("DONE", "OK"), said(events)
        assert int(events[0]["fee"]) == step.penalty_units
        assert world.engine.surplus(pool, Purpose.RECOVER) == planned


@pytest.mark.parametrize(
    ("fall", "per_mille", "ends"),
    [
        (513_720, 0, PoolState.HEALTHY),
        # Sold at the mark, a pool loses no more than penalties, and these stop where its value is zero: only the
        # weight of its debt keeps it below the line, which conversion can go on to mend.
        (513_000, 0, PoolState.LIQUIDATING),
        (511_000, 2, PoolState.BANKRUPT),
    ],
)
def test_steps_are_accepted_and_leave_the_surplus_planned(fall, per_mille, ends):
    """Linear legs and one in the coin. The plan restores the pool, leaves it flat and worth nothing, or uses it up."""
    world = World().start(pools=1, cash=10_000, fund=1_000_000, lend=10**12)
    pool = world.engine.pool_count - 1
    world.fine(Verb.DEPOSIT, pool=pool, thing=BTC_ID, amount=10**6)
    world.fill(pool, CCP_POOL, 1_200, MARK)
    world.fill(pool, CCP_POOL, -20, MARK, COIN)
    world.fill(pool, CCP_POOL, 5_000, 1_000, ALT)
    world.price(fall)
    assert int(world.engine.tables.pools[pool]["state"]) == PoolState.LIQUIDATING
    marks = {symbol: fall if symbol != "ALT-PERP" else 1_000 for symbol in THINGS}
    closes = 0
    for _ in range(40):
        book, market, rules = world.engine.book(pool)
        steps = plan(book, market, rules, book.holdings[0].pool.id, quotes_near(marks, per_mille))
        if not steps or steps[0].action is Action.HAND_OVER:
            break
        # Each round is one step at a time: the engine's deficit and value are those of the moment.
        carried_out(world, pool, steps[:1])
        closes += 1
    assert closes
    assert int(world.engine.tables.pools[pool]["state"]) == ends
    world.lawful()
