"""Every strategy that the legs of one underlying can form, with what each needs.

Larger strategies are listed only where they need less than their parts: an optimiser may always take the parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from math import gcd, lcm

from solvent.instruments import OptionKind
from solvent.units import ONE, ZERO
from solvent.venues.reg_t import formulas
from solvent.venues.reg_t.formulas import Needed
from solvent.venues.reg_t.legs import Cash, Class, OptionLeg, StockLeg, Strategy

CALL, PUT = OptionKind.CALL, OptionKind.PUT
DAY_NS = 86_400_000_000_000
SPREADS = {CALL: "call spread", PUT: "put spread"}


def stock_steps(held: Class) -> tuple[Decimal, ...]:
    """By stock leg, the largest number of shares that every lot's cover is a multiple of."""
    units = [Fraction(one.unit) for one in held.options] or [Fraction(1)]
    low = lcm(*(unit.denominator for unit in units))
    common = Fraction(gcd(*(int(unit * low) for unit in units)), low)
    steps = [Fraction(stock.ratio) * common for stock in held.stocks]
    return tuple(Decimal(step.numerator) / Decimal(step.denominator) for step in steps)


@dataclass(frozen=True, slots=True)
class Listing:
    """The strategies of a class (inside the exact context); rows are its options, then its stocks."""

    held: Class

    def every(self) -> list[Strategy]:
        """All strategies: single legs first, so that each leg always has a place."""
        alone = [*self._single_options(), *self._single_stocks()]
        spreads = list(self._spreads())
        pairs = [*self._straddles(), *self._stock_with_option(), *self._stock_with_two()]
        return [*alone, *spreads, *pairs, *self._grouped(spreads)]

    def _rows(self, kind: OptionKind, *, long: bool) -> Iterator[tuple[int, OptionLeg]]:
        for row, leg in enumerate(self.held.options):
            if leg.kind is kind and leg.long is long:
                yield row, leg

    def _single_options(self) -> Iterator[Strategy]:
        rates, price = self.held.rates, self.held.price
        for row, leg in enumerate(self.held.options):
            worth = leg.price * leg.unit
            if leg.long:
                lent = leg.expiry_ns - self.held.time_ns > rates.loan_days * DAY_NS
                loan = rates.loan_share * worth if lent else ZERO
                yield Strategy(
                    f"long {leg.kind.value}", {row: 1}, Needed.both(ZERO), Cash(bought=worth), loan, cash_account=worth
                )
                continue
            naked = formulas.naked(rates, leg.kind, leg.strike, price) * leg.unit
            at_strike = leg.kind is PUT or rates.cash_calls_at_strike
            deposit = (leg.strike if at_strike else price) * leg.unit - worth
            yield Strategy(
                f"naked {leg.kind.value}", {row: 1}, Needed.both(naked + worth), Cash(sold=worth), cash_account=deposit
            )

    def _single_stocks(self) -> Iterator[Strategy]:
        for k, (stock, step) in enumerate(zip(self.held.stocks, stock_steps(self.held), strict=True)):
            row = len(self.held.options) + k
            yield self._alone(stock, {row: 1}, step)

    def _alone(self, stock: StockLeg, takes: Mapping[int, int], shares: Decimal) -> Strategy:
        needed = formulas.stock(self.held.rates, stock.price, shares, short=not stock.long)
        value = stock.price * shares
        name = "long stock" if stock.long else "short stock"
        cash = Cash() if stock.long else Cash(stock_sold=value)
        return Strategy(name, takes, needed, cash, cash_account=value if stock.long else None)

    def rest(self, stock: StockLeg, shares: Decimal) -> Strategy:
        """Shares that are too few to cover anything, as a strategy of their own."""
        return self._alone(stock, {}, shares)

    def _spreads(self) -> Iterator[Strategy]:
        """A short covered by a long of its kind that lives at least as long."""
        for kind in (CALL, PUT):
            for short_row, short in self._rows(kind, long=False):
                for long_row, long in self._rows(kind, long=True):
                    if long.unit == short.unit and long.expiry_ns >= short.expiry_ns:
                        yield self._group(SPREADS[kind], {short_row: 1, long_row: 1})

    def _group(self, name: str, takes: Mapping[int, int]) -> Strategy:
        """Options whose worst loss at expiry is bounded: that loss."""
        legs = [(self.held.options[row], count) for row, count in takes.items()]
        unit = legs[0][0].unit
        worst = formulas.worst_loss(leg.payoff(count) for leg, count in legs)
        assert worst is not None, "every short call of a group is covered"
        bought = sum((leg.price * count for leg, count in legs if leg.long), ZERO) * unit
        sold = sum((leg.price * count for leg, count in legs if not leg.long), ZERO) * unit
        worst *= unit
        cash = Cash(bought, sold, netted=True)
        return Strategy(name, takes, Needed.both(worst), cash, cash_account=worst + bought - sold)

    def _grouped(self, spreads: list[Strategy]) -> Iterator[Strategy]:
        """Two spreads of one expiry together: butterflies, condors, boxes and their iron forms."""
        level = [one for one in spreads if self._one_expiry(one)]
        for left, right in combinations_with_replacement(level, 2):
            first, second = self._first(left), self._first(right)
            if first.expiry_ns != second.expiry_ns or first.unit != second.unit or left is right:
                continue
            if not left.needed.maintenance + right.needed.maintenance:
                continue
            takes = dict(left.takes)
            for row, count in right.takes.items():
                takes[row] = takes.get(row, 0) + count
            if any(count > abs(self.held.options[row].count) for row, count in takes.items()):
                continue
            joined = self._group(_group_name(left, right, len(takes)), takes)
            if joined.needed.maintenance < left.needed.maintenance + right.needed.maintenance:
                yield joined

    def _one_expiry(self, spread: Strategy) -> bool:
        return len({self.held.options[row].expiry_ns for row in spread.takes}) == 1

    def _first(self, spread: Strategy) -> OptionLeg:
        return self.held.options[next(iter(spread.takes))]

    def _straddles(self) -> Iterator[Strategy]:
        """A short call and a short put: the larger requirement, and both prices."""
        rates, price = self.held.rates, self.held.price
        for call_row, call in self._rows(CALL, long=False):
            for put_row, put in self._rows(PUT, long=False):
                if call.unit != put.unit:
                    continue
                larger = max(formulas.naked(rates, leg.kind, leg.strike, price) for leg in (call, put))
                sold = (call.price + put.price) * call.unit
                at_call = call.strike if rates.cash_calls_at_strike else price
                name = "short straddle" if call.strike == put.strike else "short strangle"
                yield Strategy(
                    name,
                    {call_row: 1, put_row: 1},
                    Needed.both(larger * call.unit + sold),
                    Cash(sold=sold),
                    cash_account=(put.strike + at_call) * call.unit - sold,
                )

    def _covers(self) -> Iterator[tuple[int, StockLeg, Decimal, int, OptionLeg]]:
        """Every stock with every option it may stand with: rows, shares and steps that a lot takes."""
        for k, (stock, step) in enumerate(zip(self.held.stocks, stock_steps(self.held), strict=True)):
            for row, leg in enumerate(self.held.options):
                if self._covering(stock, leg):
                    yield len(self.held.options) + k, stock, step, row, leg

    def _covering(self, stock: StockLeg, leg: OptionLeg) -> bool:
        """Whether the option's side is against the stock's: calls sold or puts bought on stock held long."""
        return (leg.kind is PUT) == (leg.long == stock.long)

    def _takes(self, stock: StockLeg, step: Decimal, leg: OptionLeg) -> tuple[int, Decimal]:
        shares = leg.unit * stock.ratio
        return int(Fraction(shares) / Fraction(step)), shares

    def _stock_with_option(self) -> Iterator[Strategy]:
        rates, price = self.held.rates, self.held.price
        for stock_row, stock, step, row, leg in self._covers():
            steps, shares = self._takes(stock, step, leg)
            value = stock.price * stock.ratio
            alone = formulas.stock(rates, stock.price, stock.ratio, short=not stock.long)
            if leg.long:
                needed = formulas.protected(rates, alone, leg.kind, leg.strike, price)
                name = f"protective {leg.kind.value}"
            elif leg.kind is CALL:
                needed, name = formulas.covered_call(rates, alone, value, leg.strike, price, leg.price), "covered call"
            else:
                needed, name = formulas.covered_put(alone, leg.strike, price), "covered put"
            yield self._with_stock(name, stock, {stock_row: steps, row: 1}, needed, leg.unit, shares)

    def _stock_with_two(self) -> Iterator[Strategy]:
        """Stock between an option bought and one sold of one expiry: collars, conversions and reversals."""
        covers = list(self._covers())
        for one, other in combinations(covers, 2):
            bought, sold = (one, other) if one[4].long else (other, one)
            if one[0] != other[0] or not bought[4].long or sold[4].long:
                continue
            stock_row, stock, step, bought_row, long = bought
            short = sold[4]
            call, put = (short, long) if stock.long else (long, short)
            if long.expiry_ns != short.expiry_ns or long.unit != short.unit or call.strike < put.strike:
                continue
            steps, shares = self._takes(stock, step, long)
            alone = formulas.stock(self.held.rates, stock.price, stock.ratio, short=not stock.long)
            hedge = ((long.kind, long.strike), (short.kind, short.strike))
            needed = formulas.collar(self.held.rates, alone, *hedge, self.held.price)
            takes = {stock_row: steps, bought_row: 1, sold[3]: 1}
            yield self._with_stock(_hedged_name(stock, call, put), stock, takes, needed, long.unit, shares)

    def _with_stock(
        self, name: str, stock: StockLeg, takes: Mapping[int, int], needed: Needed, unit: Decimal, shares: Decimal
    ) -> Strategy:
        options = [self.held.options[row] for row in takes if row < len(self.held.options)]
        bought = sum((leg.price for leg in options if leg.long), ZERO) * unit
        sold = sum((leg.price for leg in options if not leg.long), ZERO) * unit
        value = stock.price * shares
        cash = Cash(bought, sold, ZERO if stock.long else value)
        whole = Needed(needed.initial * unit, needed.maintenance * unit)
        return Strategy(name, takes, whole, cash, cash_account=value + bought if stock.long else None)


def _group_name(left: Strategy, right: Strategy, rows: int) -> str:
    if left.name != right.name:
        return "iron condor, butterfly or box"
    return "butterfly" if rows == ONE + 2 else "condor"


def _hedged_name(stock: StockLeg, call: OptionLeg, put: OptionLeg) -> str:
    if call.strike == put.strike:
        return "conversion" if stock.long else "reverse conversion"
    return "collar" if stock.long else "reverse collar"
