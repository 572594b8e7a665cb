"""Tier messages in a rule set: the venue's own requirements for the contracts it names, the rule set's for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import BookError, Purpose
from solvent.instruments import Instrument
from solvent.rates import RatesError, Schedule
from solvent.rules import Bracket, ContractMargin, MarginModel, VenueRules
from solvent.units import exact

AT_INITIAL = frozenset({Purpose.ADMIT, Purpose.WITHDRAW})


class Tier(NamedTuple):
    """One tier of notional: above ``floor``, the maintenance rate of the part inside it, and the highest leverage."""

    floor: Decimal
    maintenance: Decimal
    max_leverage: int


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """Margin facts of the contracts in ``own`` by symbol; every other contract has those of ``base``."""

    own: Mapping[str, ContractMargin]
    base: MarginModel

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; errors are those of ``base``."""
        return self.own.get(instrument.symbol) or self.base.contract(instrument)


def with_facts(rules: VenueRules, own: Mapping[str, ContractMargin]) -> VenueRules:
    """The rule set with margin facts of its own for the contracts named; unchanged where there are none.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> with_facts(venue("generic"), {}) is venue("generic")
    True

    """
    return replace(rules, margin=OwnFacts(own, rules.margin)) if own else rules


@exact
def marginal(tiers: Sequence[Tier], place: str) -> ContractMargin:
    """Margin facts of marginal tiers: maintenance by tier, at new risk at least notional ÷ leverage.

    Raises
    ------
    BookError
        The tiers do not begin at zero or do not rise; ``place`` comes first.

    Examples
    --------
    >>> facts = marginal([Tier(Decimal(0), Decimal("0.01"), 50)], "brackets")
    >>> facts.highest_leverage(Decimal(1)), facts.schedules[Purpose.MAINTAIN].at(Decimal(1000))
    (50, Decimal('10.00'))

    """
    rising = sorted(tiers)
    try:
        schedule = Schedule.marginal([(one.floor, one.maintenance) for one in rising])
    except RatesError as error:
        raise BookError(f"{place}: {error}") from None
    brackets = tuple(Bracket(one.floor, one.max_leverage) for one in rising)
    return ContractMargin(dict.fromkeys(Purpose, schedule), brackets, AT_INITIAL, brackets[0].max_leverage)
