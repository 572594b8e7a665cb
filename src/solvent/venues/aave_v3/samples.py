"""Small accounts for examples and tests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from solvent.book import Book, Holding, Market, Method, Pool, PriceKey, PriceKind
from solvent.units import Asset, exact
from solvent.venues.aave_v3.reserves import DEBT

USD = Asset("USD", 8)


@exact
def account(
    supplies: Mapping[str, tuple[Decimal, int]],
    debts: Mapping[str, tuple[Decimal, int]],
    prices: Mapping[str, Decimal],
    account_class: str = "standard",
) -> tuple[Book, Market]:
    """One pool, ``main``, with supplies and debts given as (amount, decimals) by asset, and prices in US dollars.

    Examples
    --------
    >>> book, market = account({"WETH": (Decimal(2), 18)}, {"WETH": (Decimal(1), 18)}, {"WETH": Decimal(1800)})
    >>> book.holding("main").cash
    {'WETH': 2000000000000000000, 'variableDebtWETH': -1000000000000000000}

    """
    named = {f"{DEBT}{name}" if name in supplies else name: one for name, one in debts.items()}
    assets = {name: Asset(name, one[1]) for name, one in (*supplies.items(), *named.items())}
    cash = {name: assets[name].units(one[0]) for name, one in supplies.items()}
    cash |= {name: -assets[name].units(one[0]) for name, one in named.items()}
    pool = Pool("main", account_class=account_class, method=Method.LENDING, numeraire=USD.name)
    book = Book({USD.name: USD, **assets}, {}, (Holding(pool, cash),))
    priced = {name: prices[name.removeprefix(DEBT)] for name in assets}
    return book, Market({PriceKey(PriceKind.INDEX, name, USD.name): price for name, price in priced.items()})


def looped(weth_price: Decimal = Decimal(1800)) -> tuple[Book, Market]:
    """Ten WETH supplied against 10,500 USDC.

    >>> book, _ = looped()
    >>> book.holding("main").cash["USDC"]
    -10500000000
    """
    prices = {"WETH": weth_price, "USDC": Decimal(1)}
    return account({"WETH": (Decimal(10), 18)}, {"USDC": (Decimal(10_500), 6)}, prices)
