"""Before, after, and the reasons: the pre-trade check is this, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment
from solvent.book import Book, Holding, Leg, Lending, Market, Purpose
from solvent.instruments import Perpetual
from solvent.ledger import MILLION
from solvent.margin.assess import assess_holding
from solvent.margin.changes import (
    Cancel,
    Change,
    Combo,
    Deposit,
    Place,
    PoolChange,
    Reprice,
    SetLeverage,
    Trade,
    Withdraw,
    changed,
)
from solvent.margin.sharing import once, one_question
from solvent.margin.transitions import no_riskier, no_worse, reduces
from solvent.margin.valuation import Scene, entries, numeraire_units, price_alternatives
from solvent.rules import Missing, Transition, VenueRules
from solvent.units import exact


class Refusal(NamedTuple):
    """Why a change is refused: which limit, which pool, on what, by how much (numeraire; zero: not an amount)."""

    limit: str
    pool: str
    subject: str
    short: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Impact:
    """A book before and after changes.

    ``before`` and ``after`` hold every pool's assessment by (pool id, purpose) for the purposes that decide and for
    MAINTAIN; ``fees`` the fees of the trades by pool, in settle units. ``allowed`` is true when ``refusals`` is empty.
    """

    before: Mapping[tuple[str, Purpose], Assessment]
    after: Mapping[tuple[str, Purpose], Assessment]
    book: Book
    market: Market
    fees: Mapping[str, int]
    refusals: tuple[Refusal, ...]

    @property
    def allowed(self) -> bool:
        """Whether the venue would admit all of it."""
        return not self.refusals


@one_question
@exact
def what_if(book: Book, market: Market, rules: VenueRules, changes: Sequence[Change]) -> Impact:
    """What changes would do, judged one after another as the venue would.

    Each change of a pool is tested at its purpose on the book it leaves: a withdrawal at WITHDRAW, a fill of a resting
    order (``maker``) at FILL, everything else at ADMIT. A pool that stays below its line may still do what the rule
    set's transition relation allows.
    """
    before = _assessments(book, market, rules, book.holdings)
    refusals: list[Refusal] = []
    fees: dict[str, int] = {}
    now, prices = book, market
    for change in changes:
        after, prices, fee = changed(now, prices, rules, change)
        if not isinstance(change, Reprice):
            fees[change.pool] = fees.get(change.pool, 0) + fee
            refusals.extend(judged(now, after, prices, rules, change, fee))
        now = after
    return Impact(before, _assessments(now, prices, rules, now.holdings), now, prices, fees, tuple(refusals))


def purpose_of(change: Change) -> Purpose:
    """The purpose a change is tested at."""
    if isinstance(change, Withdraw):
        return Purpose.WITHDRAW
    trades = trades_of(change)
    return Purpose.FILL if trades and all(one.maker for one in trades) else Purpose.ADMIT


class _Step(NamedTuple):
    """One change of a pool, and the books before and after it."""

    before: Book
    after: Book
    market: Market
    rules: VenueRules
    change: PoolChange
    fee: int

    @property
    def held(self) -> Holding:
        return self.before.holding(self.change.pool)

    @property
    def holding(self) -> Holding:
        return self.after.holding(self.change.pool)

    def assessed(self, book: Book, purpose: Purpose) -> Assessment:
        return once(assess_holding, book, self.market, self.rules, purpose, book.holding(self.change.pool))

    def scene(self, purpose: Purpose) -> Scene:
        kinds = price_alternatives(self.rules, purpose)[0]
        return Scene(self.after, self.market, self.rules, self.holding, purpose, *kinds)


def judged(before: Book, after: Book, market: Market, rules: VenueRules, change: Change, fee: int) -> list[Refusal]:
    """The refusals of one change (inside the exact context)."""
    if isinstance(change, Reprice):
        return []
    step = _Step(before, after, market, rules, change, fee)
    return [*_leverage(step), *_borrow(step), *_short(step)]


def _short(step: _Step) -> list[Refusal]:
    """The change's own purpose: surplus after it, or what the transition relation allows below the line."""
    change = step.change
    if isinstance(change, Withdraw) and step.holding.cash.get(change.asset, 0) < 0:
        amount = step.after.assets[change.asset].amount(step.holding.cash[change.asset])
        text = f"only what is held can leave: {change.asset} would be {amount}"
        return [Refusal("cash", change.pool, change.asset, amount, text)]
    if isinstance(change, Cancel | Deposit):
        return []
    purpose = purpose_of(change)
    found = step.assessed(step.after, purpose)
    if found.surplus >= 0 or _relieves(step, found):
        return []
    text = (
        f"surplus at {purpose.name} would be {found.surplus.normalize():f} {found.numeraire}: margin equity "
        f"{found.margin_equity.normalize():f} against {found.required.normalize():f} required"
    )
    subject = found.binding.subject if found.binding is not None else ""
    return [Refusal(purpose.name.lower(), change.pool, subject, found.surplus, text)]


def _relieves(step: _Step, found: Assessment) -> bool:
    """Whether the transition relation lets a pool below its line do this."""
    change, relation = step.change, step.rules.transition
    if relation is Transition.NO_RISKIER and not isinstance(change, SetLeverage):
        return no_riskier(*(step.assessed(book, Purpose.MAINTAIN) for book in (step.before, step.after)))
    trades = trades_of(change)
    if relation is Transition.NOTHING or not trades or not all(_reduces(step, one) for one in trades):
        return False
    if relation is Transition.REDUCE_FREELY:
        return step.assessed(step.after, Purpose.MAINTAIN).margin_equity >= 0
    scene = step.scene(found.purpose)
    paid = scene.numeraire.amount(numeraire_units(scene, step.fee, scene.instrument(trades[0].symbol).settle))
    return no_worse(step.assessed(step.before, found.purpose), found, paid)


def trades_of(change: Change) -> tuple[Trade, ...]:
    """The trades of a change: itself, the legs of a combo, or none."""
    if isinstance(change, Combo):
        return change.legs
    return (change,) if isinstance(change, Trade) else ()


def _reduces(step: _Step, trade: Trade) -> bool:
    was, now = (one.position(trade.symbol, trade.leg) for one in (step.held, step.holding))
    return reduces(was.lots if was else 0, now.lots if now else 0)


def _leverage(step: _Step) -> list[Refusal]:
    """Leverage brackets: the worst side's notional must be allowed at the leverage cap."""
    return [refusal for symbol in _symbols(step.change) for refusal in _bracket(step, symbol)]


def _bracket(step: _Step, symbol: str) -> list[Refusal]:
    if not isinstance(step.after.instruments.get(symbol), Perpetual):
        return []
    scene = step.scene(Purpose.ADMIT)
    contract = scene.contract(symbol)
    margin = scene.margin_of(contract)
    ticks = contract.ticks(scene.mark(contract), "mark")
    refused = []
    for (held_symbol, leg), (position, orders) in entries(step.holding).items():
        if held_symbol != symbol:
            continue
        lots = position.lots if position is not None else 0
        sides = [lots + sum(o.lots for o in orders if o.lots * side > 0) for side in (1, -1)]
        units = numeraire_units(scene, contract.notional(max(map(abs, sides)), ticks), contract.settle)
        refused.extend(_over_leverage(scene, symbol, leg, scene.leverage(margin, position), units))
    return refused


def _symbols(change: PoolChange) -> list[str]:
    if isinstance(change, Place):
        return [change.order.symbol]
    if isinstance(change, SetLeverage):
        return [change.symbol]
    return list(dict.fromkeys(one.symbol for one in trades_of(change)))


def _over_leverage(scene: Scene, symbol: str, leg: Leg, leverage: int, units: int) -> list[Refusal]:
    pool = scene.holding.pool
    cap = scene.rules.modes[pool.mode].leverage_cap(pool.account_class)
    amount = scene.numeraire.amount(units)
    if leverage > cap:
        text = f"leverage cap {leverage} of {symbol} is above {cap}, the most for this account class and mode"
        return [Refusal("leverage", pool.id, symbol, amount, text)]
    largest = scene.margin_of(scene.contract(symbol)).largest_notional(leverage)
    if largest is not None and amount > largest:
        most = f"{largest}, the most at leverage {leverage}"
        text = f"{symbol} {leg.name}: notional {amount.normalize():f} is above {most}"
        return [Refusal("leverage", pool.id, symbol, largest - amount, text)]
    return []


def _borrow(step: _Step) -> list[Refusal]:
    """Where the rules borrow a missing asset: the lending pool's cap on what is newly borrowed."""
    if step.rules.borrowing.missing is not Missing.BORROW:
        return []
    refused = []
    for asset, units in step.holding.cash.items():
        more = max(0, -units) - max(0, -step.held.cash.get(asset, 0))
        if units >= 0 or more <= 0:
            continue
        lent = step.market.lending.get(asset, Lending(0, 0))
        if (lent.borrowed + more) * MILLION > lent.supplied * step.rules.borrowing.cap_ppm:
            named = step.after.assets[asset]
            supplied = named.amount(lent.supplied)
            text = f"{asset} would be {named.amount(units)}: the lending pool has {supplied} supplied"
            refused.append(Refusal("borrow", step.change.pool, asset, named.amount(units), text))
    return refused


def _assessments(
    book: Book, market: Market, rules: VenueRules, holdings: Sequence[Holding]
) -> dict[tuple[str, Purpose], Assessment]:
    return {
        (h.pool.id, purpose): once(assess_holding, book, market, rules, purpose, h)
        for h in holdings
        for purpose in (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.MAINTAIN)
    }
