"""Requirements on entry value: both rings find the same, whatever the price does, with orders and partial closes."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from decimal import Decimal

import pytest

from solvent.book import Purpose
from solvent.engine.commands import assemble, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import Happened, Verb, command
from solvent.margin import assess
from solvent.margin.curves import OnEntry
from solvent.rates import Schedule
from solvent.rules import ContractMargin
from solvent.units import exact, shifted
from tests.engine.world import LIMITS, PERPETUAL, USDT, said
from tests.margin.small_rules import Margins, small_rules

PERP, MARK = 1, 600_000
FLAT = Schedule.marginal([("0", "0.01"), ("9000.5", "0.0204"), ("70000", "0.3")])


class EntryMargins(Margins):
    """The small rule set's schedules, all on entry value and without leverage."""

    def contract(self, instrument):
        facts = super().contract(instrument)
        curves = {purpose: OnEntry(schedule) for purpose, schedule in facts.schedules.items()}
        return ContractMargin(curves, facts.brackets, frozenset(), facts.default_leverage)


RULES = small_rules(margin=EntryMargins(default=FLAT))


class Desk:
    """An engine with one dollar, one perpetual and two pools under the rule set."""

    def __init__(self, rules=RULES, contract=PERPETUAL):
        self.engine, self.seq = Engine(LIMITS, venues={rules.name: rules}), 0
        self.sent = [
            self.ask(list_asset, USDT, max_units=10**15),
            self.ask(list_instrument, contract, max_lots=10**7, max_ticks=10**7),
            self.ask(schedule_rules, row=0, rules=rules.name),
        ]
        self.listed = said(self.engine.step(assemble(self.sent)))

    def ask(self, made, *given, **fields):
        self.seq += 1
        return made(1, self.seq, *given, **fields)

    def do(self, sent):
        return said(self.engine.step(assemble([sent])))

    def verb(self, verb, **fields):
        self.seq += 1
        return self.do((command(verb, 1, self.seq, **fields), b""))


@pytest.mark.parametrize("seed", range(4))
def test_both_rings_find_the_same_on_random_histories(seed):
    luck, desk = random.Random(seed), Desk()
    assert all(one == ("DONE", "OK") for one in desk.listed), desk.engine.errors
    desk.do(desk.ask(prices, {PERP: MARK}, 0))
    for pool in (2, 3):
        assert desk.do(desk.ask(open_pool, pool=pool, rules=0))[0] == ("DONE", "OK")
        desk.verb(Verb.DEPOSIT, pool=pool, thing=0, amount=luck.randint(5, 60) * 10**9)
    done = judged = 0
    for step in range(120):
        ticks = luck.randint(MARK * 9 // 10, MARK * 11 // 10)
        if step % 7 == 0:
            desk.do(desk.ask(prices, {PERP: ticks}, step))
        elif step % 5 == 0:
            desk.verb(
                Verb.RESERVE, pool=2, thing=PERP, lots=luck.randint(-900, 900) or 1, ticks=ticks, ref=1_000 + step
            )
        else:
            said_now = desk.verb(
                Verb.FILL, pool=2, other=3, thing=PERP, lots=luck.randint(-3_000, 3_000) or 1, ticks=ticks
            )
            done += said_now[0] == ("DONE", "OK")
        for pool in (2, 3):
            book, market, rules = desk.engine.book(pool)
            for purpose in Purpose:
                found = assess(book, market, rules, purpose)[f"P{pool}"]
                assert math.floor(shifted(found.surplus, 6)) == desk.engine.surplus(pool, purpose), (step, purpose)
                judged += found.required > 0
    assert done >= 15
    assert judged > 500


def test_the_screen_counts_entry_value_too():
    """A position opened far from the mark: what is required is on what was paid, in both passes."""
    desk = Desk()
    desk.do(desk.ask(prices, {PERP: MARK}, 0))
    for pool in (2, 3):
        desk.do(desk.ask(open_pool, pool=pool, rules=0))
        desk.verb(Verb.DEPOSIT, pool=pool, thing=0, amount=40 * 10**9)
    assert desk.verb(Verb.FILL, pool=2, other=3, thing=PERP, lots=1_000, ticks=MARK)[0] == ("DONE", "OK")
    desk.do(desk.ask(prices, {PERP: MARK // 2}, 1))
    seen = desk.engine.revalue()
    required = exact(FLAT.at)(Decimal(60_000))
    assert seen.required[2] == pytest.approx(float(required) * 10**6, rel=1e-12)
    fee = 30 * 10**6
    assert desk.engine.surplus(2, Purpose.MAINTAIN) == 10_000 * 10**6 - fee - math.ceil(shifted(required, 6))


def test_mixed_bases_and_leverage_are_refused_by_name():
    class Mixed(EntryMargins):
        def contract(self, instrument):
            facts = super().contract(instrument)
            return replace(facts, schedules={**facts.schedules, Purpose.MAINTAIN: FLAT})

    class Levered(EntryMargins):
        def contract(self, instrument):
            return replace(super().contract(instrument), leverage_at=frozenset({Purpose.ADMIT}))

    for rules, text in (
        (small_rules(margin=Mixed(default=FLAT)), "all be on notional or all on entry value"),
        (small_rules(margin=Levered(default=FLAT)), "without leverage"),
    ):
        desk = Desk(rules)
        assert text in " ".join(str(one) for one in desk.engine.errors.values())
        assert any(kind == Happened.REFUSED.name for kind, _ in desk.listed)
