"""Vectors of Mango v4: health of accounts, liquidation, bankruptcy, interest, weights over time, the stable price."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from solvent.book import Book, Holding, Market, Pool, Position, PriceKey, PriceKind, Purpose
from solvent.conformance.building import POOL, STEP, asset
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.instruments import Perpetual
from solvent.margin import assess
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.mango_v4 import account as facts
from solvent.venues.mango_v4 import account_health, bankruptcy, lending, liquidation, perp_liquidation, stable_price
from solvent.venues.mango_v4.account import Account, HealthKind, Perp, PerpWeights, Prices, Token, TokenWeights
from solvent.venues.mango_v4.model import TokenFacts
from solvent.venues.mango_v4.rules import with_weights

USD, PERP = "USD", "perp"
ASSET, LIAB, OTHER, SETTLE = "asset", "liab", "other", "settle"
FLAT = Prices(ONE, ONE)
# The accounts that the health vectors share: their tokens' prices and weights, and those of their perpetual.
NAMES = {1: "token1", 2: "token2", 3: "token3"}
PRICES = {1: Decimal(1), 2: Decimal(5), 3: Decimal(10)}
WEIGHTS = {
    1: TokenWeights.around_one(Decimal("0.8"), Decimal("0.9")),
    2: TokenWeights.around_one(Decimal("0.5"), Decimal("0.7")),
    3: TokenWeights.around_one(Decimal("0.5"), Decimal("0.7")),
}
PERP_WEIGHTS = PerpWeights(*map(Decimal, ("0.8", "1.2", "0.9", "1.1", "0.95", "0.98")))
LOT = Decimal(10)
PURPOSES = {"init": Purpose.ADMIT, "liq_end": Purpose.RECOVER, "maint": Purpose.MAINTAIN}
WHOLE_UNITS = 0  # decimals of an insurance vault's smallest unit: these vectors count whole tokens


def given(inputs: Inputs, name: str, default: Decimal = ZERO) -> Decimal:
    """A number that need not be there."""
    return inputs.number(name) if name in inputs else default


def part(inputs: Inputs, name: str) -> Inputs | None:
    """An object that need not be there."""
    found = inputs.given.get(name)
    if found is not None and not isinstance(found, dict):
        raise VectorError(f"{inputs.place}.{name}: got {found!r}, expected an object")
    return None if found is None else Inputs(found, f"{inputs.place}.{name}")


def numbers(inputs: Inputs, name: str, count: int) -> tuple[Decimal, ...] | None:
    """A list of ``count`` numbers that need not be there."""
    found = inputs.given.get(name)
    if found is None:
        return None
    return wide(Inputs({name: [found]}, inputs.place), name, count)[0]


def wide(inputs: Inputs, name: str, count: int) -> list[tuple[Decimal, ...]]:
    """Rows of ``count`` numbers each."""
    rows = inputs.table(name)
    for row in rows:
        if len(row) is not count:
            raise VectorError(f"{inputs.place}.{name}: got a row of {len(row)} numbers, expected {count}")
    return rows


def flat(amount: Decimal) -> Prices:
    """A price whose slow price is the same."""
    return Prices(amount, amount)


def listed(number: int, amount: Decimal, settings: Inputs | None = None) -> Token:
    """A token of the shared accounts, with what all accounts hold of it."""
    bank = settings or Inputs({})
    totals = facts.BankTotals(
        given(bank, "deposits"),
        given(bank, "borrows"),
        given(bank, "potential_serum_tokens"),
        given(bank, "deposit_weight_scale_start_quote") or None,
        given(bank, "borrow_weight_scale_start_quote") or None,
    )
    return Token(NAMES[number], amount, flat(PRICES[number]), WEIGHTS[number], totals)


def spot_orders(inputs: Inputs, extra: Inputs, base: int) -> facts.SpotOrders:
    """Reserved quote and base of the market of a token against the first one, and recorded order prices."""
    name = {2: "oo_1_2", 3: "oo_1_3"}[base]
    quote_reserved, base_reserved = numbers(inputs, name, 2) or (ZERO, ZERO)
    ask = given(extra, {2: "oo_1_2_lowest_placed_ask", 3: "oo_1_3_lowest_placed_ask"}[base])
    bid = given(extra, {2: "oo_1_2_highest_placed_bid_inv", 3: "oo_1_3_highest_placed_bid_inv"}[base])
    return facts.SpotOrders(
        NAMES[base], NAMES[1], base_reserved, quote_reserved, lowest_ask=ask, highest_bid_inverse=bid
    )


def health_of_three(inputs: Inputs, _: Vector) -> Any:
    """Health at INIT of three tokens, two spot markets and a perpetual."""
    settings = inputs.rows("bank_settings") if "bank_settings" in inputs else []
    banks: dict[int, Inputs] = dict(zip(NAMES, settings, strict=False))
    extra = part(inputs, "extra") or Inputs({})
    lots, quote, bids, asks = numbers(inputs, "perp1", 4) or (ZERO, ZERO, ZERO, ZERO)
    perp = Perp(PERP, NAMES[1], flat(PRICES[2]), PERP_WEIGHTS, lots, quote, bids, asks, LOT)
    tokens = tuple(listed(k, inputs.number(name), banks.get(k)) for k, name in NAMES.items())
    account = Account(tokens, (spot_orders(inputs, extra, 2), spot_orders(inputs, extra, 3)), (perp,))
    return account_health.health_of(account.without(skipped(inputs)), HealthKind.INIT)


def skipped(inputs: Inputs) -> list[str]:
    """Names of the tokens that are left out."""
    (row,) = Inputs({"skip_banks": [inputs.given.get("skip_banks", [])]}).table("skip_banks")
    strange = [number for number in row if number not in NAMES]
    if strange:
        raise VectorError(f"inputs.skip_banks: got {strange[0]}, expected a token's number of {list(NAMES)}")
    return [NAMES[int(number)] for number in row]


def health_with_free_funds(inputs: Inputs, _: Vector) -> Any:
    """Health at INIT with settled funds at a spot market and fills not yet processed."""
    funds, held = part(inputs, "oo") or Inputs({}), part(inputs, "perp") or Inputs({})
    spot = facts.SpotOrders(
        NAMES[2],
        NAMES[1],
        given(funds, "coin_total"),
        given(funds, "pc_total"),
        given(funds, "coin_free"),
        given(funds, "pc_free"),
    )
    perp = Perp(
        PERP,
        NAMES[1],
        flat(PRICES[2]),
        PERP_WEIGHTS,
        given(held, "base_lots"),
        given(held, "quote"),
        given(held, "bids"),
        given(held, "asks"),
        LOT,
        taker_lots=given(held, "taker_base_lots"),
        taker_quote_lots=given(held, "taker_quote_lots"),
        quote_lot_size=given(held, "quote_lot_size", ONE),
    )
    tokens = (listed(1, inputs.number("token1")), listed(2, inputs.number("token2")))
    return account_health.health_of(Account(tokens, (spot,), (perp,)), HealthKind.INIT)


def health_of_book(inputs: Inputs, _: Vector) -> Any:
    """Surplus of a book with one token and perhaps one perpetual that settles in it; both have the prices given."""
    price, stable = inputs.number("price"), inputs.number("stable")
    token, held = NAMES[1], part(inputs, "perp")
    prices = {
        PriceKey(PriceKind.INDEX, token, USD): price,
        PriceKey(PriceKind.SLOW, token, USD): stable,
        PriceKey(PriceKind.MARK, PERP, token): price,
        PriceKey(PriceKind.SLOW, PERP, token): stable,
    }
    positions, instruments, funding = one_lot(held) if held is not None else ((), {}, {})
    assets = {name: asset(name) for name in (token, USD)}
    cash = {token: asset(token).units(inputs.number("token"))}
    book = Book(assets, instruments, (Holding(Pool(POOL, numeraire=USD), cash, positions),))
    rules = with_weights(venue("mango_v4"), {token: TokenFacts(WEIGHTS[1])}, {PERP: PERP_WEIGHTS})
    purpose = PURPOSES.get(inputs.text("type"))
    if purpose is None:
        raise VectorError(f"inputs.type: got {inputs.text('type')!r}, expected one of {list(PURPOSES)}")
    return assess(book, Market(prices, funding=funding), rules, purpose)[POOL].surplus


def one_lot(held: Inputs) -> tuple[tuple[Position, ...], dict[str, Perpetual], dict[str, int]]:
    """A perpetual position as one lot of a contract of its size, so that funding of the lot is funding of it all."""
    base, settle = held.number("base"), asset(NAMES[1])
    negative = base.copy_negate()
    side, size = {True: (-1, negative), False: (1, base)}[base.is_signed()] if base else (0, ONE)
    contract = Perpetual(PERP, PERP, settle, settle, STEP, ONE, contract_size=size)
    due = given(held, "funding")
    owed = settle.units({-1: due.copy_negate(), 1: due, 0: due}[side])
    position = Position(PERP, side, settle.units(held.number("quote").copy_negate()))
    return (position,), {PERP: contract}, {PERP: owed}


def assets_and_liabs(inputs: Inputs, _: Vector) -> Any:
    """Health at INIT split with either side kept stable."""
    token = Token(SETTLE, inputs.number("spot"), flat(Decimal(2)), WEIGHTS[1])
    perp = Perp(PERP, SETTLE, FLAT, quote=inputs.number("perp_quote"))
    stable = {"assets": True, "liabs": False}.get(inputs.text("stable"))
    if stable is None:
        raise VectorError(f"inputs.stable: got {inputs.text('stable')!r}, expected 'assets' or 'liabs'")
    sides = account_health.assets_and_liabs(Account((token,), perps=(perp,)), HealthKind.INIT, stable_assets=stable)
    return [sides.assets, sides.liabs]


def leverage(inputs: Inputs, _: Vector) -> Any:
    """Liabilities over equity at oracle prices."""
    rows = wide(inputs, "tokens", 2)
    tokens = tuple(Token(f"token{k}", row[0], flat(row[1])) for k, row in enumerate(rows, start=1))
    base, quote, price = numbers(inputs, "perp", 3) or (ZERO, ZERO, ONE)
    perps = (Perp(PERP, NAMES[1], flat(price), lots=base, quote=quote),)
    spots: tuple[facts.SpotOrders, ...] = ()
    funds = numbers(inputs, "reserved", 2)
    if funds is not None:
        spots = (facts.SpotOrders(NAMES[2], NAMES[1], *funds),)
    return account_health.leverage(Account(tokens, spots, perps))


def refused(vector: Vector) -> Mapping[str, Any]:
    """The answer to a step that is refused: the file asserts nothing else about it, whatever it lists beside."""
    return {**vector.expected, "success": False}


def token_for_token(inputs: Inputs, vector: Vector) -> Any:
    """A debt repaid with another token while perpetuals settle in both."""
    asset_weights = TokenWeights.around_one(inputs.number("asset_init_weight"))
    liab_weights = TokenWeights.around_one(inputs.number("liab_init_weight"))
    overall = PerpWeights(init_overall=inputs.number("perp_overall_weight"))
    tokens = (
        Token(ASSET, inputs.number("asset_token"), FLAT, asset_weights),
        Token(LIAB, inputs.number("liab_token"), FLAT, liab_weights),
        Token(OTHER, given(inputs, "other"), FLAT),
    )
    perps = (
        Perp("asset_perp", ASSET, FLAT, overall, quote=given(inputs, "asset_perp")),
        Perp("liab_perp", LIAB, FLAT, overall, quote=given(inputs, "liab_perp")),
    )
    try:
        done = liquidation.token_with_token(
            Account(tokens, perps=perps), ASSET, LIAB, inputs.number("max_liab_transfer")
        )
    except liquidation.LiquidationRefused:
        return refused(vector)
    after = done.account
    return {"success": True, "asset_token": after.token(ASSET).amount, "liab_token": after.token(LIAB).amount}


def stable_prices_and_scaling(inputs: Inputs, _: Vector) -> Any:
    """Three healths and a liquidation where stable prices differ and INIT weights are scaled."""
    asset_totals = facts.BankTotals(inputs.number("deposits"), deposit_scale_start=inputs.number("deposit_scale_start"))
    liab_totals = facts.BankTotals(
        borrows=inputs.number("borrows"), borrow_scale_start=inputs.number("borrow_scale_start")
    )
    weights = TokenWeights(init_liab=inputs.number("liab_init_weight"), maint_liab=inputs.number("liab_maint_weight"))
    owned = Prices(ONE, inputs.number("stable_asset"))
    owed = Prices(ONE, inputs.number("stable_liab"))
    account = Account(
        (
            Token(ASSET, inputs.number("asset"), owned, totals=asset_totals),
            Token(LIAB, inputs.number("liab"), owed, weights, liab_totals),
        )
    )
    after = liquidation.token_with_token(account, ASSET, LIAB, given(inputs, "max_liab_transfer", Decimal(100))).account
    return {
        "init": account_health.health_of(account, HealthKind.INIT),
        "liq_end": account_health.health_of(account, HealthKind.LIQUIDATION_END),
        "maint": account_health.health_of(account, HealthKind.MAINT),
        "asset_after": after.token(ASSET).amount,
        "liab_after": after.token(LIAB).amount,
    }


def perp_base_or_result(inputs: Inputs, _: Vector) -> Any:
    """A base position reduced and a positive result settled."""
    liab_weight = inputs.number("liab_weight") if "liab_weight" in inputs else None
    weights = PerpWeights.around_one(inputs.number("base_weight"), inputs.number("overall_weight"), liab_weight)
    tokens = (Token(SETTLE, inputs.number("spot"), FLAT), Token(OTHER, given(inputs, "other"), FLAT))
    perp = Perp(PERP, SETTLE, FLAT, weights, inputs.number("base"), inputs.number("quote"))
    done = perp_liquidation.base_or_positive_result(
        Account(tokens, perps=(perp,)),
        PERP,
        inputs.number("max_base"),
        inputs.number("max_pnl"),
        perp_liquidation.PerpFees(positive_result=given(inputs, "pos_pnl_liq_fee")),
    ).account
    return {"spot": done.token(SETTLE).amount, "base": done.perp(PERP).lots, "quote": done.perp(PERP).quote}


def perp_negative_result(inputs: Inputs, vector: Vector) -> Any:
    """A negative result settled, insured and socialised."""
    weight = inputs.number("settle_weight")
    settle = Token(
        SETTLE,
        inputs.number("settle_token"),
        flat(inputs.number("settle_price")),
        TokenWeights.around_one(weight, weight),
    )
    perp = Perp(PERP, SETTLE, FLAT, quote=inputs.number("perp_quote"))
    account = Account((settle, Token(OTHER, given(inputs, "other"), FLAT)), perps=(perp,))
    vault = bankruptcy.Insurance(inputs.number("insurance_fund"), inputs.number("insurance_price"), WHOLE_UNITS)
    most, limit = inputs.number("max_liab_transfer"), inputs.number("settle_limit")
    try:
        done = bankruptcy.negative_result(account, PERP, most, limit, vault)
    except liquidation.LiquidationRefused:
        return refused(vector)
    return {
        "success": True,
        "liqee_settle": done.account.token(SETTLE).amount,
        "liqee_perp": done.account.perp(PERP).quote,
        "liqor_settle": done.settled,
        "liqor_perp": done.liquidator_quote,
        "liqor_insurance": done.insurance,
        "socialized_loss": done.socialised,
    }


def curve(inputs: Inputs) -> lending.RateCurve:
    """The rate curve of a bank."""
    zero, util0, rate0 = inputs.number("zero"), inputs.number("util0"), inputs.number("rate0")
    util1, rate1, most = inputs.number("util1"), inputs.number("rate1"), inputs.number("max")
    return lending.RateCurve(zero, util0, rate0, util1, rate1, most, given(inputs, "scaling"))


def rate(inputs: Inputs, _: Vector) -> Any:
    """Yearly borrow rate at a utilisation."""
    return curve(inputs).at(inputs.number("util"))


def interest(inputs: Inputs, _: Vector) -> Any:
    """Growth of the borrow index over many updates."""
    used = inputs.number("util")
    grown = lending.accrued_in_steps(
        curve(inputs).at(used),
        used,
        given(inputs, "loan_fee_rate"),
        inputs.whole("step_seconds"),
        inputs.whole("seconds"),
    )
    return grown.borrow


def weights_over_time(inputs: Inputs, _: Vector) -> Any:
    """Maintenance weights on their way to other ones."""
    names = ("start", "end", "asset", "liab", "asset_target", "liab_target")
    return list(lending.ramped(lending.Ramp(*(inputs.number(name) for name in names)), inputs.number("ts")))


def fresh(inputs: Inputs) -> stable_price.StablePrice:
    """A model that has seen one price."""
    model = stable_price.StablePrice.reset(inputs.number("start"))
    limits = (
        given(inputs, "delay_growth_limit", model.delay_growth_limit),
        given(inputs, "stable_growth_limit", model.stable_growth_limit),
    )
    return stable_price.StablePrice.reset(inputs.number("start"), 0, *limits)


def stable_prices(inputs: Inputs, _: Vector) -> Any:
    """The stable price after each stretch of updates."""
    stretches = [
        (Inputs({"dt": row[0]}).whole("dt"), Inputs({"steps": row[1]}).whole("steps"), row[2])
        for row in wide(inputs, "legs", 3)
    ]
    return {"after": [model.stable for model in stable_price.after_stretches(fresh(inputs), stretches)]}


def first_delay_price(inputs: Inputs, _: Vector) -> Any:
    """The first delay price when the price changes once."""
    seen = stable_price.one_switch(
        inputs.whole("dt"), inputs.whole("steps"), inputs.number("p0"), inputs.whole("switch_at"), inputs.number("p1")
    )
    return stable_price.observed(fresh(inputs), seen).delays[0]


def collateral_fee(inputs: Inputs, _: Vector) -> Any:
    """Fee on a deposit for the share of it that a loan uses."""
    owned = TokenWeights(maint_asset=inputs.number("asset_weight"))
    owed = TokenWeights(maint_liab=inputs.number("liab_weight"))
    account = Account(
        (
            Token(ASSET, inputs.number("deposit"), FLAT, owned),
            Token(LIAB, inputs.number("borrow").copy_negate(), FLAT, owed),
        )
    )
    fees = lending.collateral_fees_of_hours(account, {ASSET: inputs.number("fee_per_day")}, inputs.number("hours"))
    return fees.get(ASSET, ZERO)


def debt_after_collateral(inputs: Inputs, _: Vector) -> Any:
    """What is left of a debt after all collateral was paid for it."""
    names = ("borrow", "collateral", "collateral_price", "liab_price", "fee_total")
    return liquidation.after_all_collateral(*(inputs.number(name) for name in names))


ADAPTERS = {
    ("mango_v4", "health0"): health_with_free_funds,
    ("mango_v4", "health1"): health_of_three,
    ("mango_v4", "health_simple"): health_of_book,
    ("mango_v4", "assets_liabs"): assets_and_liabs,
    ("mango_v4", "leverage"): leverage,
    ("mango_v4", "token_liq"): token_for_token,
    ("mango_v4", "token_liq_stable"): stable_prices_and_scaling,
    ("mango_v4", "perp_liq"): perp_base_or_result,
    ("mango_v4", "perp_bankruptcy"): perp_negative_result,
    ("mango_v4", "rate"): rate,
    ("mango_v4", "interest_day"): interest,
    ("mango_v4", "maint_weights"): weights_over_time,
    ("mango_v4", "stable_price"): stable_prices,
    ("mango_v4", "stable_delay"): first_delay_price,
    ("mango_v4", "collateral_fee"): collateral_fee,
    ("mango_v4", "liab_bought"): debt_after_collateral,
}

ELSEWHERE: Mapping[Any, str] = {}
