"""What a liquidation step costs the liquidated, on each of the three bases; whole numeraire units, rounded up."""

from __future__ import annotations

from solvent import ledger
from solvent.rules import Penalty, PenaltyBase


def step_penalty(
    penalty: Penalty, symbol: str, *, notional_units: int, deficit_units: int, value_units: int, seized_units: int = 0
) -> int:
    """Units a step pays into the fund, never more than what keeps the pool's value at or above zero.

    Parameters
    ----------
    penalty, symbol
        The rule set's penalty, and the instrument closed.
    notional_units
        Closed notional at the fill's price.
    deficit_units
        Minus surplus(MAINTAIN) before the step, rounded up to a unit; a surplus counts as no deficit.
    value_units
        The pool's value after the close and before the penalty, rounded down.
    seized_units
        Value of collateral the step converts (zero where it closes a position).

    Examples
    --------
    >>> half_percent = Penalty(PenaltyBase.CLOSED_NOTIONAL, 5_000)
    >>> step_penalty(half_percent, "BTC-PERP", notional_units=1_001, deficit_units=0, value_units=900)
    6
    >>> step_penalty(half_percent, "BTC-PERP", notional_units=1_001, deficit_units=0, value_units=4)
    4

    """
    amounts = {
        PenaltyBase.CLOSED_NOTIONAL: notional_units,
        PenaltyBase.DEFICIT: max(0, deficit_units),
        PenaltyBase.SEIZED_COLLATERAL: seized_units,
    }
    return min(ledger.share_up(amounts[penalty.base], penalty.ppm(symbol)), max(0, value_units))
