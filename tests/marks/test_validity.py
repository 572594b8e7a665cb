"""What each state of a price allows, as a table a risk officer can read."""

from itertools import pairwise

import pytest

from solvent.book import PriceKey, PriceKind, PriceState
from solvent.marks import ALLOWED, Action, allows, refusals, worst
from solvent.marks.validity import SEVERITY

TABLE = """
state      increase_risk withdraw borrow liquidate adl settle
valid      yes           yes      yes    yes       yes yes
uncertain  no            no       no     yes       no  no
stale      no            no       no     no        no  no
diverged   no            no       no     no        no  no
halted     no            no       no     no        no  no
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
BTC, ETH = (PriceKey(PriceKind.MARK, name, "USDT") for name in ("BTCUSDT", "ETHUSDT"))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_table(row):
    for action, answer in zip(HEAD[1:], row[1:], strict=True):
        assert allows(PriceState(row[0]), Action(action)) is (answer == "yes"), action


def test_the_table_is_whole():
    assert set(ALLOWED) == set(PriceState) == set(SEVERITY)
    assert [Action(name) for name in HEAD[1:]] == list(Action)


def test_a_guard_only_takes_actions_away_and_severity_follows():
    permitted = [ALLOWED[state] for state in SEVERITY]
    assert all(later <= earlier for earlier, later in pairwise(permitted))


def test_the_worst_state_wins():
    assert worst([]) is PriceState.VALID
    assert worst([PriceState.UNCERTAIN, PriceState.HALTED, PriceState.DIVERGED]) is PriceState.HALTED


def test_refusals_name_the_prices_that_forbid():
    states = {ETH: PriceState.UNCERTAIN}
    assert refusals(Action.WITHDRAW, [BTC, ETH], states) == ((ETH, PriceState.UNCERTAIN),)
    assert refusals(Action.LIQUIDATE, [BTC, ETH], states) == ()
