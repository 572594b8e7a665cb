"""What a price in each state may be used for.

A guard may only make liquidation rarer: no state allows an action that VALID does not, and no state puts a guarded
price in the place of the robust one. Reducing a position and depositing are not on this table: they are always allowed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from solvent.book import PriceKey, PriceState


class Action(enum.Enum):
    """What a price is needed for."""

    INCREASE_RISK = "increase_risk"
    WITHDRAW = "withdraw"
    BORROW = "borrow"
    LIQUIDATE = "liquidate"
    ADL = "adl"
    SETTLE = "settle"


# STALE and HALTED: nobody knows the price, so nothing that moves money on it. UNCERTAIN: the robust median stands, but
# on fewer sources than new risk asks for; waiting with liquidations would cost the other accounts more.
# DIVERGED: half of the weight contradicts the rest; whichever half is wrong, acting on it would be wrong.
ALLOWED: Mapping[PriceState, frozenset[Action]] = MappingProxyType(
    {
        PriceState.VALID: frozenset(Action),
        PriceState.UNCERTAIN: frozenset({Action.LIQUIDATE}),
        PriceState.STALE: frozenset(),
        PriceState.DIVERGED: frozenset(),
        PriceState.HALTED: frozenset(),
    }
)
# From the least to the most restricted; later ones win where several sources of trouble meet.
SEVERITY = (PriceState.VALID, PriceState.UNCERTAIN, PriceState.STALE, PriceState.DIVERGED, PriceState.HALTED)


def allows(state: PriceState, action: Action) -> bool:
    """Whether a price in ``state`` may be used for ``action``.

    >>> allows(PriceState.UNCERTAIN, Action.LIQUIDATE), allows(PriceState.UNCERTAIN, Action.WITHDRAW)
    (True, False)
    """
    return action in ALLOWED[state]


def worst(states: Iterable[PriceState]) -> PriceState:
    """The most restricted of several states; VALID where there is none.

    >>> worst([PriceState.STALE, PriceState.VALID, PriceState.UNCERTAIN])
    <PriceState.STALE: 'stale'>
    """
    return max(states, key=SEVERITY.index, default=PriceState.VALID)


def refusals(
    action: Action, needed: Iterable[PriceKey], states: Mapping[PriceKey, PriceState]
) -> tuple[tuple[PriceKey, PriceState], ...]:
    """The prices that forbid ``action``, with their states, in the order needed; empty where it may go on.

    ``states`` holds only what is not VALID, as a market does.
    """
    found = ((key, states.get(key, PriceState.VALID)) for key in needed)
    return tuple((key, state) for key, state in found if not allows(state, action))
