"""Relations between a pool before a change and after it, at the lines where they flip."""

from __future__ import annotations

from decimal import Decimal

import pytest

from solvent.assessment import Line
from solvent.book import Leg, Purpose
from solvent.margin.totals import assessed
from solvent.margin.transitions import no_riskier, no_worse, reduces
from solvent.units import exact


@exact
def pool(equity, required):
    line = Line("x", "", Leg.NET, equity=Decimal(equity), required=Decimal(required))
    return assessed("p", Purpose.MAINTAIN, "USD", [line])


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ((50, 100), (50, 100), True),  # the same is not riskier
        ((50, 100), (45, 90), True),  # less of both at the same ratio
        ((50, 100), (44, 90), False),  # the ratio falls
        ((50, 100), (60, 101), False),  # a better ratio, but more is required
        ((50, 100), (49, 80), True),
        ((-10, 100), (-8, 80), True),
        ((-10, 100), (-9, 80), False),  # a debt weighs more on less
        ((50, 100), (60, 0), False),  # a zero on one side alone never passes
        ((-5, 0), (-4, 0), True),
        ((-5, 0), (-5, 0), False),
    ],
)
def test_no_riskier_means_less_required_and_no_smaller_ratio(before, after, allowed):
    assert exact(no_riskier)(pool(*before), pool(*after)) is allowed


def test_no_worse_forgives_the_fee_and_no_more():
    assert exact(no_worse)(pool(50, 100), pool(48, 100), Decimal(2))
    assert not exact(no_worse)(pool(50, 100), pool(Decimal("47.99"), 100), Decimal(2))


def test_reducing_ends_at_zero_and_does_not_cross_it():
    assert [reduces(5, 4), reduces(5, 0), reduces(5, -1), reduces(5, 5), reduces(-5, -6)] == [
        True, True, False, False, False,
    ]  # fmt: skip
