"""uniMMR and its parts, as the exchange states them; amounts in USD unless said.

Source: FAQ 4868b2f1 and announcement 5e33af8e6ac04d57a1d0a3398e0a0752 on Portfolio Margin Pro.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal

from solvent.margin.unified import margin_cover
from solvent.rules import RulesError
from solvent.units import exact

PLACES = 8
CLAIM, LIQUIDATION, REDUCE_ONLY, REMINDER = Decimal(1), Decimal("1.05"), Decimal("1.2"), Decimal("1.5")
# Highest leverage of margin loans, and the share of a loan that is maintenance margin.
LOAN_RATES: Mapping[int, Decimal] = {3: Decimal("0.10"), 5: Decimal("0.08"), 10: Decimal("0.05")}


class State(enum.Enum):
    """What an account may do at its uniMMR."""

    FREE = "free"
    REMINDER = "reminder"
    REDUCE_ONLY = "reduce_only"
    LIQUIDATING = "liquidating"
    CLAIM = "claim"


@exact
def counted_equity(amount: Decimal, price: Decimal, rate: Decimal) -> Decimal:
    """What an asset's net amount counts: at its collateral rate where positive, in full where negative.

    ``amount`` is balance − loan + futures balance + unrealised profit of the asset.

    >>> (
    ...     counted_equity(Decimal(2), Decimal(100), Decimal("0.9")),
    ...     counted_equity(Decimal(-2), Decimal(100), Decimal("0.9")),
    ... )
    (Decimal('180.0'), Decimal('-200'))
    """
    return min(amount * price * rate, amount * price)


@exact
def adjusted_equity(counted: Decimal, open_loss: Decimal) -> Decimal:
    """Equity less what open spot orders would lose by swapping an asset for one of a lower rate.

    >>> adjusted_equity(Decimal(100), Decimal(3))
    Decimal('97')
    """
    return counted - open_loss


def loan_rate(leverage: int) -> Decimal:
    """The share of a margin loan that is maintenance margin, by the account's highest loan leverage.

    >>> loan_rate(3)
    Decimal('0.10')
    """
    if leverage not in LOAN_RATES:
        msg = f"loan leverage must be one of {sorted(LOAN_RATES)}, not {leverage}"
        raise RulesError(msg)
    return LOAN_RATES[leverage]


@exact
def loan_maintenance(loans: Mapping[str, Decimal], rate: Decimal) -> Mapping[str, Decimal]:
    """Maintenance margin of margin loans, in each asset.

    >>> loan_maintenance({"ETH": Decimal(15)}, Decimal("0.1"))
    {'ETH': Decimal('1.5')}
    """
    return {asset: amount * rate for asset, amount in loans.items()}


@exact
def uni_mmr(adjusted: Decimal, maintenance: Decimal, places: int = PLACES) -> Decimal:
    """Adjusted equity ÷ maintenance margin, rounded down; higher is safer.

    >>> uni_mmr(Decimal(120), Decimal(100), places=2)
    Decimal('1.20')
    """
    return margin_cover(adjusted, maintenance, places)


@exact
def state(adjusted: Decimal, maintenance: Decimal) -> State:
    """The state of an account, compared without dividing; each bound belongs to the stricter state.

    >>> state(Decimal(120), Decimal(100)).name, state(Decimal("120.01"), Decimal(100)).name
    ('REDUCE_ONLY', 'REMINDER')
    """
    if maintenance <= 0 and adjusted >= 0:
        return State.FREE
    lines = (
        (CLAIM, State.CLAIM),
        (LIQUIDATION, State.LIQUIDATING),
        (REDUCE_ONLY, State.REDUCE_ONLY),
        (REMINDER, State.REMINDER),
    )
    for multiple, named in lines:
        if adjusted <= maintenance * multiple:
            return named
    return State.FREE
