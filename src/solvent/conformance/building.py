"""What adapters share: small books from a vector's figures, rule sets with a vector's own tiers, and answers of ring 1.

Nothing here decides anything about margin: books are built from the public types and asked through the public verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from solvent.book import (
    Book,
    Holding,
    Leg,
    LegMode,
    Market,
    Method,
    Mode,
    Pool,
    Position,
    PriceKey,
    PriceKind,
    Purpose,
)
from solvent.conformance.vectors import Unsupported, VectorError
from solvent.instruments import Future, Instrument, Payoff, Perpetual
from solvent.margin import Contribution, explain, liquidation_price
from solvent.margin.scenario.units import ContractHeld, Unit
from solvent.rates import Piece, Schedule
from solvent.rules import Bracket, ContractMargin, VenueRules
from solvent.units import ONE, ZERO, Asset, Rounding, divide, exact
from solvent.venues.parts import TierTable

POOL = "vector"
MOST_LEVERAGE = 1000
# Finer than any vector, so that ledger units cut nothing off its figures.
SCALE = 24
STEP = Decimal("1e-8")
SMALL = Decimal("1e-18")
DAY_NS = Decimal(86_400) * 10**9


@dataclass(frozen=True, slots=True)
class Held:
    """A position of a vector: signed size, entry and mark, and the bracket it falls in (rate, maintenance amount)."""

    symbol: str
    size: Decimal
    entry: Decimal
    mark: Decimal
    rate: Decimal = ZERO
    amount: Decimal = ZERO
    leg: Leg = Leg.NET
    contract_size: Decimal = ONE
    payoff: Payoff = Payoff.LINEAR
    settle: str = "USDT"
    received: Decimal = ZERO  # funding received and not yet settled, in the settle asset


def one_bracket(rate: Decimal, amount: Decimal) -> Schedule:
    """A schedule that is one bracket everywhere: ``rate × notional − amount``. The vector gives the bracket."""
    return Schedule((Piece(ZERO, rate, amount),))


def with_tiers(rules: VenueRules, tiers: Mapping[str, Schedule]) -> VenueRules:
    """The rule set with a tier table of the caller's own, at every purpose and without leverage limits.

    Parameters
    ----------
    rules
        The rule set everything else is taken from.
    tiers
        Schedule of the requirement by symbol, on notional in the pool's numeraire.

    """
    margins = {
        symbol: ContractMargin(dict.fromkeys(Purpose, schedule), (Bracket(ZERO, MOST_LEVERAGE),), frozenset(), 1)
        for symbol, schedule in tiers.items()
    }
    return replace(rules, margin=TierTable(by_symbol=margins, payoffs=frozenset(Payoff)))


@cache
def asset(name: str) -> Asset:
    """The asset of a name, counted finely; the same value every time."""
    return Asset(name, SCALE)


def contract(held: Held) -> Perpetual:
    """The contract of a position, with steps finer than any vector's figures."""
    settle = asset(held.settle)
    quote = settle if held.payoff is Payoff.LINEAR else asset("USD")
    return Perpetual(
        held.symbol, held.symbol, quote, settle, STEP, STEP, payoff=held.payoff, contract_size=held.contract_size
    )


@exact
def small_book(wallet: Decimal, positions: list[Held], legs: LegMode = LegMode.ONE_WAY) -> tuple[Book, Market]:
    """One pool with a wallet and positions, and their marks; the wallet is in the first position's settle asset."""
    instruments = {held.symbol: contract(held) for held in positions}
    settle = instruments[positions[0].symbol].settle
    assets = {one.name: one for listed in instruments.values() for one in (listed.settle, listed.quote)}
    pool = Pool(POOL, numeraire=settle.name, legs=legs)
    held = tuple(_position(one, instruments[one.symbol]) for one in positions)
    marks = {PriceKey(PriceKind.MARK, one.symbol, instruments[one.symbol].quote.name): one.mark for one in positions}
    return Book(assets, instruments, (Holding(pool, {settle.name: settle.units(wallet)}, held),)), Market(marks)


def _position(held: Held, listed: Perpetual) -> Position:
    lots = listed.lots(held.size)
    cost = listed.worth(lots, listed.ticks(held.entry, "entry"))
    if held.received and abs(lots) != 1:
        raise VectorError(f"funding received by {held.symbol}: expected a position of one lot, not {lots}")
    # Funding due counts from the index of the last touch: an index ahead of the market's is funding received.
    received = listed.settle.units(held.received, "funding received")
    return Position(held.symbol, lots, cost, held.leg, funding_index=received)


def lone_unit(size: Decimal, price: Decimal, *, inverse: bool = False) -> Unit:
    """A risk unit of one contract: signed size in coins, its mark also the underlying's index; all in dollars."""
    held = ContractHeld("contract", "coin" if inverse else "USD", inverse, size, price, price, ZERO, ONE, ONE)
    return Unit("coin", price, (held,), (), ZERO)


@exact
def coin_futures(coin: str, sizes: Mapping[str, Decimal], days: Mapping[str, Decimal]) -> tuple[Book, Market]:
    """A segregated pool of inverse contracts, their sizes in coins at the mark; those with days left are futures.

    Contracts are worth the smallest unit of USD at a mark of one, so that sizes are exact.
    """
    settle, quote = asset(coin), asset("USD")
    instruments: dict[str, Instrument] = {}
    for name in sizes:
        if name in days:
            expiry = int(divide(days[name] * DAY_NS, ONE, 0, Rounding.HALF_UP))
            instruments[name] = Future(name, coin, quote, settle, ONE, SMALL, payoff=Payoff.INVERSE, expiry_ns=expiry)
        else:
            instruments[name] = Perpetual(name, coin, quote, settle, ONE, SMALL, payoff=Payoff.INVERSE)
    held = []
    for name, size in sizes.items():
        listed = instruments[name]
        assert isinstance(listed, Perpetual)
        lots = listed.lots(size)
        held.append(Position(name, lots, listed.worth(lots, 1)))
    pool = Pool(POOL, numeraire=coin, method=Method.SCENARIO, mode=Mode.CROSS)
    marks = {PriceKey(PriceKind.MARK, name, "USD"): ONE for name in sizes}
    market = Market({**marks, PriceKey(PriceKind.INDEX, coin, "USD"): ONE})
    return Book({coin: settle, "USD": quote}, instruments, (Holding(pool, {coin: 0}, tuple(held)),)), market


def one_of(first: Decimal, second: Decimal, what: str) -> Decimal:
    """The figure two legs share; :class:`Unsupported` where they differ, as one contract has one table."""
    if first != second:
        raise Unsupported(f"the legs of one contract have different {what}: {first} and {second}")
    return first


def listed_schedule(rules: VenueRules, symbol: str, purpose: Purpose) -> Schedule:
    """The schedule a rule set lists for a symbol by name; :class:`Unsupported` where a default would stand in."""
    table = rules.margin
    found = table.by_symbol.get(symbol) if isinstance(table, TierTable) else None
    if found is None:
        raise Unsupported(f"{rules.name} has no bracket table of its own for {symbol}")
    schedule = found.schedules[purpose]
    if not isinstance(schedule, Schedule):
        raise Unsupported(f"{rules.name} margins {symbol} by its size")
    return schedule


def rules_for(rules: VenueRules, positions: list[Held]) -> VenueRules:
    """The rule set with each position's own bracket as its contract's tier table."""
    return with_tiers(rules, {held.symbol: one_bracket(held.rate, held.amount) for held in positions})


def solved_price(
    rules: VenueRules, wallet: Decimal, positions: list[Held], legs: LegMode = LegMode.ONE_WAY
) -> Decimal | None:
    """The liquidation price of the first position's contract when its mark alone moves; None where there is none."""
    book, market = small_book(wallet, positions, legs)
    return liquidation_price(book, market, rules_for(rules, positions), POOL, positions[0].symbol).solved


def contributions(rules: VenueRules, wallet: Decimal, positions: list[Held]) -> dict[str, Contribution]:
    """What each position adds at MAINTAIN, by symbol."""
    book, market = small_book(wallet, positions)
    return {one.symbol: one for one in explain(book, market, rules_for(rules, positions), POOL).contributions}
