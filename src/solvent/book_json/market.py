"""Market of a book file: prices by kind and subject, their states, funding and interest indexes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from solvent.book import Lending, Market, PriceKey, PriceKind, PriceState
from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import LendingForm, MarketForm, StatesForm
from solvent.book_json.numbers import decimal, positive, time_ns, units, whole
from solvent.instruments import Instrument
from solvent.units import Asset

KINDS = tuple((kind.value, kind) for kind in PriceKind)
# Prices of an instrument itself that the ledger counts in ticks; index, forward and volatility are finer.
ON_TICK = frozenset({PriceKind.MARK, PriceKind.SLOW, PriceKind.BID, PriceKind.ASK, PriceKind.SETTLEMENT})


class Facts(NamedTuple):
    """What names in the rest of the file may refer to; ``strict_engine`` asks for the engine's 64-bit limits too."""

    assets: Mapping[str, Asset]
    instruments: Mapping[str, Instrument]
    subjects: frozenset[str]
    strict_engine: bool

    def asset(self, name: str, field: str) -> Asset:
        """The asset a field names."""
        found = self.assets.get(name)
        if found is None:
            raise BookFileError(field, name, f"an asset of this file: {listed(self.assets)}")
        return found

    def instrument(self, symbol: str, field: str) -> Instrument:
        """The instrument a field names."""
        found = self.instruments.get(symbol)
        if found is None:
            raise BookFileError(field, symbol, f"an instrument of this file: {listed(self.instruments)}")
        return found


def listed(names: Mapping[str, object] | frozenset[str]) -> str:
    """Names for an error, the first twelve."""
    some = sorted(names)
    return (", ".join(some[:12]) + (", …" if len(some) > 12 else "")) or "there is none"


def read_market(form: MarketForm | UnsetType, facts: Facts) -> Market:
    """The market of a file; an absent one has no prices."""
    if form is UNSET:
        return Market({})
    prices: dict[PriceKey, Decimal] = {}
    for name, kind in KINDS:
        given = getattr(form, name)
        if given is not UNSET:
            _read_kind(kind, given, facts, prices)
    states = {} if form.states is UNSET else _read_states(form.states, facts)
    return Market(
        prices,
        epoch=0 if form.epoch is UNSET else form.epoch,
        time_ns=0 if form.time is UNSET else time_ns(form.time, "time"),
        states=states,
        funding={} if form.funding is UNSET else _counts(form.funding, "funding", facts.instrument),
        interest={} if form.interest is UNSET else _counts(form.interest, "interest", facts.asset),
        lending={} if form.lending is UNSET else _lending(form.lending, facts),
        wide={} if form.wide is UNSET else _wide(form.wide),
    )


def _wide(given: Mapping[str, Mapping[str, str | int]]) -> dict[tuple[str, str], Decimal]:
    return {
        (name, subject): decimal(value, f"wide.{name}.{subject}")
        for name, values in given.items()
        for subject, value in values.items()
    }


def _read_kind(kind: PriceKind, given: Mapping[str, object], facts: Facts, prices: dict[PriceKey, Decimal]) -> None:
    on_tick = kind in ON_TICK
    for subject, value in given.items():
        field = subject
        listing = facts.instruments.get(subject)
        try:
            if not isinstance(value, dict):
                if listing is None:
                    raise _no_quote(subject, value)
                prices[PriceKey(kind, subject, listing.quote.name)] = _price(value, listing if on_tick else None, field)
                continue
            for quote, inner in value.items():
                field = f"{subject}.{quote}"
                key = _key(kind, subject, quote, field, facts)
                own = on_tick and listing is not None and listing.quote.name == quote
                prices[key] = _price(inner, listing if own else None, field)
        except BookFileError as error:
            raise error.under(kind.value) from None


def _price(given: object, listing: Instrument | None, field: str) -> Decimal:
    number = positive(given, field)  # type: ignore[arg-type]  # the forms admit text and integers only
    if listing is not None and number % listing.tick_size:
        raise BookFileError(field, given, f"a multiple of the tick size {listing.tick_size:f}")
    return number


def _key(kind: PriceKind, subject: str, quote: str, field: str, facts: Facts) -> PriceKey:
    if subject not in facts.subjects:
        raise BookFileError(
            field, subject, f"an instrument, asset or underlying of this file: {listed(facts.subjects)}"
        )
    facts.asset(quote, field)
    return PriceKey(kind, subject, quote)


def _no_quote(subject: str, value: object) -> BookFileError:
    expected = f'{{"QUOTE": …}}, because {subject} is no instrument of this file and so has no quote of its own'
    return BookFileError(subject, value, expected)


def _read_states(form: StatesForm, facts: Facts) -> dict[PriceKey, PriceState]:
    states: dict[PriceKey, PriceState] = {}
    for name, kind in KINDS:
        given = getattr(form, name)
        if given is UNSET:
            continue
        try:
            _read_state_kind(kind, given, facts, states)
        except BookFileError as error:
            raise error.under(f"states.{name}") from None
    return states


def _read_state_kind(
    kind: PriceKind, given: Mapping[str, object], facts: Facts, states: dict[PriceKey, PriceState]
) -> None:
    for subject, value in given.items():
        if isinstance(value, PriceState):
            listing = facts.instruments.get(subject)
            if listing is None:
                raise _no_quote(subject, value.value)
            states[PriceKey(kind, subject, listing.quote.name)] = value
        elif isinstance(value, dict):
            for quote, state in value.items():
                states[_key(kind, subject, quote, f"{subject}.{quote}", facts)] = state


def _lending(given: Mapping[str, LendingForm], facts: Facts) -> dict[str, Lending]:
    pools = {}
    for name, form in given.items():
        asset = facts.asset(name, f"lending.{name}")
        amounts = []
        for part in ("supplied", "borrowed"):
            field, amount = f"lending.{name}.{part}", getattr(form, part)
            if decimal(amount, field) < 0:
                raise BookFileError(field, amount, "an amount that is not negative")
            amounts.append(units(amount, asset, field))
        pools[name] = Lending(*amounts)
    return pools


def _counts(given: Mapping[str, str | int], field: str, known: Callable[[str, str], object]) -> dict[str, int]:
    counts = {}
    for name, value in given.items():
        known(name, f"{field}.{name}")
        counts[name] = whole(value, f"{field}.{name}")
    return counts
