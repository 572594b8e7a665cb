"""Option formulas: Black-76 prices and four Greeks a second on one thread, against QuantLib where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.bench.peers import installed
from solvent.bench.timing import seconds, summary
from solvent.pricing import Greeks, many

F64 = npt.NDArray[np.float64]
Given = tuple[F64, F64, F64, F64, npt.NDArray[np.bool_], F64]  # forward, strike, years, volatility, is_call, discount
SMALL, FULL, RUN = 8_192, 1_048_576, 131_072  # options: small, full, and priced in one timed run
FEWER = 200  # in a run of the peer: as long a run as ours
MANY_RUNS = 41  # runs of a millisecond, so that most fall between two turns of a shared core
SEED = 76
RATE = 0.03
TOLERANCE = 1e-10


def measure(full: bool = False) -> dict[str, Any]:
    """Options a second, each with its own forward, strike, time, volatility and discount factor, five results each.

    Ours is :func:`solvent.pricing.many` over arrays that fit in the cache (small), or over one part after the other of
    arrays that do not (full), into arrays that are there already. QuantLib's is the quickest way its Python package
    has: ``BlackCalculator`` built for each option, or one option whose quotes are changed; what both say is compared
    first.
    """
    size = FULL if full else SMALL
    given = options(size)
    out = Greeks(*(np.empty(size) for _ in Greeks._fields))
    many(*given, out)
    part = RUN if full else size
    ours = [_rate(given, out, part, k * part % size) for k in range(MANY_RUNS)]
    few = options(FEWER)
    rates, peer, missing = _against(few, many(*few))
    if missing:  # the ratio is 1: nothing to say
        return summary("greeks", "options/s", ours, ours, missing, options=size, threads=1)
    return summary("greeks", "options/s", ours, rates, peer, options=size, threads=1)


def options(size: int) -> Given:
    """The frozen workload: forwards of 90 to 110, strikes of 60 to 150, up to a year, volatilities of 20 % to 120 %."""
    draw = np.random.default_rng(SEED)
    forward, strike = draw.uniform(90, 110, size), draw.uniform(60, 150, size)
    years, volatility = draw.uniform(0.01, 1, size), draw.uniform(0.2, 1.2, size)
    return forward, strike, years, volatility, draw.random(size) < 0.5, np.exp(-RATE * years)


def _rate(given: Given, out: Greeks, part: int, first: int) -> float:
    """Options a second of one run: a part of all of them, as often as makes a run."""
    these = slice(first, first + part)
    f, k, t, v, call, df = given
    into = Greeks(*(one[these] for one in out))
    work = partial(many, f[these], k[these], t[these], v[these], call[these], df[these], into)
    return RUN / seconds(lambda: [work() for _ in range(RUN // part)])


def _against(given: Given, found: Greeks) -> tuple[list[float], str, str]:
    """QuantLib's options a second and what was run; or why it is not there."""
    ql, why = installed("QuantLib")
    if ql is None:
        return [], "", f"QuantLib, {why}"
    agree(found, calculated(ql, given))
    size = given[0].size
    ways: dict[str, Callable[[], object]] = {
        "BlackCalculator for each option": partial(calculated, ql, given),
        "VanillaOption, AnalyticEuropeanEngine, its quotes changed": Requoted(ql, given),
    }
    rates = {name: [size / seconds(work) for _ in range(MANY_RUNS)] for name, work in ways.items()}
    best = max(rates, key=lambda name: median(rates[name]))
    return rates[best], f"QuantLib {ql.__version__} through Python: {best}", ""


def calculated(ql: Any, given: Given) -> list[tuple[float, ...]]:
    """Price, delta, gamma, vega and theta of each option by ``BlackCalculator``."""
    found: list[tuple[float, ...]] = []
    for f, k, t, v, call, df in zip(*(one.tolist() for one in given), strict=True):
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, k)
        one = ql.BlackCalculator(payoff, f, v * t**0.5, df)
        found.append((one.value(), one.deltaForward(), one.gammaForward(), one.vega(t), one.theta(f, t)))
    return found


class Requoted:
    """One European option of QuantLib on a future, whose price and volatility change: its strike and time cannot."""

    def __init__(self, ql: Any, given: Given) -> None:
        self.given = [one.tolist() for one in (given[0], given[3])]
        today = ql.Date(1, 1, 2025)
        ql.Settings.instance().evaluationDate = today
        days = ql.Actual365Fixed()
        self.price, self.vol = ql.SimpleQuote(100.0), ql.SimpleQuote(0.5)
        rate = ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, days))
        smile = ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(self.vol), days)
        dynamics = ql.BlackProcess(ql.QuoteHandle(self.price), rate, ql.BlackVolTermStructureHandle(smile))
        self.option = ql.VanillaOption(
            ql.PlainVanillaPayoff(ql.Option.Call, 100.0), ql.EuropeanExercise(ql.Date(1, 7, 2025))
        )
        self.option.setPricingEngine(ql.AnalyticEuropeanEngine(dynamics))

    def __call__(self) -> None:
        """Five results of each option."""
        option = self.option
        for price, volatility in zip(*self.given, strict=True):
            self.price.setValue(price)
            self.vol.setValue(volatility)
            option.NPV(), option.delta(), option.gamma(), option.vega(), option.theta()


def agree(ours: Greeks, theirs: list[tuple[float, ...]]) -> None:
    """Refuse to compare what does not say the same: price, delta, gamma and vega (theirs per 1.00 of volatility).

    Their theta is of another convention and is not compared.
    """
    columns = np.array(theirs).T
    for name, mine, other in zip(Greeks._fields[:4], ours[:4], (*columns[:3], columns[3] / 100), strict=True):
        off = np.abs(mine - other) / (1 + np.abs(other))
        if (off > TOLERANCE).any():
            worst = int(off.argmax())
            raise RuntimeError(f"{name} of option {worst}: {mine[worst]} here, {other[worst]} by QuantLib")
