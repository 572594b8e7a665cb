"""Requirements that depend on more than the price: shared pieces that venues compose (:class:`solvent.rules.Curve`)."""

from __future__ import annotations

from dataclasses import dataclass

from solvent.rates import Piece, Schedule
from solvent.rules import Sized
from solvent.units import ZERO, exact


@dataclass(frozen=True, slots=True)
class OnEntry:
    """A schedule on entry value: the price does not change what is required, only a trade does.

    For contracts that settle in the numeraire. The engine evaluates it as well.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.book import Market
    >>> half = OnEntry(Schedule.flat("0.5"))
    >>> half.at_size(Sized("BTC-PERP", Decimal(-2), Decimal(-120), Market({}))).at(Decimal(999))
    Decimal('60.0')

    """

    schedule: Schedule

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """The same amount at every notional."""
        return Schedule((Piece(ZERO, ZERO, -self.schedule.at(abs(sized.cost))),))
