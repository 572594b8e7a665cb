"""Aave v3 as values: one market's reserves under the rules of four versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from solvent.book import LegMode, Method, Mode, Purpose
from solvent.rates import Schedule
from solvent.rules import (
    AdlRank,
    Borrowing,
    Capabilities,
    Collateral,
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
    RulesError,
    Source,
    Transition,
    VenueRules,
)
from solvent.units import exact, shifted
from solvent.venues.aave_v3.editions import Edition, edition
from solvent.venues.aave_v3.interest import slopes_from_bps
from solvent.venues.aave_v3.model import LendingModel
from solvent.venues.aave_v3.reserves import Category, Listing, Listings
from solvent.venues.parts import NoContracts, WeightTable, liquidating, read_rules, same_prices, sources

FOLDER = "aave_v3"
PPM_OF_BPS = 100
GAPS = (
    "parameters of reserves are those of 2023-10-31 in every version: later ones were not read",
    "a version's day is that of its proposal: the day it came into force is some days later",
    "a supply that is not used as collateral has no place in a book: leave it out or hold it in another pool",
    "a rule of v3.1, v3.2, v3.4 or v3.6 that is not in the set before it is not told apart",
    "stable debt is not held in a book; its rate is a formula",
)


def aave_v3_0() -> VenueRules:
    """v3.0: close factor by reserve, isolation mode, half-up rounding.

    Examples
    --------
    >>> aave_v3_0().collateral.asset("WETH").weights[Purpose.MAINTAIN].at(Decimal(100))
    Decimal('83.000')

    """
    return _rules("aave_v3_0")


def aave_v3_3() -> VenueRules:
    """v3.3: close factor by account, no dust, bad debt booked as a deficit.

    >>> aave_v3_3().name
    'aave_v3_3'
    """
    return _rules("aave_v3_3")


def aave_v3_5() -> VenueRules:
    """v3.5: balances and values rounded to the protocol's side, the health factor from the weighted sum.

    >>> aave_v3_5().name
    'aave_v3_5'
    """
    return _rules("aave_v3_5")


def aave_v3_7() -> VenueRules:
    """v3.7: seizures rounded to a named side, no isolation mode.

    >>> aave_v3_7().name
    'aave_v3_7'
    """
    return _rules("aave_v3_7")


def aave_v3() -> VenueRules:
    """The newest version known here: v3.7.

    >>> aave_v3().name
    'aave_v3'
    """
    return _rules("aave_v3_7", "aave_v3")


def listings() -> Listings:
    """The reserves and modes of the market.

    Examples
    --------
    >>> listings().required("USDC").decimals
    6

    """
    data = read_rules(FOLDER)
    modes = {name: _category(facts) for name, facts in data["modes"].items()}
    aliases = {name: asset for name, asset in data["aliases"].items() if name != "source"}
    return Listings({name: _listing(name, facts) for name, facts in data["reserves"].items()}, modes, aliases)


@exact
def with_listings(rules: VenueRules, listed: Listings) -> VenueRules:
    """The rule set on a market of the caller's own: other chains, other days, one's own reserves.

    Examples
    --------
    >>> weth = Listing("WETH", 18, 8000, 8250, 10500)
    >>> with_listings(aave_v3(), Listings({"WETH": weth})).capabilities.account_classes
    frozenset({'standard'})

    """
    found = rules.models[Method.LENDING]
    if not isinstance(found, LendingModel):
        msg = f"{rules.name} does not lend by the rules of this protocol"
        raise RulesError(msg)
    made = _composed(rules.name, rules.title, rules.sources, found.edition, listed)
    return replace(made, effective_from=rules.effective_from)


def _listing(name: str, facts: Mapping[str, Any]) -> Listing:
    plain = {key: value for key, value in facts.items() if key not in ("source", "rates_bps")}
    rates = facts.get("rates_bps")
    return Listing(name, slopes=None if rates is None else slopes_from_bps(*rates), **plain)


def _category(facts: Mapping[str, Any]) -> Category:
    assets = frozenset(facts["assets"])
    return Category(facts["label"], facts["ltv_bps"], facts["threshold_bps"], facts["bonus_bps"], assets, assets)


@exact
def _rules(chosen: str, name: str | None = None) -> VenueRules:
    data = read_rules(FOLDER)
    facts = data["sets"][chosen]
    cited_here = sources(data, tuple(dict.fromkeys((facts["source"], "core_3_0", "reserves", "ours"))))
    day = max(data["sources"][key]["effective_from"] for key in (facts["source"], "reserves"))
    made = _composed(name or chosen, facts["title"], cited_here, edition(facts["version"]), listings())
    return replace(made, effective_from=day)


def _composed(name: str, title: str, cited: tuple[Source, ...], rules_of: Edition, listed: Listings) -> VenueRules:
    data = read_rules(FOLDER)
    classes = ("standard", *listed.categories)
    return VenueRules(
        name=name,
        title=title,
        effective_from=data["effective_from"],
        sources=cited,
        capabilities=_capabilities(classes),
        margin=NoContracts(),
        collateral=_weights(listed),
        prices=same_prices(),
        profit=dict.fromkeys(Purpose, Profit.IN_FULL),
        orders=OrderMargin.WORST_SIDE,
        modes={Mode.CROSS: ModeRules(dict.fromkeys(classes, 1))},
        transition=Transition.NOTHING,
        fees=Fees(0, 0),
        borrowing=Borrowing(Missing.NEGATIVE),
        liquidation=LiquidationRules(
            Plan.PROPORTIONAL, data["liquidation"]["step_ppm"], data["limits"]["worst_price_ppm"]
        ),
        penalty=_penalty(listed),
        losses=Losses(
            (Loss.FUND, Loss.SOCIALISE) if rules_of.deficit else (Loss.SOCIALISE,), AdlRank.PROFIT_TIMES_LEVERAGE
        ),
        thresholds=liquidating(data, inclusive=False),
        ratio=Ratio("health factor", requirement_over_equity=False, safer="higher"),
        forms=dict.fromkeys(Purpose, Form.RING1),
        method=Method.LENDING,
        models={Method.LENDING: LendingModel(rules_of, listed)},
    )


def _capabilities(classes: tuple[str, ...]) -> Capabilities:
    return Capabilities(
        instruments=frozenset({"spot"}),
        modes=frozenset({Mode.CROSS}),
        legs=frozenset({LegMode.ONE_WAY}),
        account_classes=frozenset(classes),
        refused={
            "perpetual": "a lending market has no contracts",
            "future": "a lending market has no contracts",
            "option": "a lending market has no contracts",
        },
        gaps=GAPS,
    )


def _weights(listed: Listings) -> WeightTable:
    """What a reserve's asset counts for alone and outside a mode; averages and modes are the model's."""
    found = {}
    for name, one in listed.reserves.items():
        if one.threshold_bps:
            counts = dict.fromkeys(Purpose, Schedule.flat(shifted(Decimal(one.threshold_bps), -4)))
            found[name] = Collateral({**counts, Purpose.ADMIT: Schedule.flat(shifted(Decimal(one.ltv_bps), -4))})
    return WeightTable(found)


def _penalty(listed: Listings) -> Penalty:
    bonuses = {
        name: (one.bonus_bps - 10_000) * PPM_OF_BPS for name, one in listed.reserves.items() if one.threshold_bps
    }
    return Penalty(PenaltyBase.SEIZED_COLLATERAL, max(bonuses.values(), default=0), bonuses)
