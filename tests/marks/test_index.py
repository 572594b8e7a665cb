"""The index at its edges: exactly at the band, exactly at the largest age, sources that lie, ties of weight."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solvent.book import PriceState
from solvent.marks import (
    Aggregate,
    IndexRules,
    MarksError,
    SourcePrice,
    Use,
    index_price,
    weighted_median,
)

AGE = 10_000
NOW = 1_000_000
RULES = IndexRules(clamp_ppm=50_000, max_age_ns=AGE)
MEAN = IndexRules(clamp_ppm=50_000, max_age_ns=AGE, aggregate=Aggregate.MEAN, price_scale=4)


def sources(*prices, **changes):
    """Sources a, b, c … with these prices, all fresh; changes by name: fields of that source."""
    names = "abcdefgh"[: len(prices)]
    return [
        SourcePrice(name, **{"price": Decimal(price), "time_ns": NOW, **changes.get(name, {})})
        for name, price in zip(names, prices, strict=True)
    ]


def uses(found):
    return [reading.use for reading in found.readings]


def test_three_agreeing_sources_are_valid():
    found = index_price(sources("100", "101", "102"), RULES, NOW)
    assert (found.price, found.state, found.reasons) == (Decimal(101), PriceState.VALID, ())


@pytest.mark.parametrize(
    ("far", "entered", "use", "state"),
    [
        ("105", "105", Use.USED, PriceState.VALID),
        ("105.000001", "105", Use.CLAMPED, PriceState.UNCERTAIN),
        ("95", "95", Use.USED, PriceState.VALID),
        ("94.999999", "95", Use.CLAMPED, PriceState.UNCERTAIN),
    ],
)
def test_a_source_exactly_at_the_band_is_inside_it(far, entered, use, state):
    found = index_price(sources("100", "100", far), RULES, NOW)
    assert found.readings[2].entered == Decimal(entered)
    assert uses(found) == [Use.USED, Use.USED, use]
    assert found.state is state
    assert found.price == 100


@pytest.mark.parametrize(
    ("time_ns", "use", "state"),
    [
        (NOW, Use.USED, PriceState.VALID),
        (NOW - AGE, Use.USED, PriceState.VALID),
        (NOW - AGE - 1, Use.STALE, PriceState.STALE),
        (NOW + 1, Use.FUTURE, PriceState.STALE),
    ],
)
def test_a_source_exactly_as_old_as_allowed_still_counts(time_ns, use, state):
    found = index_price(sources("100", "101", "102", c={"time_ns": time_ns}), RULES, NOW)
    assert found.readings[2].use is use
    assert found.state is state
    assert (found.price is None) is (state is PriceState.STALE)


def test_a_stale_source_has_no_weight_in_the_price():
    fresh = index_price(sources("100", "101", "102"), RULES, NOW)
    found = index_price(sources("100", "101", "102", "500", d={"time_ns": 0}), RULES, NOW)
    assert (found.price, found.state) == (fresh.price, PriceState.VALID)
    assert found.readings[3].entered is None


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "sNaN"])
def test_a_price_that_is_none_has_no_weight(price):
    found = index_price(sources("100", "101", "102", price), RULES, NOW)
    assert (found.price, found.readings[3].use) == (101, Use.INVALID)


def test_one_of_three_sources_lying_moves_the_median_nowhere_but_is_said():
    found = index_price(sources("100", "101", "900"), RULES, NOW)
    assert (found.price, found.state) == (101, PriceState.UNCERTAIN)
    assert "c is outside the band around the median" in found.reasons


def test_two_of_three_sources_lying_together_are_never_called_valid():
    found = index_price(sources("100", "900", "900"), RULES, NOW)
    assert found.state is PriceState.UNCERTAIN
    assert found.reasons == (
        "a is outside the band around the median",
        "2 independent sources are inside the band, 3 are needed",
    )


def test_two_of_three_sources_lying_apart_are_divergence():
    found = index_price(sources("100", "500", "900"), RULES, NOW)
    assert found.state is PriceState.DIVERGED
    assert found.reasons[-1] == "only 1 of 3 of the weight is inside the band"


def test_exactly_half_of_the_weight_outside_is_divergence():
    changes = {"d": {"weight": Decimal(2)}, "e": {"weight": Decimal(1)}}
    split = index_price(sources("100", "100", "100", "200", "200", **changes), RULES, NOW)
    assert (split.price, split.state) == (150, PriceState.DIVERGED)  # nobody is near the midpoint
    even = index_price(sources("50", "100", "104", "180"), RULES, NOW)
    assert (even.price, even.state) == (102, PriceState.DIVERGED)  # 2 of 4 inside
    heavier = index_price(sources("50", "100", "104", "180", b={"weight": Decimal("1.01")}), RULES, NOW)
    assert (heavier.price, heavier.state) == (100, PriceState.UNCERTAIN)  # more than half, but two sources
    fewer = index_price(sources("98", "100", "102", "104.5", "150", "160", "170"), RULES, NOW)
    assert (fewer.price, fewer.state) == (Decimal("104.5"), PriceState.DIVERGED)  # 3 of 7 inside
    more = index_price(sources("100", "102", "103", "104", "150", "160", "170"), RULES, NOW)
    assert (more.price, more.state) == (104, PriceState.VALID)  # 4 of 7 inside


def test_a_tie_of_weight_is_the_midpoint_and_one_unit_more_decides():
    pairs = [(Decimal(1), Decimal(2)), (Decimal(4), Decimal(1)), (Decimal(2), Decimal(1))]
    assert weighted_median(pairs) == Decimal("1.5")
    assert weighted_median([(Decimal(1), Decimal("2.0001")), *pairs[1:]]) == 1
    assert weighted_median([(Decimal(1), Decimal("1.9999")), *pairs[1:]]) == 2


@pytest.mark.parametrize(
    "pairs", [[], [(Decimal(1), Decimal(0))], [(Decimal(1), Decimal(1)), (Decimal(2), Decimal(-1))]]
)
def test_a_median_of_nothing_or_of_bad_weights_is_refused(pairs):
    with pytest.raises(MarksError, match="at least one price and weights greater than 0"):
        weighted_median(pairs)


def test_the_venues_own_book_is_never_enough():
    own = {"c": {"own": True}}
    with pytest.raises(MarksError, match="3 independent sources outside the venue's own book, not 2"):
        index_price(sources("100", "100", "100", **own), RULES, NOW)
    found = index_price(sources("100", "101", "500", "102", **own), RULES, NOW)
    assert (found.price, found.state) == (Decimal("101.5"), PriceState.VALID)


def test_sources_of_one_origin_count_once():
    shared = {"b": {"origin": "big"}, "c": {"origin": "big"}}
    with pytest.raises(MarksError, match="not 2"):
        index_price(sources("100", "100", "100", **shared), RULES, NOW)
    found = index_price(sources("100", "100", "100", "100", **shared), RULES, NOW)
    assert found.state is PriceState.UNCERTAIN
    assert found.reasons == ("big alone has 2 of 4 of the weight",)
    assert index_price(sources(*["100"] * 5, **shared), RULES, NOW).state is PriceState.VALID


def test_halted_sources_halt_the_index_only_when_too_few_others_live():
    halted = {"c": {"halted": True}}
    found = index_price(sources("100", "101", "102", **halted), RULES, NOW)
    assert (found.price, found.state) == (None, PriceState.HALTED)
    assert found.reasons == ("2 independent sources are live, 3 are needed", "c is halted")
    assert index_price(sources("100", "101", "102", "103", **halted), RULES, NOW).state is PriceState.VALID
    both = index_price(sources("100", "101", "102", **halted, b={"time_ns": 0}), RULES, NOW)
    assert both.state is PriceState.STALE


def test_a_clamped_mean_is_exact_and_rounded_down_once():
    found = index_price(sources("100", "100", "101", "900"), MEAN, NOW)
    # median 100.5, band 95.475 to 105.525: (100 + 100 + 101 + 105.525) ÷ 4 = 101.63125
    assert found.price == Decimal("101.6312")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fewest_sources": 2}, "at least 3"),
        ({"clamp_ppm": 0}, "clamp_ppm"),
        ({"clamp_ppm": 1_000_000}, "clamp_ppm"),
        ({"max_age_ns": -1}, "max_age_ns"),
    ],
)
def test_rules_that_let_too_few_decide_are_refused(changes, words):
    with pytest.raises(MarksError, match=words):
        IndexRules(**{"clamp_ppm": 50_000, "max_age_ns": AGE, **changes})


def test_weights_and_names_are_checked():
    with pytest.raises(MarksError, match="weight of source b"):
        index_price(sources("1", "1", "1", b={"weight": Decimal(0)}), RULES, NOW)
    with pytest.raises(MarksError, match="names of their own"):
        index_price([SourcePrice("a", Decimal(1), NOW)] * 3, RULES, NOW)


PRICES = st.decimals("0.01", "10000", places=2)
WEIGHTS = st.integers(1, 5).map(Decimal)


def slow_median(pairs):
    """The same by its definition, over fractions: the midpoint of all prices that split the weight."""
    pairs = [(Fraction(price), Fraction(weight)) for price, weight in pairs]
    half = sum(weight for _, weight in pairs) / 2
    splits = [
        price
        for price, _ in pairs
        if sum(w for p, w in pairs if p < price) <= half and sum(w for p, w in pairs if p > price) <= half
    ]
    return (min(splits) + max(splits)) / 2


@given(st.lists(st.tuples(PRICES, WEIGHTS), min_size=1, max_size=7))
def test_the_median_equals_its_definition(pairs):
    assert Fraction(weighted_median(pairs)) == slow_median(pairs)


@given(st.lists(st.tuples(PRICES, WEIGHTS, st.booleans()), min_size=3, max_size=7))
def test_liars_with_less_than_half_of_the_weight_cannot_leave_the_honest_range(told):
    honest = [(price, weight) for price, weight, lies in told if not lies]
    assume(2 * sum(int(w) for _, w in honest) > sum(int(w) for _, w, _ in told))
    found = index_price(
        [SourcePrice(str(i), price, NOW, weight) for i, (price, weight, _) in enumerate(told)], RULES, NOW
    )
    assert min(p for p, _ in honest) <= found.price <= max(p for p, _ in honest)


@given(st.lists(PRICES, min_size=3, max_size=7), PRICES)
def test_one_bad_source_moves_a_clamped_mean_by_at_most_the_band_times_its_share(prices, lie):
    """Measured against the same sources with the liar at the median, the band around an unmoved median."""
    middle = weighted_median([(p, Decimal(1)) for p in [*prices, lie]])
    told = index_price([SourcePrice(str(i), p, NOW) for i, p in enumerate([*prices, lie])], MEAN, NOW)
    entered = [Fraction(r.entered) for r in told.readings]
    assert all(abs(e - Fraction(middle)) <= Fraction(middle) * Fraction(5, 100) for e in entered)
    assert 0 <= sum(entered) / len(entered) - Fraction(told.price) < Fraction(1, 10_000)
