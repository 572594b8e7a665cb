"""A Regulation T account: cash, stock and options; what its strategies need, as an assessment and as a statement.

Stock is a balance of the asset named like the underlying (or of one that stands for it). Margin equity is cash and
stock; options have a value and no loan value, and the price of a short one is part of what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, NamedTuple

from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, BookError, Holding, Leg, Market, Method, PriceKind, Purpose
from solvent.instruments import Option
from solvent.margin.options import Reads
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, exact
from solvent.venues.parts import securities_option
from solvent.venues.reg_t.formulas import Rates
from solvent.venues.reg_t.legs import Class, OptionLeg, StockLeg, Used
from solvent.venues.reg_t.matching import Matched, cost, matched

INITIAL = frozenset({Purpose.WITHDRAW, Purpose.ADMIT})


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Rates by underlying, and which assets stand for an underlying that is no stock: shares to one unit of it.

    ``least_equity`` is what a margin account must hold to open anything.
    """

    by_underlying: Mapping[str, Rates] = field(default_factory=dict)
    default: Rates = field(default_factory=Rates)
    covers: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    least_equity: Decimal = ZERO

    def rates(self, underlying: str) -> Rates:
        """The numbers of an underlying's class."""
        return self.by_underlying.get(underlying, self.default)

    def stands_for(self, asset: str) -> tuple[str, Decimal]:
        """The underlying an asset covers, and how many of it cover one unit."""
        for underlying, shares in self.covers.items():
            if asset in shares:
                return underlying, shares[asset]
        return asset, ONE


class Statement(NamedTuple):
    """An account's strategies and sums, in dollars.

    Attributes
    ----------
    required
        Without what was paid for options held long, with the proceeds of what was sold inside the equity.
    debit, credit
        Premiums of all options, paid less received, and received less paid; each at least nothing.
    deposit
        What opening all of it takes: the requirement, and option premiums paid less those received.
    with_proceeds
        The requirement as margin manuals print it: proceeds of naked options and of stock sold short inside it, those
        of spreads taken off.
    cash_account
        The deposit in an account without margin; None where it may not hold this.

    """

    used: tuple[Used, ...]
    required: Decimal
    bound: Decimal
    debit: Decimal
    credit: Decimal
    deposit: Decimal
    with_proceeds: Decimal
    cash_account: Decimal | None


@exact
def statement(book: Book, market: Market, rules: VenueRules, pool: str, purpose: Purpose) -> Statement:
    """The strategies of an account and what they need; errors as :func:`solvent.margin.assess`."""
    return _stated(book, market, model_of(rules).table, book.holding(pool), purpose)


def model_of(rules: VenueRules) -> StrategyAccount:
    """The rule set's account model; :class:`RulesError` where it margins by something else."""
    found = rules.models.get(Method.STRATEGY)
    if not isinstance(found, StrategyAccount):
        raise RulesError(f"{rules.name} does not margin by strategies")
    return found


def _stated(book: Book, market: Market, table: ClassTable, holding: Holding, purpose: Purpose) -> Statement:
    initial = purpose in INITIAL
    found = [matched(one, initial=initial) for one in classes(book, market, table, holding)]
    used = tuple(one for part in found for one in part.used)
    deposit = printed = premium = ZERO
    unlevered: Decimal | None = ZERO
    for one in used:
        cash, times = one.strategy.cash, one.times
        needed = cost(one.strategy, initial=initial)
        premium += (cash.bought - cash.sold) * times
        deposit += (needed + cash.bought - cash.sold) * times
        printed += (needed + cash.bought + cash.stock_sold - (cash.sold if cash.netted else ZERO)) * times
        own = one.strategy.cash_account
        unlevered = None if own is None or unlevered is None else unlevered + own * times
    required, bound = _sum(found, "cost"), _sum(found, "bound")
    return Statement(used, required, bound, max(ZERO, premium), max(ZERO, -premium), deposit, printed, unlevered)


def _sum(found: list[Matched], name: str) -> Decimal:
    return sum((getattr(one, name) for one in found), ZERO)


def classes(book: Book, market: Market, table: ClassTable, holding: Holding) -> Iterator[Class]:
    """The legs of a holding, by underlying (inside the exact context).

    Raises
    ------
    RulesError
        It holds something else than options and stock, an option settled in another asset, or resting orders.
    BookError
        A price is missing.

    """
    if holding.orders:
        raise RulesError(f"pool {holding.pool.id}: resting orders are not margined; ask what_if for each")
    own = holding.pool.numeraire
    options: dict[str, list[OptionLeg]] = {}
    stocks: dict[str, list[StockLeg]] = {}
    for position in holding.positions:
        listed = securities_option(book.instruments[position.symbol], own)
        mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
        if mark < 0:
            raise BookError(f"market.mark.{listed.symbol}: got {mark}, expected a price that is not negative")
        unit = listed.lot_size * listed.contract_size
        leg = OptionLeg(listed.symbol, listed.kind, listed.strike, listed.expiry_ns, mark, position.lots, unit)
        options.setdefault(listed.underlying, []).append(leg)
    for name, units in holding.cash.items():
        if name != own and units:
            underlying, ratio = table.stands_for(name)
            price = market.price(PriceKind.INDEX, name, own)
            leg_of = StockLeg(name, price, book.assets[name].amount(units), ratio)
            stocks.setdefault(underlying, []).append(leg_of)
    for underlying in sorted({*options, *stocks}):
        lots = tuple(sorted(options.get(underlying, ()), key=lambda leg: leg.symbol))
        held = tuple(sorted(stocks.get(underlying, ()), key=lambda leg: leg.symbol))
        price = market.price(PriceKind.INDEX, underlying, own) if lots else ZERO
        yield Class(underlying, price, table.rates(underlying), lots, held, market.time_ns)


@dataclass(frozen=True, slots=True)
class StrategyAccount:
    """The pool model: the cheapest strategies at each purpose, with proved bounds of the surplus."""

    table: ClassTable
    reads: ClassVar[Reads] = Reads.MARKS

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:  # noqa: ARG002
        """Cash and stock against strategies; a line a balance, a line an option's value, a line a strategy."""
        stated = _stated(book, market, self.table, holding, purpose)
        lines = [*_balances(book, market, holding), *_options(book, market, holding)]
        initial = purpose in INITIAL
        lines += [_strategy_line(one, initial=initial) for one in stated.used]
        equity = sum((line.equity for line in lines), ZERO)
        required = sum((line.required for line in lines), ZERO)
        least = _least(self.table, holding, lines) if initial and required > 0 else ZERO
        if required < least:
            lines.append(Line("least equity", "", Leg.NET, required=least - required))
            required = least
        value = sum((line.value for line in lines), ZERO)
        worst = max((line for line in lines if line.required > 0), key=lambda line: line.required, default=None)
        binding = None if worst is None else Binding(worst.kind, worst.subject, worst.required)
        spare = stated.required - stated.bound
        own = holding.pool
        surplus = equity - required
        return Assessment(
            own.id, purpose, own.numeraire, value, equity, required, surplus, surplus + spare, tuple(lines), binding
        )


def _least(table: ClassTable, holding: Holding, lines: Sequence[Line]) -> Decimal:
    """The least equity; where nothing is sold short, never more than the stock bought is worth."""
    short = any(position.lots < 0 for position in holding.positions)
    stocks = [line.value for line in lines if line.kind == "stock"]
    if short or any(value < 0 for value in stocks):
        return table.least_equity
    return min(table.least_equity, sum(stocks, ZERO))


def _balances(book: Book, market: Market, holding: Holding) -> Iterator[Line]:
    own = holding.pool.numeraire
    for name, units in holding.cash.items():
        amount = book.assets[name].amount(units)
        value = amount if name == own else amount * market.price(PriceKind.INDEX, name, own)
        yield Line("cash" if name == own else "stock", name, Leg.NET, value, value)


def _options(book: Book, market: Market, holding: Holding) -> Iterator[Line]:
    """An option's value, and what it cost where the premium was not taken from cash."""
    for position in holding.positions:
        listed = book.instruments[position.symbol]
        mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
        assert isinstance(listed, Option)
        paid = listed.settle.amount(position.cost)
        worth = mark * listed.size(position.lots) * listed.contract_size
        yield Line("position", position.symbol, position.leg, worth - paid, -paid)


def _strategy_line(one: Used, *, initial: bool) -> Line:
    needed = one.strategy.needed.initial if initial else one.strategy.needed.maintenance
    loan = one.strategy.loan * one.times
    return Line("strategy", f"{one.times} × {one.strategy.name}", Leg.NET, ZERO, loan, needed * one.times)
