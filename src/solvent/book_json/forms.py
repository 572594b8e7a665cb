"""The shape of a book file: one msgspec struct an object, the field names of the file as they are.

An optional field is UNSET where the file leaves it out, so that encoding a decoded form gives back exactly the fields
that were given. Meaning is checked in :mod:`solvent.book_json.reading`, not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from solvent.book import LegMode, Method, Mode, PriceState
from solvent.instruments import Exercise, OptionKind, Payoff

DECIMAL_PATTERN = r"^-?[0-9]{1,40}(\.[0-9]{1,40})?$"
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$"

# The patterns are for readers of the schema; reading matches them itself, because a decoder's $ lets a line end pass.
Name = Annotated[str, Meta(min_length=1, max_length=64)]
DecimalText = Annotated[
    str,
    Meta(
        description="A decimal written out, without exponent: at most 40 digits on either side of the point.",
        extra_json_schema={"pattern": DECIMAL_PATTERN},
    ),
]
Number = DecimalText | int
TimeText = Annotated[
    str, Meta(description="A time in UTC: 2021-05-19T13:00:00Z.", extra_json_schema={"pattern": TIME_PATTERN})
]
Time = TimeText | Annotated[int, Meta(description="Nanoseconds since 1970-01-01T00:00:00Z.")]
Quoted = dict[Name, Number | dict[Name, Number]]
States = dict[Name, PriceState | dict[Name, PriceState]]
LegName = Literal["net", "long", "short"]


class _Form(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """What all forms share: unknown fields are refused."""


class AssetForm(_Form, kw_only=True):
    """A thing money is counted in: one whole asset is 10^scale ledger units."""

    scale: Annotated[int, Meta(ge=0, le=30)]
    native_scale: Annotated[int, Meta(ge=0, le=30)] | UnsetType = UNSET


class SpotForm(_Form, tag_field="type", tag="spot", kw_only=True):
    """Outright exchange of base for quote. Prices and sizes are multiples of tick_size and lot_size."""

    base: Name
    quote: Name
    tick_size: Number
    lot_size: Number
    underlying: Name | UnsetType = UNSET
    settle: Name | UnsetType = UNSET


class _ContractForm(_Form):
    underlying: Name
    quote: Name
    tick_size: Number
    lot_size: Number
    settle: Name | UnsetType = UNSET
    payoff: Payoff | UnsetType = UNSET
    contract_size: Number | UnsetType = UNSET


class PerpetualForm(_ContractForm, tag_field="type", tag="perpetual", kw_only=True):
    """A perpetual contract. Settle defaults to quote, payoff to linear, contract_size to 1."""


class FutureForm(_ContractForm, tag_field="type", tag="future", kw_only=True):
    """A dated future: a perpetual's fields and the expiry."""

    expiry: Time


class OptionForm(_ContractForm, tag_field="type", tag="option", kw_only=True):
    """An option: a perpetual's fields (payoff linear), kind, strike, expiry; exercise defaults to european."""

    kind: OptionKind
    strike: Number
    expiry: Time
    exercise: Exercise | UnsetType = UNSET


class StructuredForm(_Form, tag_field="type", tag="structured", kw_only=True):
    """A product with a stated profit of one contract, in quote, by the name of each scenario of a rule set."""

    underlying: Name
    quote: Name
    tick_size: Number
    lot_size: Number
    results: dict[Name, Number]
    settle: Name | UnsetType = UNSET


InstrumentForm = SpotForm | PerpetualForm | FutureForm | OptionForm | StructuredForm


class PositionForm(_Form, kw_only=True):
    """One leg's position: signed size in contracts, and its entry price or its signed cost in the settle asset."""

    instrument: Name
    size: Number
    entry: Number | UnsetType = UNSET
    cost: Number | UnsetType = UNSET
    leg: LegName | UnsetType = UNSET
    leverage: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    funding_index: Number | UnsetType = UNSET


class OrderForm(_Form, kw_only=True):
    """A resting order: signed size left and limit price."""

    id: Name
    instrument: Name
    size: Number
    price: Number
    leg: LegName | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET


class PoolForm(_Form, kw_only=True):
    """One pool: who it belongs to, how it is margined, and what it holds."""

    id: Name
    account: Name | UnsetType = UNSET
    owner: Name | UnsetType = UNSET
    account_class: Name | UnsetType = UNSET
    parent: Name | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    numeraire: Name | UnsetType = UNSET
    legs: LegMode | UnsetType = UNSET
    scope: list[Name] | UnsetType = UNSET
    cash: dict[Name, Number] | UnsetType = UNSET
    positions: list[PositionForm] | UnsetType = UNSET
    orders: list[OrderForm] | UnsetType = UNSET
    borrow_index: dict[Name, Number] | UnsetType = UNSET


class StatesForm(_Form, kw_only=True):
    """States of prices that are not valid, by kind and subject, shaped as the prices are."""

    mark: States | UnsetType = UNSET
    index: States | UnsetType = UNSET
    slow: States | UnsetType = UNSET
    bid: States | UnsetType = UNSET
    ask: States | UnsetType = UNSET
    settlement: States | UnsetType = UNSET
    forward: States | UnsetType = UNSET
    vol: States | UnsetType = UNSET


class LendingForm(_Form, kw_only=True):
    """A lending pool of one asset: the amounts lenders supplied and borrowers owe."""

    supplied: Number
    borrowed: Number


class MarketForm(_Form, kw_only=True):
    """Prices of one epoch: by kind, then subject; a plain price is in its instrument's quote, else {quote: price}."""

    time: Time | UnsetType = UNSET
    epoch: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    mark: Quoted | UnsetType = UNSET
    index: Quoted | UnsetType = UNSET
    slow: Quoted | UnsetType = UNSET
    bid: Quoted | UnsetType = UNSET
    ask: Quoted | UnsetType = UNSET
    settlement: Quoted | UnsetType = UNSET
    forward: Quoted | UnsetType = UNSET
    vol: Quoted | UnsetType = UNSET
    states: StatesForm | UnsetType = UNSET
    funding: dict[Name, Number] | UnsetType = UNSET
    interest: dict[Name, Number] | UnsetType = UNSET
    lending: dict[Name, LendingForm] | UnsetType = UNSET
    wide: dict[Name, dict[Name, Number]] | UnsetType = UNSET


class FileForm(_Form, kw_only=True):
    """A book file: a person's whole book and the market it is seen in."""

    solvent: Literal[1]
    venue: Name | UnsetType = UNSET
    assets: dict[Name, AssetForm]
    instruments: dict[Name, InstrumentForm] | UnsetType = UNSET
    pools: list[PoolForm]
    market: MarketForm | UnsetType = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a book file.

    Examples
    --------
    >>> schema()["$defs"]["FileForm"]["required"]
    ['solvent', 'assets', 'pools']

    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(FileForm)}
