"""What an adapter read, in the venue's own decimals: contracts, pools, prices. :mod:`.building` makes a book of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from solvent.adapters.fields import Row, each
from solvent.book import Book, Leg, Market
from solvent.instruments import Payoff
from solvent.units import EXACT, ONE, ZERO


class Account(NamedTuple):
    """A real account as a book, its market, and the name of the rule set it is under."""

    book: Book
    market: Market
    venue: str


class Listed(NamedTuple):
    """A contract as its venue describes it; a step that is not stated is as fine as prices and sizes need."""

    symbol: str
    underlying: str
    quote: str
    settle: str
    payoff: Payoff = Payoff.LINEAR
    contract_size: Decimal = ONE
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    expiry_ns: int | None = None


class Held(NamedTuple):
    """A position as stated: signed contracts, and what says its cost (see the module)."""

    symbol: str
    size: Decimal
    place: str
    mark: Decimal | None = None
    profit: Decimal | None = None
    cost: Decimal | None = None
    entry: Decimal | None = None
    leg: Leg = Leg.NET
    leverage: int | None = None


class Resting(NamedTuple):
    """An open limit order as stated: signed contracts left."""

    id: str
    symbol: str
    size: Decimal
    price: Decimal
    place: str
    leg: Leg = Leg.NET
    reduce_only: bool = False


@dataclass(slots=True)
class Purse:
    """A pool as stated: cash by asset, positions, orders."""

    id: str
    numeraire: str
    cash: dict[str, Decimal] = field(default_factory=dict)
    positions: list[Held] = field(default_factory=list)
    orders: list[Resting] = field(default_factory=list)
    parent: str | None = None

    @property
    def entries(self) -> list[Held | Resting]:
        """Positions and orders."""
        return [*self.positions, *self.orders]

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it at all."""
        return not any(self.cash.values()) and not self.entries

    def add(self, asset: str, amount: Decimal) -> None:
        """Put an amount, of either sign, into the cash."""
        self.cash[asset] = EXACT.add(self.cash.get(asset, ZERO), amount)


@dataclass(slots=True)
class Draft:
    """Everything read: contracts by symbol, pools, marks by symbol, index prices by (subject, quote), figures."""

    listed: dict[str, Listed] = field(default_factory=dict)
    purses: dict[str, Purse] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    index: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    wide: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    time_ns: int = 0

    def purse(self, name: str, numeraire: str, parent: str | None = None) -> Purse:
        """The pool of this name, made at the first call."""
        return self.purses.setdefault(name, Purse(name, numeraire, parent=parent))

    def isolated(self, parent: Purse, held: Held, margin: Decimal) -> Purse:
        """Give a position a pool of its own under its cross pool, with the margin set aside for it."""
        side = "" if held.leg is Leg.NET else f":{held.leg.name.lower()}"
        settle = self.listed[held.symbol].settle
        own = self.purse(f"{parent.id}:{held.symbol}{side}", settle, parent.id)
        own.add(settle, margin)
        own.positions.append(held)
        return own


# The fields of an answer that is not a venue's but the user's own: prices that the others lack.
OWN = frozenset({"index", "mark"})


def supplemented(messages: Sequence[Any], draft: Draft) -> list[Any]:
    """The messages that are the venue's own; what the user adds goes into the draft.

    A user's message is ``{"index": {"USDT": {"USD": "1"}}, "mark": {"BTCUSDT": "60000"}}``, either part alone too.

    Examples
    --------
    >>> draft = Draft()
    >>> supplemented([{"index": {"USDT": {"USD": "1.0002"}}}, []], draft), draft.index
    ([[]], {('USDT', 'USD'): Decimal('1.0002')})

    """
    rest = []
    for k, message in enumerate(messages):
        if not isinstance(message, dict) or not message or not OWN.issuperset(message):
            rest.append(message)
            continue
        given = Row(message, f"message[{k}]")
        for subject, quotes in each(message.get("index", {}), given.path("index")):
            draft.index |= {(subject, quote): quotes.positive(quote) for quote in quotes.given}
        if "mark" in message:
            marks = given.inside("mark")
            draft.marks |= {symbol: marks.positive(symbol) for symbol in marks.given}
    return rest
