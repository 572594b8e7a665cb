"""BitMEX perpetuals as values: the inverse contracts of the XBT wallet and the linear ones of the USDT wallet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Mode, Purpose
from solvent.instruments import Payoff
from solvent.rates import Piece, Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    ContractMargin,
    Fees,
    Form,
    LiquidationRules,
    Loss,
    Losses,
    Missing,
    ModeRules,
    OrderMargin,
    Penalty,
    PenaltyBase,
    Plan,
    Profit,
    Ratio,
    Sized,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ZERO, exact
from solvent.venues.bitmex.formulas import RiskLimits, maintenance_margin
from solvent.venues.parts import TierTable, day, in_full, read_rules, same_prices, sources

FOLDER = "bitmex"
AT_INITIAL = (Purpose.ADMIT, Purpose.WITHDRAW)
GAPS = (
    "the taker fee and funding that staff count in XBTUSD maintenance are left out, as in the published examples",
    "a position's risk limit is found from its entry value at once; the exchange asks the user to raise it first",
    "a leverage chosen by the user does not raise the initial requirement above the risk limit's rate",
    "the price limit of a liquidation order was not found: 5% from the mark is assumed",
    "quanto contracts and contracts on other coins settled in XBT are not covered",
)


@dataclass(frozen=True, slots=True)
class OnEntryValue:
    """A requirement on the entry value, at the rate of the whole position's risk limit; the price does not change it.

    Examples
    --------
    >>> from solvent.book import Market
    >>> limits = RiskLimits(Decimal("0.005"), Decimal("0.01"), Decimal(200), Decimal(150))
    >>> sized = Sized("XBTUSD", Decimal(2_000_000), Decimal(-230), Market({}))
    >>> [str(OnEntryValue(limits, initial=one).at_size(sized).at(Decimal(9))) for one in (False, True)]
    ['2.300', '3.450']

    """

    limits: RiskLimits
    initial: bool

    @exact
    def at_size(self, sized: Sized) -> Schedule:
        """A schedule that asks the same amount at every notional."""
        rates = self.limits.rates(abs(sized.cost))
        needed = maintenance_margin(sized.cost, rates.initial if self.initial else rates.maintenance)
        return Schedule((Piece(ZERO, ZERO, ZERO - needed),))


def contract_margin(limits: RiskLimits, highest_leverage: int) -> ContractMargin:
    """Margin facts of a contract with these risk limits.

    >>> sorted(p.name for p in contract_margin(RiskLimits(Decimal(0), Decimal(1)), 1).schedules)
    ['ADMIT', 'FILL', 'MAINTAIN', 'RECOVER', 'WITHDRAW']
    """
    return ContractMargin(
        schedules={purpose: OnEntryValue(limits, initial=purpose in AT_INITIAL) for purpose in Purpose},
        brackets=(Bracket(ZERO, highest_leverage),),
        leverage_at=frozenset(),
        default_leverage=highest_leverage,
    )


@exact
def bitmex() -> VenueRules:
    """Inverse perpetuals on bitcoin, margined in the coin.

    Examples
    --------
    >>> bitmex().margin.every()["BTC"].schedules[Purpose.MAINTAIN].limits.base
    Decimal('200')

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data, "linear", GAPS),
        margin=_tiers(data, Payoff.INVERSE),
        collateral=in_full(data["numeraire"]),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.WORST_SIDE,
        modes=_modes(data),
        transition=Transition.REDUCE_NO_WORSE,
        fees=Fees(data["fees"]["taker_ppm"], data["fees"]["maker_ppm"]),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=LiquidationRules(
            Plan.MOST_UNPROFITABLE_FIRST, data["liquidation"]["step_ppm"], data["liquidation"]["worst_price_ppm"]
        ),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=(
            Threshold("liquidating", Purpose.MAINTAIN, Decimal(data["thresholds"]["liquidating"]), inclusive=True),
        ),
        ratio=Ratio("margin ratio", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=True,
    )


@exact
def bitmex_usdt() -> VenueRules:
    """Linear perpetuals, margined in USDT.

    Examples
    --------
    >>> bitmex_usdt().margin.every()["*"].schedules[Purpose.ADMIT].limits.initial
    Decimal('0.02')

    """
    data, base = read_rules(FOLDER, "linear"), bitmex()
    gaps = (
        "rates were found for ETHUSDT only: every linear contract is margined like it",
        "risk limits of linear contracts were not found: the rates do not rise with size",
        GAPS[2],
        GAPS[3],
    )
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=_capabilities(data, "inverse", gaps),
        margin=_tiers(data, Payoff.LINEAR),
        collateral=in_full(data["numeraire"]),
        modes=_modes(data),
    )


def _modes(data: Mapping[str, Any]) -> Mapping[Mode, ModeRules]:
    return dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules(data["modes"]["max_leverage"]))


def _tiers(data: Mapping[str, Any], payoff: Payoff) -> TierTable:
    highest = data["leverage"]["highest"]
    tables = {name: contract_margin(_limits(row), highest) for name, row in data["risk_limits"].items()}
    rows = data["risk_limits"].items()
    like = data.get("default", {}).get("like")
    return TierTable(
        by_symbol={symbol: tables[name] for name, row in rows for symbol in row["symbols"]},
        by_underlying={coin: tables[name] for name, row in rows for coin in row["underlyings"]},
        default=None if like is None else tables[like],
        payoffs=frozenset({payoff}),
    )


def _limits(row: Mapping[str, Any]) -> RiskLimits:
    rates = (Decimal(row["maintenance"]), Decimal(row["initial"]))
    return RiskLimits(*rates, Decimal(row["base"]), Decimal(row["step"])) if "base" in row else RiskLimits(*rates)


def _capabilities(data: Mapping[str, Any], other: str, gaps: tuple[str, ...]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset({Mode.CROSS, Mode.ISOLATED}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "option": "another product of the exchange",
            "quanto": "the fixed rate of quanto contracts is not modelled",
            "portfolio": "the exchange has no portfolio margin here",
            other: "the other wallet of the exchange: a rule set of its own",
        },
        gaps=gaps,
    )
