"""Instruments of a book file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from msgspec import UNSET

from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import FutureForm, InstrumentForm, OptionForm, SpotForm, StructuredForm
from solvent.book_json.numbers import decimal, positive, time_ns
from solvent.instruments import Exercise, Future, Instrument, Option, Payoff, Perpetual, Spot, Structured
from solvent.units import Asset, UnitsError

L = TypeVar("L", Spot, Perpetual, Option, Structured)

ONE_CONTRACT = "1"


def read_instrument(symbol: str, form: InstrumentForm, assets: Mapping[str, Asset]) -> Instrument:
    """The instrument of a form; paths of errors start below the instrument."""
    quote = _asset(form.quote, "quote", assets)
    settle = quote if form.settle is UNSET else _asset(form.settle, "settle", assets)
    if isinstance(form, SpotForm):
        return _spot(symbol, form, quote, settle, _asset(form.base, "base", assets))
    if isinstance(form, StructuredForm):
        return _structured(symbol, form, quote, settle)
    payoff = Payoff.LINEAR if form.payoff is UNSET else form.payoff
    contract_size = ONE_CONTRACT if form.contract_size is UNSET else form.contract_size
    steps = (form.tick_size, form.lot_size, contract_size)
    if isinstance(form, OptionForm):
        return _option(symbol, form, quote, settle, payoff, steps)
    if isinstance(form, FutureForm):
        expiry_ns = time_ns(form.expiry, "expiry")
        return _contract(symbol, form.underlying, quote, settle, payoff, steps, expiry_ns)
    return _contract(symbol, form.underlying, quote, settle, payoff, steps, None)


def _asset(name: str, field: str, assets: Mapping[str, Asset]) -> Asset:
    found = assets.get(name)
    if found is None:
        raise BookFileError(field, name, f"an asset of this file: {', '.join(sorted(assets)) or 'there is none'}")
    return found


# Remembered, because a service reads many books of one venue's instruments: values in, an equal frozen value out.
@lru_cache(maxsize=4096)
def _contract(
    symbol: str,
    underlying: str,
    quote: Asset,
    settle: Asset,
    payoff: Payoff,
    steps: tuple[str | int, str | int, str | int],
    expiry_ns: int | None,
) -> Perpetual | Future:
    if payoff is Payoff.INVERSE and settle == quote:
        expected = f"the coin it is paid in, because an inverse contract does not settle in its quote {quote.name}"
        raise BookFileError("settle", settle.name, expected)
    tick_size, lot_size = positive(steps[0], "tick_size"), positive(steps[1], "lot_size")
    contract_size = positive(steps[2], "contract_size")
    common = (symbol, underlying, quote, settle, tick_size, lot_size, payoff, contract_size)
    if expiry_ns is None:
        return _countable(lambda: Perpetual(*common), steps[1])
    return _countable(lambda: Future(*common, expiry_ns=expiry_ns), steps[1])


def _spot(symbol: str, form: SpotForm, quote: Asset, settle: Asset, base: Asset) -> Spot:
    tick_size, lot_size = positive(form.tick_size, "tick_size"), positive(form.lot_size, "lot_size")
    underlying = base.name if form.underlying is UNSET else form.underlying
    return _countable(lambda: Spot(symbol, underlying, quote, settle, tick_size, lot_size, base), form.lot_size)


def _structured(symbol: str, form: StructuredForm, quote: Asset, settle: Asset) -> Structured:
    tick_size, lot_size = positive(form.tick_size, "tick_size"), positive(form.lot_size, "lot_size")
    if not form.results:
        raise BookFileError("results", {}, "a profit by scenario, for one scenario at least")
    results = tuple((name, decimal(profit, f"results.{name}")) for name, profit in form.results.items())
    common = (symbol, form.underlying, quote, settle, tick_size, lot_size, results)
    return _countable(lambda: Structured(*common), form.lot_size)


def _option(
    symbol: str,
    form: OptionForm,
    quote: Asset,
    settle: Asset,
    payoff: Payoff,
    steps: tuple[str | int, str | int, str | int],
) -> Option:
    if payoff is Payoff.QUANTO:
        raise BookFileError("payoff", payoff.value, "linear, or inverse where premium and payoff are in the coin")
    if payoff is Payoff.INVERSE and settle != quote:
        raise BookFileError("quote", quote.name, f"the coin an inverse option is paid in, {settle.name}")
    tick_size, lot_size = positive(steps[0], "tick_size"), positive(steps[1], "lot_size")
    strike, contract_size = positive(form.strike, "strike"), positive(steps[2], "contract_size")
    expiry_ns = time_ns(form.expiry, "expiry")
    exercise = Exercise.EUROPEAN if form.exercise is UNSET else form.exercise
    common = (symbol, form.underlying, quote, settle, tick_size, lot_size)
    return _countable(lambda: Option(*common, form.kind, strike, expiry_ns, exercise, payoff, contract_size), steps[1])


def _countable(make: Callable[[], L], lot_size: str | int) -> L:
    """The instrument, unless one lot moving one tick is no whole number of units: then its own words."""
    try:
        return make()
    except UnitsError as error:
        raise BookFileError("lot_size", f"{decimal(lot_size, 'lot_size'):f}", f"another step: {error}") from None
