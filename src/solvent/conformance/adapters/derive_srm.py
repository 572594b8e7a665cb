"""Vectors of Derive's standard manager: small books through ring 1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.book import Purpose
from solvent.conformance.adapters.derive_pmrm1 import POOL, Drawn, inner, truth
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin.assess import assess_pool
from solvent.rules import VenueRules
from solvent.units import ZERO
from solvent.venues import venue
from solvent.venues.derive_srm.options import OptionTerms
from solvent.venues.derive_srm.rules import model_of, with_parameters
from solvent.venues.derive_srm.standard import MarketTerms, OptionParts, Oracle, Parts, StandardRules, parts

OPTION = (
    "maxSpotReq",
    "minSpotReq",
    "mmCallSpotReq",
    "mmPutSpotReq",
    "MMPutMtMReq",
    "unpairedIMScale",
    "unpairedMMScale",
    "mmOffsetScale",
)


def given_or_none(row: Inputs, name: str) -> Any:
    """A number that may be left out."""
    return row.number(name) if name in row else ZERO


def rules_of(given: Inputs) -> VenueRules:
    """The rule set with a vector's parameters, the same for every market."""
    option, oracle = inner(given, "option"), inner(given, "oracle")
    perp, base, depeg = inner(given, "perp"), inner(given, "base"), inner(given, "depeg")
    terms = MarketTerms(
        OptionTerms(*(option.number(name) for name in OPTION)),
        perp.number("im"),
        perp.number("mm"),
        base.number("factor"),
        base.number("im_scale"),
    )
    thresholds = (oracle.number(name) for name in ("perpThreshold", "optionThreshold", "baseThreshold", "OCFactor"))
    own = StandardRules({}, terms, Oracle(*thresholds), depeg.number("threshold"), depeg.number("factor"))
    return with_parameters(venue("derive_srm"), own)


def drawn(inputs: Inputs) -> Drawn:
    """A vector's account over its markets."""
    found = Drawn()
    found.money(inputs.number("cash"), inputs.number("stable"))
    markets = inner(inputs, "markets")
    for coin in markets.given:
        row = inner(markets, coin)
        found.spot(coin, row.number("spot"), row.number("spot_conf"))
        if row.number("base"):
            found.coin(coin, row.number("base"))
        for expiry in row.rows("expiries"):
            feeds = {"forward_confidence": expiry.number("conf")}
            when = found.expiry(coin, expiry.number("sec"), expiry.number("fwd"), feeds)
            for option in expiry.rows("opts"):
                size, vol = option.number("n"), option.number("vol")
                found.option(coin, when, option.number("K"), call=truth(option, "call"), size=size, vol=vol)
        profit, funding = given_or_none(row, "perp_pnl"), given_or_none(row, "perp_funding")
        if row.number("perp"):
            size, price = row.number("perp"), row.number("perp_price")
            found.perp(coin, size, price, profit, row.number("perp_conf"), funding)
        elif profit or funding:
            raise VectorError(f"{row.place}.perp_pnl: expected none without a perpetual")
    return found


ONE_MARKET = (1,)
NONE = OptionParts(ZERO, ZERO, ZERO)


def detail(found: Parts, markets: Inputs, admit: Decimal, maintain: Decimal) -> dict[str, Decimal]:
    """The parts under the names of the vectors."""
    named = {
        "UnrealizedPNL": found.profit,
        "UnsettledFunding": found.funding,
        "PerpMargin": found.perp,
        "OracleConts": found.oracle,
        "DepegIMs": found.depeg,
        "BaseMargin": found.base,
        "Cash": found.cash,
        "HandIM": admit,
        "HandMM": maintain,
    }
    for coin in markets.given:
        for purpose, table in (("IM", found.initial), ("MM", found.maintenance)):
            options = table.get(coin, NONE)
            named[f"{coin}Option{purpose}"] = options.margin
            named[f"{coin}OptionIsolated{purpose}"] = options.isolated
            named[f"{coin}OptionBounded{purpose}"] = options.last_payoff
    return named


def account(inputs: Inputs, _: Vector) -> Any:
    """Net margins and mark to market of an account, and their parts."""
    found, rules = drawn(inputs), rules_of(inner(inputs, "params"))
    book, market = found.book(), found.market()
    admit, maintain = (assess_pool(book, market, rules, one, POOL) for one in (Purpose.ADMIT, Purpose.MAINTAIN))
    taken = parts(book, market, rules, POOL, model_of(rules))
    named = detail(taken, inner(inputs, "markets"), admit.surplus, maintain.surplus)
    return {"IM": admit.surplus, "MM": maintain.surplus, "MtM": maintain.value, "detail": named}


def alone(inputs: Inputs, _: Vector) -> Any:
    """The short options' own margins."""
    found, rules = drawn(inputs), rules_of(inner(inputs, "params"))
    taken = parts(found.book(), found.market(), rules, POOL, model_of(rules))
    opening, held = [*taken.initial.values()], [*taken.maintenance.values()]
    if len(held) not in ONE_MARKET:
        raise VectorError(f"{inputs.place}.markets: expected options of one market")
    return {"IM_isolated": opening[0].isolated, "MM_isolated": held[0].isolated}


ADAPTERS = {
    ("derive_srm", "test-cases.json"): account,
    ("derive_srm", "test-cases-portfolio.json"): account,
    ("derive_srm", "isolated option"): alone,
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
