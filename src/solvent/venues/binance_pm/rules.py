"""Binance Portfolio Margin as a value: the futures' brackets, one equity in USD, and the lines of uniMMR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.instruments import Payoff
from solvent.margin.unified import ANY, UnifiedAccount
from solvent.rates import Schedule
from solvent.rules import (
    Capabilities,
    Collateral,
    CollateralFacts,
    ContractMargin,
    Curve,
    Form,
    OrderMargin,
    Ratio,
    RulesError,
    Threshold,
    VenueRules,
)
from solvent.units import exact
from solvent.venues.binance_pm.account import AT_THE_LINE, CoinTiers, UniAccount
from solvent.venues.binance_pm.formulas import loan_rate
from solvent.venues.binance_usdm.rules import binance_coinm, binance_usdm
from solvent.venues.parts import COUNTED_IN_FULL, PayoffTables, TierTable, WeightTable, day, read_rules, sources

FOLDER = "binance_pm"
QUOTE = "USDT"
GAPS = (
    "collateral rates are those of multi-assets mode where portfolio margin's own were not found",
    "the tiered collateral rates of Portfolio Margin Pro since 2024-09-11 are not modelled",
    "a loan is a negative balance: a loan beside a balance of the same asset cannot be told apart",
    "loans have the maintenance rate of 3 times; 5 and 10 times are a function",
    "open loss of spot orders is a function and not part of the account",
    "new risk and withdrawals need 120%: below it an account may only reduce",
    "COIN-M contracts on coins other than BTC have the bracket table of a small coin, in USD",
    "the order in which assets are liquidated, and the claim at 100%, are not published",
)
# The exchange's lines in the words every venue's states have.
STATES = {"reminder": "warned", "reduce_only": "margin_call", "liquidating": "liquidating", "claim": "flagged"}


@exact
def binance_pm() -> VenueRules:
    """Portfolio margin: no offsets, no initial margin; liquidation at a uniMMR of 105%.

    Examples
    --------
    >>> rules = binance_pm()
    >>> [(one.state, str(one.multiple)) for one in rules.thresholds]
    [('flagged', '1'), ('liquidating', '1.05'), ('margin_call', '1.2'), ('warned', '1.5')]

    """
    data, base = read_rules(FOLDER), binance_usdm()
    states = {name: Decimal(line) for name, line in data["states"].items() if name != "source"}
    rate = loan_rate(data["loans"]["leverage"])
    borrow = {one: {ANY: rate if one in AT_THE_LINE else rate * states["reduce_only"]} for one in Purpose}
    account = UnifiedAccount(borrow, fee_to_close=False, owed_after_profit=False)
    return replace(
        base,
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=(*sources(data), *base.sources),
        capabilities=_capabilities(base),
        margin=_futures(base, states["reduce_only"]),
        collateral=_rates(data),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: base.modes[Mode.CROSS]},
        thresholds=tuple(
            Threshold(STATES[name], Purpose.MAINTAIN, line, inclusive=True)
            for name, line in sorted(states.items(), key=_line)
        ),
        ratio=Ratio("uniMMR", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        models={Method.TIERED: UniAccount(account, states["liquidating"])},
    )


def _line(item: tuple[str, Decimal]) -> Decimal:
    return item[1]


def _capabilities(base: VenueRules) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot", "perpetual", "future"}),
        modes=frozenset((Mode.CROSS,)),
        legs=frozenset(LegMode),
        account_classes=base.capabilities.account_classes,
        refused={
            "option": "options in the account were not found in the rules read",
            "quanto": "not offered",
            "isolated": "the wallets are one account",
            "portfolio": "despite its name there are no scenarios: the account is margined by tiers in cross mode",
        },
        gaps=GAPS,
    )


def _futures(base: VenueRules, initial: Decimal) -> PayoffTables:
    """The brackets of both futures wallets; new risk needs them times ``initial``."""
    usdm, coinm = base.margin, binance_coinm().margin
    if not isinstance(usdm, TierTable) or not isinstance(coinm, TierTable) or usdm.default is None:
        msg = "portfolio margin needs the bracket tables of both futures wallets"
        raise RulesError(msg)
    by_symbol = {symbol: _scaled(facts, initial) for symbol, facts in usdm.by_symbol.items()}
    by_coin = {symbol.removesuffix(QUOTE): facts for symbol, facts in by_symbol.items()}
    small = _scaled(usdm.default, initial)
    inverse = {coin: _scaled(facts, initial, coin) for coin, facts in coinm.by_underlying.items()}
    return PayoffTables(
        TierTable(by_symbol, by_coin, small, frozenset({Payoff.LINEAR})),
        TierTable(by_underlying=inverse, default=small, payoffs=frozenset({Payoff.INVERSE})),
    )


def _scaled(facts: ContractMargin, initial: Decimal, coin: str = "") -> ContractMargin:
    """Maintenance at every purpose, times ``initial`` for new risk; of COIN-M, brackets in the coin."""
    kept = facts.schedules[Purpose.MAINTAIN]
    if not isinstance(kept, Schedule):
        msg = "the brackets of the futures wallets must be schedules"
        raise RulesError(msg)
    asked = kept.scaled(initial)
    made: tuple[Schedule | Curve, Schedule | Curve] = (kept, asked)
    if coin:
        made = (CoinTiers(kept, coin), CoinTiers(asked, coin))
    schedules = {one: made[0] if one in AT_THE_LINE else made[1] for one in Purpose}
    return replace(facts, schedules=schedules, leverage_at=frozenset())


def _rates(data: Mapping[str, Any]) -> WeightTable:
    found: dict[str, CollateralFacts] = {"USD": Collateral(dict.fromkeys(Purpose, COUNTED_IN_FULL))}
    for table in data["collateral_rates"].values():
        found.update({asset: _rate(rate) for asset, rate in table.items() if asset != "source"})
    return WeightTable(found, _rate(data["default_rate"]["rate"]))


def _rate(rate: Decimal) -> Collateral:
    return Collateral(dict.fromkeys(Purpose, Schedule.weights([("0", rate)])))
