"""The program's ratios and weights as the facts shared tools read: schedules by size, leverage, how a token counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Market, Purpose
from solvent.instruments import Instrument
from solvent.rates import Schedule
from solvent.rules import Bracket, ContractMargin, Counting, Curve, Sized
from solvent.units import ONE, ZERO, shifted
from solvent.venues.drift_v2.formulas import BASE_DECIMALS, WEIGHT, MarginType, token_value
from solvent.venues.drift_v2.markets import PerpMarket, SpotMarket
from solvent.venues.drift_v2.model import RATIO_PLACES, STAGES
from solvent.venues.drift_v2.native import DECIMALS, DEPOSITS, Markets


@dataclass(frozen=True, slots=True)
class RatioCurve:
    """A perpetual's ratio at one margin type as a curve on size."""

    market: PerpMarket
    margin_type: MarginType

    def at_size(self, sized: Sized) -> Schedule:
        """A flat rate on notional: the program's ratio for this size."""
        return self.of(int(shifted(abs(sized.size), BASE_DECIMALS)))

    def of(self, size: int) -> Schedule:
        """The same by size in 1e-9 of base."""
        return Schedule.flat(shifted(Decimal(self.market.ratio(size, self.margin_type)), -RATIO_PLACES))


@dataclass(frozen=True, slots=True)
class PerpMargins:
    """Margin facts of perpetuals, from their markets."""

    markets: Markets

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of a perpetual; :class:`RulesError` where there is no market for it."""
        return margin_facts(self.markets.perp(instrument))

    def every(self) -> Mapping[str, ContractMargin]:
        """Every market's facts by name, those of all other contracts under ``"*"``."""
        found = {name: margin_facts(market) for name, market in self.markets.perps.items()}
        other = self.markets.other_perp
        return found if other is None else {**found, "*": margin_facts(other)}


def margin_facts(market: PerpMarket) -> ContractMargin:
    """A market's ratios by purpose and the leverage its initial ratio leaves.

    >>> margin_facts(PerpMarket(500, 250)).brackets[0].max_leverage
    20
    """
    schedules: dict[Purpose, Schedule | Curve] = {}
    for purpose, stage in STAGES.items():
        curve = RatioCurve(market, stage.margin_type)
        schedules[purpose] = curve if market.imf else curve.of(0)
    leverage = max(1, WEIGHT // market.initial) if market.initial else 1
    return ContractMargin(schedules, (Bracket(ZERO, leverage),), frozenset(), leverage)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """How a token counts, as a view on the program's weights; ``debt_rate`` is that of a small debt at maintenance."""

    name: str
    market: SpotMarket

    @property
    def debt_rate(self) -> Decimal:
        """What a small debt counts at maintenance."""
        return shifted(Decimal(self.market.maintenance_liability), -RATIO_PLACES)

    @property
    def weights(self) -> Mapping[Purpose, Schedule]:
        """What a small balance counts by purpose."""
        return {
            purpose: Schedule.flat(shifted(Decimal(self.market.asset_weight(0, stage.margin_type)), -RATIO_PLACES))
            for purpose, stage in STAGES.items()
        }

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:
        """The weight of a balance of this amount, the rate of such a debt."""
        if self.market.quote:
            return Counting(Schedule.flat(ONE), ONE)
        margin_type = STAGES[purpose].margin_type
        size = int(shifted(abs(amount), BASE_DECIMALS))
        deposits = int(shifted(market.figure(DEPOSITS, self.name, ZERO), BASE_DECIMALS))
        value = token_value(deposits, BASE_DECIMALS, int(shifted(price, DECIMALS)))
        weight = self.market.asset_weight(size, margin_type, value)
        debt = self.market.liability_weight(size, margin_type)
        return Counting(Schedule.flat(shifted(Decimal(weight), -RATIO_PLACES)), shifted(Decimal(debt), -RATIO_PLACES))


@dataclass(frozen=True, slots=True)
class TokenWeights:
    """Collateral facts of tokens, from their markets."""

    markets: Markets

    def asset(self, name: str) -> TokenFacts | None:
        """The facts of a token; None where it is no collateral."""
        market = self.markets.spots.get(name)
        return None if market is None else TokenFacts(name, market)

    def every(self) -> Mapping[str, TokenFacts]:
        """Every token's facts."""
        return {name: TokenFacts(name, market) for name, market in self.markets.spots.items()}
