"""Would-be changes: copies of the pools a command touches, and postings to the house, kept only if it is done."""

from __future__ import annotations

import math

from solvent import ledger
from solvent.engine.records import CCP_POOL, House, Reason
from solvent.engine.tables import POOL_BITS
from solvent.rules import Missing, Transition
from solvent.units import EXACT

from .events import demand


class Draft:
    """Copies of pools by id, and the world's other changes, until :meth:`keep`."""

    def __init__(self, world):
        self.world, self.pools, self.house, self.funding = world, {}, [], []

    def pool(self, pool_id):
        if pool_id not in self.pools:
            self.pools[pool_id] = self.world.pools[pool_id].copy()
        return self.pools[pool_id]

    def touch(self, pool, asset):
        """Settle the interest a balance owes."""
        units, index = pool.cash.get(asset, 0), self.world.things[asset].carry
        due = 0
        if pool.id != CCP_POOL:
            due = ledger.interest_due(units, index, pool.touched.get(asset, 0))
        if due:
            pool.cash[asset] = units - due
            self.house.append((House.LENDING, asset, due))
        pool.touched[asset] = index

    def add(self, pool_id, asset, units):
        """Add to a balance, its interest settled first."""
        pool = self.pool(pool_id)
        self.touch(pool, asset)
        pool.cash[asset] = pool.cash.get(asset, 0) + units

    def post(self, account, asset, units):
        self.house.append((account, asset, units))

    def keep(self):
        """Make it so."""
        for pool_id, pool in self.pools.items():
            for asset in [a for a, units in pool.cash.items() if not units]:
                del pool.cash[asset], pool.touched[asset]
            self.world.pools[pool_id] = pool
        for account, asset, units in self.house:
            self.world.post(account, asset, units)
        for thing, units in self.funding:
            self.world.things[thing].funding_paid += units

    # What is asked of a would-be pool

    def borrow(self, pool_id, asset, counted):
        """BORROW: a change that increases a debt must find the lending pool below its cap; ``counted`` pools borrow."""
        world = self.world
        before, after = world.pools[pool_id].cash.get(asset, 0), self.pool(pool_id).cash.get(asset, 0)
        if pool_id == CCP_POOL or world.row(self.pool(pool_id)).venue.borrowing.missing is not Missing.BORROW:
            return
        if max(0, -after) > max(0, -before):
            borrowed = world.borrowed(asset) + sum(
                max(0, -p.cash.get(asset, 0)) - max(0, -world.pools[p.id].cash.get(asset, 0))
                for p in (self.pools[k] for k in counted)
                if p.id != CCP_POOL
            )
            cap = world.row(self.pool(pool_id)).venue.borrowing.cap_ppm
            world.verdicts.append(borrowed - ledger.share_down(world.lent(asset), cap))
            demand(borrowed * ledger.MILLION <= world.lent(asset) * cap, Reason.BORROW)

    def short(self, pool_id, purpose):
        """0 where surplus(purpose) ≥ 0 after the change, else it, rounded down."""
        after = self.world.surplus(self.pool(pool_id), purpose)
        self.world.verdicts.append(after)
        return min(0, math.floor(after))

    def relieves(self, pool_id, purpose, thing, leg, fee):
        """REDUCE_NO_WORSE: less of the position, same side or none, and surplus no lower than before less the fee."""
        world = self.world
        if world.row(self.pool(pool_id)).venue.transition is not Transition.REDUCE_NO_WORSE:
            return False
        if not reduces(world.pools[pool_id].lots(thing, leg), self.pool(pool_id).lots(thing, leg)):
            return False
        before, after = world.surplus(world.pools[pool_id], purpose), world.surplus(self.pool(pool_id), purpose)
        settle = world.things[thing].listed.settle
        line = EXACT.subtract(before, in_numeraire_up(world, self.pool(pool_id), settle, fee))
        world.verdicts.append(EXACT.subtract(after, line))
        return after >= line

    def leverage(self, pool_id, thing, leg):
        """LEVERAGE: the larger side of position and orders, at mark, within the brackets of its leverage cap."""
        world, pool = self.world, self.pool(pool_id)
        listed, row = world.things[thing].listed, world.row(pool)
        margin = row.venue.margin.contract(listed.instrument)
        entry = pool.entries.get((thing, leg))
        cap = row.venue.modes[pool.mode].leverage_cap(row.account_class)
        chosen = entry.leverage if entry and entry.leverage else min(margin.default_leverage, cap)
        lots = pool.lots(thing, leg)
        worst = max(abs(lots + pool.side(thing, leg, side)) for side in (1, -1))
        units = in_numeraire_up(world, pool, listed.settle, listed.instrument.notional(worst, world.things[thing].mark))
        largest = margin.largest_notional(chosen)
        asset = world.things[row.numeraire].listed.asset
        amount = asset.amount(units)
        if largest is not None:
            world.verdicts.append(units - asset.units(largest))
        return chosen <= cap and (largest is None or amount <= largest)

    def reach(self, pool_id):
        """REACH, for contracts that settle in the numeraire: Σ largest worths of positions and orders."""
        world, pool = self.world, self.pool(pool_id)
        total = 0
        for thing, lots in [(t, e.lots) for (t, _), e in pool.entries.items()] + [
            (o.thing, o.lots) for o in pool.orders.values()
        ]:
            listed = world.things[thing].listed
            total += abs(lots) * listed.max_ticks * listed.instrument.tick_value
        return total <= 1 << POOL_BITS

    def cash_after(self, pool_id, asset):
        """A would-be balance."""
        return self.pool(pool_id).cash.get(asset, 0)


def reduces(before, after):
    """Whether a position becomes smaller without changing sides."""
    return abs(after) < abs(before) and after * before >= 0


def in_numeraire_up(world, pool, asset, units):
    """A requirement, fee or loss in numeraire units, rounded up."""
    if asset == world.numeraire(pool):
        return units
    thing = world.things[asset]
    return ledger.converted_up(units, thing.mark, thing.listed.divisor)


def in_numeraire_down(world, pool, asset, units):
    """What a balance is worth in numeraire units, rounded down."""
    if asset == world.numeraire(pool):
        return units
    thing = world.things[asset]
    return ledger.converted_down(units, thing.mark, thing.listed.divisor)


def fees_of(world, pool, notional, *, taker):
    """Fee and levy of a fill's notional for a pool; the mirror pays nothing."""
    if pool.id == CCP_POOL:
        return 0, 0
    row = world.row(pool)
    ppm = row.venue.fees.taker_ppm if taker else row.venue.fees.maker_ppm
    levy = row.venue.modes[row.mode].fund_levy_ppm
    return ledger.fill_fee(notional, ppm), ledger.fill_fee(notional, levy)
