"""OKX as values: futures mode, where each settle currency stands alone, multi-currency and portfolio margin in USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.instruments import Payoff
from solvent.margin.curves import RateBySize, Steps
from solvent.margin.premiums import OptionAccount
from solvent.margin.scenario.shocks import PlainShock
from solvent.margin.scenario.units import UnitAccount
from solvent.margin.unified import ANY, INITIAL, Rates, UnifiedAccount
from solvent.margin.weights import quantity_tiers
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    Collateral,
    CollateralFacts,
    ContractMargin,
    Form,
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
    Transition,
    VenueRules,
)
from solvent.units import ZERO, exact, shifted
from solvent.venues.okx.formulas import OptionTerms, StandardOptions
from solvent.venues.okx.portfolio import Parameters, PortfolioMargin, UnitTerms
from solvent.venues.okx.tiers import Tier, continued, steps
from solvent.venues.parts import (
    COUNTED_IN_FULL,
    PayoffTables,
    TierTable,
    WeightTable,
    day,
    fees,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    sources,
)
from solvent.venues.with_options import AlsoOptions, Unscheduled

FOLDER = "okx"
PPM = 6
GAPS = (
    "the tiers of BTC-USDT were not found: linear BTC has those of BTC-USDC, which are tighter",
    "the tiers of ETH are of 2021 and those of SOL of 2022; inverse ETH has the rates of other coins",
    "coins without a table here pay 4% and 8% at every size, the third tier of a small coin",
    "the discount tables of ETH, SOL and USDC were not found, and of BTC only the first tier and one total",
    "margin on what is owed is that of a sample of BTC-USDT, for every currency",
    "which positions are closed first after orders and pairs, and at what limits, is not modelled",
    "fees of resting orders are not counted",
    "the margin factor of options is that of the first tier (1): its table was not found; other coins have ETH's rates",
    "orders on options count as if they were filled; the least margin of an order to sell (0.1) is not",
)
PORTFOLIO = "portfolio"
PORTFOLIO_GAPS = (
    "decay, vega term structure, interest rate, depeg (MR2, MR3, MR5, MR9) were not found: zero, or the market's",
    "an account with options needs at least what is shown",
    "volatility moves by 30 points at every expiry: published for options at expiry only",
    "the reduction charge of options was not found; that of futures is a sample's for BTC and LTC, else assumed",
    "the basis charge is a sample's for lone swaps in BTC and LTC; by tenor, and for other coins, it is assumed",
    "scaling of the reduction charge is known for BTC and ETH only",
    "spot joins its unit up to the derivatives' delta; what hedges less than one unit of delta is not rounded",
    *GAPS[3:6],
    "which positions are closed first after orders and pairs, and at what limits, is not modelled",
)


@exact
def okx() -> VenueRules:
    """Futures mode: only the settle currency is margin; the pool's numeraire is that currency.

    Examples
    --------
    >>> eth = okx().margin.every()["ETH"].schedules[Purpose.MAINTAIN]
    >>> [str(eth.rate(Decimal(size)).normalize()) for size in (300, 301, 1200, 1201)]
    ['0.0045', '0.0055', '0.0105', '0.0155']

    """
    data = read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=AlsoOptions(_tiers(data)),
        collateral=WeightTable(),
        prices=same_prices(),
        profit={**dict.fromkeys(Purpose, Profit.IN_FULL), Purpose.WITHDRAW: Profit.LOSSES_ONLY},
        orders=OrderMargin.ORDER_COST,
        modes=dict.fromkeys((Mode.CROSS, Mode.ISOLATED), ModeRules(data["modes"]["max_leverage"])),
        transition=Transition.REDUCE_NO_WORSE,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.MOST_UNPROFITABLE_FIRST),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, data["penalty"]["default_ppm"]),
        losses=Losses((Loss.FUND, Loss.ADL), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=True),
        ratio=Ratio("margin ratio", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        breach_inclusive=True,
        models={Method.TIERED: _with_options(data, UnifiedAccount(fee_to_close=False))},
    )


@exact
def okx_multi() -> VenueRules:
    """Multi-currency margin: equity of every currency at its discount, judged in USD; what is owed needs margin too.

    Examples
    --------
    >>> okx_multi().ratio.safer
    'higher'

    """
    data, base = read_rules(FOLDER), okx()
    return replace(
        base,
        name=data["multi"]["name"],
        title=data["multi"]["title"],
        collateral=WeightTable(_discounts(data)),
        models={Method.TIERED: _with_options(data, UnifiedAccount(_owed(data), fee_to_close=False))},
    )


@exact
def okx_pm() -> VenueRules:
    """Portfolio margin: risk units of everything on one underlying, judged in USD at multi-currency margin's discounts.

    Examples
    --------
    >>> okx_pm().method.value
    'scenario'

    """
    data, base = read_rules(FOLDER, PORTFOLIO), okx_multi()
    rest = UnifiedAccount(_owed(data), fee_to_close=False)
    mode = base.modes[Mode.CROSS]
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=replace(
            base.capabilities,
            modes=frozenset((Mode.CROSS, Mode.PORTFOLIO)),
            legs=frozenset((LegMode.ONE_WAY,)),
            refused={"quanto": "not offered", "isolated": "the rules of okx and okx_multi"},
            gaps=PORTFOLIO_GAPS,
        ),
        margin=Unscheduled(max(_caps(base).values())),
        modes={Mode.CROSS: mode, Mode.PORTFOLIO: mode},
        forms=dict.fromkeys(Purpose, Form.SCENARIO),
        method=Method.SCENARIO,
        models={Method.SCENARIO: UnitAccount(rest, PortfolioMargin(parameters()))},
    )


def _owed(data: Mapping[str, Any]) -> Rates:
    return {one: {ANY: data["borrow"]["initial" if one in INITIAL else "maintenance"]} for one in Purpose}


def _caps(rules: VenueRules) -> Mapping[str, int]:
    return rules.modes[Mode.CROSS].max_leverage


def parameters() -> Parameters:
    """The portfolio margin's numbers.

    >>> found = parameters()
    >>> [str(move) for move in found.of("BTC").moves], str(found.of("LTC").extreme), str(found.of("X").annualised)
    (['0.04', '0.08', '0.12'], '0.36', '0.3')
    """
    data = read_rules(FOLDER, PORTFOLIO)
    charges = {**data["charges"], **data["chosen_charges"]}
    terms: dict[str, UnitTerms] = {}
    for name, row in data["classes"].items():
        tiers = tuple(
            (None if cap == "" else Decimal(cap), Decimal(times)) for cap, times in data["scaling"].get(name, ())
        )
        found = UnitTerms(
            tuple(row["moves"]),
            Decimal(row["extreme"]),
            row["annualised"],
            charges[name]["basis"],
            charges[name]["reduction"],
            tiers,
        )
        terms.update(dict.fromkeys((*row["underlyings"], name), found))
    shock = data["volatility"]
    return Parameters(
        {name: found for name, found in terms.items() if name not in data["classes"]},
        terms["other"],
        PlainShock(float(shock["up"]), float(shock["down"]), in_points=True),
        data["extreme"]["share"],
        data["unit"]["initial_factor"],
        data["borrow"]["maintenance"],
        data["borrow"]["liquidation_fee"],
    )


def _with_options(data: Mapping[str, Any], rest: UnifiedAccount) -> OptionAccount:
    names = OptionTerms._fields
    terms = {name: OptionTerms(*(Decimal(row[key]) for key in names)) for name, row in data["options"].items()}
    default = OptionTerms(*(Decimal(data["other_options"][key]) for key in names))
    return OptionAccount(rest, StandardOptions(terms, default), shorts_in_equity=True)


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future", "option"}),
        modes=frozenset((Mode.CROSS, Mode.ISOLATED)),
        legs=frozenset(LegMode),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "quanto": "not offered",
            "portfolio": "okx_pm",
        },
        gaps=GAPS,
    )


def _tiers(data: Mapping[str, Any]) -> PayoffTables:
    return PayoffTables(_table(data, "tiers", Payoff.LINEAR), _table(data, "inverse", Payoff.INVERSE))


def _table(data: Mapping[str, Any], key: str, payoff: Payoff) -> TierTable:
    made = {name: _margin(data, table) for name, table in data[key].items()}
    named = {coin: made[name] for name, table in data[key].items() for coin in table.get("underlyings", ())}
    return TierTable(by_underlying=named, default=made["other"], payoffs=frozenset({payoff}))


def _margin(data: Mapping[str, Any], table: Mapping[str, Any]) -> ContractMargin:
    """Maintenance with the liquidation fee, and initial margin by tier; value ÷ leverage where that is more."""
    tiers = tuple(Tier(*(Decimal(cell) for cell in row)) for row in table["rows"])
    if "width" in table:
        last = tiers[-1]
        following = Tier(
            last.floor + Decimal(table["first_width"]), last.maintenance + table["rise"], last.initial + table["rise"]
        )
        tiers = continued((*tiers, following), Decimal(table["width"]), table["rise"])
    fee = shifted(Decimal(data["fees"]["taker_ppm"]), -PPM)
    kept, initial = steps(tiers, initial=False, fee=fee), steps(tiers, initial=True)
    return ContractMargin(
        schedules={one: initial if one in INITIAL else kept for one in Purpose},
        brackets=(Bracket(ZERO, data["modes"]["max_leverage"]["standard"]),),
        leverage_at=frozenset(INITIAL),
        default_leverage=data["leverage"]["default"],
    )


def _discounts(data: Mapping[str, Any]) -> dict[str, CollateralFacts]:
    found: dict[str, CollateralFacts] = {"USD": Collateral(dict.fromkeys(Purpose, COUNTED_IN_FULL))}
    for tables in data["discounts"].values():
        for asset, rows in tables.items():
            if asset != "source":
                found[asset] = quantity_tiers(
                    [(None if cap == "" else Decimal(cap), Decimal(rate)) for cap, rate in rows]
                )
    for asset, rows in data["discounts_by_value"].items():
        if asset != "source":
            found[asset] = Collateral(dict.fromkeys(Purpose, Schedule.weights([(Decimal(v), r) for v, r in rows])))
    return found


def flat_rate(rules: VenueRules, symbol: str, maintenance: Decimal, taker: Decimal) -> VenueRules:
    """The rule set with one maintenance rate and liquidation fee for an instrument: the form of printed examples."""
    step = RateBySize(Steps(Schedule.flat(maintenance), taker))
    facts = ContractMargin(dict.fromkeys(Purpose, step), (Bracket(ZERO, 1000),), frozenset(INITIAL), default_leverage=1)
    return replace(rules, margin=TierTable(by_symbol={symbol: facts}, payoffs=frozenset(Payoff)))
