"""States of an account on its way into and out of liquidation, and the lawful moves between them."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from solvent.margin import Assessment
from solvent.rules import VenueRules
from solvent.units import exact


class State(enum.Enum):
    """Where an account stands; thresholds of a rule set name the first four."""

    HEALTHY = "healthy"
    WARNED = "warned"
    MARGIN_CALL = "margin_call"
    LIQUIDATING = "liquidating"
    FLAGGED = "flagged"  # handed over: no step of its own can restore it
    TAKEN_OVER = "taken_over"
    IN_AUCTION = "in_auction"
    BANKRUPT = "bankrupt"
    CLOSED = "closed"


class MoveError(ValueError):
    """A move between states that is not lawful."""


_WATCHED = (State.HEALTHY, State.WARNED, State.MARGIN_CALL)
MOVES: Mapping[State, frozenset[State]] = {
    State.HEALTHY: frozenset({State.WARNED, State.MARGIN_CALL, State.LIQUIDATING, State.CLOSED}),
    State.WARNED: frozenset({State.HEALTHY, State.MARGIN_CALL, State.LIQUIDATING}),
    State.MARGIN_CALL: frozenset({State.HEALTHY, State.WARNED, State.LIQUIDATING}),
    State.LIQUIDATING: frozenset({State.HEALTHY, State.FLAGGED, State.IN_AUCTION, State.BANKRUPT}),
    State.FLAGGED: frozenset({State.HEALTHY, State.TAKEN_OVER, State.IN_AUCTION, State.BANKRUPT}),
    State.IN_AUCTION: frozenset({State.HEALTHY, State.FLAGGED, State.TAKEN_OVER, State.BANKRUPT}),
    State.TAKEN_OVER: frozenset({State.HEALTHY, State.BANKRUPT, State.CLOSED}),
    State.BANKRUPT: frozenset({State.HEALTHY, State.CLOSED}),
    State.CLOSED: frozenset(),
}


def move(before: State, after: State) -> State:
    """``after``, when it may follow ``before``.

    Raises
    ------
    MoveError
        Naming both states and what may follow.

    Examples
    --------
    >>> move(State.HEALTHY, State.LIQUIDATING).value
    'liquidating'
    >>> move(State.CLOSED, State.HEALTHY)
    Traceback (most recent call last):
    ...
    solvent.liquidation.states.MoveError: an account that is closed cannot become healthy; it may become nothing

    """
    lawful = MOVES[before]
    if after not in lawful:
        may = ", ".join(sorted(state.value for state in lawful)) or "nothing"
        msg = f"an account that is {before.value} cannot become {after.value}; it may become {may}"
        raise MoveError(msg)
    return after


@exact
def watched_state(found: Assessment, rules: VenueRules) -> State:
    """The state the rule set's thresholds put an account in that is not yet under liquidation.

    ``found`` is the account's assessment at MAINTAIN. Below several thresholds the worst counts.

    Examples
    --------
    >>> from solvent.book import Purpose
    >>> from solvent.margin import assess_pool
    >>> from solvent.samples import two_positions
    >>> from solvent.venues import venue
    >>> rules = venue("binance_usdm_2021")
    >>> watched_state(assess_pool(*two_positions(), rules, Purpose.MAINTAIN, "cross"), rules)
    <State.HEALTHY: 'healthy'>

    """
    if found.breached(inclusive=rules.breach_inclusive):
        return State.LIQUIDATING
    worst = State.HEALTHY
    order = list(State)
    for threshold in rules.thresholds:
        line = found.required * threshold.multiple
        below = found.margin_equity < line or (threshold.inclusive and found.margin_equity == line)
        state = State(threshold.state)
        if (
            threshold.purpose is found.purpose
            and found.required > 0
            and below
            and order.index(state) > order.index(worst)
        ):
            worst = state
    return worst
