"""From the form of a book file to book and market, with every check that needs to know what the fields mean.

All of it runs in the exact decimal context. A check that fails raises at once; the loops above it add their part of the
path, so that the way through a correct file builds no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from solvent.book import Book, Holding, Leg, LegMode, Market, Mode, Order, Pool, Position, curve
from solvent.book_json.errors import BookFileError
from solvent.book_json.forms import FileForm, OrderForm, PoolForm, PositionForm
from solvent.book_json.listings import read_instrument
from solvent.book_json.market import Facts, listed, read_market
from solvent.book_json.numbers import MOST_WHOLE, finer, positive, steps, unit_of, units, whole
from solvent.instruments import Future, Instrument, Option, Payoff, Perpetual, Spot, Structured
from solvent.units import ONE, Asset, Rounding, divide

F = TypeVar("F")
B = TypeVar("B")

UNITS_LIMIT = 2**61
LOTS_LIMIT = 2**31
LEGS = {"net": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}


def build(form: FileForm, *, strict_engine: bool) -> tuple[Book, Market]:
    """Book and market of a decoded form; :class:`BookFileError` for anything that contradicts itself."""
    assets = {name: _asset(name, given.scale, given.native_scale) for name, given in form.assets.items()}
    listings = {} if form.instruments is UNSET else form.instruments
    instruments: dict[str, Instrument] = {}
    try:
        for symbol, listing in listings.items():
            instruments[symbol] = read_instrument(symbol, listing, assets)
    except BookFileError as error:
        raise error.under(f"instruments.{symbol}") from None
    subjects = frozenset((*assets, *instruments, *(name for one in instruments.values() for name in _followed(one))))
    facts = Facts(assets, instruments, subjects, strict_engine)
    holdings = _each("pools", lambda given: _holding(given, facts), form.pools)
    _check_parents(holdings)
    try:
        market = read_market(form.market, facts)
    except BookFileError as error:
        raise error.under("market") from None
    _check_marks(form, holdings, instruments)
    return Book(assets, instruments, tuple(holdings)), market


def _asset(name: str, scale: int, native_scale: int | UnsetType) -> Asset:
    return Asset(name, scale) if native_scale is UNSET else Asset(name, scale, native_scale)


def _each(field: str, read: Callable[[F], B], forms: Sequence[F] | UnsetType) -> list[B]:
    """Every form of a list, read in order; an error gets the list's name and the form's place in it."""
    built: list[B] = []
    if forms is UNSET:
        return built
    try:
        for form in forms:
            built.append(read(form))  # noqa: PERF401  # its length is the place of the error
    except BookFileError as error:
        raise error.under(f"{field}[{len(built)}]") from None
    return built


def _holding(form: PoolForm, facts: Facts) -> Holding:
    pool = _pool(form, facts)
    scope = pool.scope or None
    hedge = pool.legs is LegMode.HEDGE
    positions = _each("positions", lambda given: _position(given, hedge, scope, facts), form.positions)
    if len({(p.symbol, p.leg) for p in positions}) < len(positions):
        raise _repeated("positions", [(p.symbol, p.leg.name.lower()) for p in positions], "one position a leg")
    orders = _each("orders", lambda given: _order(given, hedge, scope, facts), form.orders)
    if len({order.id for order in orders}) < len(orders):
        raise _repeated("orders", [order.id for order in orders], "an id no other order of the pool has")
    cash = {} if form.cash is UNSET else _cash(form.cash, facts)
    touched = {} if form.borrow_index is UNSET else _borrow_index(form.borrow_index, facts)
    return Holding(pool, cash, tuple(positions), tuple(orders), touched)


def _repeated(field: str, keys: Sequence[Any], expected: str) -> BookFileError:
    """The error of the first key that an earlier one equals."""
    place = next(i for i, key in enumerate(keys) if key in keys[:i])
    key = keys[place]
    return BookFileError(f"{field}[{place}]", key if isinstance(key, str) else " ".join(key), expected)


def _pool(form: PoolForm, facts: Facts) -> Pool:
    given: dict[str, Any] = {}
    for name in ("account", "owner", "account_class", "parent", "mode", "method", "numeraire", "legs"):
        value = getattr(form, name)
        if value is not UNSET:
            given[name] = value
    if form.scope is not UNSET:
        for place, symbol in enumerate(form.scope):
            facts.instrument(symbol, f"scope[{place}]")
        given["scope"] = frozenset(form.scope)
        if len(given["scope"]) < len(form.scope):
            raise _repeated("scope", form.scope, "each instrument once")
    pool = Pool(form.id, **given)
    if pool.numeraire not in facts.assets:
        facts.asset(pool.numeraire, "numeraire")
    if pool.mode is Mode.ISOLATED and pool.parent is None:
        raise BookFileError("parent", None, "the id of the cross pool this isolated pool hangs under")
    return pool


def _cash(given: Mapping[str, str | int], facts: Facts) -> dict[str, int]:
    cash = {}
    for name, amount in given.items():
        field = "cash." + name
        count = units(amount, facts.asset(name, field), field)
        if facts.strict_engine:
            _in_limit(count, UNITS_LIMIT, field, amount, "units")
        cash[name] = count
    return cash


def _borrow_index(given: Mapping[str, str | int], facts: Facts) -> dict[str, int]:
    touched = {}
    for name, value in given.items():
        field = f"borrow_index.{name}"
        facts.asset(name, field)
        touched[name] = whole(value, field)
    return touched


def _in_limit(count: int, limit: int, field: str, given: object, unit: str) -> None:
    if not -limit < count < limit:
        raise BookFileError(field, given, f"less than {limit} {unit} in size, which is what the engine can hold")


def _leg(given: str | UnsetType, hedge: bool) -> Leg:
    leg = Leg.NET if given is UNSET else LEGS[given]
    if hedge is (leg is Leg.NET):
        expected = "long or short, because the pool's legs are hedge" if hedge else "net, because its legs are one_way"
        raise BookFileError("leg", None if given is UNSET else given, expected)
    return leg


def _held(symbol: str, scope: frozenset[str] | None, facts: Facts) -> Instrument:
    instrument = facts.instruments.get(symbol)
    if instrument is None:
        return facts.instrument(symbol, "instrument")
    if scope is not None and symbol not in scope:
        raise BookFileError("instrument", symbol, f"an instrument in the pool's scope: {listed(scope)}")
    return instrument


def _position(form: PositionForm, hedge: bool, scope: frozenset[str] | None, facts: Facts) -> Position:
    instrument = _held(form.instrument, scope, facts)
    if isinstance(instrument, Spot):
        raise BookFileError("instrument", form.instrument, "a contract: a spot fill moves cash and leaves no position")
    lots = steps(form.size, instrument.lot_size, "size", "lot size")
    leg = _leg(form.leg, hedge)
    if (leg is Leg.LONG and lots < 0) or (leg is Leg.SHORT and lots > 0):
        expected = "a size ≥ 0 on the long leg" if lots < 0 else "a size ≤ 0 on the short leg"
        raise BookFileError("size", form.size, expected)
    cost = _cost(form, instrument, lots)
    if facts.strict_engine:
        _in_limit(lots, LOTS_LIMIT, "size", form.size, "lots")
        _in_limit(cost, UNITS_LIMIT, "cost", f"{cost} units", "units")
    return Position(
        form.instrument,
        lots,
        cost,
        leg,
        None if form.leverage is UNSET else form.leverage,
        0 if form.funding_index is UNSET else whole(form.funding_index, "funding_index"),
    )


def _cost(form: PositionForm, instrument: Instrument, lots: int) -> int:
    """Signed settle units: as given, or what the size was worth at the entry price."""
    if form.cost is not UNSET:
        if form.entry is not UNSET:
            raise BookFileError("cost", form.cost, "either entry or cost, not both")
        cost = units(form.cost, instrument.settle, "cost")
        if lots == 0 and cost:
            raise BookFileError("cost", form.cost, "0 where the size is 0")
        return cost
    if form.entry is UNSET:
        if lots == 0:
            return 0
        raise BookFileError("entry", None, "the entry price, or the position's cost in its place")
    entry = positive(form.entry, "entry")
    unit = ONE if isinstance(instrument, Spot | Structured) else instrument.contract_size
    contracts = instrument.lot_size * lots * unit
    settle = instrument.settle
    if isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE:
        worth = divide(-contracts, entry, settle.scale, Rounding.DOWN)
    else:
        worth = contracts * entry
    scaled = worth.scaleb(settle.scale)
    cost = int(scaled)
    if cost != scaled:
        expected = (
            f"an entry whose cost is a whole number of {unit_of(settle)}; {worth:f} is not: {finer(settle, worth)}"
        )
        raise BookFileError("entry", form.entry, expected)
    if not -MOST_WHOLE < worth < MOST_WHOLE:  # written, it could not be read back
        raise BookFileError("entry", form.entry, "a cost of at most 40 digits before the point")
    return cost


def _order(form: OrderForm, hedge: bool, scope: frozenset[str] | None, facts: Facts) -> Order:
    instrument = _held(form.instrument, scope, facts)
    lots = steps(form.size, instrument.lot_size, "size", "lot size")
    if lots == 0:
        raise BookFileError("size", form.size, "a size other than 0")
    positive(form.price, "price")
    ticks = steps(form.price, instrument.tick_size, "price", "tick size")
    if facts.strict_engine:
        _in_limit(lots, LOTS_LIMIT, "size", form.size, "lots")
        _in_limit(ticks, UNITS_LIMIT, "price", form.price, "ticks")
    leg = _leg(form.leg, hedge and not isinstance(instrument, Spot))
    return Order(form.id, form.instrument, lots, ticks, leg, form.reduce_only is True)


def _followed(listing: Instrument) -> Iterator[str]:
    """What an instrument's price follows: its underlying, and where it expires the forward of that day."""
    yield listing.underlying
    if isinstance(listing, Future | Option):
        yield curve(listing.underlying, listing.expiry_ns)


def _check_parents(holdings: Sequence[Holding]) -> None:
    pools = {holding.pool.id: holding.pool for holding in holdings}
    if len(pools) < len(holdings):
        raise _repeated("pools", [holding.pool.id for holding in holdings], "an id no other pool of the file has")
    for place, holding in enumerate(holdings):
        pool = holding.pool
        if pool.parent is None:
            continue
        parent = pools.get(pool.parent)
        field = f"pools[{place}].parent"
        if parent is None or parent is pool:
            others = frozenset(pools) - {pool.id}
            raise BookFileError(field, pool.parent, f"the id of another pool of this file: {listed(others)}")
        if parent.parent is not None:  # as every isolated pool has
            raise BookFileError(field, pool.parent, "a pool that has no parent itself")
        if (parent.owner, parent.account) != (pool.owner, pool.account):
            expected = f"a pool of the same owner and account ({pool.owner}, {pool.account})"
            raise BookFileError(field, pool.parent, expected)


def _check_marks(form: FileForm, holdings: Sequence[Holding], instruments: Mapping[str, Instrument]) -> None:
    """Whatever is held, or ordered and could be held, needs a mark in its instrument's quote."""
    given = form.market.mark if form.market is not UNSET and form.market.mark is not UNSET else {}
    for place, holding in enumerate(holdings):
        held = [p.symbol if p.lots else None for p in holding.positions]
        for number, symbol in enumerate((*held, *[order.symbol for order in holding.orders])):
            mark = given.get(symbol, {}) if symbol is not None else None
            if symbol is None or not isinstance(mark, dict):
                continue
            instrument = instruments[symbol]
            if instrument.quote.name in mark or isinstance(instrument, Spot):
                continue
            entry = f"positions[{number}]" if number < len(held) else f"orders[{number - len(held)}]"
            expected = f"a mark price in {instrument.quote.name}, because pools[{place}].{entry} needs one"
            raise BookFileError(f"market.mark.{symbol}", None, expected)
