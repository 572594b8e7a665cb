"""The registry at the engine's edge: names of things and rule sets, decoded from payloads; kernels only see ids.

Payloads are canonical JSON. Everything the registry holds follows from the payloads applied so far, in order, so that a
snapshot needs to keep nothing but them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from solvent.book import Mode
from solvent.engine.tables import LOT_BITS, POSITION_BITS
from solvent.instruments import Future, Instrument, Payoff, Perpetual, Spot
from solvent.units import Asset, UnitsError, exact, parse, shifted, whole

PRODUCT_BITS = 62  # units × ticks of an asset stay inside 64 bits
UNIT_BITS = 61


class PayloadError(ValueError):
    """A payload that cannot be applied; the message names the field, its value and what was expected."""


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset as listed: ``quote`` is the thing id its index is in (its own id for a numeraire)."""

    asset: Asset
    quote: int
    tick: Decimal
    divisor: int
    max_units: int
    max_ticks: int


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """An instrument as listed, with its limits and the thing ids of the assets it names."""

    instrument: Instrument
    quote: int
    settle: int
    base: int
    underlying: int
    max_lots: int
    max_ticks: int
    expiry_ns: int


@dataclass(frozen=True, slots=True)
class RulesName:
    """What a rules row was made from."""

    rules: str
    mode: Mode
    account_class: str
    digest: str


Listed = ListedAsset | ListedInstrument


@dataclass(slots=True)
class Names:
    """Things by id, rules rows by number, and the payloads they came from."""

    things: list[Listed] = field(default_factory=list)
    rules: dict[int, RulesName] = field(default_factory=dict)
    payloads: list[tuple[int, int, bytes]] = field(default_factory=list)  # verb, ref, payload
    ids: dict[str, int] = field(default_factory=dict)

    def name(self, thing: int) -> str:
        """The name of an asset or the symbol of an instrument."""
        listed = self.things[thing]
        return listed.asset.name if isinstance(listed, ListedAsset) else listed.instrument.symbol

    def asset(self, thing: int) -> Asset:
        """An asset by its thing id; :class:`PayloadError` when the thing is an instrument."""
        listed = self.things[thing]
        if not isinstance(listed, ListedAsset):
            raise PayloadError(f"thing {thing} ({self.name(thing)}) must be an asset")
        return listed.asset

    def add(self, listed: Listed) -> int:
        """Give the next thing id to a listed asset or instrument."""
        self.things.append(listed)
        thing = len(self.things) - 1
        self.ids[self.name(thing)] = thing
        return thing

    def drop_last(self) -> None:
        """Take back the thing added last."""
        del self.ids[self.name(len(self.things) - 1)]
        self.things.pop()

    def compiled(self) -> list[Asset | Instrument]:
        """Assets and instruments by thing id, without what the engine adds to them."""
        return [one.asset if isinstance(one, ListedAsset) else one.instrument for one in self.things]

    def first_numeraire(self) -> int:
        """The first listed asset that is its own quote, −1 where there is none."""
        own = (k for k, one in enumerate(self.things) if isinstance(one, ListedAsset) and one.quote == k)
        return next(own, -1)

    def venue_number(self, rules: str) -> int:
        """A number for a rule set's name: the order in which names first appeared."""
        seen = list(dict.fromkeys(row.rules for row in self.rules.values()))
        return seen.index(rules) if rules in seen else len(seen)

    def asset_id(self, name: Any, where: str) -> int:
        """The thing id of an asset's name; :class:`PayloadError` where it is unknown or an instrument."""
        found = self.ids.get(name, -1) if isinstance(name, str) else -1
        if found < 0 or not isinstance(self.things[found], ListedAsset):
            raise PayloadError(f"{where} must be a listed asset, not {name!r}")
        return found


def decode(payload: bytes, fields: frozenset[str]) -> dict[str, Any]:
    """A payload's JSON object with exactly ``fields``; it must be canonical.

    >>> decode(b'{"a":1}', frozenset({"a"}))
    {'a': 1}
    """
    try:
        content = json.loads(payload, parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"payload is no JSON: {error}") from None
    if not isinstance(content, dict) or set(content) != fields:
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise PayloadError(f"payload must have exactly the fields {sorted(fields)}, not {found}")
    again = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if again.encode("utf-8", "surrogatepass") != payload:
        raise PayloadError("payload must be canonical JSON: sorted keys, no spaces, no repeated key")
    return content


def _no_float(text: str) -> Any:
    raise PayloadError(f"numbers with a point are written as text in payloads, not {text}")


def count(content: dict[str, Any], name: str, low: int, high: int) -> int:
    """An integer field between two bounds, both inclusive."""
    value = content[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise PayloadError(f"{name} must be an integer from {low} to {high}, not {value!r}")
    return value


def _text(content: dict[str, Any], name: str) -> str:
    value = content[name]
    if not isinstance(value, str) or not value or len(value) > 64:
        raise PayloadError(f"{name} must be a text of 1 to 64 characters, not {value!r}")
    return value


def _positive(content: dict[str, Any], name: str) -> Decimal:
    value = content[name]
    if not isinstance(value, str) or len(value) > 64:
        raise PayloadError(f"{name} must be a decimal given as text, not {value!r}")
    try:
        number = parse(value, name)
    except UnitsError as error:
        raise PayloadError(str(error)) from None
    if not number > 0 or number.adjusted() > 40 or int(number.as_tuple().exponent) < -40:
        raise PayloadError(f"{name} must be positive and within 40 digits of the point, not {value!r}")
    return number


ASSET_FIELDS = frozenset({"name", "scale", "quote", "tick", "max_units"})
INSTRUMENT_FIELDS = frozenset(
    {
        "type", "symbol", "underlying", "quote", "settle", "tick_size", "lot_size", "payoff", "contract_size",
        "expiry_ns", "base", "max_lots", "max_ticks",
    }
)  # fmt: skip
RULES_FIELDS = frozenset({"rules", "mode", "account_class", "digest"})


def new_name(names: Names, content: dict[str, Any], name: str) -> str:
    """A name nothing listed has yet."""
    text = _text(content, name)
    if text in names.ids:
        raise PayloadError(f"{name} {text!r} is listed already as thing {names.ids[text]}")
    return text


@exact
def read_asset(names: Names, payload: bytes) -> ListedAsset:
    """LIST_ASSET's payload; largest index price = what keeps units × ticks below 2^62 and the value below 2^58."""
    content = decode(payload, ASSET_FIELDS)
    asset = Asset(new_name(names, content, "name"), count(content, "scale", 0, 18))
    max_units = count(content, "max_units", 1, (1 << UNIT_BITS) - 1)
    if content["quote"] is None:
        if content["tick"] is not None:
            raise PayloadError(f"tick of {asset.name} must be null where quote is null, not {content['tick']!r}")
        return ListedAsset(asset, len(names.things), Decimal(1), 1, max_units, 1)
    quote = names.asset_id(content["quote"], "quote")
    tick = _positive(content, "tick")
    divisor = _divisor(asset, names.asset(quote), tick)
    max_ticks = min((1 << PRODUCT_BITS) // max_units, (divisor << POSITION_BITS) // max_units)
    if max_ticks < 1:
        raise PayloadError(
            f"max_units {max_units} of {asset.name} leaves no price inside 64 bits: choose a coarser scale"
        )
    return ListedAsset(asset, quote, tick, divisor, max_units, max_ticks)


def _divisor(asset: Asset, quote: Asset, tick: Decimal) -> int:
    top, bottom = shifted(tick, quote.scale - asset.scale).as_integer_ratio()
    if top != 1 or bottom >= 1 << PRODUCT_BITS:
        raise PayloadError(
            f"tick {tick} of {asset.name} must make one tick of one unit a whole fraction of a unit of {quote.name}"
        )
    return int(bottom)


@exact
def read_instrument(names: Names, payload: bytes) -> ListedInstrument:
    """LIST's payload: the instrument, its assets' ids, and limits that keep every product inside 64 bits."""
    content = decode(payload, INSTRUMENT_FIELDS)
    symbol = new_name(names, content, "symbol")
    quote, settle = names.asset_id(content["quote"], "quote"), names.asset_id(content["settle"], "settle")
    kind = content["type"]
    if kind not in ("perpetual", "future", "spot"):
        raise PayloadError(f"type of {symbol} must be perpetual, future or spot, not {kind!r}")
    base = names.asset_id(content["base"], "base") if kind == "spot" else -1
    if kind != "spot" and content["base"] is not None:
        raise PayloadError(f"base of {symbol} must be null for a {kind}, not {content['base']!r}")
    expiry_ns = count(content, "expiry_ns", 1 if kind == "future" else 0, (1 << 62) if kind == "future" else 0)
    underlying = _text(content, "underlying")
    try:
        instrument = _instrument(content, symbol, names, quote, settle, base, expiry_ns)
        max_lots, max_ticks = _limits(content, instrument)
    except UnitsError as error:
        raise PayloadError(str(error)) from None
    known = names.ids.get(underlying, -1)
    coin = known if known >= 0 and isinstance(names.things[known], ListedAsset) else -1
    return ListedInstrument(instrument, quote, settle, base, coin, max_lots, max_ticks, expiry_ns)


def _instrument(
    content: dict[str, Any], symbol: str, names: Names, quote: int, settle: int, base: int, expiry_ns: int
) -> Instrument:
    tick_size, lot_size = _positive(content, "tick_size"), _positive(content, "lot_size")
    facts = (symbol, content["underlying"], names.asset(quote), names.asset(settle), tick_size, lot_size)
    if base >= 0:
        spot = Spot(*facts, names.asset(base))
        if quote != settle or base == quote or content["payoff"] != "linear" or content["contract_size"] != "1":
            raise PayloadError(
                f"spot {symbol} must settle in its quote, differ from it, be linear and of contract size 1"
            )
        whole(shifted(lot_size, spot.base.scale), f"lot of {symbol}", f"{spot.base.name} units")
        return spot
    if content["payoff"] not in ("linear", "inverse"):
        raise PayloadError(f"payoff of {symbol} must be linear or inverse, not {content['payoff']!r}")
    payoff, size = Payoff(content["payoff"]), _positive(content, "contract_size")
    if payoff is Payoff.LINEAR and quote != settle:
        raise PayloadError(f"linear {symbol} must settle in its quote {content['quote']!r}, not {content['settle']!r}")
    if content["type"] == "future":
        return Future(*facts, payoff, size, expiry_ns)
    return Perpetual(*facts, payoff, size)


def _limits(content: dict[str, Any], instrument: Instrument) -> tuple[int, int]:
    max_lots = count(content, "max_lots", 1, (1 << LOT_BITS) - 1)
    max_ticks = count(content, "max_ticks", 1, (1 << PRODUCT_BITS) - 1)
    inverse = isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE
    if inverse and isinstance(instrument, Perpetual):
        largest = max_lots * instrument.constant
    else:
        largest = max_lots * max_ticks * instrument.tick_value
    if isinstance(instrument, Spot):
        largest = max(largest, max_lots * instrument.lot_units)
    if largest > 1 << POSITION_BITS:
        raise PayloadError(
            f"max_lots {max_lots} × max_ticks {max_ticks} of {instrument.symbol} is worth {largest} units, "
            f"more than 2^{POSITION_BITS}: lower a limit or choose a coarser scale"
        )
    return max_lots, max_ticks


def read_rules(payload: bytes) -> RulesName:
    """SCHEDULE_RULES' payload; the digest may be empty."""
    content = decode(payload, RULES_FIELDS)
    modes = {mode.value: mode for mode in Mode}
    if content["mode"] not in modes:
        raise PayloadError(f"mode must be one of {sorted(modes)}, not {content['mode']!r}")
    if not isinstance(content["digest"], str):
        raise PayloadError(f"digest must be text, not {content['digest']!r}")
    return RulesName(
        _text(content, "rules"), modes[content["mode"]], _text(content, "account_class"), content["digest"]
    )
