"""Aave v3 accounts as books: what the protocol's view contract answers, or a row of a table of positions.

The first form has the answers of ``UiPoolDataProviderV3`` under the names of its fields: ``reserves`` (symbol,
decimals, indices, price and parameters of each asset), ``userReserves`` (scaled balances and whether a supply is used
as collateral), ``userEmodeCategoryId`` and, if wanted, ``accountData`` (``getUserAccountData``). The second is a row
with ``collateral``, ``debt``, ``threshold``, ``ltv`` and ``healthf``, and amounts and prices by asset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from solvent.adapters.aave_fields import Fields
from solvent.book import Book, BookError, Holding, Market, Method, Pool, PriceKey, PriceKind
from solvent.rules import VenueRules
from solvent.units import ZERO, Asset, Rounding, divide, exact, shifted
from solvent.venues import venue
from solvent.venues.aave_v3 import interest
from solvent.venues.aave_v3.account import BASE_PLACES, AccountData, from_totals
from solvent.venues.aave_v3.editions import Edition, edition
from solvent.venues.aave_v3.reserves import DEBT, Category, Listing, Listings
from solvent.venues.aave_v3.rules import with_listings

MAIN, UNUSED = "main", "unused"
USD = Asset("USD", BASE_PLACES)
# A row's supplies and debts: asset, field of the amount, of the price, decimals; whether amount and price are raw.
FINE = 18
ROW_SUPPLIES = (
    ("wstETH", "amount", "steth_price", FINE, False),
    ("cbETH", "cbeth_collateral", "cbeth_price", FINE, False),
    ("rETH", "reth_collateral", "reth_price", FINE, False),
    ("WETH", "weth_collateral", "eth_price", FINE, True),
    ("USDC", "usdc_collateral", "usdc_price", 6, True),
    ("DAI", "dai_collateral", "dai_price", FINE, True),
    ("WBTC", "wbtc_collateral", "wbtc_price", 8, True),
)
ROW_DEBTS = (
    ("WETH", "ethdebt", "eth_price", FINE, False),
    ("USDC", "usdc", "usdc_price", 6, True),
    ("USDT", "usdt", "usdt_price", 6, True),
    ("DAI", "dai", "dai_price", FINE, True),
    ("LUSD", "lusd", "lusd_price", FINE, True),
    ("WBTC", "wbtc", "wbtc_price", 8, True),
)
CATEGORY_SHARES = ("Ltv", "LiquidationThreshold", "LiquidationBonus")
PRICED_IN_USD = frozenset({"steth_price", "cbeth_price", "reth_price", "eth_price"})


class _Amount(NamedTuple):
    """One balance of the message: asset, signed smallest units, decimals, price, and whether it is collateral."""

    asset: str
    units: int
    decimals: int
    price: Decimal
    used: bool = True


@exact
def read(message: Mapping[str, Any], *, version: str = "v3.x") -> tuple[Book, Market]:
    """The book of one account and the oracle's prices.

    The pool ``main`` has what is used as collateral and the debts (an asset that is both supplied and owed has its debt
    under ``variableDebt`` and its name); supplies that are not collateral are in the pool ``unused``.

    Parameters
    ----------
    message
        The decoded answers, or a row; see the module. Numbers as text or whole numbers.
    version
        Of the protocol: how scaled balances round.

    Raises
    ------
    BookError
        A field is missing or of another kind, or a balance names an asset without reserve; the path comes first.

    Examples
    --------
    >>> reserve = {"underlyingAsset": "0x1", "symbol": "WETH", "decimals": 18, "liquidityIndex": str(10**27)}
    >>> reserve |= {"variableBorrowIndex": str(10**27), "priceInMarketReferenceCurrency": "180000000000"}
    >>> mine = {"underlyingAsset": "0x1", "scaledATokenBalance": str(10**18), "usageAsCollateralEnabledOnUser": True}
    >>> book, market = read({"reserves": [reserve], "userReserves": [mine]})
    >>> book.holding("main").cash, [str(price) for price in market.prices.values()]
    ({'WETH': 1000000000000000000}, ['1800.00000000'])

    """
    given = Fields(message)
    if "healthf" in message:
        return _book(list(_row(given)), _class(given, "emode"))
    amounts = list(_balances(given, edition(version)))
    return _book(amounts, _class(given, "userEmodeCategoryId"))


@exact
def account_rules(message: Mapping[str, Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set of the account: the parameters of the message's reserves and modes put into ``base``.

    A row has no parameters and leaves ``base`` (the newest version where none is given) as it is. Errors as
    :func:`read`.

    Examples
    --------
    >>> reserve = {"underlyingAsset": "0x1", "symbol": "WETH", "decimals": 18, "baseLTVasCollateral": "8050"}
    >>> reserve |= {"reserveLiquidationThreshold": "8300", "reserveLiquidationBonus": "10500"}
    >>> rules = account_rules({"reserves": [reserve], "userReserves": []})
    >>> rules.penalty.ppm("WETH")
    50000

    """
    rules = base or venue("aave_v3")
    if "reserves" not in message:
        return rules
    given = Fields(message)
    listed = {row.text("symbol"): _listing(row) for row in given.rows("reserves")}
    return with_listings(rules, Listings(listed, _categories(given)))


@exact
def stated(message: Mapping[str, Any], *, version: str = "v3.x") -> AccountData:
    """What the message itself says of the account: its totals and averages, and the health factor they make.

    Examples
    --------
    >>> row = {"collateral": "271", "debt": "241.9", "threshold": "8250", "ltv": "8000", "healthf": "0.92424"}
    >>> str(stated(row, version="v3.0").health_factor)
    '0.924245556014882183'

    """
    given = Fields(message)
    if "healthf" in message:
        collateral, debt = (_cut(given.number(name), BASE_PLACES) for name in ("collateral", "debt"))
        return from_totals(edition(version), collateral, debt, given.whole("ltv"), given.whole("threshold"))
    data = given.inside("accountData")
    return from_totals(
        edition(version),
        data.whole("totalCollateralBase"),
        data.whole("totalDebtBase"),
        data.whole("ltv"),
        data.whole("currentLiquidationThreshold"),
    )


def _class(given: Fields, name: str) -> str:
    mode = given.whole(name) if given.has(name) else 0
    return f"emode_{mode}" if mode else "standard"


def _cut(number: Decimal, places: int) -> int:
    return int(divide(number, Decimal(1), places, Rounding.DOWN).scaleb(places))


def _balances(given: Fields, rules: Edition) -> Iterator[_Amount]:
    """Every balance of ``userReserves``, from its scaled amount and the index at the time of the message."""
    reserves = {row.text("underlyingAsset").lower(): row for row in given.rows("reserves")}
    now = given.whole("timestamp") if given.has("timestamp") else None
    for mine in given.rows("userReserves"):
        address = mine.text("underlyingAsset").lower()
        if address not in reserves:
            raise BookError(f"{mine.path('underlyingAsset')}: no reserve {address!r} in reserves")
        reserve = reserves[address]
        if mine.whole_or_zero("principalStableDebt"):
            raise BookError(f"{mine.path('principalStableDebt')}: stable debt is not covered")
        name, decimals = reserve.text("symbol"), reserve.whole("decimals")
        price = shifted(Decimal(reserve.whole("priceInMarketReferenceCurrency")), -BASE_PLACES)
        supplied, owed = mine.whole_or_zero("scaledATokenBalance"), mine.whole_or_zero("scaledVariableDebt")
        if supplied:
            units = rules.supplied(supplied, _liquidity_index(reserve, now))
            used = bool(mine.given.get("usageAsCollateralEnabledOnUser"))
            yield _Amount(name, units, decimals, price, used)
        if owed:
            units = rules.owed(owed, _borrow_index(reserve, rules, now))
            yield _Amount(name, -units, decimals, price)


def _liquidity_index(reserve: Fields, now: int | None) -> int:
    index = reserve.whole("liquidityIndex")
    if now is None:
        return index
    seconds = _elapsed(reserve, now)
    return interest.next_index(index, interest.linear(reserve.whole("liquidityRate"), seconds))


def _borrow_index(reserve: Fields, rules: Edition, now: int | None) -> int:
    index = reserve.whole("variableBorrowIndex")
    if now is None:
        return index
    seconds = _elapsed(reserve, now)
    return interest.next_index(index, interest.compounded(rules, reserve.whole("variableBorrowRate"), seconds))


def _elapsed(reserve: Fields, now: int) -> int:
    last = reserve.whole("lastUpdateTimestamp")
    if now < last:
        raise BookError(f"{reserve.path('lastUpdateTimestamp')}: got {last}, which is after the message's time {now}")
    return now - last


def _row(given: Fields) -> Iterator[_Amount]:
    """The amounts of a row; what is not in the row (other collateral, other debts) is not in the book."""
    for sign, columns in ((1, ROW_SUPPLIES), (-1, ROW_DEBTS)):
        for asset, amount, price, decimals, raw in columns:
            found = given.number(amount) if given.has(amount) else ZERO
            units = int(found) if raw else _cut(found, decimals)
            if units:
                quoted = given.number(price)
                cut = _cut(quoted, BASE_PLACES) if price in PRICED_IN_USD else int(quoted)
                yield _Amount(asset, sign * units, decimals, shifted(Decimal(cut), -BASE_PLACES))


def _book(amounts: list[_Amount], account_class: str) -> tuple[Book, Market]:
    supplied = {one.asset for one in amounts if one.units > 0 and one.used}
    pools: dict[str, dict[str, int]] = {MAIN: {}, UNUSED: {}}
    assets, prices = {USD.name: USD}, {}
    for one in amounts:
        name = f"{DEBT}{one.asset}" if one.units < 0 and one.asset in supplied else one.asset
        cash = pools[MAIN if one.used else UNUSED]
        cash[name] = cash.get(name, 0) + one.units
        assets[name] = Asset(name, one.decimals)
        prices[PriceKey(PriceKind.INDEX, name, USD.name)] = one.price
    holdings = tuple(
        Holding(Pool(pool, account_class=account_class, method=Method.LENDING, numeraire=USD.name), cash)
        for pool, cash in pools.items()
        if cash or pool == MAIN
    )
    return Book(assets, {}, holdings), Market(prices)


def _listing(row: Fields) -> Listing:
    return Listing(
        row.text("symbol"),
        row.whole("decimals"),
        row.whole("baseLTVasCollateral"),
        row.whole("reserveLiquidationThreshold"),
        row.whole("reserveLiquidationBonus"),
        reserve_factor_bps=row.whole_or_zero("reserveFactor"),
        supply_cap=row.whole_or_zero("supplyCap"),
        borrow_cap=row.whole_or_zero("borrowCap"),
        debt_ceiling=row.whole_or_zero("debtCeiling") // 100,
        borrowable=row.given.get("borrowingEnabled", True) is True,
        frozen=row.given.get("isFrozen", False) is True,
        borrowable_in_isolation=row.given.get("borrowableInIsolation", False) is True,
        siloed=row.given.get("isSiloedBorrowing", False) is True,
    )


def _categories(given: Fields) -> dict[str, Category]:
    """The modes that reserves name themselves members of, as the view contract answered until v3.1."""
    members: dict[int, list[Fields]] = {}
    for row in given.rows("reserves"):
        mode = row.whole_or_zero("eModeCategoryId")
        if mode:
            members.setdefault(mode, []).append(row)
    found = {}
    for mode, rows in members.items():
        names = frozenset(row.text("symbol") for row in rows)
        ltv, threshold, bonus = (rows[0].whole(f"eMode{what}") for what in CATEGORY_SHARES)
        label = str(rows[0].given.get("eModeLabel", f"mode {mode}"))
        found[f"emode_{mode}"] = Category(label, ltv, threshold, bonus, names, names)
    return found
