"""Law L-12: two books together require no more than apart, for each scenario model that claims it, and for net Greeks.

Only the positively homogeneous part is meant: before minima, capped offsets, and charges for size and concentration.
Where options are priced in floats, what the scan may be off by is allowed; everything else is exact to the last unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solvent.book import Method
from solvent.margin.greeks import CorrelationTable, charges, sensitivities
from solvent.margin.scenario.account import figures, underlying_of
from solvent.margin.scenario.joint import loss_of, scanned
from solvent.margin.scenario.money import figure
from solvent.margin.scenario.portfolio import PortfolioRules
from solvent.margin.scenario.reading import pooled, stable_price
from solvent.margin.scenario.shocks import Move
from solvent.margin.scenario.whole import whole_pool
from solvent.units import ZERO, exact
from solvent.venues import venue
from solvent.venues.derive_pmrm1.rules import parameters as pmrm1
from solvent.venues.derive_pmrm2.rules import parameters as pmrm2
from solvent.venues.generic_pm.rules import parameters as joint_rules
from solvent.venues.greeks.rules import parameters as greeks_rules
from solvent.venues.span.formulas import scan_risk
from solvent.venues.tims.account import ProductGroup, Scanned, group_required, scan
from solvent.venues.tims.rules import with_class
from tests.margin.whole_books import future, option, perp, pool_of
from tests.venues.derive_accounts import account
from tests.venues.securities import JULY, JUNE, D
from tests.venues.securities import account as securities_account

THIRTY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Book = tuple[tuple[object, int], ...]


def joined(one: Book, other: Book) -> Book:
    """Both books: sizes of the same thing add up."""
    sizes: dict[object, int] = {}
    for thing, size in (*one, *other):
        sizes[thing] = sizes.get(thing, 0) + size
    return tuple((thing, size) for thing, size in sizes.items() if size)


def books(things):
    sizes = st.integers(-6, 6).filter(bool)
    return st.lists(st.tuples(things, sizes), min_size=1, max_size=4, unique_by=lambda leg: leg[0]).map(tuple)


def breaks(required: Callable[[Book], Decimal], one: Book, other: Book, allowed: Decimal = ZERO) -> bool:
    """Whether the two together require more than apart by more than is allowed."""
    return required(joined(one, other)) > required(one) + required(other) + allowed


def noticed(required: Callable[[Book], Decimal], things, allowed: Decimal = ZERO, examples: int = 60) -> bool:
    """Whether any pair of generated books breaks the law."""
    found = []

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(books(things), books(things))
    @exact
    def look(one, other):
        found.append(breaks(required, one, other, allowed))

    look()
    return any(found)


# Derive: options and a perpetual of one coin; the scan in floats, with its bound

DERIVE_THINGS = st.one_of(
    st.tuples(st.sampled_from(["call", "put"]), st.sampled_from([900, 1500, 2600]), st.sampled_from([4, 90])),
    st.just("perp"),
)
FLOATS = D("0.000001")
CALENDARS = st.sampled_from([("call", 1500, 4), ("call", 1500, 90), ("put", 1500, 4)])


def derive_loss(rules: PortfolioRules) -> Callable[[Book], Decimal]:
    """The worst scenario's loss of a book under a portfolio manager's rules."""

    def required(held: Book) -> Decimal:
        options = [(size, *thing, "0.7") for thing, size in held if thing != "perp"]
        perps = [size for thing, size in held if thing == "perp"]
        book, market = account(options=options, perp=(perps[0], 1500, 1500) if perps else None)
        holding = book.holdings[0]
        taken, stable = pooled(book, market, holding, "x"), stable_price(market, "USDC")
        underlying = underlying_of(rules, market, taken, holding, "x")
        found = figures(rules, market, underlying, taken, stable, "USDC")
        return figure(max(0.0, -found.scanned.loss))

    return required


@pytest.mark.parametrize("name", ["pmrm1", "pmrm1_plain", "pmrm2", "pmrm2_credit"])
def test_l12_derives_scans(name):
    """The scan itself; with the static discount too where no scenario takes gains for losses."""
    plain = [one for one in pmrm2().scenarios if one.move not in (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE)]
    rules = {
        "pmrm1": pmrm1(),
        "pmrm1_plain": replace(pmrm1(), static_discount=Even()),
        "pmrm2": replace(pmrm2(), static_discount=Even()),
        "pmrm2_credit": replace(pmrm2(), scenarios=tuple(plain)),
    }[name]

    @settings(max_examples=12, deadline=None)
    @given(books(DERIVE_THINGS), books(DERIVE_THINGS))
    def look(one, other):
        assert not exact(breaks)(derive_loss(rules), one, other, FLOATS)

    look()


class Even:
    """No static discount."""

    def factors(self, expiries):
        """One for everything."""
        return np.ones(len(expiries.names)), np.ones(len(expiries.names))


class Generous:
    """A discount the wrong way round: what is worth something counts for more, what is owed for less."""

    def factors(self, expiries):
        """Above one and below it."""
        return np.full(len(expiries.names), 1.2), np.full(len(expiries.names), 0.8)


def test_l12_notices_a_discount_the_wrong_way_round():
    assert noticed(derive_loss(replace(pmrm1(), static_discount=Generous())), CALENDARS, FLOATS)


def test_l12_notices_gains_that_count_twice():
    doubled = tuple(one._replace(gains=2.0) for one in pmrm1().scenarios)
    assert noticed(derive_loss(replace(pmrm1(), static_discount=Even(), scenarios=doubled)), CALENDARS, FLOATS)


# SPAN: sixteen losses of a contract

ARRAYS = st.sampled_from(
    [
        *((*(D(step * (-1) ** k * (k % 5)) for k in range(14)), D(3 * step), D(-2 * step)) for step in (3, -7, 11)),
        tuple(D(n) for n in (0, 0, -10, -9, 10, 11, -20, -21, 20, 18, -30, -31, 30, 33, -21, 21)),
    ]
)


def span_scan(held: Book) -> Decimal:
    return scan_risk([(D(size), losses) for losses, size in held]).amount if held else D(0)


@settings(max_examples=60, deadline=None)
@given(books(ARRAYS), books(ARRAYS))
@exact
def test_l12_span_scan_risk(one, other):
    assert not breaks(span_scan, one, other)


def test_l12_notices_a_scan_that_takes_the_second_worst():
    def second(held: Book) -> Decimal:
        return sorted(scan_risk([(D(size), losses) for losses, size in held]).losses)[-2] if held else D(0)

    assert noticed(lambda held: max(D(0), second(held)), ARRAYS, examples=300)


# TIMS: a class at ten prices, and a product group of two classes

TIMS_THINGS = st.one_of(
    st.just(("stock", 0, 0)),
    st.tuples(st.sampled_from(["call", "put"]), st.sampled_from([85, 100, 115]), st.sampled_from([JUNE, JULY])),
)
PREMIUM = {85: ("17", "2"), 100: ("6", "5"), 115: ("2", "17")}


def tims_loss(held: Book, rules=None) -> Decimal:
    """The requirement of a class without minima."""
    own = with_class(venue("tims"), "X", D("0.15"), D("-0.15"), 10, D(0), D(100)) if rules is None else rules
    rows = []
    for (kind, strike, expiry), size in held:
        if kind == "stock":
            rows.append(("stock", 100 * size, 100))
        else:
            rows.append((kind, size, PREMIUM[strike][kind == "put"], strike, expiry))
    book, market = securities_account("X", *rows, method=Method.SCENARIO)
    return sum((one.amount for one in scan(book, market, own, "securities")), D(0)) if rows else D(0)


@settings(max_examples=25, deadline=None)
@given(books(TIMS_THINGS), books(TIMS_THINGS))
@exact
def test_l12_tims_points_of_a_class(one, other):
    assert not breaks(tims_loss, one, other)


GAINS = st.tuples(st.sampled_from("AB"), st.lists(st.integers(-9, 9), min_size=4, max_size=4).map(tuple))


def group_loss(offset: Decimal) -> Callable[[Book], Decimal]:
    def required(held: Book) -> Decimal:
        classes: dict[str, list[Decimal]] = {}
        for (name, gains), size in held:
            summed = classes.setdefault(name, [D(0)] * 4)
            classes[name] = [total + size * gain for total, gain in zip(summed, gains, strict=True)]
        found = [Scanned(name, tuple(gains), D(0), D(0)) for name, gains in sorted(classes.items())]
        return group_required(ProductGroup("G", frozenset("AB"), offset), found).amount if found else D(0)

    return required


@settings(max_examples=60, deadline=None)
@given(books(GAINS), books(GAINS))
@exact
def test_l12_tims_product_groups(one, other):
    assert not breaks(group_loss(D("0.9")), one, other)


def test_l12_notices_a_group_that_pays_more_than_its_gains():
    assert noticed(group_loss(D("1.5")), GAINS, examples=300)


# Joint scenarios and net Greeks: exact

WHOLE_THINGS = st.one_of(
    st.sampled_from([perp(), perp("ETH"), future("SOL"), perp("DOGE")]),
    st.builds(
        option, st.sampled_from(["call", "put"]), st.sampled_from([40_000, 50_000, 60_000]), st.sampled_from([3, 30])
    ),
    st.builds(option, st.sampled_from(["call", "put"]), st.just(2_100), st.just(14), st.just("ETH")),
    st.sampled_from(["BTC", "ETH", "STETH", "ETH-USDT-LP", "VENUE"]),
)
FOR_GREEKS = WHOLE_THINGS.filter(lambda one: one not in ("STETH", "ETH-USDT-LP", "VENUE"))


def taken(held: Book):
    legs = [(thing, size) for thing, size in held if not isinstance(thing, str)]
    book, market = pool_of(*legs, cash={thing: size for thing, size in held if isinstance(thing, str)})
    return whole_pool(book, market, book.holdings[0], "x")


def joint_loss(held: Book) -> Decimal:
    return loss_of(joint_rules().scenarios, list(scanned(joint_rules(), taken(held), "USDT"))).total


def greeks_need(rules=None) -> Callable[[Book], Decimal]:
    def required(held: Book) -> Decimal:
        own = greeks_rules() if rules is None else rules
        return charges(own, sensitivities(taken(held), frozenset(own.coins), "x"), 8).total

    return required


@THIRTY
@given(books(WHOLE_THINGS), books(WHOLE_THINGS))
@exact
def test_l12_joint_scenarios(one, other):
    assert not breaks(joint_loss, one, other)


@THIRTY
@given(books(WHOLE_THINGS), st.integers(2, 5))
@exact
def test_l12_joint_scenarios_grow_with_size(held, times):
    assert joint_loss(tuple((thing, size * times) for thing, size in held)) == times * joint_loss(held)


def test_l12_notices_a_gap_that_squares_with_size():
    """A charge for size put into the scan: what L-12 leaves out, and why."""

    def squared(held: Book) -> Decimal:
        return joint_loss(held) + sum((D(abs(size)) ** 2 for _, size in held), D(0)) * 1000

    assert noticed(squared, st.sampled_from([perp()]))


@THIRTY
@given(books(FOR_GREEKS), books(FOR_GREEKS))
@exact
def test_l12_net_greeks(one, other):
    assert not breaks(greeks_need(), one, other)


def test_l12_notices_correlations_that_nothing_can_have():
    """A table that the rules refuse, put in behind their back: BTC, ETH and SOL each against both others."""
    table = {frozenset(pair): D("-0.9") for pair in (("BTC", "ETH"), ("BTC", "SOL"), ("ETH", "SOL"))}
    broken = object.__new__(type(greeks_rules()))
    for name in greeks_rules().__dataclass_fields__:
        object.__setattr__(broken, name, getattr(greeks_rules(), name))
    object.__setattr__(broken, "prices", Torn(table, D(0)))
    assert noticed(greeks_need(broken), st.sampled_from([perp(), perp("ETH"), future("SOL")]), examples=200)


class Torn(CorrelationTable):
    """A table that is the same in every scenario."""

    def shifted(self, shift):
        """Itself."""
        return self
