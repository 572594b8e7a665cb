"""Portfolio margin by scenarios, as data: one model, many rule sets.

``net margin = worst scenario × factor − contingencies + mark to market``: the worst scenario is never a gain, and
whether contingencies are inside the factor is data. Here mark to market is the pool's value, and the rest its
requirement. Whatever holds exp, ln and N(x) is computed in floats; how far that can be off is in
:attr:`~solvent.assessment.Assessment.low` and ``high`` (:mod:`solvent.margin.scenario.errors`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from solvent.margin.scenario.scan import StaticDiscount
from solvent.margin.scenario.series import F64, Expiries
from solvent.margin.scenario.shocks import Move, Scenario, VolatilityShock
from solvent.rules import RulesError


@dataclass(frozen=True, slots=True)
class GrowingDiscount:
    """Static discounts that grow with time and rate: less for what is worth something, more for what is owed.

    Values ≥ 0 count × ``long_base``·exp(−T·(r·long_rate + long_add)); values < 0 × ``short_base``·exp(T·(r·short_rate +
    short_add)), at most one over the discount factor. Without a short base what is owed counts in full. Rates below
    zero are zero.

    >>> from solvent.margin.scenario.series import one_series
    >>> _, expiries = one_series(100.0, 0.5, 31536000.0)
    >>> [x.round(6).tolist() for x in GrowingDiscount(0.95, 1.0, 0.08).factors(expiries)]
    [[0.876961], [1.0]]
    """

    long_base: float
    long_rate: float
    long_add: float
    short_base: float | None = None
    short_rate: float = 0.0
    short_add: float = 0.0

    def factors(self, expiries: Expiries) -> tuple[F64, F64]:
        """See :class:`~solvent.margin.scenario.scan.StaticDiscount`."""
        rate = np.maximum(expiries.rate, 0.0)
        above = self.long_base * np.exp(-expiries.years * (rate * self.long_rate + self.long_add))
        if self.short_base is None:
            return above, np.ones_like(above)
        below = self.short_base * np.exp(expiries.years * (rate * self.short_rate + self.short_add))
        return above, np.minimum(1.0 / expiries.discount, below)


@dataclass(frozen=True, slots=True)
class Basis:
    """Forwards against the spot: per expiry the worse of two moves, × (add + multiple × years), all added up."""

    up: float
    down: float
    add: float
    multiple: float

    def charge(self, up: F64, down: F64, years: F64) -> float:
        """The charge (not above zero) from the expiries' profit in both moves.

        >>> Basis(1.05, 0.95, 0.25, 0.01).charge(np.array([-10.0]), np.array([4.0]), np.array([1.0]))
        -2.6
        """
        worse = np.minimum(np.minimum(up, down), 0.0)
        return float((worse * (self.add + self.multiple * years)).sum())


@dataclass(frozen=True, slots=True)
class Factors:
    """What the worst scenario is multiplied by; the initial one grows as the stablecoin falls below its threshold."""

    maintenance: Decimal
    initial: Decimal
    peg_threshold: Decimal
    peg_factor: Decimal

    def of(self, stable: Decimal, *, initial: bool) -> Decimal:
        """The factor (inside the exact context).

        >>> str(Factors(Decimal(1), Decimal("1.3"), Decimal("0.98"), Decimal(2)).of(Decimal("0.9"), initial=True))
        '1.46'
        """
        if not initial:
            return self.maintenance
        return self.initial + max(Decimal(0), self.peg_threshold - stable) * self.peg_factor


@dataclass(frozen=True, slots=True)
class Shares:
    """Contingencies as shares: of perpetuals' and of naked short options' size × spot."""

    perp: Decimal
    option: Decimal


@dataclass(frozen=True, slots=True)
class Oracle:
    """A charge for uncertain prices, at initial margin: (1 − confidence) × margin × notional below the threshold.

    ``perp_first``: whether the perpetuals' confidence is folded into the spot's before collateral is looked at, or
    after it. Either way it carries on to every expiry.
    """

    threshold: Decimal
    margin: Decimal
    perp_first: bool

    def rate(self, confidence: Decimal) -> Decimal:
        """The charge per notional at a confidence; none at the threshold itself.

        >>> oracle = Oracle(Decimal("0.6"), Decimal("0.5"), perp_first=True)
        >>> str(oracle.rate(Decimal("0.4"))), str(oracle.rate(Decimal("0.6")))
        ('0.30', '0')
        """
        return (1 - confidence) * self.margin if confidence < self.threshold else Decimal(0)


class Haircut(NamedTuple):
    """A collateral's contingencies: a share at maintenance, more at initial, and the coin it moves with (or none)."""

    maintenance: Decimal
    initial: Decimal
    coin: str = ""


@dataclass(frozen=True, slots=True)
class PortfolioRules:
    """Everything that makes one scenario margin differ from another.

    Attributes
    ----------
    discounted
        Whether options are worth their discounted price.
    inside
        Whether contingencies are multiplied by the loss factor.
    coin_in_spot
        Whether a collateral's contingency is on amount × spot, or on its value in the numeraire.
    maintenance, initial_extra
        Contingencies at maintenance, and what initial margin adds on top.
    collateral
        Haircuts by asset; what is missing counts nothing.
    own
        Haircuts of the underlying's own coin by its name, ``"*"`` for any other; empty where it is like any collateral.
    buffer
        What an auction's margin adds to the maintenance requirement, as a share of it: RECOVER.

    """

    scenarios: tuple[Scenario, ...]
    volatility: VolatilityShock
    static_discount: StaticDiscount
    discounted: bool
    basis: Basis
    factors: Factors
    inside: bool
    maintenance: Shares
    initial_extra: Shares
    oracle: Oracle
    coin_in_spot: bool = False
    collateral: Mapping[str, Haircut] = field(default_factory=dict)
    own: Mapping[str, Haircut] = field(default_factory=dict)
    buffer: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse shocks of the smile together with a move of the spot: no rule says in which order they apply."""
        for one in self.scenarios:
            if one.move in (Move.SKEW_LINEAR, Move.SKEW_ABSOLUTE) and one.spot != 1.0:
                raise RulesError(f"scenario {one.name}: a shock of the smile leaves the spot alone, not × {one.spot}")
