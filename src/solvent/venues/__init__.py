"""Rule sets, each a folder: ``rules.toml`` (dated, sourced numbers), ``rules.py`` (composition), ``README.md``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from solvent.rules import RulesError, VenueRules
from solvent.venues.binance_usdm import rules as _binance_usdm
from solvent.venues.generic import rules as _generic
from solvent.venues.lawful import check_order

__all__ = ["check_order", "names", "numeraire", "venue"]

_MADE: Mapping[str, tuple[Callable[[], VenueRules], str]] = {
    "binance_coinm": (_binance_usdm.binance_coinm, "BTC"),
    "binance_usdm": (_binance_usdm.binance_usdm, "USDT"),
    "binance_usdm_2021": (_binance_usdm.binance_usdm_2021, "USDT"),
    "binance_usdm_multi_asset": (_binance_usdm.binance_usdm_multi_asset, "USD"),
    "generic": (_generic.generic, "USDT"),
}


def names() -> tuple[str, ...]:
    """The rule sets there are, in order of name."""
    return tuple(sorted(_MADE))


@cache
def venue(name: str) -> VenueRules:
    """A rule set by its name; the same value every time.

    Raises
    ------
    RulesError
        When there is none of that name; the message lists those there are.

    Examples
    --------
    >>> venue("generic").title
    'Textbook cross margin'
    >>> venue("nowhere")
    Traceback (most recent call last):
    ...
    solvent.rules.RulesError: no rule set is named 'nowhere'; there are binance_coinm, binance_usdm, \
binance_usdm_2021, binance_usdm_multi_asset, generic

    """
    return _found(name)[0]()


def numeraire(name: str) -> str:
    """The asset a rule set's pools are judged in, where the book does not say: ``"USDT"``, ``"USD"``, ``"BTC"``."""
    return _found(name)[1]


def _found(name: str) -> tuple[Callable[[], VenueRules], str]:
    if name not in _MADE:
        msg = f"no rule set is named {name!r}; there are {', '.join(names())}"
        raise RulesError(msg)
    return _MADE[name]
