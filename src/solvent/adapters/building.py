"""From what a venue states, in decimals, to a book: scales, ticks and lots so fine that nothing is rounded.

An adapter says what it read as a :class:`~solvent.adapters.draft.Draft`; :func:`built` chooses the steps. An asset's
scale holds every amount of it, and the worth of a lot moving a tick; a tick holds every price; a lot every size. A
venue's own step is kept where it does. A position's cost is, in this order: its worth at the mark beside it less the
unrealised profit that the venue states there (so that profit is the stated one, while an average entry price may be
rounded); the cost that the venue states; size × entry price. Only the cost of an inverse contract by its entry price is
rounded, as the ledger rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.adapters.draft import Draft, Held, Listed, Purse, Resting
from solvent.adapters.steps import LEAST_SCALE, finest, plain, step_for
from solvent.book import (
    Book,
    BookError,
    Holding,
    Leg,
    LegMode,
    Market,
    Mode,
    Order,
    Pool,
    Position,
    PriceKey,
    PriceKind,
)
from solvent.instruments import Contract, Future, Payoff, Perpetual
from solvent.units import MOST_SCALE, ONE, Asset, Rounding, divide, exact, shifted


class _Steps(NamedTuple):
    assets: Mapping[str, Asset]
    contracts: Mapping[str, Contract]


@exact
def built(draft: Draft) -> tuple[Book, Market]:
    """Book and market of a draft; empty pools without isolated ones under them are left out.

    Raises
    ------
    BookError
        A position or order has no mark, two positions are of one leg of one pool, a debt or balance has no price in
        its pool's numeraire, or a number is finer than 30 decimals of its asset; the message names the place.

    Examples
    --------
    >>> draft = Draft({"BTCUSDT": Listed("BTCUSDT", "BTC", "USDT", "USDT")}, marks={"BTCUSDT": Decimal("60000.125")})
    >>> purse = draft.purse("cross", "USDT")
    >>> purse.add("USDT", Decimal("100.123456789"))
    >>> purse.positions.append(Held("BTCUSDT", Decimal("0.002"), "positions[0]", entry=Decimal("59000.5")))
    >>> book, market = built(draft)
    >>> btc = book.instruments["BTCUSDT"]
    >>> str(btc.tick_size), str(btc.lot_size), book.assets["USDT"].scale, book.holding("cross").positions[0].cost
    ('0.001', '0.001', 9, 118001000000)

    """
    purses = _kept(draft)
    used = _used(draft, purses)
    _check_priced(draft, purses)
    _check_marked(draft, used, purses)
    steps = _steps(draft, used, purses)
    holdings = tuple(_holding(purse, steps) for purse in purses)
    prices = {
        PriceKey(PriceKind.MARK, symbol, steps.contracts[symbol].quote.name): plain(draft.marks[symbol])
        for symbol in steps.contracts
        if symbol in draft.marks
    }
    subjects = {*steps.assets, *(one.underlying for one in steps.contracts.values())}
    prices |= {
        PriceKey(PriceKind.INDEX, subject, quote): plain(price)
        for (subject, quote), price in draft.index.items()
        if subject in subjects and quote in steps.assets
    }
    wide = {key: number for key, number in draft.wide.items() if key[1] in steps.contracts}
    return Book(steps.assets, steps.contracts, holdings), Market(prices, time_ns=draft.time_ns, wide=wide)


def _kept(draft: Draft) -> list[Purse]:
    parents = {purse.parent for purse in draft.purses.values()}
    kept = [purse for purse in draft.purses.values() if not purse.empty or purse.id in parents]
    return kept or list(draft.purses.values())[:1]


def _used(draft: Draft, purses: Sequence[Purse]) -> dict[str, Listed]:
    """The contracts something is held or ordered in; each must be known by name."""
    found = {}
    for purse in purses:
        for one in purse.entries:
            if one.symbol not in draft.listed:
                raise BookError(f"{one.place}: got {one.symbol!r}, expected a contract whose description was given")
            found[one.symbol] = draft.listed[one.symbol]
    return found


def _check_marked(draft: Draft, used: Mapping[str, Listed], purses: Sequence[Purse]) -> None:
    for purse in purses:
        for one in purse.entries:
            if one.symbol not in draft.marks:
                quote = used[one.symbol].quote
                raise BookError(f"{one.place}: no mark of {one.symbol}, expected its price in {quote} in some message")


def _check_priced(draft: Draft, purses: Sequence[Purse]) -> None:
    """Every asset of a pool needs a price in the pool's numeraire; one over a second asset is worked out."""
    for purse in purses:
        settles = [draft.listed[one.symbol].settle for one in purse.positions if one.symbol in draft.listed]
        for asset in dict.fromkeys((*purse.cash, *settles)):
            key = (asset, purse.numeraire)
            if asset == purse.numeraire or key in draft.index:
                continue
            if not purse.cash.get(asset) and asset not in settles:
                del purse.cash[asset]
                continue
            over = [(price, second) for (first, second), price in draft.index.items() if first == asset]
            found = [price * draft.index[second, purse.numeraire] for price, second in over
                     if (second, purse.numeraire) in draft.index]  # fmt: skip
            if not found:
                raise BookError(f"index.{asset}.{purse.numeraire}: nothing given, expected the price of {asset} in "
                                f"{purse.numeraire} in some message, for pool {purse.id}")  # fmt: skip
            draft.index[key] = found[0]


def _steps(draft: Draft, used: Mapping[str, Listed], purses: Sequence[Purse]) -> _Steps:
    sizes: dict[str, list[Decimal]] = {symbol: [] for symbol in used}
    prices: dict[str, list[Decimal]] = {symbol: [draft.marks[symbol]] for symbol in used}
    for purse in purses:
        for held in purse.positions:
            sizes[held.symbol].append(held.size)
            prices[held.symbol].extend([] if held.mark is None else [held.mark])
        for order in purse.orders:
            sizes[order.symbol].append(order.size)
            prices[order.symbol].append(order.price)
    ticks = {symbol: step_for(one.tick_size, prices[symbol]) for symbol, one in used.items()}
    lots = {symbol: step_for(one.lot_size, sizes[symbol]) for symbol, one in used.items()}
    scales = _scales(used, purses, ticks, lots)
    for _, quote in draft.index:
        if quote in {one.numeraire for one in purses}:
            scales.setdefault(quote, LEAST_SCALE)
    assets = {name: Asset(name, scale) for name, scale in scales.items()}
    return _Steps(assets, {symbol: _contract(one, assets, ticks[symbol], lots[symbol]) for symbol, one in used.items()})


def _scales(
    used: Mapping[str, Listed], purses: Sequence[Purse], ticks: Mapping[str, Decimal], lots: Mapping[str, Decimal]
) -> dict[str, int]:
    """Decimals every asset needs, by what there is of it and what a lot of its contracts moves by."""
    amounts: dict[str, list[Decimal]] = {}
    for purse in purses:
        amounts.setdefault(purse.numeraire, [])
        for asset, amount in purse.cash.items():
            amounts.setdefault(asset, []).append(amount)
        for held in purse.positions:
            amounts.setdefault(used[held.symbol].settle, []).extend(_stated(held, used[held.symbol]))
    for symbol, one in used.items():
        amounts.setdefault(one.quote, [])
        needed = amounts.setdefault(one.settle, [])
        if one.payoff is Payoff.INVERSE:
            places = finest([one.contract_size * lots[symbol]])
            needed.append(shifted(ONE, -max(places, _inverse_places(one.contract_size * lots[symbol], ticks[symbol]))))
        else:
            needed.append(one.contract_size * lots[symbol] * ticks[symbol])
    found = {name: max(LEAST_SCALE, finest(numbers)) for name, numbers in amounts.items()}
    for name, scale in found.items():
        if scale > MOST_SCALE:
            raise BookError(f"{name}: got an amount of {scale} decimals, expected at most {MOST_SCALE}")
    return found


def _inverse_places(per_lot: Decimal, tick: Decimal) -> int:
    """The first number of decimals at which ``per_lot`` ÷ ``tick`` is whole."""
    for places in range(MOST_SCALE + 1):
        if not shifted(per_lot, places) % tick:
            return places
    raise BookError(f"tick size {tick}: expected one that divides {per_lot} × a power of ten")


def _stated(held: Held, listed: Listed) -> list[Decimal]:
    """The amounts of the settle asset that are stated of a position or decide its cost."""
    found = [one for one in (held.profit, held.cost) if one is not None]
    by_entry = held.cost is None and (held.profit is None or held.mark is None)
    if by_entry and held.entry is not None and listed.payoff is not Payoff.INVERSE:
        found.append(held.size * listed.contract_size * held.entry)
    return found


def _contract(one: Listed, assets: Mapping[str, Asset], tick: Decimal, lot: Decimal) -> Contract:
    quote, settle = assets[one.quote], assets[one.settle]
    if one.expiry_ns is None:
        return Perpetual(one.symbol, one.underlying, quote, settle, tick, lot, one.payoff, one.contract_size)
    return Future(
        one.symbol, one.underlying, quote, settle, tick, lot, one.payoff, one.contract_size, expiry_ns=one.expiry_ns
    )


def _holding(purse: Purse, steps: _Steps) -> Holding:
    hedge = any(one.leg is not Leg.NET for one in purse.entries)
    positions = [_position(one, steps, hedge=hedge) for one in purse.positions]
    seen = set()
    for stated, one in zip(purse.positions, positions, strict=True):
        if (one.symbol, one.leg) in seen:
            leg = one.leg.name.lower()
            raise BookError(f"{stated.place}: got {one.symbol} {leg} again, expected one position a leg and pool")
        seen.add((one.symbol, one.leg))
    legs = {one.symbol: one.leg for one in positions}
    pool = Pool(
        purse.id,
        parent=purse.parent,
        mode=Mode.CROSS if purse.parent is None else Mode.ISOLATED,
        numeraire=purse.numeraire,
        legs=LegMode.HEDGE if hedge else LegMode.ONE_WAY,
        scope=frozenset() if purse.parent is None else frozenset(one.symbol for one in positions),
    )
    cash = {name: steps.assets[name].units(amount, f"cash of {purse.id}") for name, amount in purse.cash.items()}
    orders = tuple(_order(one, steps, legs, hedge=hedge) for one in purse.orders)
    return Holding(pool, cash, tuple(positions), orders)


def _position(held: Held, steps: _Steps, *, hedge: bool) -> Position:
    contract = steps.contracts[held.symbol]
    lots = contract.lots(held.size, f"{held.place}: size")
    leg = _side(held.size) if hedge and held.leg is Leg.NET else held.leg
    return Position(held.symbol, lots, _cost(held, contract, lots), leg, held.leverage)


def _cost(held: Held, contract: Contract, lots: int) -> int:
    settle = contract.settle
    if held.profit is not None and held.mark is not None:
        worth = contract.worth(lots, contract.ticks(held.mark, f"{held.place}: mark"))
        return worth - settle.units(held.profit, f"{held.place}: profit")
    if held.cost is not None:
        return settle.units(held.cost, f"{held.place}: cost")
    if held.entry is None:
        raise BookError(f"{held.place}: nothing given of what {held.symbol} cost, expected an entry price or a profit")
    size = held.size * contract.contract_size
    if contract.payoff is Payoff.INVERSE:
        return settle.units(divide(-size, held.entry, settle.scale, Rounding.DOWN))
    return settle.units(size * held.entry, f"{held.place}: cost")


def _order(order: Resting, steps: _Steps, legs: Mapping[str, Leg], *, hedge: bool) -> Order:
    contract = steps.contracts[order.symbol]
    leg = order.leg
    if hedge and leg is Leg.NET:
        leg = legs.get(order.symbol, _side(order.size))
    lots = contract.lots(order.size, f"{order.place}: size")
    return Order(order.id, order.symbol, lots, contract.ticks(order.price), leg, order.reduce_only)


def _side(size: Decimal) -> Leg:
    return Leg.LONG if size > 0 else Leg.SHORT
