"""Vectors of Drift v2, in the program's own integers: accounts go through ring 1 on a book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.assessment import Assessment
from solvent.book import Purpose
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import assess
from solvent.units import Asset
from solvent.venues import venue
from solvent.venues.drift_v2.account import Account, PerpPosition, SpotBalance
from solvent.venues.drift_v2.books import book_of, markets_of
from solvent.venues.drift_v2.formulas import MarginType, profit_weight, reserve_size, scaled_initial_weight
from solvent.venues.drift_v2.liquidation import (
    Side,
    Token,
    asset_for_liability,
    base_to_cover,
    grown_fee,
    liability_for_asset,
    liability_to_cover,
    most_share,
    perp_fund_fee,
    spot_fund_fee,
)
from solvent.venues.drift_v2.losses import PerpPool, deposit_delta, funding_delta, perp_bankruptcy, spot_bankruptcy
from solvent.venues.drift_v2.markets import ONE_QUOTE, PerpMarket, Quoted, SpotMarket
from solvent.venues.drift_v2.model import Stage
from solvent.venues.drift_v2.native import Settings
from solvent.venues.drift_v2.perp_liquidation import Call, Liquidation, Outcome, Terms, liquidate_perp, position
from solvent.venues.drift_v2.rules import with_markets

DRIFT = "drift_v2"
CROSS, ISOLATED = "cross", "isolated"
SOL, PERP = "SOL", "SOL-PERP"
MARGIN_TYPES = {one.value: one for one in MarginType}
ORACLE = 100_000_000  # of SOL wherever a vector does not give it
SOL_DECIMALS, USDC_DECIMALS = 9, 6
SOL_DEBT_WEIGHT = 12_000
DOLLAR = Asset("USD", 6)
RATE = Asset("cumulative funding rate", 9)
USDC = SpotMarket(quote=True)


def margin_type(inputs: Inputs) -> MarginType:
    """The margin type a vector names."""
    name = inputs.text("type")
    found = MARGIN_TYPES.get(name)
    if found is None:
        raise VectorError(f"{inputs.place}.type: got {name!r}, expected one of {known_types()}")
    return found


def known_types() -> str:
    """The margin types there are."""
    return ", ".join(MARGIN_TYPES)


def truth(inputs: Inputs, name: str) -> bool:
    """A true or false of a vector; false where it is not given."""
    found = inputs.given.get(name, False)
    if not isinstance(found, bool):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected true or false")
    return found


def optional(inputs: Inputs, name: str, otherwise: int = 0) -> int:
    """A whole number, or what stands for it where it is not given."""
    return otherwise if inputs.given.get(name) is None else inputs.whole(name)


def group(inputs: Inputs, name: str) -> Inputs | None:
    """An object inside the inputs, or None."""
    found = inputs.given.get(name)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected an object or null")
    return Inputs(found, f"{inputs.place}.{name}")


def ring1(accounts: Mapping[str, Account], stage: Stage, buffer: int, settings: Settings) -> Mapping[str, Assessment]:
    """Every account's assessment at a stage with and without the buffer: at RECOVER and at MAINTAIN."""
    book, market = book_of(accounts)
    stages = {Purpose.MAINTAIN: stage, Purpose.RECOVER: Stage(stage.margin_type, stage.strict, buffered=True)}
    rules = with_markets(venue(DRIFT), markets_of(accounts), settings, stages, buffer)
    plain, buffered = assess(book, market, rules, Purpose.MAINTAIN), assess(book, market, rules, Purpose.RECOVER)
    return {**plain, **{f"{name} with buffer": found for name, found in buffered.items()}}


def usdc(tokens: int, price: Quoted = ONE_QUOTE) -> SpotBalance:
    """A balance of the quote token."""
    return SpotBalance("USDC", USDC, tokens, USDC_DECIMALS, price)


def account(inputs: Inputs, _: Vector) -> Any:
    """Requirement and collateral of one account through ``assess``."""
    price = Quoted(inputs.whole("usdc_price"), inputs.whole("usdc_twap5"))
    spots = (usdc(inputs.whole("usdc"), price), *sol_balance(inputs))
    given = group(inputs, "perp")
    perps = () if given is None else (perp_position(given),)
    settings = Settings(optional(inputs, "custom_ratio"), optional(inputs, "override"))
    stage = Stage(margin_type(inputs), truth(inputs, "strict"))
    found = ring1({CROSS: Account(spots, perps, price)}, stage, optional(inputs, "buffer"), settings)
    return {
        "margin_requirement": DOLLAR.units(found[CROSS].required),
        "total_collateral": DOLLAR.units(found[CROSS].margin_equity),
        "margin_requirement_plus_buffer": DOLLAR.units(found[f"{CROSS} with buffer"].required),
        "total_collateral_plus_buffer": DOLLAR.units(found[f"{CROSS} with buffer"].margin_equity),
    }


def sol_balance(inputs: Inputs) -> tuple[SpotBalance, ...]:
    """The balance of SOL with its orders, where the account has one."""
    if inputs.given.get("sol") is None:
        return ()
    facts = group(inputs, "sol_market") or Inputs({}, f"{inputs.place}.sol_market")
    market = SpotMarket(
        facts.whole("iaw"), facts.whole("maw"), facts.whole("ilw"), facts.whole("mlw"), facts.whole("imf")
    )
    price = Quoted(facts.whole("price"), inputs.whole("sol_twap5"))
    orders = optional(inputs, "sol_bids"), optional(inputs, "sol_asks"), optional(inputs, "sol_orders")
    return (SpotBalance(SOL, market, inputs.whole("sol"), facts.whole("dec"), price, *orders),)


def perp_position(given: Inputs) -> PerpPosition:
    """A position in a market whose positive profit counts nothing."""
    market = PerpMarket(given.whole("mi"), given.whole("mm"), given.whole("imf"), profit_maintenance=0)
    orders = optional(given, "bids"), optional(given, "asks"), optional(given, "orders")
    price = optional(given, "price", ORACLE)
    return PerpPosition(PERP, market, given.whole("base"), given.whole("quote"), price, *orders)


def isolated(inputs: Inputs, _vector: Vector) -> Any:
    """Cross and isolated sums, each by itself, with and without the buffer."""
    debt = SpotMarket(initial_liability=SOL_DEBT_WEIGHT, maintenance_liability=SOL_DEBT_WEIGHT)
    sol = SpotBalance(SOL, debt, inputs.whole("sol"), SOL_DECIMALS, Quoted(ORACLE, ORACLE))
    market = PerpMarket(inputs.whole("mi"), inputs.whole("mi"), profit_maintenance=0)
    held = PerpPosition(PERP, market, inputs.whole("base"), inputs.whole("quote"), ORACLE)
    accounts = {
        CROSS: Account((usdc(inputs.whole("usdc")), sol)),
        ISOLATED: Account((usdc(inputs.whole("iso_deposit")),), (held,)),
    }
    found = ring1(accounts, Stage(MarginType.INITIAL), inputs.whole("buffer"), Settings())
    names = {"cross": CROSS, "iso": ISOLATED, "cross_buf": f"{CROSS} with buffer", "iso_buf": f"{ISOLATED} with buffer"}
    answer = {}
    for short, name in names.items():
        pool, mark, tail = short.partition("_")
        answer[f"{pool}_mr{mark}{tail}"] = DOLLAR.units(found[name].required)
        answer[f"{pool}_tc{mark}{tail}"] = DOLLAR.units(found[name].margin_equity)
    return answer


def prediction(inputs: Inputs, _: Vector) -> Any:
    """A position of a prediction market alone: what it requires, and the profit that counts."""
    market = PerpMarket(
        inputs.whole("mi"),
        inputs.whole("mm"),
        profit_initial=inputs.whole("w_init"),
        profit_maintenance=inputs.whole("w_maint"),
        prediction=True,
    )
    held = PerpPosition(PERP, market, inputs.whole("base"), inputs.whole("quote"), inputs.whole("price"))
    found = ring1({CROSS: Account(perps=(held,))}, Stage(margin_type(inputs)), 0, Settings())[CROSS]
    return {"margin_requirement": DOLLAR.units(found.required), "upnl": DOLLAR.units(found.margin_equity)}


def perp_ratio(inputs: Inputs, _: Vector) -> Any:
    """Margin ratio of a size."""
    market = PerpMarket(
        inputs.whole("mi"), inputs.whole("mm"), inputs.whole("imf"), inputs.whole("hi"), inputs.whole("hm")
    )
    return market.ratio(inputs.whole("size"), margin_type(inputs), high_leverage=truth(inputs, "hlm"))


def spot_weight(inputs: Inputs, _: Vector) -> Any:
    """Asset and liability weight of a size."""
    market = SpotMarket(
        inputs.whole("iaw"), inputs.whole("maw"), inputs.whole("ilw"), inputs.whole("mlw"), inputs.whole("imf")
    )
    size, kind = reserve_size(inputs.whole("size"), inputs.whole("dec")), margin_type(inputs)
    return [market.asset_weight(size, kind), market.liability_weight(size, kind)]


def scaled_weight(inputs: Inputs, _: Vector) -> Any:
    """Initial asset weight scaled by all deposits."""
    return scaled_initial_weight(inputs.whole("iaw"), inputs.whole("start"), inputs.whole("deposit_value"))


def weight_of_profit(inputs: Inputs, _: Vector) -> Any:
    """Weight of a positive unrealised profit for new risk."""
    return profit_weight(inputs.whole("w"), inputs.whole("pnl"), inputs.whole("imf"))


def covering_base(inputs: Inputs, _: Vector) -> Any:
    """Base that covers a shortage."""
    return base_to_cover(
        inputs.whole("shortage"),
        inputs.whole("margin_ratio"),
        inputs.whole("liq"),
        inputs.whole("ifee"),
        inputs.whole("oracle"),
        inputs.whole("quote"),
    )


def sides(inputs: Inputs) -> tuple[Side, Side]:
    """Asset and liability of a spot liquidation."""
    return (
        Side(inputs.whole("asset_weight"), inputs.whole("asset_mult")),
        Side(inputs.whole("liab_weight"), inputs.whole("liab_mult")),
    )


def covering_liability(inputs: Inputs, _: Vector) -> Any:
    """Liability tokens that cover a shortage."""
    rest = inputs.whole("dec"), inputs.whole("price"), inputs.whole("ifee")
    return liability_to_cover(inputs.whole("shortage"), *sides(inputs), *rest)


def tokens(inputs: Inputs) -> tuple[Token, Token]:
    """Asset and liability of a transfer."""
    return (
        Token(inputs.whole("am"), inputs.whole("adec"), inputs.whole("ap")),
        Token(inputs.whole("lm"), inputs.whole("ldec"), inputs.whole("lp")),
    )


def implied_liability(inputs: Inputs, _: Vector) -> Any:
    """Liability tokens an amount of the asset pays for."""
    return liability_for_asset(inputs.whole("asset"), *tokens(inputs))


def asset_cost(inputs: Inputs, _: Vector) -> Any:
    """Asset tokens a transferred liability costs."""
    asset, liability = tokens(inputs)
    return asset_for_liability(inputs.whole("asset"), asset, inputs.whole("liab"), liability)


def perp_insurance_fee(inputs: Inputs, _: Vector) -> Any:
    """Insurance-fund fee on a perpetual."""
    prices = inputs.whole("oracle"), inputs.whole("quote")
    fixed = inputs.whole("base"), inputs.whole("margin_ratio"), inputs.whole("liq")
    return perp_fund_fee(inputs.whole("shortage"), *fixed, prices, inputs.whole("maxif"))


def spot_insurance_fee(inputs: Inputs, _: Vector) -> Any:
    """Insurance-fund fee on a liability."""
    rest = inputs.whole("dec"), inputs.whole("price"), inputs.whole("maxif")
    return spot_fund_fee(inputs.whole("shortage"), inputs.whole("token"), *sides(inputs), *rest)


def share_allowed(inputs: Inputs, _: Vector) -> Any:
    """Share of a transfer allowed at a slot."""
    slots = inputs.whole("elapsed"), inputs.whole("initial"), inputs.whole("duration")
    return most_share(inputs.whole("shortage"), *slots, inputs.whole("freed"))


def liquidator_fee(inputs: Inputs, _: Vector) -> Any:
    """Liquidator's fee after some slots."""
    return grown_fee(inputs.whole("base"), inputs.whole("max"), inputs.whole("elapsed"))


def liquidation(inputs: Inputs, _: Vector) -> Any:
    """Calls of a liquidator one after the other, and what each leaves."""
    market = PerpMarket(
        inputs.whole("mi"),
        inputs.whole("mm"),
        inputs.whole("imf"),
        profit_maintenance=0,
        liquidator_fee=inputs.whole("liq_fee"),
        fund_fee=inputs.whole("if_fee"),
        step=inputs.whole("step"),
    )
    orders = optional(inputs, "bids"), optional(inputs, "asks"), optional(inputs, "orders")
    held = PerpPosition(PERP, market, inputs.whole("base"), inputs.whole("quote"), inputs.whole("price"), *orders)
    quote = Quoted(inputs.whole("quote_price"), inputs.whole("quote_price"))
    terms = Terms(inputs.whole("buffer"), inputs.whole("initial_pct"), inputs.whole("duration"))
    now = Outcome(Account((usdc(inputs.whole("deposit"), quote),), (held,), quote), Liquidation())
    answers = []
    for row in inputs.rows("calls"):
        now = liquidate_perp(now.account, PERP, terms, now.liquidation, Call(row.whole("slot"), row.whole("max_base")))
        answers.append(after_call(now))
    return answers


def after_call(now: Outcome) -> dict[str, Any]:
    """The account, the liquidator and the fund after a call."""
    left, stands = position(now.account, PERP), now.liquidation
    return {
        "base": left.base,
        "quote": left.quote,
        "liq_base": stands.taken,
        "liq_quote": stands.paid,
        "if_total": stands.fund_fees,
        "freed": stands.freed,
        "exited": now.exited,
    }


def funding_moved(inputs: Inputs, _: Vector) -> Any:
    """Move of the funding rates that shares a loss."""
    return funding_delta(inputs.whole("loss"), inputs.whole("long"), inputs.whole("short"))


def deposits_moved(inputs: Inputs, _: Vector) -> Any:
    """Fall of the deposit index that shares a loss."""
    return deposit_delta(inputs.whole("loss"), inputs.whole("deposits"), inputs.whole("cum"))


def bankrupt_perp(inputs: Inputs, _: Vector) -> Any:
    """A loss in a perpetual paid by insurance, fees and all positions; rates are in dollars a base unit."""
    pool = PerpPool(
        inputs.whole("oi_long"),
        inputs.whole("oi_short"),
        inputs.whole("if_vault"),
        inputs.whole("max_if"),
        inputs.whole("fee_pool"),
    )
    rates = RATE.units(inputs.number("cum_long")), RATE.units(inputs.number("cum_short"))
    found = perp_bankruptcy(inputs.whole("loss"), pool, *rates)
    paid = found.loss_of(inputs.whole("user_base"))
    return {
        "cum_long": RATE.amount(found.long_rate),
        "cum_short": RATE.amount(found.short_rate),
        "social": found.shared,
        "long_loss": paid,
        "short_loss": paid,
    }


def bankrupt_spot(inputs: Inputs, _: Vector) -> Any:
    """A debt paid by insurance and all depositors."""
    found = spot_bankruptcy(
        inputs.whole("borrow"), inputs.whole("if_vault"), inputs.whole("deposits"), inputs.whole("cum")
    )
    return {"cum": found.index_after, "deposits_after": found.deposits_after}


ADAPTERS = {
    (DRIFT, kind): adapter
    for kind, adapter in {
        "account": account,
        "asset_for_liab": asset_cost,
        "base_to_cover": covering_base,
        "deposit_delta": deposits_moved,
        "funding_delta": funding_moved,
        "isolated": isolated,
        "liab_implied": implied_liability,
        "liab_to_cover": covering_liability,
        "liq_fee": liquidator_fee,
        "liquidate_perp": liquidation,
        "max_pct": share_allowed,
        "perp_bankruptcy": bankrupt_perp,
        "perp_if_fee": perp_insurance_fee,
        "perp_ratio": perp_ratio,
        "prediction": prediction,
        "scaled_iaw": scaled_weight,
        "spot_bankruptcy": bankrupt_spot,
        "spot_if_fee": spot_insurance_fee,
        "spot_weight": spot_weight,
        "upnl_weight": weight_of_profit,
    }.items()
}

ELSEWHERE: dict[str | tuple[str, str], str] = {}
