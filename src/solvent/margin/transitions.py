"""What an account below its line may still do: the relations between the pool before a change and after it."""

from __future__ import annotations

from decimal import Decimal

from solvent.assessment import Assessment


def reduces(lots_before: int, lots_after: int) -> bool:
    """Whether a position gets smaller and stays on its side (or ends).

    >>> reduces(-5, -2), reduces(-5, 0), reduces(-5, 1), reduces(-5, -6)
    (True, True, False, False)
    """
    return abs(lots_after) < abs(lots_before) and lots_after * lots_before >= 0


def no_worse(before: Assessment, after: Assessment, paid: Decimal) -> bool:
    """Whether the surplus falls by no more than the fee ``paid`` (inside the exact context)."""
    return after.surplus >= before.surplus - paid


def no_riskier(before: Assessment, after: Assessment) -> bool:
    """Whether maintenance does not rise and equity ÷ maintenance does not fall (inside the exact context).

    Both are assessments at MAINTAIN. Ratios are compared by cross-multiplication; where a requirement is zero, only two
    zeros with a rising equity pass. Source: dYdX v4, protocol x/subaccounts/lib/updates.go.
    """
    if before.required == 0 or after.required == 0:
        return before.required == after.required and after.margin_equity > before.margin_equity
    if after.required > before.required:
        return False
    return after.margin_equity * before.required >= before.margin_equity * after.required
