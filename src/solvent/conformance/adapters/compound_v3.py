"""Vectors of Compound III: accounts and markets in the protocol's whole numbers, asked as pools of a book."""

from __future__ import annotations

from typing import Any

from solvent.book import Book, Holding, Market, Method, Pool, PriceKey, PriceKind, Purpose
from solvent.conformance.building import one_of
from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.margin import Withdraw, assess, what_if
from solvent.rules import RulesError, VenueRules
from solvent.units import Asset
from solvent.venues.compound_v3 import formulas
from solvent.venues.compound_v3.facts import DEFAULT_BORROW_FACTOR, CollateralAsset, MarketFacts
from solvent.venues.compound_v3.formulas import FACTOR_SCALE, INDEX_SCALE, Curve, Indices, Rewards, Totals
from solvent.venues.compound_v3.lending import BorrowTooSmall, NotCollateralized, withdraw_base
from solvent.venues.compound_v3.liquidation import (
    InsufficientReserves,
    NotForSale,
    NotLiquidatable,
    TooMuchSlippage,
    absorb,
    buy_collateral,
    quote_collateral,
)
from solvent.venues.compound_v3.rules import market_rules
from solvent.venues.compound_v3.stated import confirmed

POOL = "account"
BASE = "BASE"
USD = Asset("USD", 8)
INDEX = Asset("index", 15)  # its amounts are indices of one and more
OK = "ok"
WORDS: dict[type[RulesError], str] = {
    BorrowTooSmall: "BorrowTooSmall",
    NotCollateralized: "NotCollateralized",
    NotLiquidatable: "NotLiquidatable",
    NotForSale: "NotForSale",
    TooMuchSlippage: "TooMuchSlippage",
    InsufficientReserves: "InsufficientReserves",
}
LIMITS = {"withdraw": "NotCollateralized"}


def whole_or(inputs: Inputs, name: str, default: int) -> int:
    """A whole number, or what stands for it where it is not given."""
    return inputs.whole(name) if name in inputs else default


def inner(inputs: Inputs, name: str) -> Inputs:
    """An object inside the inputs."""
    return Inputs({name: [inputs.given.get(name)]}, inputs.place).rows(name)[0]


def collateral_asset(row: Inputs) -> CollateralAsset:
    """Factors as configured; those a vector does not need are the defaults of the protocol's tests."""
    return CollateralAsset(
        row.text("symbol"),
        whole_or(row, "borrowCF", DEFAULT_BORROW_FACTOR),
        whole_or(row, "liquidateCF", FACTOR_SCALE),
        whole_or(row, "liquidationFactor", FACTOR_SCALE),
    )


def indices(inputs: Inputs) -> Indices:
    """Indices of supply and debt, one where not given."""
    return Indices(
        whole_or(inputs, "baseSupplyIndex", INDEX_SCALE),
        whole_or(inputs, "baseBorrowIndex", INDEX_SCALE),
    )


def totals(inputs: Inputs) -> Totals:
    """The market's books; what a kind does not need is nothing."""
    return Totals(
        whole_or(inputs, "baseBalance", 0),
        whole_or(inputs, "totalSupplyBase", 0),
        whole_or(inputs, "totalBorrowBase", 0),
    )


def curves(inputs: Inputs) -> tuple[Curve, Curve]:
    """Both yearly curves."""
    given = inner(inputs, "perYearParams")
    names = ("Kink", "Base", "SlopeLow", "SlopeHigh")
    supply, borrow = (Curve(*(given.whole(f"{side}{name}") for name in names)) for side in ("supply", "borrow"))
    return supply, borrow


class Scene:
    """Accounts of one market as pools of a book."""

    def __init__(self, accounts: list[Inputs], at: Indices, least_borrow: int = 0) -> None:
        self.assets = {"USD": USD}
        self.prices: dict[PriceKey, Any] = {}
        self.collateral: dict[str, CollateralAsset] = {}
        holdings = tuple(self._holding(f"{POOL} {k}", one) for k, one in enumerate(accounts))
        self.pools = [one.pool.id for one in holdings]
        self.book = Book(self.assets, {}, holdings)
        wide = {("supply_index", BASE): INDEX.amount(at.supply), ("borrow_index", BASE): INDEX.amount(at.borrow)}
        self.market = Market(self.prices, wide=wide)
        self.rules: VenueRules = market_rules(MarketFacts(BASE, self.collateral, least_borrow))

    def _holding(self, pool: str, account: Inputs) -> Holding:
        base = inner(account, "base")
        self._listed(BASE, base)
        cash = {BASE: account.whole("principal")}
        for row in account.rows("collateral") if "collateral" in account else []:
            name = row.text("symbol")
            self._listed(name, row)
            self.collateral[name] = collateral_asset(row)
            cash[name] = row.whole("balance")
        return Holding(Pool(pool, method=Method.LENDING, numeraire="USD"), cash)

    def _listed(self, name: str, row: Inputs) -> None:
        self.assets[name] = Asset(name, row.whole("decimals"))
        key, price = PriceKey(PriceKind.INDEX, name, "USD"), USD.amount(row.whole("price"))
        self.prices[key] = one_of(self.prices.get(key, price), price, f"prices of {name}")


def one_account(inputs: Inputs) -> Scene:
    """The single account of most kinds."""
    return Scene([inputs], indices(inputs), whole_or(inputs, "baseBorrowMin", 0))


def is_borrow_collateralized(inputs: Inputs, _: Vector) -> Any:
    """Whether the account may borrow as it stands."""
    scene = one_account(inputs)
    (found,) = assess(scene.book, scene.market, scene.rules, Purpose.ADMIT).values()
    return not found.breached(inclusive=False)


def is_liquidatable(inputs: Inputs, _: Vector) -> Any:
    """Whether the account is in breach."""
    scene = one_account(inputs)
    (found,) = assess(scene.book, scene.market, scene.rules, Purpose.MAINTAIN).values()
    return found.breached(inclusive=scene.rules.breach_inclusive)


def withdraw_of_base(inputs: Inputs, _: Vector) -> Any:
    """Whether base may be taken out, as a loan beyond the supply."""
    scene = one_account(inputs)
    try:
        withdraw_base(scene.book, scene.market, scene.rules, scene.pools[0], inputs.whole("amount"))
    except (BorrowTooSmall, NotCollateralized) as refused:
        return WORDS[type(refused)]
    return OK


def withdraw_of_collateral(inputs: Inputs, _: Vector) -> Any:
    """Whether collateral may be taken out."""
    scene = one_account(inputs)
    name = inputs.text("asset")
    if name not in scene.assets:
        raise VectorError(f"inputs.asset: got {name!r}, expected collateral of the account")
    change = Withdraw(scene.pools[0], name, inputs.whole("amount"))
    limits = [one.limit for one in what_if(scene.book, scene.market, scene.rules, [change]).refusals]
    return LIMITS.get(limits[0], limits[0]) if limits else OK


def sale_terms(inputs: Inputs) -> tuple[MarketFacts, CollateralAsset, tuple[int, int], tuple[int, int]]:
    """Market, asset, prices and units of one token, of the base and of the collateral on sale."""
    base, row = inner(inputs, "base"), inner(inputs, "asset")
    asset = collateral_asset(row)
    facts = MarketFacts(
        BASE,
        {asset.name: asset},
        store_front_factor=inputs.whole("storeFrontPriceFactor"),
        target_reserves_units=whole_or(inputs, "targetReserves", 0),
    )
    prices = (base.whole("price"), row.whole("price"))
    return facts, asset, prices, (one_token(base), one_token(row))


def one_token(row: Inputs) -> int:
    """Units of one whole token."""
    return Asset("token", row.whole("decimals")).units(INDEX.amount(INDEX_SCALE))


def quote(inputs: Inputs, _: Vector) -> Any:
    """Collateral quoted for base."""
    return quote_collateral(*sale_terms(inputs), inputs.whole("baseAmount"))


def buy(inputs: Inputs, _: Vector) -> Any:
    """A purchase of seized collateral, or why there is none."""
    try:
        sale = buy_collateral(
            *sale_terms(inputs),
            base_given=inputs.whole("baseAmount"),
            least=whole_or(inputs, "minAmount", 0),
            reserves=inputs.whole("reservesBefore"),
            contract_units=inputs.whole("collateralReserves"),
            users_units=whole_or(inputs, "userCollateralTotal", 0),
            fee_bps=whole_or(inputs, "transferFeeBps", 0),
        )
    except (NotForSale, TooMuchSlippage, InsufficientReserves) as refused:
        return WORDS[type(refused)]
    return {"collateralAmount": sale.quoted, "received": sale.received, "reservesAfter": sale.reserves}


def rates(inputs: Inputs, _: Vector) -> Any:
    """Utilisation and both rates over a year."""
    used = totals(inputs).utilization(indices(inputs))
    supply, borrow = curves(inputs)
    return {
        "utilization": used,
        "supplyRatePerYear": supply.per_year(used),
        "borrowRatePerYear": borrow.per_year(used),
    }


def accrue(inputs: Inputs, vector: Vector) -> Any:
    """The market after an interval; a rule given in words is evaluated on the same numbers and must agree."""
    speed, seconds = whole_or(inputs, "trackingSpeed", 0), inputs.whole("timeElapsed")
    scale = one_token(inner(inputs, "base")) if "base" in inputs else DEFAULT_SCALE
    rewards = Rewards(speed, speed, whole_or(inputs, "baseMinForRewards", 0))
    given = (totals(inputs), indices(inputs), curves(inputs), seconds, scale, rewards)
    after = formulas.accrue(*given)
    found: dict[str, Any] = {
        "baseSupplyIndex": after.indices.supply,
        "baseBorrowIndex": after.indices.borrow,
        "trackingSupplyIndex": after.tracking.supply,
        "trackingBorrowIndex": after.tracking.borrow,
    }
    if isinstance(vector.expected, dict) and "formula" in vector.expected:
        found["formula"] = confirmed(Inputs(vector.expected, "expected").text("formula"), *given)
    return found


def reserves(inputs: Inputs, _: Vector) -> Any:
    """What belongs to the protocol."""
    return totals(inputs).reserves(indices(inputs))


def present_borrow(inputs: Inputs, _: Vector) -> Any:
    """What a borrowed principal is now."""
    return formulas.present_borrow(inputs.whole("baseBorrowIndex"), inputs.whole("principal"))


def absorption(inputs: Inputs, _: Vector) -> Any:
    """Accounts absorbed one after another, or why not."""
    market, accounts = inner(inputs, "totals"), inputs.rows("accounts")
    at, before = indices(market), totals(market)
    scene = Scene(accounts, at)
    try:
        done = absorb(scene.book, scene.market, scene.rules, scene.pools, before)
    except NotLiquidatable as refused:
        return WORDS[type(refused)]
    return {
        "reservesBefore": before.reserves(at),
        "totalSupplyBase": done.totals.supply_principal,
        "totalBorrowBase": done.totals.borrow_principal,
        "reservesAfter": done.totals.reserves(at),
        "basePaidOut": [one.base_paid_out for one in done.accounts],
        "newPrincipal": [one.principal for one in done.accounts],
        "absorbedValue": [
            [one.values.get(row.text("symbol"), 0) for row in account.rows("collateral")]
            for one, account in zip(done.accounts, accounts, strict=True)
        ],
    }


DEFAULT_SCALE = one_token(Inputs({"decimals": "6"}))

ADAPTERS = {
    ("compound_v3", "isBorrowCollateralized"): is_borrow_collateralized,
    ("compound_v3", "isLiquidatable"): is_liquidatable,
    ("compound_v3", "withdrawBase"): withdraw_of_base,
    ("compound_v3", "withdrawCollateral"): withdraw_of_collateral,
    ("compound_v3", "quoteCollateral"): quote,
    ("compound_v3", "buyCollateral"): buy,
    ("compound_v3", "rates"): rates,
    ("compound_v3", "accrue"): accrue,
    ("compound_v3", "getReserves"): reserves,
    ("compound_v3", "presentValueBorrow"): present_borrow,
    ("compound_v3", "absorb"): absorption,
}

ELSEWHERE: dict[Any, str] = {}
