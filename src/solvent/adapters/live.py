"""A live account through ccxt, the optional extra ``live``: what it fetches is read as :mod:`.ccxt` reads a file.

Keys come from the environment alone: ``SOLVENT_<EXCHANGE>_KEY``, ``_SECRET``, ``_PASSWORD`` and, for exchanges of
wallets, ``_WALLET`` (an address). A key that may only read is enough, and only methods that read are called. No key
appears in what is returned, and errors carry neither keys nor the exchange's text, which may quote a signed request.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from solvent.book import BookError
from solvent.instruments import DOLLARS

EXTRA = "solvent[live]"
VARIABLES = {"apiKey": "KEY", "secret": "SECRET", "password": "PASSWORD", "walletAddress": "WALLET"}
FIELDS = ("symbol", "base", "quote", "settle", "contractSize")


class LiveError(BookError):
    """A live account that could not be loaded: no ccxt, no keys, no such exchange, or a call that failed."""


def fetched(exchange: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What ccxt answers of the account on an exchange, as one message of :func:`solvent.adapters.ccxt.read`.

    Parameters
    ----------
    exchange
        The id of ccxt: ``"bybit"``.
    environment
        Where the keys are; the program's own by default.

    Raises
    ------
    LiveError
        ccxt is not installed, it has no such exchange, a key is missing (by the name of its variable), or a call
        failed (by its name and the kind of failure).

    Examples
    --------
    >>> fetched("bybit", {})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    solvent.adapters.live.LiveError: ..., expected ...

    """
    client = _client(exchange, os.environ if environment is None else environment)
    markets = _called(client, "load_markets")
    funds = _called(client, "fetch_balance")
    positions = [one for one in _called(client, "fetch_positions") if _counts(one.get("contracts"))]
    orders = _called(client, "fetch_open_orders") if client.has.get("fetchOpenOrders") else []
    symbols = sorted({str(one["symbol"]) for one in (*positions, *orders)})
    message = {
        "exchange": exchange,
        "balance": _bare(funds, "total", "debt", "timestamp"),
        "positions": [_without_info(one) for one in positions],
        "open_orders": [_without_info(one) for one in orders],
        "tickers": _tickers(client, symbols, _pairs(markets, funds)),
        "markets": {symbol: _bare(markets[symbol], *FIELDS) for symbol in symbols if symbol in markets},
    }
    if symbols and client.has.get("fetchLeverageTiers"):
        tiers = _called(client, "fetch_leverage_tiers", symbols)
        message["leverage_tiers"] = {name: [_without_info(one) for one in rows] for name, rows in tiers.items()}
    return message


def _client(exchange: str, environment: Mapping[str, str]) -> Any:
    try:
        library = import_module("ccxt")
    except ModuleNotFoundError:
        library = None
    if library is None:
        raise LiveError(f"--live {exchange}: ccxt is not installed, expected the extra: pip install '{EXTRA}'")
    if exchange not in library.exchanges:
        raise LiveError(f"--live: got {exchange!r}, expected the id of an exchange that ccxt {library.__version__} has")
    made: Callable[[Mapping[str, Any]], Any] = getattr(library, exchange)
    client = made({"enableRateLimit": True, "options": {"defaultType": "swap"}})
    client.number = str  # decimals as the exchange wrote them; ccxt knows text and floats
    client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    for name, ending in VARIABLES.items():
        variable = f"SOLVENT_{exchange.upper()}_{ending}"
        given = environment.get(variable, "")
        if given:
            setattr(client, name, given)
        elif client.requiredCredentials.get(name):
            raise LiveError(f"{variable}: nothing given, expected a read-only key in the environment")
    return client


def _called(client: Any, method: str, *given: Any) -> Any:
    """The answer of a method; its failure by kind only, with nothing of the request behind it."""
    kind = ""
    try:
        return getattr(client, method)(*given)
    except Exception as error:  # noqa: BLE001  # whatever it is, its text must not be shown
        kind = type(error).__name__
    raise LiveError(f"{client.id}: {method} failed with {kind}, expected an answer (check the keys and the connection)")


def _pairs(markets: Mapping[str, Any], funds: Mapping[str, Any]) -> list[str]:
    """Spot markets that price what the account holds in dollars."""
    held = [name for name, total in funds.get("total", {}).items() if _counts(total)]
    quotes = sorted(DOLLARS & {"USD", "USDT", "USDC"})
    names = (f"{asset}/{quote}" for asset in (*held, "USDT", "USDC") for quote in quotes if asset != quote)
    return sorted({name for name in names if name in markets})


def _tickers(client: Any, symbols: Iterable[str], pairs: Iterable[str]) -> list[dict[str, Any]]:
    """Marks of contracts and prices of coins; the two kinds of market are asked for apart."""
    found: list[dict[str, Any]] = []
    contracts = list(symbols)
    for method, flag, wanted in (
        ("fetch_mark_prices", "fetchMarkPrices", contracts),
        ("fetch_tickers", "fetchTickers", contracts),
        ("fetch_tickers", "fetchTickers", list(pairs)),
    ):
        if wanted and client.has.get(flag):
            found += [_without_info(one) for one in _called(client, method, wanted).values()]
    return found


def _without_info(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "info"}


def _bare(row: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {name: row[name] for name in fields if row.get(name) is not None}


def _counts(number: Any) -> bool:
    """Whether a number, as text or otherwise, is there and not zero."""
    return number not in (None, "") and bool(str(number).strip("-+0."))
