"""Rule sets, each a folder: ``rules.toml`` (dated, sourced numbers), ``rules.py`` (composition), ``README.md``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from solvent.instruments import Instrument
from solvent.rules import RulesError, VenueRules
from solvent.venues.lawful import check_order
from solvent.venues.offered import Offered, offered

__all__ = ["Offered", "capabilities", "check_order", "folder", "names", "numeraire", "venue"]

# By rule set: the folder whose rules.py has a function of that name, and the asset its pools are judged in.
_MADE: Mapping[str, tuple[str, str]] = {
    "aave_v3": ("aave_v3", "USD"),
    "aave_v3_0": ("aave_v3", "USD"),
    "aave_v3_3": ("aave_v3", "USD"),
    "aave_v3_5": ("aave_v3", "USD"),
    "aave_v3_7": ("aave_v3", "USD"),
    "binance_coinm": ("binance_usdm", "BTC"),
    "binance_pm": ("binance_pm", "USD"),
    "binance_usdm": ("binance_usdm", "USDT"),
    "binance_usdm_2021": ("binance_usdm", "USDT"),
    "binance_usdm_multi_asset": ("binance_usdm", "USD"),
    "bitmex": ("bitmex", "BTC"),
    "bitmex_usdt": ("bitmex", "USDT"),
    "bybit_pm": ("bybit_uta", "USD"),
    "bybit_uta": ("bybit_uta", "USD"),
    "bybit_uta_2024": ("bybit_uta", "USD"),
    "compound_v3": ("compound_v3", "USD"),
    "compound_v3_usdt": ("compound_v3", "USD"),
    "compound_v3_weth": ("compound_v3", "WETH"),
    "derive_pmrm1": ("derive_pmrm1", "USDC"),
    "derive_pmrm2": ("derive_pmrm2", "USDC"),
    "derive_srm": ("derive_srm", "USDC"),
    "drift_v2": ("drift_v2", "USDC"),
    "dydx_v4": ("dydx_v4", "USDC"),
    "generic": ("generic", "USDT"),
    "generic_pm": ("generic_pm", "USDT"),
    "gmx_v2": ("gmx_v2", "USD"),
    "gmx_v2_dollar": ("gmx_v2", "USD"),
    "greeks": ("greeks", "USDT"),
    "hyperliquid": ("hyperliquid", "USDC"),
    "hyperliquid_2023": ("hyperliquid", "USDC"),
    "hyperliquid_unified": ("hyperliquid", "USDC"),
    "mango_v4": ("mango_v4", "USDC"),
    "okx": ("okx", "USDT"),
    "okx_multi": ("okx", "USD"),
    "okx_pm": ("okx", "USD"),
    "reg_t": ("reg_t", "USD"),
    "reg_t_broker": ("reg_t", "USD"),
    "synthetix_v3": ("synthetix_v3", "snxUSD"),
    "deribit": ("deribit", "USD"),
    "deribit_pm": ("deribit", "USD"),
    "deribit_pm_segregated": ("deribit", "BTC"),
    "span": ("span", "USD"),
    "tims": ("tims", "USD"),
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


def capabilities(name: str, instrument: Instrument) -> Offered:
    """What a venue leaves to the users of somebody who builds on it: modes, classes and leverage of an instrument.

    An instrument it does not cover is answered with the reason, not with an error.
    """
    return offered(venue(name), instrument)


def numeraire(name: str) -> str:
    """The asset a rule set's pools are judged in, where the book does not say: ``"USDT"``, ``"USD"``, ``"BTC"``."""
    return _found(name)[1]


def _found(name: str) -> tuple[str, str]:
    if name not in _MADE:
        msg = f"no rule set is named {name!r}; there are {', '.join(names())}"
        raise RulesError(msg)
    return _MADE[name]
