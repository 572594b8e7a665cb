"""A surface as a market's input: what is filled, what is refused, and the margin that follows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from solvent.book import BookError, Market, PriceKey, PriceKind, Purpose
from solvent.margin import assess_pool
from solvent.margin.scenario import curve, with_surfaces
from solvent.pricing import ForwardCurve, GridSurface, Svi, smile_surface
from solvent.venues import venue
from tests.venues.derive_accounts import DAY_NS, POOL, account

SMILES = [Svi(0.01 * n, 0.05 * n, -0.3, 0.0, 0.2, 1500.0 + 10 * n, 0.1 * n) for n in (1, 2)]
SURFACE = smile_surface(SMILES, 1500.0)
OPTIONS = [(-10, "call", 1600, 36.5, 9), (5, "put", 1400, 36.5, 9), (-3, "call", 1700, 50, 9)]


def emptied(market):
    return Market({k: v for k, v in market.prices.items() if k.kind is not PriceKind.VOL}, wide=market.wide)


def test_every_option_and_every_expiry_is_filled():
    book, market = account(options=OPTIONS, perp=(1, 1500, 1500))
    filled = with_surfaces(emptied(market), book.instruments.values(), {"ETH": SURFACE})
    assert sum(key.kind is PriceKind.VOL for key in filled.prices) == 3
    for symbol, strike, days in (("O0", 1600.0, 36.5), ("O1", 1400.0, 36.5), ("O2", 1700.0, 50.0)):
        vol = float(filled.price(PriceKind.VOL, symbol, "USDC"))
        assert vol == pytest.approx(float(SURFACE.volatility(strike, days / 365)), abs=5.1e-9)
        forward = float(filled.price(PriceKind.FORWARD, curve("ETH", int(days * DAY_NS)), "USDC"))
        assert forward == pytest.approx(float(SURFACE.forward(days / 365)), abs=5.1e-9)
    assert float(filled.price(PriceKind.VOL, "O0", "USDC")) == pytest.approx(
        float(SMILES[0].volatility(1600.0)), abs=1e-8
    )
    assert filled.price(PriceKind.INDEX, "ETH", "USDC") == Decimal(1500)


def test_time_runs_from_the_markets_own():
    book, market = account(options=OPTIONS)
    later = replace(emptied(market), time_ns=10 * DAY_NS)
    filled = with_surfaces(later, book.instruments.values(), {"ETH": SURFACE})
    assert float(filled.price(PriceKind.VOL, "O0", "USDC")) == pytest.approx(
        float(SURFACE.volatility(1600.0, 26.5 / 365)), abs=5.1e-9
    )


def test_the_margin_is_that_of_the_same_volatilities_given_by_hand():
    book, market = account(options=OPTIONS)
    filled = with_surfaces(emptied(market), book.instruments.values(), {"ETH": SURFACE})
    by_hand = emptied(market).with_prices(
        {
            **{
                PriceKey(PriceKind.VOL, f"O{k}", "USDC"): filled.price(PriceKind.VOL, f"O{k}", "USDC") for k in range(3)
            },
            **{
                PriceKey(PriceKind.FORWARD, curve("ETH", int(days * DAY_NS)), "USDC"): Decimal(
                    str(round(float(SURFACE.forward(days / 365)), 8))
                )
                for days in (36.5, 50)
            },
        }
    )
    rules = venue("derive_pmrm2")
    found, want = (assess_pool(book, one, rules, Purpose.MAINTAIN, POOL) for one in (filled, by_hand))
    assert found.required == want.required > 0
    flat = GridSurface((0.1,), (1500.0,), ((3.0,),))
    wild = with_surfaces(emptied(market), book.instruments.values(), {"ETH": Wild(flat)})
    assert assess_pool(book, wild, rules, Purpose.MAINTAIN, POOL).margin_equity < found.margin_equity


class Wild:
    """A grid with forwards of its own."""

    def __init__(self, grid):
        self.grid, self.curve = grid, ForwardCurve(1500.0, (1.0,), (1500.0,))

    def volatility(self, strike, years):
        return self.grid.volatility(strike, years)

    def forward(self, years):
        return self.curve.forward(years)


def test_what_cannot_be_filled_is_refused_and_nothing_is_filled():
    book, market = account(options=OPTIONS)
    bare = emptied(market)
    with pytest.raises(BookError, match=r"surfaces: none of ETH for O0; there are \['BTC'\]"):
        with_surfaces(bare, book.instruments.values(), {"BTC": SURFACE})
    for days in (36.5, 40):  # at its expiry an option has no time to run
        late = replace(bare, time_ns=int(days * DAY_NS))
        with pytest.raises(BookError, match=r"market\.time: O0 has expired"):
            with_surfaces(late, book.instruments.values(), {"ETH": SURFACE})
    assert not any(key.kind is PriceKind.VOL for key in bare.prices)


def test_a_volatility_becomes_a_decimal_of_eight_places():
    book, market = account(options=OPTIONS[:1])
    filled = with_surfaces(emptied(market), book.instruments.values(), {"ETH": SURFACE})
    told = filled.price(PriceKind.VOL, "O0", "USDC")
    assert told.as_tuple().exponent == -8
    assert abs(float(told) - float(SURFACE.volatility(1600.0, 0.1))) <= 0.51e-8
