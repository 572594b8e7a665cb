"""Live loading against a stand-in for ccxt: what is asked, what becomes of it, and that no key ever shows."""

from __future__ import annotations

import sys
import types
from decimal import Decimal

import pytest

from solvent import adapters
from solvent.adapters.live import VARIABLES, LiveError, fetched

D = Decimal

BTC = "BTC/USDT:USDT"
KEYS = {"SOLVENT_BYBIT_KEY": "key-7f3a", "SOLVENT_BYBIT_SECRET": "secret-91bc", "SOLVENT_BYBIT_PASSWORD": "word-55de"}


class Exchange:
    """Answers as ccxt does, with text for numbers; remembers what it was asked."""

    id = "bybit"
    failing = None

    def __init__(self, config):
        self.options = dict(config["options"])
        self.apiKey = self.secret = self.password = ""
        self.asked = []
        self.has = {"fetchOpenOrders": True, "fetchTickers": True, "fetchMarkPrices": False, "fetchLeverageTiers": True}
        self.requiredCredentials = {"apiKey": True, "secret": True, "password": False, "walletAddress": False}
        Exchange.made = self

    def _ask(self, method, answer, *given):
        self.asked.append((method, *given))
        if method == self.failing:
            raise RuntimeError(f"GET https://exchange/?key={self.apiKey}&sign={self.secret}{self.password}")
        return answer

    def load_markets(self):
        markets = {BTC: {"symbol": BTC, "base": "BTC", "contractSize": "1", "info": {"k": self.apiKey}}, "USDT/USD": {}}
        return self._ask("load_markets", markets)

    def fetch_balance(self):
        return self._ask("fetch_balance", {"total": {"USDT": "1000.5", "BTC": "0"}, "info": {"k": self.apiKey}})

    def fetch_positions(self):
        held = {
            "symbol": BTC,
            "side": "long",
            "contracts": "0.5",
            "contractSize": "1",
            "markPrice": "61000.5",
            "unrealizedPnl": "500.25",
            "leverage": "10",
            "marginMode": "cross",
            "info": {"k": self.apiKey},
        }
        return self._ask("fetch_positions", [held, held | {"symbol": "ETH/USDT:USDT", "contracts": "0.0"}])

    def fetch_open_orders(self):
        return self._ask("fetch_open_orders", [])

    def fetch_tickers(self, symbols):
        prices = {BTC: {"symbol": BTC, "markPrice": "61000"}, "USDT/USD": {"symbol": "USDT/USD", "last": "0.9998"}}
        return self._ask("fetch_tickers", {one: prices[one] for one in symbols}, tuple(symbols))

    def fetch_leverage_tiers(self, symbols):
        row = {"minNotional": "0", "maintenanceMarginRate": "0.004", "maxLeverage": "125", "info": {"k": self.apiKey}}
        return self._ask("fetch_leverage_tiers", {BTC: [row]}, tuple(symbols))


@pytest.fixture
def library(monkeypatch):
    """A stand-in for the library, in place of the real one where that is installed."""
    made = types.ModuleType("ccxt")
    made.exchanges, made.__version__, made.bybit = ["bybit"], "0", Exchange
    monkeypatch.setitem(sys.modules, "ccxt", made)
    monkeypatch.setattr(Exchange, "failing", None)
    return made


def test_what_is_fetched_is_read_as_any_message(library):
    message = fetched("bybit", KEYS)
    book, market, name = adapters.read("ccxt", [message])
    assert name == "bybit_uta"
    assert book.assets["USDT"].amount(book.holding("cross").positions[0].cost) == 30_000
    rules = adapters.account_rules("ccxt", [message])
    assert rules.margin.own[BTC].brackets[0].max_leverage == 125
    assert [D("0.9998"), D("61000.5")] == sorted(market.prices.values())
    assert Exchange.made.number is str
    assert (Exchange.made.apiKey, Exchange.made.secret, Exchange.made.password) == tuple(KEYS.values())


def test_only_methods_that_read_are_called(library):
    fetched("bybit", KEYS)
    assert all(method.startswith(("fetch_", "load_markets")) for method, *_ in Exchange.made.asked)


def test_no_key_is_in_what_was_fetched_although_the_raw_answers_have_one(library):
    shown = repr(fetched("bybit", KEYS))
    assert not [key for key in KEYS.values() if key in shown]


@pytest.mark.parametrize(
    "method", ["load_markets", "fetch_balance", "fetch_positions", "fetch_open_orders", "fetch_tickers",
               "fetch_leverage_tiers"]
)  # fmt: skip
def test_a_failure_names_the_call_and_no_key(library, monkeypatch, method):
    monkeypatch.setattr(Exchange, "failing", method)
    with pytest.raises(LiveError, match=f"bybit: {method} failed with RuntimeError") as caught:
        fetched("bybit", KEYS)
    shown = f"{caught.value!s}{caught.value!r}{caught.value.__context__!r}{caught.value.__cause__!r}"
    assert not [key for key in KEYS.values() if key in shown]
    assert caught.value.__context__ is None


def test_a_missing_key_is_named_by_its_variable(library):
    with pytest.raises(LiveError, match="SOLVENT_BYBIT_SECRET: nothing given, expected a read-only key in the env"):
        fetched("bybit", {"SOLVENT_BYBIT_KEY": "key-7f3a"})
    assert set(VARIABLES.values()) == {"KEY", "SECRET", "PASSWORD", "WALLET"}


def test_the_environment_of_the_program_is_the_default(library, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LiveError, match="SOLVENT_BYBIT_KEY: nothing given"):
        fetched("bybit")
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    assert fetched("bybit")["exchange"] == "bybit"


def test_an_unknown_exchange_is_refused(library):
    with pytest.raises(LiveError, match="--live: got 'nowhere', expected the id of an exchange that ccxt 0 has"):
        fetched("nowhere", KEYS)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(LiveError, match=r"ccxt is not installed, expected the extra: pip install 'solvent\[live\]'"):
        fetched("bybit", KEYS)
