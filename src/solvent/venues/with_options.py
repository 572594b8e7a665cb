"""Margin facts of rule sets that margin options: beside contracts with tiers, or where pools are margined whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from solvent.instruments import Instrument, Option, Payoff, Perpetual
from solvent.rules import Bracket, ContractMargin, MarginModel, RulesError
from solvent.units import ZERO


class Listing(MarginModel, Protocol):
    """A margin model that can name all its entries."""

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name."""
        ...


@dataclass(frozen=True, slots=True)
class AlsoOptions:
    """Margin facts of contracts, and options beside them, which a pool model margins by formulas of their own."""

    contracts: Listing

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument: no schedule for an option."""
        if isinstance(instrument, Option):
            return ContractMargin({}, (Bracket(ZERO, 1),), frozenset(), 1)
        return self.contracts.contract(instrument)

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry of contracts by name."""
        return self.contracts.every()


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """Margin facts where pools are margined whole: perpetuals, futures and options, none with a schedule of its own.

    >>> Unscheduled(50).every()
    {}
    """

    most_leverage: int

    def contract(self, instrument: Instrument) -> ContractMargin:
        """No schedule; :class:`~solvent.rules.RulesError` for what is not covered."""
        if not isinstance(instrument, Perpetual | Option) or instrument.payoff is Payoff.QUANTO:
            kind = type(instrument).__name__.lower()
            raise RulesError(f"{instrument.symbol}: perpetuals, futures and options are covered, not this {kind}")
        return ContractMargin({}, (Bracket(ZERO, self.most_leverage),), frozenset(), self.most_leverage)

    def every(self) -> Mapping[str, ContractMargin]:
        """No instrument has tiers of its own."""
        return {}
