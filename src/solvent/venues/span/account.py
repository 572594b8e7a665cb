"""A futures account under SPAN: cash, gains of futures and option value against the risk of combined commodities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from solvent import ledger
from solvent.assessment import Assessment, Binding, Line
from solvent.book import Book, Holding, Leg, Market, Method, Position, PriceKind, Purpose
from solvent.instruments import Future, Instrument, Option, OptionKind, Payoff, Perpetual, Spot, Structured
from solvent.margin.options import Reads
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, ZERO, exact
from solvent.venues.span.arrays import Scan, scanned_future, scanned_option
from solvent.venues.span.parameters import Kind, RiskParameters, Series
from solvent.venues.span.portfolio import Contracts, Margined, margined

INITIAL = frozenset({Purpose.WITHDRAW, Purpose.ADMIT})
KINDS = {OptionKind.CALL: Kind.CALL, OptionKind.PUT: Kind.PUT}
PERPETUAL_MONTH = "999999"


@dataclass(frozen=True, slots=True)
class SpanAccount:
    """The pool model.

    Parameters
    ----------
    parameters
        A clearing house's file; contracts are found in it by symbol.
    scans
        How underlyings that it does not list are scanned, by name.
    default
        How every other one is; None refuses it.
    initial_ratio
        Initial over maintenance where the file gives none.

    """

    parameters: RiskParameters
    default: Scan | None = None
    scans: Mapping[str, Scan] = field(default_factory=dict)
    initial_ratio: Decimal = ONE
    reads: ClassVar[Reads] = Reads.MARKS_UNDISCOUNTED

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:  # noqa: ARG002
        """Balances and positions at their values, a line a combined commodity; option value counts in equity."""
        found = self.margined(book, market, holding)
        lines = [*self._values(book, market, holding)]
        for one in found:
            ratio = ONE
            if purpose in INITIAL:
                ratio = max(self.initial_ratio, one.commodity.initial_ratio)
            lines.append(Line("commodity", one.commodity.code, Leg.NET, required=one.risk * ratio))
            unused = one.option_value - one.risk * ratio
            if unused > 0 and one.commodity.excess_value_lost:
                lines.append(Line("unused option value", one.commodity.code, Leg.NET, equity=-unused))
        value = sum((line.value for line in lines), ZERO)
        equity = sum((line.equity for line in lines), ZERO)
        required = sum((line.required for line in lines), ZERO)
        worst = max(found, key=lambda one: one.risk, default=None)
        binding = None
        if worst is not None and worst.risk > 0:
            binding = Binding(f"scenario {worst.scan.scenario}", worst.commodity.code, worst.risk)
        error = sum((one.error for one in found), ZERO) * max(self.initial_ratio, ONE)
        surplus, pool = equity - required, holding.pool
        return Assessment(
            pool.id,
            purpose,
            pool.numeraire,
            value,
            equity,
            required,
            surplus - error,
            surplus + error,
            tuple(lines),
            binding,
        )

    def margined(self, book: Book, market: Market, holding: Holding) -> tuple[Margined, ...]:
        """What each combined commodity of a holding needs (inside the exact context)."""
        if holding.orders:
            raise RulesError(f"pool {holding.pool.id}: resting orders are not margined; ask what_if for each")
        rows = [self._contracts(book, market, position, holding.pool.numeraire) for position in holding.positions]
        return margined(rows, self.parameters)

    def _contracts(self, book: Book, market: Market, position: Position, own: str) -> Contracts:
        listed = book.instruments[position.symbol]
        if isinstance(listed, Spot | Structured) or listed.payoff is not Payoff.LINEAR:
            raise RulesError(f"{listed.symbol}: only linear futures and options are margined here")
        if listed.settle.name != own:
            raise RulesError(f"{listed.symbol} settles in {listed.settle.name}, the account is in {own}")
        size = listed.size(position.lots)
        mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
        known = self.parameters.series.get(listed.symbol)
        if known is not None:
            return Contracts(known, size, mark * listed.contract_size)
        return self._own(listed, mark, market, size)

    def _own(self, listed: Instrument, mark: Decimal, market: Market, size: Decimal) -> Contracts:
        """A contract that the file does not list, by this rule set's own scan."""
        scan = self.scans.get(listed.underlying, self.default)
        if scan is None:
            raise RulesError(
                f"{listed.symbol}: not in the risk parameters, and {listed.underlying} has no scan of its own"
            )
        assert not isinstance(listed, Spot | Structured)
        if isinstance(listed, Option):
            underlying = market.price(PriceKind.INDEX, listed.underlying, listed.quote.name)
            found = scanned_option(listed, mark, underlying, market.time_ns, scan)
            kind, strike = KINDS[listed.kind], listed.strike
        else:
            found, kind, strike = scanned_future(mark, scan), Kind.FUTURE, ZERO
        unit = listed.contract_size
        month = PERPETUAL_MONTH if not isinstance(listed, Option | Future) else f"{listed.expiry_ns:020d}"
        losses = tuple(one * unit for one in found.losses)
        series = Series(listed.symbol, listed.underlying, kind, month, losses, found.delta * unit, mark, unit, strike)
        return Contracts(series, size, mark * unit, found.error * unit)

    def _values(self, book: Book, market: Market, holding: Holding) -> Iterator[Line]:
        own = holding.pool.numeraire
        for name, units in holding.cash.items():
            if units and name != own:
                raise RulesError(f"{name} is no collateral here: the account holds {own} and contracts")
            amount = book.assets[name].amount(units)
            yield Line("cash", name, Leg.NET, amount, amount)
        for position in holding.positions:
            listed = book.instruments[position.symbol]
            assert not isinstance(listed, Spot | Structured)
            mark = market.price(PriceKind.MARK, listed.symbol, listed.quote.name)
            worth = mark * listed.size(position.lots) * listed.contract_size
            profit = worth - listed.settle.amount(position.cost)
            if isinstance(listed, Perpetual):
                paid = ledger.funding_due(position.lots, market.funding.get(position.symbol, 0), position.funding_index)
                profit -= listed.settle.amount(paid)
            yield Line("position", position.symbol, position.leg, profit, profit)


@exact
def margins(book: Book, market: Market, rules: VenueRules, pool: str) -> tuple[Margined, ...]:
    """What each combined commodity of a pool needs: scan, charges, credits, minimum and option value."""
    return model_of(rules).margined(book, market, book.holding(pool))


def model_of(rules: VenueRules) -> SpanAccount:
    """The rule set's account model; :class:`RulesError` where it margins by something else."""
    found = rules.models.get(Method.SCENARIO)
    if not isinstance(found, SpanAccount):
        raise RulesError(f"{rules.name} does not margin by SPAN")
    return found
