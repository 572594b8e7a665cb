"""Liquidity tiers by market, and what they are as schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from solvent.book import Purpose
from solvent.instruments import Future, Instrument, Payoff, Perpetual
from solvent.ledger import MILLION
from solvent.rates import Schedule
from solvent.rules import Bracket, ContractMargin, RulesError
from solvent.units import ZERO, exact, shifted
from solvent.venues.dydx_v4.formulas import LiquidityTier
from solvent.venues.parts import every_entry, listed

AT_INITIAL = frozenset({Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL})


@dataclass(frozen=True, slots=True)
class LiquidityTiers:
    """Liquidity tiers by symbol, else by underlying, else a default; ``isolated`` are the symbols of isolated markets.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> venue("dydx_v4").margin.by_underlying["BTC"]
    LiquidityTier(initial_margin_ppm=50000, maintenance_fraction_ppm=600000, open_interest_lower_cap=0, \
open_interest_upper_cap=0)

    """

    by_symbol: Mapping[str, LiquidityTier] = field(default_factory=dict)
    by_underlying: Mapping[str, LiquidityTier] = field(default_factory=dict)
    default: LiquidityTier | None = None
    isolated: frozenset[str] = frozenset()

    def tier(self, instrument: Instrument) -> LiquidityTier:
        """The tier of a linear perpetual; :class:`RulesError` for anything else, or where no tier is listed."""
        if not isinstance(instrument, Perpetual) or isinstance(instrument, Future):
            kind = type(instrument).__name__.lower()
            msg = f"{instrument.symbol}: a {kind} is not offered; this rule set margins perpetuals"
            raise RulesError(msg)
        if instrument.payoff is not Payoff.LINEAR:
            msg = f"{instrument.symbol}: {instrument.payoff.value} contracts are not offered; only linear ones are"
            raise RulesError(msg)
        found = listed(instrument, self.by_symbol, self.by_underlying, self.default)
        if found is None:
            known = sorted({*self.by_symbol, *self.by_underlying})
            msg = f"{instrument.symbol}: no liquidity tier; this rule set has {known}"
            raise RulesError(msg)
        return found

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument as schedules, before rounding to quantums and without growth by open interest."""
        return margin_facts(self.tier(instrument))

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name, the default under ``"*"``."""
        entries = every_entry(self.by_symbol, self.by_underlying, self.default)
        return {name: margin_facts(tier) for name, tier in entries.items()}


@cache
@exact
def margin_facts(tier: LiquidityTier) -> ContractMargin:
    """A tier's rates on notional by purpose, unrounded, and the leverage its base initial margin allows.

    >>> margin_facts(LiquidityTier(100_000, 500_000)).highest_leverage(Decimal(1))
    10
    """
    initial = Schedule.flat(shifted(Decimal(tier.initial_margin_ppm), -6))
    kept = Schedule.flat(shifted(Decimal(tier.initial_margin_ppm * tier.maintenance_fraction_ppm), -12))
    leverage = MILLION // max(1, tier.initial_margin_ppm)
    schedules = {purpose: initial if purpose in AT_INITIAL else kept for purpose in Purpose}
    return ContractMargin(schedules, (Bracket(ZERO, leverage),), frozenset(), leverage)
