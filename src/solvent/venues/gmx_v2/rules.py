"""GMX V2 as a value: isolated positions, each its own pool, against a liquidity pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from solvent.book import LegMode, Method, Mode, PriceKind, Purpose
from solvent.margin.curves import OnEntry
from solvent.rates import Piece, Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Bracket,
    Capabilities,
    Collateral,
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
    PricePolicy,
    Profit,
    Ratio,
    RulesError,
    Threshold,
    Transition,
    VenueRules,
)
from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted
from solvent.venues.gmx_v2.impact import ImpactFactors
from solvent.venues.gmx_v2.position import IsolatedPosition
from solvent.venues.gmx_v2.requirement import OPENING, MarketFacts, MarketTable
from solvent.venues.gmx_v2.vault import LpVault
from solvent.venues.parts import TierTable, day, fees, in_full, liquidation, read_rules, sources

FOLDER = "gmx_v2"
GAPS = (
    "markets without a table of their own take the base configuration, 100x at most",
    "the liquidation factor of the BTC and ETH markets is taken equal to their opening factor",
    "closing fees and impact factors are those of an earlier configuration file",
    "virtual inventory is a function of its own and is no part of the account's check",
    "fees are counted in USD; the contract rounds each up to the collateral token's smallest unit",
    "a realised profit or loss stays in the settle asset here; the contract moves the collateral token at once",
    "collateral other than a pool's long or short token is not refused: the book does not say what a pool holds",
)


class _AnyToken:
    """Every token counts in full at the oracle's low price: which two a market takes, its pool says."""

    def asset(self, name: str) -> Collateral | None:  # noqa: ARG002
        return Collateral(dict.fromkeys(Purpose, Schedule.flat(ONE)))

    def every(self) -> Mapping[str, Collateral]:
        return {"USD": Collateral(dict.fromkeys(Purpose, Schedule.flat(ONE)))}


@cache
def markets() -> MarketTable:
    """The parameters of the markets that are listed, and of every other one.

    >>> markets().by_underlying["BTC"].min_collateral_factor, markets().default.min_collateral_factor
    (Decimal('0.005'), Decimal('0.01'))
    """
    data = read_rules(FOLDER)
    return MarketTable(_facts(data, {}), {name: _facts(data, own) for name, own in data["markets"].items()})


def _facts(data: Mapping[str, Any], own: Mapping[str, Any]) -> MarketFacts:
    base = {**data["base"], **own, **own.get("liquidation", {})}
    impact, closing = base["impact"], data["base"]["closing"]
    exponent = Decimal(impact["exponent"])
    return MarketFacts(
        min_collateral_usd=Decimal(data["position"]["min_collateral_usd"]),
        min_collateral_factor=base["min_collateral_factor"],
        liquidation_factor=base["liquidation_factor"],
        interest_multiplier=Decimal(base["interest_multiplier"]),
        max_liquidation_impact=Decimal(base["max_liquidation_impact"]),
        max_positive_impact=base["max_positive_impact"],
        closing_fee_balancing=closing["fee_balancing"],
        closing_fee=closing["fee"],
        max_profit_factor=base["max_profit_factor"],
        impact=ImpactFactors(impact["positive"], impact["negative"], exponent, exponent),
    )


def with_markets(rules: VenueRules, table: MarketTable) -> VenueRules:
    """The rule set with other markets' parameters: another chain's, or a test's.

    >>> from solvent.venues import venue
    >>> with_markets(venue("gmx_v2"), MarketTable(markets().default)).margin.every().keys()
    dict_keys(['*'])
    """
    return replace(rules, margin=table, models={Method.TIERED: IsolatedPosition(table)})


@exact
def vault(underlying: str, *, synthetic: bool = False) -> LpVault:
    """The liquidity pool of a market, as data; ``synthetic`` where its index token is not in the pool.

    >>> vault("BTC").adl_above, vault("DOGE", synthetic=True).adl_above
    (Decimal('0.85'), Decimal('0.55'))
    """
    data = read_rules(FOLDER)
    facts = {**data["base"], **(data["synthetic"] if synthetic else {})}
    kept = ONE - data["fees"]["shares"]["liquidation_fee_receiver"]
    return LpVault(
        account=f"lp:{underlying}",
        reserve_factor=facts["interest_reserve_factor"],
        max_profit_factor=facts["max_profit_factor"],
        adl_above=facts["adl_above"],
        adl_down_to=facts["adl_down_to"],
        fee_share=kept,
    )


@exact
def gmx_v2() -> VenueRules:
    """Isolated positions of the Arbitrum deployment.

    Examples
    --------
    >>> rules = gmx_v2()
    >>> sorted(mode.value for mode in rules.capabilities.modes), rules.forms[Purpose.MAINTAIN].value
    (['isolated'], 'ring1')

    """
    data = read_rules(FOLDER)
    table = markets()
    fee = int(shifted(data["base"]["liquidation_fee"], 6))
    return VenueRules(
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
        capabilities=_capabilities(data),
        margin=table,
        collateral=_AnyToken(),
        prices=PricePolicy(
            dict.fromkeys(Purpose, (PriceKind.MARK,)),
            dict.fromkeys(Purpose, (PriceKind.INDEX,)),
        ),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.ISOLATED: ModeRules(data["modes"]["max_leverage"])},
        transition=Transition.NOTHING,
        fees=fees(data),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=liquidation(data, Plan.WHOLE),
        penalty=Penalty(PenaltyBase.CLOSED_NOTIONAL, fee),
        losses=Losses((Loss.LP_VAULT,), AdlRank.PROFIT_TIMES_LEVERAGE),
        thresholds=(Threshold("liquidating", Purpose.MAINTAIN, ONE, inclusive=False),),
        ratio=Ratio("remaining ÷ least collateral", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        models={Method.TIERED: IsolatedPosition(table)},
    )


DOLLAR_GAPS = (
    "collateral is the dollar alone, and no open interest is given: profits are not capped, impact is not charged",
    "at opening the fee of a later close is set aside too, and profit does not count: stricter than the contract",
    "funding received counts at once; the contract lets it be claimed apart",
    "ADL of profitable positions when the pool's profit factor is exceeded is a function, not part of a replay",
)


@exact
def gmx_v2_dollar() -> VenueRules:
    """The same positions on dollars alone: requirements on entry value, which the engine compiles.

    At MAINTAIN and RECOVER it says what :func:`gmx_v2` says of such a position (a property test compares them).

    Examples
    --------
    >>> rules = gmx_v2_dollar()
    >>> curve = rules.margin.every()["BTC"].schedules[Purpose.MAINTAIN]
    >>> [str(curve.schedule.at(Decimal(size))) for size in (100, 10_000)]
    ['1.0500', '55.000']

    """
    base, table = gmx_v2(), markets()
    named = {name: _dollar_margin(facts) for name, facts in table.by_underlying.items()}
    opening = dict.fromkeys(OPENING, Profit.LOSSES_ONLY)
    return replace(
        base,
        name="gmx_v2_dollar",
        title="GMX V2, positions on dollars against a liquidity pool",
        capabilities=replace(base.capabilities, gaps=(*GAPS[:5], *DOLLAR_GAPS)),
        margin=TierTable(by_underlying=named, default=_dollar_margin(table.default)),
        collateral=in_full("USD"),
        profit={**base.profit, **opening},
        forms={purpose: Form.NESTED if purpose in OPENING else Form.SEPARABLE for purpose in Purpose},
        models={},
    )


def _dollar_margin(facts: MarketFacts) -> ContractMargin:
    """The least that must remain and the fee of a balancing close, both on entry value."""
    highest = int(ONE // facts.min_collateral_factor)
    curves = {
        purpose: OnEntry(_least(facts, facts.min_collateral_factor if purpose in OPENING else facts.liquidation_factor))
        for purpose in Purpose
    }
    return ContractMargin(curves, (Bracket(ZERO, highest),), frozenset(), highest)


def _least(facts: MarketFacts, factor: Decimal) -> Schedule:
    """``max(least USD, size × factor) + size × closing fee`` as pieces; the factors divide the least evenly."""
    fee, least = facts.closing_fee_balancing, facts.min_collateral_usd
    corner = divide(least, factor, 0, Rounding.UP)
    if corner * factor != least:
        raise RulesError(f"{least} USD ÷ {factor} must be a whole number of dollars")
    return Schedule((Piece(ZERO, fee, -least), Piece(corner, factor + fee, ZERO)))


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"perpetual"}),
        modes=frozenset({Mode.ISOLATED}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(data["modes"]["max_leverage"]),
        refused={
            "cross": "every position has its own collateral: an isolated pool each",
            "portfolio": "not offered",
            "option": "not offered",
            "future": "not offered",
            "spot": "swaps against the pool are not modelled",
            "inverse": "not offered",
            "quanto": "not offered",
        },
        gaps=GAPS,
    )
