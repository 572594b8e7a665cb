"""Accounts that ask more than tiers: the fee to close, margin on entry value, and margin for what is owed.

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
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Rounding, divide, exact, shifted

PLACES = 18
PPM = 6
INITIAL = (Purpose.WITHDRAW, Purpose.ADMIT)
Rates = Mapping[Purpose, Mapping[str, Decimal]]
ANY = "*"


@exact
def closing_fee(value: Decimal, leverage: int, shift: int, taker_ppm: int, places: int = PLACES) -> Decimal:
    """The taker fee at the bankruptcy price: value × (1 − shift ÷ leverage) × taker; rounded up.

    ``shift`` is +1 for a linear long or an inverse short, −1 for the others. Form: Bybit, "Initial Margin (USDT
    Contract)".

    >>> closing_fee(Decimal(50_000), 10, 1, 550)
    Decimal('24.750000000000000000')
    """
    return divide(shifted(value * taker_ppm, -PPM) * (leverage - shift), Decimal(leverage), places, Rounding.UP)


@exact
def initial_margin(value: Decimal, leverage: Decimal, places: int = PLACES) -> Decimal:
    """Value ÷ leverage, rounded up: in the coin for a value in the coin, in quote for one in quote.

    >>> initial_margin(Decimal(20_000), Decimal(50), places=2)
    Decimal('400.00')
    """
    return divide(value, leverage, places, Rounding.UP)


@exact
def margin_share(margin: Decimal, equity: Decimal, places: int = PLACES, rounding: Rounding = Rounding.UP) -> Decimal:
    """Margin as a share of equity, rounded up unless said; :class:`RulesError` where there is no equity.

    >>> margin_share(Decimal(1_260), Decimal(10_000), places=4)
    Decimal('0.1260')
    """
    if equity <= 0:
        msg = f"equity must be above zero for a share of it, not {equity}"
        raise RulesError(msg)
    return divide(margin, equity, places, rounding)


@exact
def margin_cover(equity: Decimal, required: Decimal, places: int = PLACES) -> Decimal:
    """Equity ÷ maintenance margin (and what a venue adds to it), rounded down; :class:`RulesError` where none is.

    >>> margin_cover(Decimal(120), Decimal(100), places=2)
    Decimal('1.20')
    """
    if required <= 0:
        msg = f"maintenance margin must be above zero for a ratio, not {required}"
        raise RulesError(msg)
    return divide(equity, required, places, Rounding.DOWN)


@dataclass(frozen=True, slots=True)
class UnifiedAccount:
    """How a pool of the account is margined.

    Parameters
    ----------
    borrow
        Rate of margin on a negative asset, by purpose and asset; ``"*"`` is every other asset.
    on_entry
        Whether everything is on entry value. Otherwise only an isolated position's initial margin and its fee are.
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
