"""Before, after, and the reasons: the pre-trade check is this, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, Holding, Leg, Market, Purpose
from solvent.instruments import Perpetual
from solvent.margin.assess import assess_holding
from solvent.margin.assessment import Assessment
from solvent.margin.changes import Change, Reprice, SetLeverage, Trade, Withdraw, changed
from solvent.margin.valuation import Scene, entries, numeraire_units, price_alternatives
from solvent.rules import Missing, Transition, VenueRules
from solvent.units import exact


class Refusal(NamedTuple):
    """Why a change is refused: which limit, in which pool, on what, and by how much (numeraire; zero: not an amount)."""

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
    return Purpose.FILL if isinstance(change, Trade) and change.maker else Purpose.ADMIT


def judged(
    before: Book, after: Book, market: Market, rules: VenueRules, change: Change, fee: int
) -> list[Refusal]:
    """The refusals of one change (inside the exact context)."""
    if isinstance(change, Reprice):
        return []
    held, holding = before.holding(change.pool), after.holding(change.pool)
    return [
        *_leverage(after, market, rules, holding, change),
        *_borrow(before, after, market, rules, change),
        *_short(before, after, market, rules, held, holding, change, fee),
    ]


def _short(
    before: Book,
    after: Book,
    market: Market,
    rules: VenueRules,
    held: Holding,
    holding: Holding,
    change: Change,
    fee: int,
) -> list[Refusal]:
    purpose = purpose_of(change)
    found = assess_holding(after, market, rules, purpose, holding)
    if isinstance(change, Withdraw) and holding.cash.get(change.asset, 0) < 0:
        amount = after.assets[change.asset].amount(holding.cash[change.asset])
        text = f"only what is held can leave: {change.asset} would be {amount}"
        return [Refusal("cash", change.pool, change.asset, amount, text)]
    if found.surplus >= 0 or _relieves(before, after, market, rules, held, holding, change, fee, found):
        return []
    text = (
        f"surplus at {purpose.name} would be {found.surplus.normalize():f} {found.numeraire}: margin equity "
        f"{found.margin_equity.normalize():f} against {found.required.normalize():f} required"
    )
    subject = found.binding.subject if found.binding is not None else ""
    return [Refusal(purpose.name.lower(), change.pool, subject, found.surplus, text)]


def _relieves(
    before: Book,
    after: Book,
    market: Market,
    rules: VenueRules,
    held: Holding,
    holding: Holding,
    change: Change,
    fee: int,
    found: Assessment,
) -> bool:
    """Whether the transition relation lets a pool below its line do this."""
    if rules.transition is not Transition.REDUCE_NO_WORSE or not isinstance(change, Trade):
        return False
    was, now = held.position(change.symbol, change.leg), holding.position(change.symbol, change.leg)
    lots_before, lots_after = (was.lots if was else 0), (now.lots if now else 0)
    if abs(lots_after) >= abs(lots_before) or lots_after * lots_before < 0:
        return False
    scene = _scene(after, market, rules, holding, found.purpose)
    contract = scene.instrument(change.symbol)
    paid = scene.numeraire.amount(numeraire_units(scene, fee, contract.settle))
    earlier = assess_holding(before, market, rules, found.purpose, held)
    return found.surplus >= earlier.surplus - paid


def _leverage(
    after: Book, market: Market, rules: VenueRules, holding: Holding, change: Change
) -> list[Refusal]:
    """Leverage brackets: the worst side's notional must be allowed at the leverage cap."""
    symbol = change.order.symbol if hasattr(change, "order") and not isinstance(change.order, str) else None
    symbol = change.symbol if isinstance(change, Trade | SetLeverage) else symbol
    if symbol is None or not isinstance(after.instruments.get(symbol), Perpetual):
        return []
    scene = _scene(after, market, rules, holding, Purpose.ADMIT)
    contract = scene.contract(symbol)
    margin = scene.margin_of(contract)
    cap = rules.modes[holding.pool.mode].leverage_cap(holding.pool.account_class)
    ticks = contract.ticks(scene.mark(contract), "mark")
    refused = []
    for (held_symbol, leg), (position, orders) in entries(holding).items():
        if held_symbol != symbol:
            continue
        lots = position.lots if position is not None else 0
        sides = [lots + sum(o.lots for o in orders if o.lots * side > 0) for side in (1, -1)]
        worst = max(abs(lots), *(abs(one) for one in sides))
        leverage = scene.leverage(margin, position)
        units = numeraire_units(scene, contract.notional(worst, ticks), contract.settle)
        refused.extend(_over_leverage(scene, holding.pool.id, symbol, leg, leverage, cap, units))
    return refused


def _over_leverage(
    scene: Scene, pool: str, symbol: str, leg: Leg, leverage: int, cap: int, units: int
) -> list[Refusal]:
    amount = scene.numeraire.amount(units)
    if leverage > cap:
        text = f"leverage cap {leverage} of {symbol} is above {cap}, the most for this account class and mode"
        return [Refusal("leverage", pool, symbol, amount, text)]
    largest = scene.margin_of(scene.contract(symbol)).largest_notional(leverage)
    if largest is not None and amount > largest:
        text = f"{symbol} {leg.name}: notional {amount.normalize():f} is above {largest}, the most at leverage {leverage}"
        return [Refusal("leverage", pool, symbol, largest - amount, text)]
    return []


def _borrow(before: Book, after: Book, market: Market, rules: VenueRules, change: Change) -> list[Refusal]:
    """Where the rules borrow a missing asset: the lending pool's cap on what is newly borrowed."""
    if rules.borrowing.missing is not Missing.BORROW or isinstance(change, Reprice):
        return []
    refused = []
    held, holding = before.holding(change.pool), after.holding(change.pool)
    for asset, units in holding.cash.items():
        more = max(0, -units) - max(0, -held.cash.get(asset, 0))
        if units >= 0 or more <= 0:
            continue
        pool = market.lending.get(asset)
        supplied, borrowed = (pool.supplied, pool.borrowed) if pool is not None else (0, 0)
        if (borrowed + more) * 1_000_000 > supplied * rules.borrowing.cap_ppm:
            missing = after.assets[asset].amount(units)
            text = f"{asset} would be {missing}: the lending pool has {after.assets[asset].amount(supplied)} supplied"
            refused.append(Refusal("borrow", change.pool, asset, missing, text))
    return refused


def _scene(book: Book, market: Market, rules: VenueRules, holding: Holding, purpose: Purpose) -> Scene:
    return Scene(book, market, rules, holding, purpose, *price_alternatives(rules, purpose)[0])


def _assessments(
    book: Book, market: Market, rules: VenueRules, holdings: Sequence[Holding]
) -> dict[tuple[str, Purpose], Assessment]:
    return {
        (h.pool.id, purpose): assess_holding(book, market, rules, purpose, h)
        for h in holdings
        for purpose in (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.MAINTAIN)
    }
