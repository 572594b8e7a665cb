"""Every rule set that declares a compiled form compiles, and both rings find the same on random histories under it."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest

from solvent.book import LegMode, Mode, Purpose
from solvent.engine.commands import assemble, list_asset, list_instrument, open_pool, prices, schedule_rules
from solvent.engine.engine import Engine
from solvent.engine.records import Verb, command
from solvent.instruments import DOLLARS, Perpetual
from solvent.margin import assess
from solvent.rules import Form, RulesError
from solvent.units import Asset, exact, shifted
from solvent.venues import names, numeraire, venue
from tests.engine.world import LIMITS, said

D = Decimal
COMPILED = (Form.SEPARABLE, Form.NESTED)
NAMES = [name for name in names() if venue(name).forms[Purpose.MAINTAIN] in COMPILED and numeraire(name) in DOLLARS]
COINS = (("BTC", "0.1", "0.001", 600_000), ("ETH", "0.01", "0.01", 250_000), ("PEPE", "0.0001", "1", 5_000))


class Desk:
    """An engine under one rule set: a dollar, three perpetuals, two users who trade with each other."""

    def __init__(self, name):
        self.rules, self.dollar = venue(name), Asset(numeraire(name), 6)
        self.engine, self.seq = Engine(LIMITS, venues={name: self.rules}), 0
        self.mode = Mode.CROSS if Mode.CROSS in self.rules.modes else Mode.ISOLATED
        account_class = min(self.rules.modes[self.mode].max_leverage)
        listed = [
            Perpetual(f"{coin}-PERP", coin, self.dollar, self.dollar, D(tick), D(lot)) for coin, tick, lot, _ in COINS
        ]
        sent = [
            self.ask(list_asset, self.dollar, max_units=10**15),
            *(self.ask(list_instrument, one, max_lots=10**8, max_ticks=10**7) for one in listed),
            self.ask(schedule_rules, row=0, rules=name, mode=self.mode, account_class=account_class),
        ]
        assert set(said(self.engine.step(assemble(sent)))) == {("DONE", "OK")}, self.engine.errors
        self.marks = {1 + k: ticks for k, (_, _, _, ticks) in enumerate(COINS)}
        self.reprice(self.marks, 0)
        for pool in (2, 3):
            opened = self.do(self.ask(open_pool, pool=pool, rules=0, mode=self.mode, legs=LegMode.ONE_WAY))
            assert opened[0] == ("DONE", "OK")

    def ask(self, made, *given, **fields):
        self.seq += 1
        return made(1, self.seq, *given, **fields)

    def do(self, sent):
        return said(self.engine.step(assemble([sent])))

    def verb(self, verb, **fields):
        self.seq += 1
        return self.do((command(verb, 1, self.seq, **fields), b""))

    def reprice(self, marks, now):
        self.marks = marks
        self.do(self.ask(prices, marks, now))

    def surplus(self, pool, purpose):
        """Ring 1's surplus in whole units, rounded down."""
        book, market, rules = self.engine.book(pool)
        return math.floor(shifted(assess(book, market, rules, purpose)[f"P{pool}"].surplus, 6))


def test_what_is_compiled_is_listed():
    assert {"generic", "binance_usdm", "hyperliquid", "gmx_v2_dollar", "binance_usdm_multi_asset"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_both_rings_agree_on_random_histories(name):
    luck, desk = random.Random(name), Desk(name)
    for pool in (2, 3):
        desk.verb(Verb.DEPOSIT, pool=pool, thing=0, amount=luck.randint(20, 90) * 10**9)
    compared = 0
    for step in range(80):
        if step % 8 == 0:
            desk.reprice({thing: max(1, at * luck.randint(93, 107) // 100) for thing, at in desk.marks.items()}, step)
        else:
            thing = 1 if desk.mode is Mode.ISOLATED else luck.choice(list(desk.marks))
            lots = luck.choice((-1, 1)) * max(1, luck.randint(100, 4_000) * 600_000_000 // (desk.marks[thing] * 10**5))
            if step % 8 == 5 and desk.mode is Mode.CROSS:
                desk.verb(Verb.RESERVE, pool=2, thing=thing, lots=lots, ticks=desk.marks[thing], ref=1_000 + step)
            else:
                desk.verb(Verb.FILL, pool=2, other=3, thing=thing, lots=lots, ticks=desk.marks[thing])
        for pool in (2, 3):
            for purpose in Purpose:
                assert desk.engine.surplus(pool, purpose) == desk.surplus(pool, purpose), (step, pool, purpose)
                compared += 1
    assert compared == 800
    assert any(desk.engine.book(2)[0].holdings[0].positions), "something is held at the end"


@pytest.mark.parametrize("name", [name for name in NAMES if venue(name).forms[Purpose.MAINTAIN] is Form.SEPARABLE])
def test_separable_means_that_each_price_acts_by_itself(name):
    """The change of surplus by two prices together is the sum of the changes by each."""
    if Mode.CROSS not in venue(name).modes:
        return  # one position a pool: there is one price
    desk = Desk(name)
    for pool in (2, 3):
        desk.verb(Verb.DEPOSIT, pool=pool, thing=0, amount=10**12)
    for thing, lots in ((1, 500), (2, -2_000), (3, 7_000)):
        assert desk.verb(Verb.FILL, pool=2, other=3, thing=thing, lots=lots, ticks=desk.marks[thing])[0][0] == "DONE"
    book, market, rules = desk.engine.book(2)

    @exact
    def at(first, second):
        told = dict(market.prices)
        for key in market.prices:
            factor = {"BTC-PERP": first, "ETH-PERP": second}.get(key.subject, 100)
            told[key] = market.prices[key] * factor * D("0.01")
        return assess(book, market.with_prices(told), rules, Purpose.MAINTAIN)["P2"].surplus

    @exact
    def mixed(first, second):
        return at(first, second) - at(100, second) - at(first, 100) + at(100, 100)

    assert [mixed(*pair) for pair in ((50, 50), (150, 70), (30, 200))] == [0, 0, 0]


@pytest.mark.parametrize("name", [name for name in names() if venue(name).models])
def test_a_rule_set_with_a_model_of_its_own_is_refused_by_name(name):
    with pytest.raises((RulesError, AssertionError), match="model of its own"):
        Desk(name)
