"""What a margin calculation answers: three totals, the lines they are the sums of, and what decided."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Leg, Purpose
from solvent.units import ZERO, exact


class Piecewise(NamedTuple):
    """The piece a requirement fell on: ``rate × notional − deduction`` above ``floor``, or notional ÷ leverage."""

    notional: Decimal
    floor: Decimal
    rate: Decimal
    deduction: Decimal
    leverage: int = 0


class Line(NamedTuple):
    """One contribution to the three totals, in the pool's numeraire; lines sum to the totals exactly.

    ``kind`` is one of ``cash``, ``interest``, ``position``, ``orders``, ``unfunded`` (unrealised profit that does not
    count) and ``haircut``; a venue's own model may have others, such as ``supply``, ``debt`` and ``keeper_reward``.
    """

    kind: str
    subject: str
    leg: Leg
    value: Decimal = ZERO
    equity: Decimal = ZERO
    required: Decimal = ZERO
    piece: Piecewise | None = None


class Binding(NamedTuple):
    """What decided a verdict: the line with the largest requirement, and which price alternative was worse."""

    kind: str
    subject: str
    required: Decimal


@dataclass(frozen=True, slots=True)
class Assessment:
    """A pool valued and margined for one purpose; amounts in the pool's numeraire.

    Attributes
    ----------
    value
        Before haircuts: decides bankruptcy, leverage, ADL rank and the waterfall.
    margin_equity
        After haircuts: what is compared with the requirement.
    required
        The requirement, never negative.
    low, high
        Proven bounds of the surplus; equal where the arithmetic is exact.

    """

    pool: str
    purpose: Purpose
    numeraire: str
    value: Decimal
    margin_equity: Decimal
    required: Decimal
    low: Decimal
    high: Decimal
    lines: tuple[Line, ...]
    binding: Binding | None

    @property
    @exact
    def surplus(self) -> Decimal:
        """Margin equity less the requirement; below zero it is a shortfall."""
        return self.margin_equity - self.required

    @exact
    def breached(self, *, inclusive: bool) -> bool:
        """Whether the surplus is proved below the line: below zero, or not above where the venue is inclusive.

        A pool that needs nothing is never in breach of an inclusive line at exactly zero; a debt always is below it.
        """
        return self.high < 0 or (inclusive and self.high == 0 and self.required > 0)
