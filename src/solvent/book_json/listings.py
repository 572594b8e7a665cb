"""Instruments of a book file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import UNSET, UnsetType

from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import FutureForm, InstrumentForm, OptionForm, PerpetualForm, SpotForm
from solvent.book_json.numbers import positive, time_ns
from solvent.instruments import Exercise, Future, Instrument, Option, Payoff, Perpetual, Spot
from solvent.units import ONE, Asset, UnitsError


def read_instrument(symbol: str, form: InstrumentForm, assets: Mapping[str, Asset]) -> Instrument:
    """The instrument of a form; paths of errors start below the instrument."""
    quote = _asset(form.quote, "quote", assets)
    settle = quote if form.settle is UNSET else _asset(form.settle, "settle", assets)
    tick_size = positive(form.tick_size, "tick_size")
    lot_size = positive(form.lot_size, "lot_size")
    if isinstance(form, SpotForm):
        return _spot(symbol, form, quote, settle, tick_size, lot_size, assets)
    contract_size = ONE if form.contract_size is UNSET else positive(form.contract_size, "contract_size")
    payoff = Payoff.LINEAR if form.payoff is UNSET else form.payoff
    if payoff is Payoff.INVERSE and settle is quote:
        expected = f"the coin it is paid in, because an inverse contract does not settle in its quote {quote.name}"
        raise BookFileError("settle", None if form.settle is UNSET else form.settle, expected)
    common = (symbol, form.underlying, quote, settle, tick_size, lot_size)
    if isinstance(form, PerpetualForm):
        return _in_units(Perpetual(*common, payoff, contract_size))
    if isinstance(form, FutureForm):
        return _in_units(Future(*common, payoff, contract_size, time_ns(form.expiry, "expiry")))
    return _option(form, common, payoff, contract_size)


def _asset(name: str, field: str, assets: Mapping[str, Asset]) -> Asset:
    found = assets.get(name)
    if found is None:
        raise BookFileError(field, name, f"an asset of this file: {', '.join(sorted(assets)) or 'there is none'}")
    return found


def _spot(
    symbol: str,
    form: SpotForm,
    quote: Asset,
    settle: Asset,
    tick_size: Decimal,
    lot_size: Decimal,
    assets: Mapping[str, Asset],
) -> Spot:
    base = _asset(form.base, "base", assets)
    underlying = base.name if form.underlying is UNSET else form.underlying
    spot = Spot(symbol, underlying, quote, settle, tick_size, lot_size, base)
    scaled = lot_size.scaleb(base.scale)
    if scaled != int(scaled):
        raise BookFileError("lot_size", form.lot_size, f"a whole number of 1e-{base.scale} {base.name}")
    return _in_units(spot)


def _option(
    form: OptionForm, common: tuple[str, str, Asset, Asset, Decimal, Decimal], payoff: Payoff, contract_size: Decimal
) -> Option:
    if payoff is not Payoff.LINEAR:
        raise BookFileError("payoff", payoff.value, "linear, the one payoff of options so far")
    strike = positive(form.strike, "strike")
    expiry_ns = time_ns(form.expiry, "expiry")
    exercise: Exercise | UnsetType = form.exercise
    style = Exercise.EUROPEAN if exercise is UNSET else exercise
    return _in_units(Option(*common, form.kind, strike, expiry_ns, style, payoff, contract_size))


def _in_units(listed: Instrument) -> Instrument:
    """The same instrument, when one lot moving one tick is a whole number of settle units."""
    if type(listed) is Perpetual and listed.payoff is not Payoff.INVERSE:
        value = (listed.contract_size * listed.lot_size * listed.tick_size).scaleb(listed.settle.scale)
        if value >= ONE and not value % ONE:
            return listed  # the common case, without the texts that the instrument's own check prepares
    try:
        _ = listed.constant if isinstance(listed, Perpetual) and listed.payoff is Payoff.INVERSE else listed.tick_value
    except UnitsError as error:
        raise BookFileError("lot_size", f"{listed.lot_size:f}", f"a step its asset can count: {error}") from None
    return listed
