"""The account: tiers as everywhere, and on top the fee to close, initial margin on entry, and margin for what is owed.

Lines beyond the shared ones have the kinds ``fee`` (the taker fee at the bankruptcy price), ``entry`` (what
margin on entry value asks more or less than on mark value) and ``borrow`` (margin for a negative asset).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from solvent import ledger
from solvent.assessment import Assessment, Line
from solvent.book import Book, Holding, Leg, Market, Mode, Position, Purpose
from solvent.instruments import Payoff
from solvent.margin.assess import tiered
from solvent.margin.tiered import schedule_of
from solvent.margin.totals import assessed
from solvent.margin.valuation import Scene, equities, numeraire_units, price_alternatives, valued
from solvent.rules import VenueRules
from solvent.units import ZERO, exact
from solvent.venues.bybit_uta.formulas import closing_fee

INITIAL = (Purpose.WITHDRAW, Purpose.ADMIT)
Rates = Mapping[Purpose, Mapping[str, Decimal]]
ANY = "*"


@dataclass(frozen=True, slots=True)
class UnifiedAccount:
    """How a pool of the account is margined.

    Parameters
    ----------
    borrow
        Rate of margin on a negative asset, by purpose and asset; ``"*"`` is every other asset.
    on_entry
        Whether everything is on entry value, as until 2025-09-02. Since then only an isolated position's initial margin
        and its fee are.
    fee_to_close
        Whether the taker fee at the bankruptcy price is part of every requirement.
    owed_after_profit
        Whether unrealised profit settles against a balance before what is negative counts as owed.

    """

    borrow: Rates = field(default_factory=dict)
    on_entry: bool = False
    fee_to_close: bool = True
    owed_after_profit: bool = True

    @exact
    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The tiers' assessment with fees, entry differences and margin for debts; exact."""
        found = tiered(book, market, rules, purpose, holding)
        scene = Scene(book, market, rules, holding, purpose, *price_alternatives(rules, purpose)[0])
        entry = self.on_entry or holding.pool.mode is Mode.ISOLATED
        owed = self.borrow.get(purpose, {})
        extra = [*_fees(scene, entry=entry)] if self.fee_to_close else []
        if holding.pool.mode is not Mode.ISOLATED:  # an isolated position cannot borrow
            extra.extend(_liabilities(scene, owed, after_profit=self.owed_after_profit))
        if self.on_entry or (entry and purpose in INITIAL):
            extra.extend(_entry_margin(scene, found, kept_on_entry=self.on_entry))
        return assessed(found.pool, purpose, found.numeraire, [*found.lines, *extra]) if extra else found


def _fees(scene: Scene, *, entry: bool) -> Iterator[Line]:
    """The fee to close each position at its bankruptcy price, on mark value or on entry value."""
    if scene.rules.fees.taker_ppm <= 0:
        return
    for position in scene.holding.positions:
        contract = scene.contract(position.symbol)
        worth = _value(scene, position, entry=entry)
        side = 1 if position.lots > 0 else -1
        shift = side if contract.payoff is Payoff.LINEAR else -side
        leverage = scene.leverage(scene.margin_of(contract), position)
        fee = closing_fee(worth, leverage, shift, scene.rules.fees.taker_ppm, scene.numeraire.scale)
        yield Line("fee", position.symbol, position.leg, required=fee)


def _value(scene: Scene, position: Position, *, entry: bool) -> Decimal:
    """Entry or mark value of a position in the numeraire."""
    one = valued(scene, position)
    settle_units = abs(position.cost) if entry else one.notional
    return scene.numeraire.amount(numeraire_units(scene, settle_units, one.contract.settle))


def _entry_margin(scene: Scene, found: Assessment, *, kept_on_entry: bool) -> Iterator[Line]:
    """What margin on entry value asks more or less than on mark; initial margin is never below the tiers' own."""
    lines = {(one.subject, one.leg): one for one in found.lines if one.kind == "position"}
    for position in scene.holding.positions:
        contract = scene.contract(position.symbol)
        margin = scene.margin_of(contract)
        tiers = schedule_of(scene, contract, margin, position.lots, position.cost)
        needed = ZERO if tiers is None else tiers.at(_value(scene, position, entry=kept_on_entry))
        if scene.purpose in margin.leverage_at:
            units = numeraire_units(scene, abs(position.cost), contract.settle)
            by_leverage = ledger.leverage_margin(units, scene.leverage(margin, position))
            needed = max(scene.numeraire.amount(by_leverage), needed)
        more = needed - lines[position.symbol, position.leg].required
        yield Line("entry", position.symbol, position.leg, required=more)


def _liabilities(scene: Scene, rates: Mapping[str, Decimal], *, after_profit: bool) -> Iterator[Line]:
    """Margin for every asset that is owed, a share of its value in the numeraire."""
    if not rates:
        return
    for one in equities(scene, [valued(scene, p) for p in scene.holding.positions]):
        units = one.counted_units if after_profit else one.cash
        rate = rates.get(one.asset.name, rates.get(ANY, ZERO))
        if units < 0 and rate:
            owed = scene.numeraire.amount(numeraire_units(scene, -units, one.asset))
            yield Line("borrow", one.asset.name, Leg.NET, required=owed * rate)
