"""Moves that concern everybody at once, the way down, and commands that must be refused; aimed where they can be."""

from __future__ import annotations

from solvent.book import Purpose
from solvent.engine.commands import pairs, prices, socialise
from solvent.engine.records import (
    CCP_POOL,
    FUND_POOL,
    OTHER_LEG_SHIFT,
    PoolState,
    Setting,
    ThingState,
    Verb,
    command,
)
from solvent.ledger import share_up
from solvent.rules import PenaltyBase
from tests.equality.worlds import ALT, BTC_ID, COIN, CONTRACTS, EDGE, ETH_ID, FUTURE, SPOT, USDT_ID
from tests.twin.orders import move_position
from tests.twin.postings import Draft, in_numeraire_up

WILD = [0, -1, 1, 1 << 31, (1 << 58) + 1, (1 << 63) - 1, -(1 << 63)]


class Moves:
    """Part of :class:`tests.equality.history.History`."""

    # Everybody at once

    def moved(self):
        """New marks: of one coin together, or of anything."""
        rng, marks = self.rng, {}
        if rng.random() < 0.5:
            step = rng.choice([-80, -25, -5, 5, 25, 80])
            chosen = [BTC_ID, *(t for t in CONTRACTS[:1]), COIN, FUTURE, SPOT]
        else:
            step = rng.choice([-150, -40, 40, 150])
            chosen = rng.sample([*CONTRACTS, ETH_ID, ALT], 4)
        for thing in chosen:
            row = self.world.things[thing]
            marks[thing] = min(max(1, row.mark + row.mark * step // 1000), row.listed.max_ticks)
        if rng.random() < 0.15:
            marks[EDGE] = rng.choice([777_000_001, 5_000_500_000, 90_000_000_000]) // rng.randint(1, 3) + rng.choice(
                [-1, 0, 1]
            )
        return marks

    def epoch(self):
        self.send(prices(0, self.next_seq(), self.moved(), self.world.time + self.rng.choice([0, 1, 100])))

    def aimed_epoch(self):
        """Marks after which some pools stand within two units of the line at MAINTAIN."""
        marks, users = self.moved(), self.users()
        holders = [p for p in users if any(e.lots for e in p.entries.values())]
        for pool in self.rng.sample(holders, min(3, len(holders))):
            self.land(pool, lambda p=pool: self.under(marks, p))
        self.send(prices(0, self.next_seq(), marks, self.world.time))

    def under(self, marks, pool):
        things, old = self.world.things, {}
        for thing, ticks in marks.items():
            old[thing], things[thing].mark = things[thing].mark, ticks
        found = self.world.surplus(pool, Purpose.MAINTAIN)
        for thing, ticks in old.items():
            things[thing].mark = ticks
        return found

    def accrue(self):
        rng = self.rng
        if rng.random() < 0.6:
            rate = rng.choice([100_000, -100_000, 3_333_333, -7, 10**9 + 1])
            self.do(Verb.FUNDING, thing=rng.choice([*CONTRACTS, SPOT]), amount=rate)
        else:
            asset = rng.choice([USDT_ID, BTC_ID, ETH_ID])
            self.do(Verb.INTEREST, thing=asset, amount=rng.choice([1, 3600, 86_400 * 30, 0]))

    def change_state(self):
        thing = self.rng.choice(CONTRACTS)
        state = self.rng.choice([ThingState.REDUCE_ONLY, ThingState.HALTED, ThingState.SETTLING])
        self.do(Verb.STATE, thing=thing, flags=int(state))
        for _ in range(3):
            self.trade()
        self.do(Verb.STATE, thing=thing, flags=int(ThingState.LISTED))

    def expire(self):
        if self.rng.random() < 0.15:
            self.do(Verb.ADVANCE_TIME, amount=max(self.world.time, 1_000))
        self.do(Verb.SETTLE, thing=FUTURE, ticks=self.near_mark(FUTURE))

    def setting(self):
        rng, users = self.rng, self.users(*PoolState)
        pool = rng.choice(users)
        what = rng.random()
        if what < 0.6:
            fields = {"flags": int(Setting.LEVERAGE), "thing": self.thing_for(pool)}
            self.do(Verb.SET, pool=pool.id, amount=rng.choice([0, 1, 3, 5, 10, 20, 50, 125, 200, -1]), **fields)
        elif what < 0.8:
            self.do(Verb.SET, pool=pool.id, flags=int(Setting.LEGS), amount=rng.choice([0, 1, 1, 2]))
        else:
            self.do(Verb.SET, pool=pool.id, flags=int(Setting.RULES), amount=rng.randint(0, 7))

    # The way down

    def unwind(self):
        """A step of liquidation, deleveraging or cover, sometimes aimed at RECOVER."""
        rng = self.rng
        bankrupt = self.users(PoolState.BANKRUPT)
        if bankrupt and rng.random() < 0.5:
            self.cover(rng.choice(bankrupt))
            return
        going = self.users(PoolState.LIQUIDATING)
        if not going:
            self.aimed_epoch()
            return
        pool = rng.choice(going)
        held = [(t, leg, e.lots) for (t, leg), e in pool.entries.items() if e.lots]
        if not held:
            self.pay_by(pool, rng.randint(1, 10**9))
            self.convert()
            return
        thing, leg, lots = rng.choice(held)
        part = -lots // rng.choice([1, 1, 2, 4]) or -lots
        verb = Verb.ADL if rng.random() < 0.25 else Verb.LIQUIDATE
        other, other_leg = self.taker_over(verb, thing, part)
        if other is None:
            return
        ticks = self.near_mark(thing)
        if rng.random() < 0.6:
            self.land(pool, lambda: self.after_step(pool, thing, leg, part, ticks), (0, 0, -1, 1))
        self.do(
            verb, pool=pool.id, other=other, thing=thing, lots=part, ticks=ticks,
            flags=leg | other_leg << OTHER_LEG_SHIFT,
        )  # fmt: skip

    def after_step(self, pool, thing, leg, lots, ticks):
        """surplus(RECOVER) after a step, the penalty on closed notional taken."""
        draft, instrument = Draft(self.world), self.world.instrument(thing)
        move_position(draft, pool.id, thing, leg, lots, instrument.worth(lots, ticks))
        rules = self.world.row(pool).venue.penalty
        if rules.base is PenaltyBase.CLOSED_NOTIONAL:
            notional = in_numeraire_up(
                self.world, pool, self.world.things[thing].listed.settle, instrument.notional(lots, ticks)
            )
            draft.add(pool.id, USDT_ID, -share_up(notional, rules.ppm(instrument.symbol)))
        return self.world.surplus(draft.pool(pool.id), Purpose.RECOVER)

    def taker_over(self, verb, thing, lots):
        if verb is Verb.ADL:
            winners = [
                (p.id, leg)
                for p in self.users()
                for (t, leg), e in p.entries.items()
                if t == thing and e.lots * lots > 0 and abs(e.lots) >= abs(lots)
            ]
            return self.rng.choice(winners) if winners else (None, 0)
        if self.rng.random() < 0.4:
            return CCP_POOL, 0
        users = self.users()
        if not users:
            return CCP_POOL, 0
        other = self.rng.choice([*users, self.world.pools[FUND_POOL]])
        return other.id, self.leg_of(other, thing, -lots)

    def cover(self, pool):
        rng, missing = self.rng, -self.world_value(pool)
        if rng.random() < 0.5:
            self.do(Verb.FUND, pool=pool.id, amount=max(1, missing + rng.choice([0, 0, 1, -1])))
            return
        payers = rng.sample(self.users(), min(3, len(self.users())))
        shares = {p.id: missing // len(payers) for p in payers}
        if payers:
            shares[payers[0].id] += missing - sum(shares.values()) + rng.choice([0, 0, 0, 1])
        self.send(socialise(0, self.next_seq(), pool.id, shares))

    # What must be refused

    def wild(self):
        """A plausible command with one field gone wrong."""
        rng = self.rng
        verb = rng.choice([v for v in Verb if v not in (Verb.LIST, Verb.LIST_ASSET)])
        pool, other = (rng.choice(self.world.pools).id for _ in range(2))
        fields = {
            "pool": pool, "other": other, "thing": rng.choice([*CONTRACTS, SPOT, BTC_ID]),
            "lots": rng.randint(-5, 5), "ticks": rng.randint(1, 10**6), "amount": rng.randint(1, 10**6), "ref": 0,
        }  # fmt: skip
        if verb is Verb.OPEN:
            fields |= {"pool": len(self.world.pools) + 7, "other": -1}
        if verb in (Verb.ADVANCE_TIME, Verb.PRICES):
            fields["amount"] = self.world.time - 1
        wrong = rng.choice(["pool", "other", "thing", "lots", "ticks", "amount", "ref", "flags"])
        if wrong in ("pool", "other", "thing"):
            fields[wrong] = rng.choice([-1, -9, 99, 1 << 30, -(1 << 31)])
        elif wrong == "flags":
            fields["flags"] = rng.choice([-1, 3, 15, 64, 255, -(1 << 15), (1 << 15) - 1])
        elif not (wrong == "amount" and verb is Verb.ADVANCE_TIME):
            fields[wrong] = rng.choice(WILD)
        if verb in (Verb.PRICES, Verb.SOCIALISE, Verb.SCHEDULE_RULES):
            payload = rng.choice([b"", b"x", b"{}", pairs([(99, 1)]), pairs([(BTC_ID, 0)]), pairs([(2, 5), (2, 5)])])
            fields |= {"lots": 0, "ticks": 0}
            self.send((command(verb, 0, self.next_seq(), **fields), payload))
            return
        self.do(verb, **fields)

    def again(self):
        """A command sent twice, or from nobody."""
        record, payload = self.rng.choice(self.sent)
        copy = record.copy()
        copy["source"] = self.rng.choice([0, 0, 0, 7, -1])
        self.send((copy, payload))
