"""Random verdicts of the run, judged again by ring 1: equal at every purpose, to the unit; and what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from solvent.assessment import Assessment
from solvent.book import Book, Market, PriceKey, PriceKind, Purpose
from solvent.engine.engine import Engine
from solvent.margin import UnsolvableError, assess, assess_pool, liquidation_price
from solvent.rules import Path, VenueRules
from solvent.simulation.checkers import Checkers
from solvent.units import Rounding, divide, exact, shifted

Ints = NDArray[np.int64]

OWN = frozenset({"generic"})
STRICTER = (
    (Purpose.WITHDRAW, Purpose.ADMIT),
    (Purpose.ADMIT, Purpose.FILL),
    (Purpose.ADMIT, Purpose.RECOVER),
    (Purpose.FILL, Purpose.MAINTAIN),
    (Purpose.RECOVER, Purpose.MAINTAIN),
)
GUARANTEED = (STRICTER[0], *STRICTER[3:])  # where brackets and leverage caps decide the initial margin
GIFT = 1_000_000  # units added to a balance for L-11


@dataclass(slots=True)
class Samples:
    """Compares and counts."""

    checkers: Checkers
    compared: int = 0
    equal: int = 0
    first: str = ""

    def pools(self, engine: Engine, chosen: list[int]) -> None:
        """Every purpose of each pool by both rings, and the laws that a single book can show."""
        for pool in chosen:
            book, market, rules = engine.book(pool)
            found = {purpose: assess_pool(book, market, rules, purpose, f"P{pool}") for purpose in Purpose}
            self._compare(engine, pool, found, book)
            self._ordered(pool, found, rules)
            self._lines(pool, found)
            self._more_is_better(pool, found, book, market, rules)

    def _compare(self, engine: Engine, pool: int, found: dict[Purpose, Assessment], book: Book) -> None:
        """Equal to the unit: surplus at every purpose and the value, both rounded down once."""
        scale = book.assets[found[Purpose.MAINTAIN].numeraire].scale
        own = {purpose.name: (_units(one.low, scale), engine.surplus(pool, purpose)) for purpose, one in found.items()}
        own["value"] = (_units(found[Purpose.MAINTAIN].value, scale), engine.value(pool))
        for name, (ring_1, ring_2) in own.items():
            self.compared += 1
            self.equal += ring_1 == ring_2
            detail = f"pool {pool} at {name}: ring 1 says {ring_1}, ring 2 {ring_2}"
            if ring_1 != ring_2 and not self.first:
                self.first = detail
            self.checkers.law("L-05").check(ring_1 == ring_2, detail)

    def _ordered(self, pool: int, found: dict[Purpose, Assessment], rules: VenueRules) -> None:
        """L-07."""
        for strict, lenient in STRICTER if rules.name in OWN else GUARANTEED:
            fine = found[strict].low <= found[lenient].low
            self.checkers.law("L-07").check(fine, f"pool {pool}: {strict.name} above {lenient.name}")

    @exact
    def _lines(self, pool: int, found: dict[Purpose, Assessment]) -> None:
        """L-19."""
        for purpose, one in found.items():
            sums = [
                sum((getattr(line, name) for line in one.lines), Decimal(0)) for name in ("value", "equity", "required")
            ]
            fine = sums == [one.value, one.margin_equity, one.required]
            self.checkers.law("L-19").check(fine, f"pool {pool} at {purpose.name}: lines sum to {sums}")

    def _more_is_better(
        self, pool: int, found: dict[Purpose, Assessment], book: Book, market: Market, rules: VenueRules
    ) -> None:
        """L-11."""
        holding = book.holdings[0]
        for asset in sorted(holding.cash):
            richer = book.with_holding(holding.with_cash(asset, GIFT))
            for purpose in (Purpose.MAINTAIN, Purpose.ADMIT):
                after = assess_pool(richer, market, rules, purpose, f"P{pool}")
                fine = after.low >= found[purpose].low
                self.checkers.law("L-11").check(fine, f"pool {pool}: more {asset} lowers {purpose.name}")

    def liquidation_prices(self, engine: Engine, chosen: list[int]) -> None:
        """L-13: at the tick named the pool is in breach, at the tick before it is not."""
        for pool in chosen:
            book, market, rules = engine.book(pool)
            for position in book.holdings[0].positions[:1]:
                if position.lots:
                    self._crossing(pool, position.symbol, book, market, rules)

    def _crossing(self, pool: int, symbol: str, book: Book, market: Market, rules: VenueRules) -> None:
        try:
            found = liquidation_price(book, market, rules, f"P{pool}", symbol, Path.INSTRUMENT)
        except UnsolvableError:
            return
        for crossing in found.crossings:
            before = crossing.ticks + (1 if crossing.breach_below else -1)
            verdicts = [self._in_breach(pool, symbol, ticks, book, market, rules) for ticks in (crossing.ticks, before)]
            fine = verdicts == [True, False]
            self.checkers.law("L-13").check(fine, f"pool {pool}: {symbol} at {crossing.ticks} ticks is no crossing")

    def _in_breach(
        self, pool: int, symbol: str, ticks: int, book: Book, market: Market, rules: VenueRules
    ) -> bool | None:
        if ticks < 1:
            return False
        instrument = book.instruments[symbol]
        key = PriceKey(PriceKind.MARK, symbol, instrument.quote.name)
        moved = market.with_prices({key: instrument.price(ticks)})
        found = assess_pool(book, moved, rules, Purpose.MAINTAIN, f"P{pool}")
        return found.breached(inclusive=rules.breach_inclusive)

    def isolated(self, engine: Engine, chosen: list[int]) -> None:
        """L-09: an isolated pool's book does not enter its parent's figures, nor the parent's its own."""
        for pool in chosen:
            book, market, rules = engine.book(pool)
            parent = book.holdings[0].pool.parent
            if parent is None:
                continue
            other = engine.book(int(parent[1:]))[0]
            both = replace(book, holdings=(*book.holdings, *other.holdings))
            together = assess(both, market, rules, Purpose.MAINTAIN)
            for name, alone in ((f"P{pool}", book), (parent, other)):
                own = assess_pool(alone, market, rules, Purpose.MAINTAIN, name)
                self.checkers.law("L-09").check(together[name] == own, f"{name} differs beside its relative")


def _units(amount: Decimal, scale: int) -> int:
    """An amount in ledger units, rounded down once."""
    with_scale = shifted(amount, scale)
    return int(_down(with_scale))


@exact
def _down(number: Decimal) -> Decimal:
    return divide(number, Decimal(1), 0, Rounding.DOWN)
