"""What a venue leaves to an integrator's users, and why it leaves nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.instruments import Option, OptionKind, Payoff, Perpetual
from solvent.units import Asset
from solvent.venues import capabilities, names, venue

USDT = Asset("USDT", 6)
BTC = Perpetual("BTCUSDT", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.001"))


def test_leverage_is_the_smaller_of_class_and_bracket():
    found = capabilities("binance_usdm", BTC)
    assert found.covered
    assert found.leverage == (
        ("cross", "new", 20), ("cross", "standard", 125), ("isolated", "new", 20), ("isolated", "standard", 125),
    )  # fmt: skip
    doge = Perpetual("DOGEUSDT", "DOGE", USDT, USDT, Decimal("0.0001"), Decimal(1))
    assert ("cross", "standard", 75) in capabilities("binance_usdm", doge).leverage


def test_what_is_not_covered_is_answered_with_the_reason():
    call = Option(
        "C", "BTC", USDT, USDT, Decimal("0.1"), Decimal("0.1"), kind=OptionKind.CALL, strike=Decimal(1), expiry_ns=1
    )
    found = capabilities("binance_usdm", call)
    assert (found.covered, found.reason, found.leverage) == (False, "another product of the exchange", ())
    quanto = Perpetual("ETHUSD", "ETH", USDT, USDT, Decimal("0.1"), Decimal(1), payoff=Payoff.QUANTO)
    assert "quanto contracts are not covered" in capabilities("binance_usdm", quanto).reason


@pytest.mark.parametrize("name", names())
def test_every_rule_set_answers_about_a_perpetual(name):
    found = capabilities(name, BTC)
    assert found.covered == (found.reason == "")
    if found.covered:
        assert set(found.modes) == {mode.value for mode in venue(name).capabilities.modes}
        assert all(leverage >= 1 for _, _, leverage in found.leverage)
