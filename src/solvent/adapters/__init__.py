"""Real accounts as books: messages of exchanges, chains and client libraries, read without any connection.

Each source is a module of this package, imported when it is first asked for. :mod:`.live` is the one that connects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from solvent.book import BookError

if TYPE_CHECKING:
    from solvent.adapters.draft import Account
    from solvent.rules import VenueRules

__all__ = ["account_rules", "names", "read"]

# By source: what makes of its messages a book, its market and the name of the rule set.
_SOURCES = ("aave", "binance", "bybit", "ccxt", "dydx", "hyperliquid", "okx")


def names() -> tuple[str, ...]:
    """The sources there are, in order of name."""
    return _SOURCES


def read(source: str, messages: Sequence[Any], rules: str | None = None) -> Account:
    """The account that a source's messages describe: book, market and the name of its rule set.

    Parameters
    ----------
    source
        One of :func:`names`.
    messages
        Decoded answers (:func:`solvent.adapters.fields.decoded`), in any order. Beside the source's own there may be
        one with prices that they lack: ``{"index": {"USDT": {"USD": "1"}}}``; not for aave and hyperliquid.
    rules
        The name of the rule set where the messages do not decide it.

    Raises
    ------
    BookError
        No such source, or what the source's own ``read`` raises.

    Examples
    --------
    >>> read("nowhere", [{}])
    Traceback (most recent call last):
    ...
    solvent.book.BookError: source: got 'nowhere', expected aave, binance, bybit, ccxt, dydx, hyperliquid or okx

    """
    from solvent.adapters.draft import Account  # noqa: PLC0415  # its module imports this package

    _check(source, messages)
    module = import_module(f"{__name__}.{source}")
    if source == "ccxt":
        return _account(module.read(messages, rules))
    if source in _LONE:
        name, given = _LONE[source]
        book, market = given(module.read, messages)
        return Account(book, market, rules or name)
    found = _account(module.read(messages))
    return found if rules is None else found._replace(venue=rules)


def account_rules(source: str, messages: Sequence[Any], base: VenueRules | None = None) -> VenueRules:
    """The rule set of that very account: the tiers and parameters of the messages put into ``base``.

    Parameters and errors as :func:`read`; without ``base`` it is the rule set the messages are under. A book file has
    no tiers: who judges an imported book by the account's own asks here.

    Examples
    --------
    >>> bracket = {"initialLeverage": 7, "notionalFloor": 0, "maintMarginRatio": "0.05"}
    >>> rules = account_rules("binance", [{"symbol": "NEWUSDT", "brackets": [bracket]}])
    >>> rules.name, rules.margin.own["NEWUSDT"].brackets[0].max_leverage
    ('binance_usdm', 7)

    """
    _check(source, messages)
    asked = import_module(f"{__name__}.{source}").account_rules
    found: VenueRules
    if source in _LONE:
        found = _LONE[source][1](lambda *given: asked(*given, base=base), messages)
    else:
        found = asked(messages, base)
    return found


def _account(found: Account) -> Account:
    return found


def _check(source: str, messages: Sequence[Any]) -> None:
    if source not in _SOURCES:
        raise BookError(f"source: got {source!r}, expected {', '.join(_SOURCES[:-1])} or {_SOURCES[-1]}")
    if not messages:
        raise BookError("messages: nothing given, expected at least one answer")


def _state_and_meta(verb: Callable[..., Any], messages: Sequence[Any]) -> Any:
    """The account's state is one message; what the markets are may be another, with a universe."""
    metas = [one for one in messages if isinstance(one, Mapping) and "universe" in one]
    states = [one for one in messages if not (isinstance(one, Mapping) and "universe" in one)]
    if len(states) != 1 or len(metas) > 1 or not isinstance(states[0], Mapping):
        raise BookError(f"messages: got {len(messages)}, expected one clearinghouseState and at most one meta")
    return verb(states[0], *metas)


def _one(verb: Callable[..., Any], messages: Sequence[Any]) -> Any:
    """One object; several are parts of one, each with fields of its own."""
    whole: dict[str, Any] = {}
    for k, one in enumerate(messages):
        if not isinstance(one, Mapping):
            raise BookError(f"message[{k}]: got {type(one).__name__}, expected an object")
        if twice := sorted(set(one) & set(whole)):
            raise BookError(f"message[{k}].{twice[0]}: got it again, expected each part of the answer once")
        whole |= one
    return verb(whole)


_LONE: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "aave": ("aave_v3", _one),
    "hyperliquid": ("hyperliquid", _state_and_meta),
}
