"""A person's whole book as a value, and the market of one epoch.

Everything is what the ledger holds: cash in units, positions in signed lots and signed cost, orders in lots and ticks.
:func:`solvent.book_json.decode_book` reads the documented JSON form.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from solvent.instruments import Instrument
from solvent.units import Asset

SECOND_NS = 1_000_000_000


class BookError(ValueError):
    """A book or market that contradicts itself; the message starts with the path of the field."""


class _Keyed(enum.Enum):
    """Members are looked up often: they hash by identity."""

    __hash__ = object.__hash__


class Method(enum.Enum):
    """How a pool's requirement is found."""

    TIERED = "tiered"
    SCENARIO = "scenario"
    STRATEGY = "strategy"
    LENDING = "lending"
    GREEKS = "greeks"


class Mode(_Keyed):
    """Whether a pool shares the account's collateral, has its own, or is margined as one risk."""

    CROSS = "cross"
    ISOLATED = "isolated"
    PORTFOLIO = "portfolio"


class LegMode(enum.Enum):
    """One net position an instrument, or a long and a short held apart."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class Leg(_Keyed):
    """The leg of a position; the value is its number in the engine's keys."""

    NET = 0
    LONG = 1
    SHORT = 2


class Purpose(_Keyed):
    """What a verdict is for: selects weights and prices together. Rising leniency; the value is its engine number."""

    WITHDRAW = 0
    ADMIT = 1
    FILL = 2
    RECOVER = 3
    MAINTAIN = 4


class PriceKind(_Keyed):
    """Which price of a thing."""

    MARK = "mark"
    INDEX = "index"
    SLOW = "slow"
    BID = "bid"
    ASK = "ask"
    SETTLEMENT = "settlement"
    FORWARD = "forward"
    VOL = "vol"


class PriceState(enum.Enum):
    """How far a price may be trusted; a table says what each state allows."""

    VALID = "valid"
    STALE = "stale"
    UNCERTAIN = "uncertain"
    DIVERGED = "diverged"
    HALTED = "halted"


class PriceKey(NamedTuple):
    """A price's name: its kind, the instrument or asset it is of, and the asset it is in."""

    kind: PriceKind
    subject: str
    quote: str


@lru_cache(maxsize=4096)
def curve(underlying: str, expiry_ns: int) -> str:
    """The name of an expiry in a market's prices and figures.

    >>> curve("ETH", 1_735_286_400_000_000_000)
    'ETH@2024-12-27T08:00:00Z'
    """
    seconds, rest = divmod(expiry_ns, SECOND_NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{underlying}@{text}{f'.{rest:09d}' if rest else ''}Z"


@dataclass(frozen=True, slots=True)
class Pool:
    """The unit of margin, verdict and liquidation: a cross account, a sub-account, an isolated position or sub-book.

    ``parent`` names the cross pool an isolated pool hangs under; its own ring-fenced collateral is its cash. ``scope``
    is empty for everything, else the instruments it may hold.
    """

    id: str
    account: str = "main"
    owner: str = "owner"
    account_class: str = "standard"
    parent: str | None = None
    mode: Mode = Mode.CROSS
    method: Method = Method.TIERED
    numeraire: str = "USDT"
    legs: LegMode = LegMode.ONE_WAY
    scope: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Position:
    """Signed lots and signed cost (settle units) of one leg; ``funding_index`` is the index at its last touch.

    ``leverage`` is the user's leverage cap for this instrument, None where the venue's default applies.
    """

    symbol: str
    lots: int
    cost: int
    leg: Leg = Leg.NET
    leverage: int | None = None
    funding_index: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order: signed lots left, limit in ticks. A reduce-only order never adds to a requirement."""

    id: str
    symbol: str
    lots: int
    ticks: int
    leg: Leg = Leg.NET
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """What one pool holds: cash by asset in units (negative is a debt), positions, resting orders.

    ``borrow_index`` is the asset's interest index at the last touch of a negative balance.
    """

    pool: Pool
    cash: Mapping[str, int] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    borrow_index: Mapping[str, int] = field(default_factory=dict)

    def position(self, symbol: str, leg: Leg = Leg.NET) -> Position | None:
        """The position of an instrument's leg, or None."""
        for position in self.positions:
            if position.symbol == symbol and position.leg is leg:
                return position
        return None

    def with_position(self, changed: Position) -> Holding:
        """The same holding with one position replaced, added, or (at zero lots) taken out."""
        kept = tuple(p for p in self.positions if (p.symbol, p.leg) != (changed.symbol, changed.leg))
        return replace(self, positions=(*kept, changed) if changed.lots else kept)

    def with_cash(self, asset: str, units: int) -> Holding:
        """The same holding with ``units`` added to one balance."""
        return replace(self, cash={**self.cash, asset: self.cash.get(asset, 0) + units})


@dataclass(frozen=True, slots=True)
class Book:
    """Assets, instruments and the pools of one account or of a whole person.

    Examples
    --------
    >>> usdt = Asset("USDT", 6)
    >>> book = Book({"USDT": usdt}, {}, (Holding(Pool("cross"), {"USDT": 5_000_000}),))
    >>> book.holding("cross").cash["USDT"]
    5000000

    """

    assets: Mapping[str, Asset]
    instruments: Mapping[str, Instrument]
    holdings: tuple[Holding, ...]

    def holding(self, pool: str) -> Holding:
        """The holding of a pool by its id; :class:`BookError` names the pools there are."""
        for holding in self.holdings:
            if holding.pool.id == pool:
                return holding
        msg = f"pools: no pool {pool!r}; there are {[h.pool.id for h in self.holdings]}"
        raise BookError(msg)

    def with_holding(self, changed: Holding) -> Book:
        """The same book with one pool's holding replaced."""
        self.holding(changed.pool.id)
        return replace(self, holdings=tuple(changed if h.pool.id == changed.pool.id else h for h in self.holdings))


class Lending(NamedTuple):
    """A lending pool of one asset, in units: what lenders supplied and what is borrowed."""

    supplied: int
    borrowed: int


@dataclass(frozen=True, slots=True)
class Market:
    """Prices and market-wide state of one epoch.

    ``prices`` are decimals on the ledger tick of their subject; ``funding`` the cumulative settle units a long lot has
    paid by instrument; ``interest`` the cumulative rate × time in parts of 10^12 by asset; ``lending`` the lending
    pools by asset; ``states`` only what is not VALID; ``wide`` market-wide figures by (name, subject), such as
    ``("open_interest", "BTC-PERP")``: the names are those of the rule set that asks.
    """

    prices: Mapping[PriceKey, Decimal]
    epoch: int = 0
    time_ns: int = 0
    states: Mapping[PriceKey, PriceState] = field(default_factory=dict)
    funding: Mapping[str, int] = field(default_factory=dict)
    interest: Mapping[str, int] = field(default_factory=dict)
    lending: Mapping[str, Lending] = field(default_factory=dict)
    wide: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    def price(self, kind: PriceKind, subject: str, quote: str) -> Decimal:
        """A price; :class:`BookError` says which one is missing."""
        key = PriceKey(kind, subject, quote)
        found = self.prices.get(key)
        if found is None:
            msg = f"market.{kind.value}.{subject}: no {kind.value} of {subject} in {quote}"
            raise BookError(msg)
        return found

    def figure(self, name: str, subject: str, default: Decimal | None = None) -> Decimal:
        """A market-wide figure; without a default :class:`BookError` says which one is missing.

        >>> Market({}, wide={("open_interest", "BTC-PERP"): Decimal(12)}).figure("open_interest", "BTC-PERP")
        Decimal('12')
        """
        found = self.wide.get((name, subject), default)
        if found is None:
            msg = f"market.wide.{name}.{subject}: the rule set needs the {name.replace('_', ' ')} of {subject}"
            raise BookError(msg)
        return found

    def with_prices(self, changed: Mapping[PriceKey, Decimal]) -> Market:
        """The same market with some prices replaced."""
        return replace(self, prices={**self.prices, **changed})
