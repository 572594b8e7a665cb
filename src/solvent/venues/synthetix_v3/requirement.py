"""What a position requires on Synthetix V3: a rate that grows with its size against the market's skew scale.

``initial = notional × (|size| ÷ skew scale × ratio + minimum ratio) + minimum position margin``: quadratic in size,
linear in price. Maintenance scales the rate. Source: contracts/storage/PerpsMarketConfiguration.sol of
Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from solvent.book import Market, Purpose
from solvent.instruments import Instrument, Payoff, Perpetual
from solvent.margin.curves import RateBySize, Sloped
from solvent.rates import Schedule
from solvent.rules import Bracket, ContractMargin, RulesError, Sized
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.parts import every_entry, listed

INITIAL = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL)


@dataclass(frozen=True, slots=True)
class PerpFacts:
    """Parameters of one market; ratios and fees are fractions, sizes in the underlying, margin in USD, velocity a day.

    ``skew_scale_given`` says that the market's figure ``skew_scale`` of the symbol stands in for the listed scale.
    """

    skew_scale: Decimal
    initial_ratio: Decimal
    minimum_ratio: Decimal
    maintenance_scalar: Decimal
    flag_ratio: Decimal
    minimum_margin: Decimal
    maker_fee: Decimal = ZERO
    taker_fee: Decimal = ZERO
    window_multiplier: Decimal = ZERO
    window_seconds: Decimal = ZERO
    max_premium: Decimal = ZERO
    max_velocity: Decimal = ZERO
    skew_scale_given: bool = False

    @exact
    def initial_rate(self, size: Decimal) -> Decimal:
        """The initial rate of a position of a signed size, rounded up to 18 decimals.

        >>> eth = PerpFacts(*map(Decimal, ("10000", "0.02", "0.01", "0.5", "0.01", "0")))
        >>> eth.initial_rate(Decimal(3)).normalize()
        Decimal('0.010006')
        """
        return self.rates(initial=True).at(abs(size))

    def rates(self, *, initial: bool) -> Sloped:
        """The initial or maintenance rate by size."""
        share = ONE if initial else self.maintenance_scalar
        return Sloped(self.minimum_ratio, self.initial_ratio, self.skew_scale, share)

    @exact
    def required(self, size: Decimal, price: Decimal, *, initial: bool) -> Decimal:
        """Requirement of a signed size at a price, in USD; nothing for no position.

        >>> eth = PerpFacts(*map(Decimal, ("1000", "2", "0.01", "0.5", "0.05", "500")))
        >>> [int(eth.required(Decimal(20), Decimal(2000), initial=kind)) for kind in (True, False)]
        [2500, 1500]
        """
        if size == 0:
            return ZERO
        rate = self.rates(initial=initial).at(abs(size))
        return abs(size) * price * rate + self.minimum_margin

    @property
    @exact
    def window_amount(self) -> Decimal:
        """The most that may be liquidated in one window, in the underlying."""
        share = (self.maker_fee + self.taker_fee) * self.skew_scale
        return share * self.window_multiplier * self.window_seconds

    @exact
    def windows(self, size: Decimal) -> int:
        """How many windows a position takes to be liquidated; none where nothing limits it."""
        most = self.window_amount
        return int(divide(abs(size), most, 0, Rounding.UP)) if most else 0


@dataclass(frozen=True, slots=True)
class SkewCurve:
    """The requirement schedule of a size at the market's own skew scale: one piece ``rate·n + minimum margin``."""

    facts: PerpFacts
    initial: bool

    def at_size(self, sized: Sized) -> Schedule:
        """The schedule on notional of an entry of this size; nothing for none."""
        facts = scaled_by(self.facts, sized.market, sized.symbol)
        return RateBySize(facts.rates(initial=self.initial), facts.minimum_margin).at_size(sized)


def scaled_by(facts: PerpFacts, market: Market, symbol: str) -> PerpFacts:
    """The facts with the market's own skew scale where the listed one only stands in."""
    if not facts.skew_scale_given:
        return facts
    scale = market.figure("skew_scale", symbol, facts.skew_scale)
    if scale <= 0:
        raise RulesError(f"market.wide.skew_scale.{symbol}: got {scale}, expected more than 0")
    return replace(facts, skew_scale=scale)


@dataclass(frozen=True, slots=True)
class PerpTable:
    """Facts by symbol, else by underlying, else those of every other market (None refuses it)."""

    by_underlying: Mapping[str, PerpFacts] = field(default_factory=dict)
    by_symbol: Mapping[str, PerpFacts] = field(default_factory=dict)
    default: PerpFacts | None = None

    def facts(self, instrument: Instrument) -> PerpFacts:
        """The facts of a linear perpetual's market; :class:`RulesError` names what is not covered."""
        if type(instrument) is not Perpetual or instrument.payoff is not Payoff.LINEAR:
            kind = type(instrument).__name__.lower()
            payoff = getattr(getattr(instrument, "payoff", None), "value", "spot")
            raise RulesError(f"{instrument.symbol}: {payoff} {kind} is not traded here; there are linear perpetuals")
        own = listed(instrument, self.by_symbol, self.by_underlying, self.default)
        if own is None:
            raise RulesError(
                f"{instrument.symbol}: no market; there are {sorted({*self.by_symbol, *self.by_underlying})}"
            )
        return own

    def contract(self, instrument: Instrument) -> ContractMargin:
        """Initial requirement at WITHDRAW, ADMIT and FILL, maintenance at RECOVER and MAINTAIN."""
        return _margin(self.facts(instrument))

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name, the default under ``"*"``."""
        return {n: _margin(one) for n, one in every_entry(self.by_symbol, self.by_underlying, self.default).items()}


def _margin(facts: PerpFacts) -> ContractMargin:
    curves = {purpose: SkewCurve(facts, purpose in INITIAL) for purpose in Purpose}
    highest = int(ONE // max(facts.minimum_ratio, Decimal("0.001")))
    return ContractMargin(curves, (Bracket(ZERO, highest),), frozenset(), highest)
