"""What is matched: the option and stock legs of one underlying, and the ways they may stand together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.instruments import OptionKind
from solvent.units import ZERO
from solvent.venues.reg_t.formulas import Needed, Payoff, Rates


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """An option position: signed ``count`` of lots, each on ``unit`` of the underlying; ``price`` of one unit."""

    symbol: str
    kind: OptionKind
    strike: Decimal
    expiry_ns: int
    price: Decimal
    count: int
    unit: Decimal

    @property
    def long(self) -> bool:
        """Whether it was bought."""
        return self.count > 0

    def payoff(self, count: int) -> Payoff:
        """The payoff of some lots, held as the leg is."""
        return Payoff(self.kind, self.strike, count if self.long else -count)


@dataclass(frozen=True, slots=True)
class StockLeg:
    """Stock that stands for the underlying: signed ``shares`` at ``price``, ``ratio`` shares to one unit of it."""

    symbol: str
    price: Decimal
    shares: Decimal
    ratio: Decimal

    @property
    def long(self) -> bool:
        """Whether it was bought."""
        return self.shares > 0


@dataclass(frozen=True, slots=True)
class Class:
    """All legs of one underlying, its price, its rates, and the time of the assessment."""

    underlying: str
    price: Decimal
    rates: Rates
    options: tuple[OptionLeg, ...]
    stocks: tuple[StockLeg, ...]
    time_ns: int


class Cash(NamedTuple):
    """What a strategy's legs paid and received, as signed figures of its options and of stock sold short (dollars).

    ``bought`` is what its long options cost and ``sold`` what its short ones brought, both positive; ``netted`` says
    that proceeds pay for the requirement, as in a spread.
    """

    bought: Decimal = ZERO
    sold: Decimal = ZERO
    stock_sold: Decimal = ZERO
    netted: bool = False


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way for legs to stand together, once: what it takes of each row, what it needs, and what it cost.

    ``takes`` is by row of the class: lots of an option, steps of a stock. ``loan`` is lent against a long option, at
    both times. ``cash_account`` is the deposit in an account without margin, None where none is allowed.
    """

    name: str
    takes: Mapping[int, int]
    needed: Needed
    cash: Cash
    loan: Decimal = ZERO
    cash_account: Decimal | None = ZERO


@dataclass(frozen=True, slots=True)
class Used:
    """A strategy and how many times it is used."""

    strategy: Strategy
    times: Decimal
