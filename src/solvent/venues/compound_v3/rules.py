"""Lending markets as values: three deployments with their own numbers, and any market from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.ledger import MILLION
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Collateral,
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
from solvent.units import exact, shifted, whole
from solvent.venues.compound_v3.facts import CollateralAsset, MarketFacts
from solvent.venues.compound_v3.formulas import FACTOR_PLACES, FACTOR_SCALE, Curve, Rewards
from solvent.venues.compound_v3.lending import LendingModel
from solvent.venues.parts import (
    NoContracts,
    WeightTable,
    day,
    fees,
    liquidating,
    liquidation,
    read_rules,
    same_prices,
    sources,
)

FOLDER = "compound_v3"
SCALES = {"USDC": 6, "USDT": 6, "WETH": 18}
GAPS = (
    "figures are those of the deployment files; governance may have changed the live ones since",
    "supply caps and pauses are not modelled: every amount of collateral is taken",
    "BTC and ETH in a book stand for the wrapped assets of the market, where it takes them",
    "what is not listed as collateral counts nothing; the protocol would not take it at all",
    "the protocol's rewards accrue but are not paid into the book",
)


@exact
def compound_v3() -> VenueRules:
    """The USDC market on Ethereum.

    Examples
    --------
    >>> rules = compound_v3()
    >>> rules.collateral.asset("WETH").weights[Purpose.MAINTAIN].at(Decimal(1000))
    Decimal('895.00')

    """
    return _deployed("rules")


@exact
def compound_v3_usdt() -> VenueRules:
    """The USDT market on Ethereum.

    >>> compound_v3_usdt().penalty.ppm("COMP")
    250000
    """
    return _deployed("mainnet_usdt")


@exact
def compound_v3_weth() -> VenueRules:
    """The WETH market on Ethereum: judged in WETH, against staked ether.

    >>> sorted(compound_v3_weth().collateral.every())
    ['WETH', 'cbETH', 'wstETH']
    """
    return _deployed("mainnet_weth")


def _deployed(file: str) -> VenueRules:
    data = read_rules(FOLDER, file)
    return replace(
        market_rules(_facts(data), data),
        name=data["name"],
        title=data["title"],
        effective_from=day(data),
        sources=sources(data),
    )


@exact
def market_rules(facts: MarketFacts, data: Mapping[str, Any] | None = None) -> VenueRules:
    """A rule set of the protocol for a market of one's own; what its facts do not say is as on Ethereum for USDC.

    Examples
    --------
    >>> mine = market_rules(MarketFacts("USDC", {"PEPE": CollateralAsset("PEPE", 5 * 10**17, 6 * 10**17)}))
    >>> mine.collateral.asset("PEPE").weights[Purpose.ADMIT].at(Decimal(100))
    Decimal('50.0')

    """
    data = data or read_rules(FOLDER)
    return VenueRules(
        name=data["name"],
        title="Compound III, a market of one's own",
        effective_from=day(data),
        sources=sources(data),
        capabilities=Capabilities(
            instruments=frozenset({"spot"}),
            modes=frozenset({Mode.CROSS}),
            legs=frozenset({LegMode.ONE_WAY}),
            account_classes=frozenset(data["modes"]["max_leverage"]),
            refused=dict.fromkeys(("perpetual", "future", "option"), "the protocol lends; it has no contracts"),
            gaps=GAPS,
        ),
        margin=NoContracts(),
        collateral=_weights(facts),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules(data["modes"]["max_leverage"])},
        transition=Transition.NOTHING,
        fees=fees(data),
        borrowing=_borrowing(facts),
        liquidation=liquidation(data, Plan.PROPORTIONAL),
        penalty=_penalty(facts),
        losses=Losses((Loss.FUND,), AdlRank.PROFIT_TIMES_LEVERAGE, data["losses"]["fund_draw_ppm"]),
        thresholds=liquidating(data, inclusive=False),
        ratio=Ratio("debt over liquidation collateral", requirement_over_equity=True, safer="lower"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        method=Method.LENDING,
        models={Method.LENDING: LendingModel(facts)},
    )


def _facts(data: Mapping[str, Any]) -> MarketFacts:
    base = data["market"]["base"]
    places = SCALES[base]
    assets = {
        name: CollateralAsset(key, *(_factor(row, part) for part in ("borrow", "liquidate", "credit")))
        for key, row in data["collateral"].items()
        for name in row["names"]
    }
    rewards = data["rewards"]
    return MarketFacts(
        base,
        assets,
        _units(data["market"], "least_borrow", places),
        _factor(data["market"], "store_front"),
        _units(data["market"], "target_reserves", places),
        _curve(data["supply"]),
        _curve(data["borrow"]),
        Rewards(rewards["supply_speed"], rewards["borrow_speed"], _units(rewards, "least", places)),
    )


def _curve(row: Mapping[str, Any]) -> Curve:
    return Curve(*(_factor(row, name) for name in ("kink", "base", "slope_low", "slope_high")))


def _factor(row: Mapping[str, Any], name: str) -> int:
    return whole(shifted(Decimal(row[name]), FACTOR_PLACES), name, "10^-18")


def _units(row: Mapping[str, Any], name: str, places: int) -> int:
    return whole(shifted(Decimal(row[name]), places), name, "units")


def _weights(facts: MarketFacts) -> WeightTable:
    """The stored factors as weights, and the base asset in full."""
    found = {facts.base: Collateral(dict.fromkeys(Purpose, Schedule.flat("1")))}
    for name, one in facts.assets.items():
        weights = {p: Schedule.flat(shifted(Decimal(one.factor(p)), -FACTOR_PLACES).normalize()) for p in Purpose}
        found[name] = Collateral(weights)
    return WeightTable(found)


def _penalty(facts: MarketFacts) -> Penalty:
    """What an absorption keeps of each asset's value."""
    kept = {
        name: (FACTOR_SCALE - one.liquidation_factor) * MILLION // FACTOR_SCALE for name, one in facts.assets.items()
    }
    return Penalty(PenaltyBase.SEIZED_COLLATERAL, max(kept.values(), default=0), kept)


def _borrowing(facts: MarketFacts) -> Borrowing:
    """The borrow curve in whole ppm, for show: interest itself accrues by :func:`formulas.accrue`."""
    curve = facts.borrow_curve
    base, low, high, kink = (
        one * MILLION // FACTOR_SCALE for one in (curve.base, curve.slope_low, curve.slope_high, curve.kink)
    )
    return Borrowing(Missing.NEGATIVE, base, low, high, kink)
