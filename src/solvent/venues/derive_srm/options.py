"""Options of one expiry under the standard manager: short options one by one, or the worst payoff of all of them.

Sources: derivexyz/v2-core, src/risk-managers/StandardManager.sol, one expiry (line 561), isolated margins (661 to 800)
and the largest loss (811). Margins are net: what they take is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import OptionKind
from solvent.units import ZERO, exact


class OptionTerms(NamedTuple):
    """Shares of the spot that short options need, and what uncovered calls and an initial put's cap are scaled by."""

    most_spot: Decimal
    least_spot: Decimal
    call_spot: Decimal
    put_spot: Decimal
    put_mark: Decimal
    unpaired_initial: Decimal
    unpaired_maintenance: Decimal
    put_offset: Decimal


class Written(NamedTuple):
    """A strike and type with its net size and the value of that size (signed alike)."""

    kind: OptionKind
    strike: Decimal
    size: Decimal
    worth: Decimal


class ExpiryMargin(NamedTuple):
    """One expiry: the short options' own margins added up, the worst payoff, and the better of both.

    ``least`` is the worst payoff before a gain is cut to zero; ``charge`` what net short calls add to either.
    """

    isolated: Decimal
    least: Decimal
    charge: Decimal

    @property
    @exact
    def bounded(self) -> Decimal:
        """The worst payoff, not above zero, less the charge for open calls."""
        return min(ZERO, self.least) + self.charge

    @property
    def margin(self) -> Decimal:
        """What the expiry contributes to the net margin: the larger of both, not above zero."""
        return max(self.isolated, self.bounded)


def netted(options: Iterable[Written]) -> tuple[Written, ...]:
    """Options of equal strike and type as one (inside the exact context)."""
    found: dict[tuple[OptionKind, Decimal], Written] = {}
    for one in options:
        key = (one.kind, one.strike)
        known = found.get(key)
        found[key] = one if known is None else known._replace(size=known.size + one.size, worth=known.worth + one.worth)
    return tuple(found.values())


@exact
def isolated(one: Written, spot: Decimal, terms: OptionTerms, *, initial: bool) -> Decimal:
    """Net margin of a short option by itself; nothing for a long one.

    A short call: its value and a share of the spot; at initial margin the highest share less how far it is out of the
    money, but at least the lowest. A short put: its value and the larger of a share of the spot and of its value; at
    initial margin as a call, but at least as much as maintenance times an offset.

    >>> from solvent.units import ONE
    >>> rates = [Decimal(x) for x in ("0.15", "0.1", "0.075", "0.075", "0.075", "1.2", "1.1", "1.05")]
    >>> call = Written(OptionKind.CALL, Decimal(1500), -ONE, Decimal("-79"))
    >>> [str(isolated(call, Decimal(1500), OptionTerms(*rates), initial=one)) for one in (True, False)]
    ['-304.00', '-191.500']
    """
    if one.size >= 0:
        return ZERO
    is_call = one.kind is OptionKind.CALL
    away = max(ZERO, one.strike - spot if is_call else spot - one.strike)
    opening = one.worth + max(terms.least_spot * spot, terms.most_spot * spot - away) * one.size
    if is_call:
        return opening if initial else one.worth + terms.call_spot * spot * one.size
    held = one.worth + min(terms.put_spot * spot * one.size, terms.put_mark * one.worth)
    return min(opening, terms.put_offset * held) if initial else held


@exact
def least_payoff(options: Sequence[Written]) -> Decimal:
    """The least payoff at expiry over prices of zero and every strike: between two of them a payoff is a straight line.

    >>> spread = [Written(OptionKind.CALL, Decimal(k), Decimal(n), ZERO) for k, n in ((100, -1), (120, 1))]
    >>> str(least_payoff(spread))
    '-20'
    """
    found = []
    for price in (ZERO, *(one.strike for one in options)):
        total = ZERO
        for one in options:
            inner = price - one.strike if one.kind is OptionKind.CALL else one.strike - price
            total += one.size * max(ZERO, inner)
        found.append(total)
    return min(found)


@exact
def open_calls(options: Sequence[Written], forward: Decimal, unpaired: Decimal) -> Decimal:
    """What net short calls are charged for prices above the last strike: ``unpaired`` × the forward each.

    >>> call = Written(OptionKind.CALL, Decimal(100), Decimal(-2), ZERO)
    >>> str(open_calls([call], Decimal(110), Decimal("1.2")))
    '-264.0'
    """
    calls = sum((one.size for one in options if one.kind is OptionKind.CALL), ZERO)
    return unpaired * forward * min(ZERO, calls)


@exact
def expiry_margin(
    options: Iterable[Written], spot: Decimal, forward: Decimal, terms: OptionTerms, *, initial: bool
) -> ExpiryMargin:
    """Both ways to margin the options of one expiry, long and short, merged by strike and type first.

    >>> rates = [Decimal(x) for x in ("0.15", "0.1", "0.075", "0.075", "0.075", "1.2", "1.1", "1.05")]
    >>> spread = [Written(OptionKind.CALL, Decimal(k), Decimal(n), ZERO) for k, n in ((100, -1), (120, 1))]
    >>> found = expiry_margin(spread, Decimal(110), Decimal(110), OptionTerms(*rates), initial=False)
    >>> str(found.isolated), str(found.bounded), found.margin == found.isolated
    ('-8.250', '-20.0', True)
    """
    merged = netted(options)
    alone = sum((isolated(one, spot, terms, initial=initial) for one in merged), ZERO)
    unpaired = terms.unpaired_initial if initial else terms.unpaired_maintenance
    return ExpiryMargin(alone, least_payoff(merged), open_calls(merged, forward, unpaired))
