"""Rule sets, each a folder: ``rules.toml`` (dated, sourced numbers), ``rules.py`` (composition), ``README.md``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from solvent.rules import RulesError, VenueRules
from solvent.venues.lawful import check_order

__all__ = ["check_order", "folder", "names", "numeraire", "venue"]

# By rule set: the folder whose rules.py has a function of that name, and the asset its pools are judged in.
_MADE: Mapping[str, tuple[str, str]] = {
    "binance_coinm": ("binance_usdm", "BTC"),
    "binance_usdm": ("binance_usdm", "USDT"),
    "binance_usdm_2021": ("binance_usdm", "USDT"),
    "binance_usdm_multi_asset": ("binance_usdm", "USD"),
    "generic": ("generic", "USDT"),
}


def names() -> tuple[str, ...]:
    """The rule sets there are, in order of name."""
    return tuple(sorted(_MADE))


def folder(name: str) -> str:
    """The folder of a rule set under ``venues``: its numbers, composition and page."""
    return _found(name)[0]


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
    >>> venue("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    solvent.rules.RulesError: no rule set is named 'nowhere'; there are ...

    """
    made: VenueRules = getattr(import_module(f"{__name__}.{folder(name)}.rules"), name)()
    return made


def numeraire(name: str) -> str:
    """The asset a rule set's pools are judged in, where the book does not say: ``"USDT"``, ``"USD"``, ``"BTC"``."""
    return _found(name)[1]


def _found(name: str) -> tuple[str, str]:
    if name not in _MADE:
        msg = f"no rule set is named {name!r}; there are {', '.join(names())}"
        raise RulesError(msg)
    return _MADE[name]
