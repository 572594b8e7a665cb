"""What a venue is, as a value: the types of its parts. No rule lives here.

A venue's folder composes a :class:`VenueRules` from dated, sourced numbers and shared parts; ring 1 reads it, and the
engine compiles the same value into its tables.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from solvent.assessment import Assessment
from solvent.book import Book, Holding, LegMode, Market, Method, Mode, Pool, PriceKind, Purpose
from solvent.rates import Schedule
from solvent.units import ONE, ZERO

if TYPE_CHECKING:
    from solvent.instruments import Instrument


class RulesError(ValueError):
    """A rule set that contradicts itself, or does not cover what it is asked for."""


class Form(enum.Enum):
    """The declared canonical form of a rule set at one purpose (see docs/architecture.md)."""

    SEPARABLE = "separable"
    NESTED = "nested"
    SCENARIO = "scenario"
    RING1 = "ring1"


class Profit(enum.Enum):
    """How unrealised profit counts towards equity."""

    IN_FULL = "in_full"
    LOSSES_ONLY = "losses_only"  # the asset's net unrealised profit counts only when negative


class OrderMargin(enum.Enum):
    """What resting orders cost."""

    WORST_SIDE = "worst_side"  # the position as if all orders of one side were filled, at mark, plus their open loss
    ORDER_COST = "order_cost"  # each opening order's own margin at its price plus open loss, the dearer side


class Transition(enum.Enum):
    """What an account below a line may still do."""

    NOTHING = "nothing"
    REDUCE_NO_WORSE = "reduce_no_worse"  # less of the position, and surplus net of the fee does not fall
    NO_RISKIER = "no_riskier"  # maintenance does not rise and equity ÷ maintenance does not fall
    REDUCE_FREELY = "reduce_freely"  # less of the position on its side needs no margin, only its fee


class PenaltyBase(enum.Enum):
    """What a liquidation penalty is a share of."""

    CLOSED_NOTIONAL = "closed_notional"
    DEFICIT = "deficit"
    SEIZED_COLLATERAL = "seized_collateral"


class Plan(enum.Enum):
    """How a liquidation chooses what to close."""

    MOST_UNPROFITABLE_FIRST = "most_unprofitable_first"
    PROPORTIONAL = "proportional"
    WHOLE = "whole"  # every leg whole, whatever would have been enough
    MARGINAL_RELIEF = "marginal_relief"  # what frees most surplus per notional first, nothing that costs what it frees


class Missing(enum.Enum):
    """What happens when a loss is due in an asset the account does not hold."""

    BORROW = "borrow"
    CONVERT = "convert"
    NEGATIVE = "negative"  # the balance goes below zero and the venue's own rules deal with it


class Loss(enum.Enum):
    """Stages losses run down after the account's own equity, in the order a rule set lists them."""

    FUND = "fund"
    BACKSTOP = "backstop"  # a vault with equity of its own takes positions over and bears what they lose
    LP_VAULT = "lp_vault"  # liquidity providers, who stand on the other side of every trade, bear it
    ADL = "adl"
    SOCIALISE = "socialise"


class AdlRank(enum.Enum):
    """How winners are ranked for auto-deleveraging."""

    PROFIT_TIMES_LEVERAGE = "profit_times_leverage"  # profit share × effective leverage
    PROFIT_TIMES_MARGIN_RATIO = "profit_times_margin_ratio"  # profit share × maintenance ÷ value


class Path(enum.Enum):
    """What moves along a liquidation price's path."""

    INSTRUMENT = "instrument"  # the instrument's mark alone
    UNDERLYING = "underlying"  # mark, index and collateral of that coin together
    MARKET = "market"  # every price by the same factor


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule or number was read, and from when it holds."""

    address: str
    effective_from: date | None
    note: str = ""


class Sized(NamedTuple):
    """What a requirement may depend on besides the price: an entry's signed size and entry value, and the market.

    ``size`` is in contracts × contract size, ``cost`` in the settle asset.
    """

    symbol: str
    size: Decimal
    cost: Decimal
    market: Market


class Curve(Protocol):
    """A requirement whose rates depend on size, entry value or market-wide figures, but not on the price."""

    def at_size(self, sized: Sized) -> Schedule:
        """The schedule on notional (numeraire) of an entry of this size."""
        ...


@dataclass(frozen=True, slots=True)
class Bracket:
    """A leverage bracket: notional above ``floor`` allows at most ``max_leverage``."""

    floor: Decimal
    max_leverage: int


@dataclass(frozen=True, slots=True)
class ContractMargin:
    """Margin facts of one instrument: a schedule on notional (numeraire) by purpose, and leverage brackets.

    A :class:`Curve` may stand for a schedule: it gives one for each size. ``leverage_at`` are the purposes at which
    notional ÷ leverage cap is required too (the larger counts).
    """

    schedules: Mapping[Purpose, Schedule | Curve]
    brackets: tuple[Bracket, ...]
    leverage_at: frozenset[Purpose]
    default_leverage: int

    def highest_leverage(self, notional: Decimal) -> int:
        """The highest leverage cap a position of ``notional`` may have."""
        allowed = self.brackets[0].max_leverage
        for bracket in self.brackets:
            if notional > bracket.floor:
                allowed = bracket.max_leverage
        return allowed

    def largest_notional(self, leverage: int) -> Decimal | None:
        """The largest notional at a leverage cap: the next bracket's floor, None where there is no limit."""
        for bracket in self.brackets:
            if bracket.max_leverage < leverage:
                return bracket.floor
        return None


class MarginModel(Protocol):
    """Margin facts by instrument."""

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; :class:`RulesError` where the rule set does not cover it."""
        ...


class Counting(NamedTuple):
    """How one amount counts: the schedule of positive value (None: nothing), the rate of negative value."""

    schedule: Schedule | None
    debt_rate: Decimal


class CollateralFacts(Protocol):
    """How one asset counts, which may depend on the amount, its price and market-wide figures."""

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:
        """How a signed ``amount`` counts at ``price`` (numeraire); the schedule is on value."""
        ...


@dataclass(frozen=True, slots=True)
class Collateral:
    """How one asset counts: weights on positive value by purpose, ``debt_rate`` (≥ 1) on negative value."""

    weights: Mapping[Purpose, Schedule]
    debt_rate: Decimal = ONE

    def counting(self, purpose: Purpose, amount: Decimal, price: Decimal, market: Market) -> Counting:  # noqa: ARG002
        """The same for every amount, price and market."""
        return Counting(self.weights.get(purpose), self.debt_rate)


class CollateralModel(Protocol):
    """Collateral facts by asset."""

    def asset(self, name: str) -> CollateralFacts | None:
        """The facts of an asset; None where it is no collateral (its debts still count in full)."""
        ...


@dataclass(frozen=True, slots=True)
class ModeRules:
    """What a margin mode and account class changes.

    ``requirement_multiplier`` scales every schedule; ``fund_levy_ppm`` of a fill's notional goes to the insurance fund.
    """

    max_leverage: Mapping[str, int]
    requirement_multiplier: Decimal = ONE
    fund_levy_ppm: int = 0

    def leverage_cap(self, account_class: str) -> int:
        """The class's leverage cap; :class:`RulesError` names the classes there are."""
        if account_class not in self.max_leverage:
            msg = f"account class {account_class!r} has no leverage cap; there are {sorted(self.max_leverage)}"
            raise RulesError(msg)
        return self.max_leverage[account_class]


@dataclass(frozen=True, slots=True)
class Fees:
    """Trading fees in parts per million of notional; negative is a rebate."""

    taker_ppm: int
    maker_ppm: int


@dataclass(frozen=True, slots=True)
class Penalty:
    """A liquidation penalty: a share of its base, by instrument, to the insurance fund."""

    base: PenaltyBase
    default_ppm: int
    by_symbol_ppm: Mapping[str, int] = field(default_factory=dict)

    def ppm(self, symbol: str) -> int:
        """The share for an instrument."""
        return self.by_symbol_ppm.get(symbol, self.default_ppm)


@dataclass(frozen=True, slots=True)
class LiquidationRules:
    """How a pool is liquidated: the plan, how much a step may close, how fast, and how far from mark.

    ``step_ppm`` of a leg is the most one step closes; ``worst_price_ppm`` bounds a step's price away from mark.
    """

    plan: Plan
    step_ppm: int
    worst_price_ppm: int
    cancel_orders_first: bool = True


@dataclass(frozen=True, slots=True)
class Losses:
    """The waterfall after the account's own equity, and how winners are ranked."""

    stages: tuple[Loss, ...]
    adl_rank: AdlRank
    fund_draw_ppm: int = 1_000_000  # the most of the fund one loss may take


@dataclass(frozen=True, slots=True)
class Borrowing:
    """What happens to a missing asset, and the lending pool's kinked interest.

    Yearly rate at utilisation u: ``base + slope_low·min(u, kink) + slope_high·max(0, u − kink)``, all in ppm;
    ``cap_ppm`` is the highest utilisation a new loan may reach.
    """

    missing: Missing
    base_ppm: int = 0
    slope_low_ppm: int = 0
    slope_high_ppm: int = 0
    kink_ppm: int = 1_000_000
    cap_ppm: int = 0
    convert_fee_ppm: int = 0
    convert_below: Decimal = ZERO  # conversion starts when the balance's value is below this


@dataclass(frozen=True, slots=True)
class Threshold:
    """A state an account is in when margin equity is below ``multiple`` × the requirement at ``purpose``."""

    state: str
    purpose: Purpose
    multiple: Decimal
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Ratio:
    """The venue's own ratio, as a view on requirement and equity at MAINTAIN.

    ``requirement_over_equity`` says which way it is; ``safer`` is ``"lower"`` or ``"higher"``.
    """

    name: str
    requirement_over_equity: bool
    safer: str
    on_value: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a rule set covers; everything else is refused by name."""

    instruments: frozenset[str]
    modes: frozenset[Mode]
    legs: frozenset[LegMode]
    account_classes: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PricePolicy:
    """Which price values positions and collateral at each purpose; two kinds mean the less favourable of both."""

    positions: Mapping[Purpose, tuple[PriceKind, ...]]
    collateral: Mapping[Purpose, tuple[PriceKind, ...]]


class PoolModel(Protocol):
    """A venue's own way to value and margin a whole pool, where shared parts do not say it."""

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment: lines that sum to the totals, exact or with proven bounds."""
        ...


@dataclass(frozen=True, slots=True)
class VenueRules:
    """A venue as a value, dated and sourced."""

    name: str
    title: str
    effective_from: date
    sources: tuple[Source, ...]
    capabilities: Capabilities
    margin: MarginModel
    collateral: CollateralModel
    prices: PricePolicy
    profit: Mapping[Purpose, Profit]
    orders: OrderMargin
    modes: Mapping[Mode, ModeRules]
    transition: Transition
    fees: Fees
    borrowing: Borrowing
    liquidation: LiquidationRules
    penalty: Penalty
    losses: Losses
    thresholds: tuple[Threshold, ...]
    ratio: Ratio
    forms: Mapping[Purpose, Form]
    breach_inclusive: bool = False  # whether a surplus of exactly zero is a breach
    path: Path = Path.INSTRUMENT
    displayed_tick_up: bool = False
    method: Method = Method.TIERED  # how pools of this venue are margined where nobody says otherwise
    models: Mapping[Method, PoolModel] = field(default_factory=dict)

    def model_of(self, pool: Pool) -> PoolModel | None:
        """The model of a pool: of its own method, or of the rule set's where the pool's is the default.

        None where the pool is margined by tiers, or by nothing that this rule set has.
        """
        default = pool.method is Method.TIERED
        return self.models.get(pool.method) or (self.models.get(self.method) if default else None)
