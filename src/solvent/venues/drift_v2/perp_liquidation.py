"""Liquidation of a perpetual as a sequence of calls over slots: enter, cancel orders, transfer a part, exit or fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from solvent.venues.drift_v2.account import Account, Calculation, PerpPosition, calculate
from solvent.venues.drift_v2.formulas import FEE, QUOTE, WEIGHT, MarginType, ProgramError, base_value
from solvent.venues.drift_v2.liquidation import (
    base_to_cover,
    grown_fee,
    most_share,
    perp_fund_fee,
    step_down,
    step_up,
)

SMALL_POSITION = 50 * QUOTE


class SufficientCollateralError(ProgramError):
    """A liquidation of an account that is not below its maintenance requirement."""


class Terms(NamedTuple):
    """The program's settings: buffer and share allowed at once (1e-4), slots until everything may go."""

    buffer: int
    initial_share: int
    duration_slots: int


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Where a liquidation stands: the slot it began at (None: not being liquidated), margin freed, fund's fees.

    ``taken`` and ``paid`` are the liquidator's base and quote so far; ``bankrupt`` that nothing is left to take.
    """

    began: int | None = None
    freed: int = 0
    fund_fees: int = 0
    taken: int = 0
    paid: int = 0
    bankrupt: bool = False

    def exited(self) -> Liquidation:
        """No longer being liquidated; what others earned stays."""
        return replace(self, began=None, freed=0)


class Call(NamedTuple):
    """A liquidator's call: the slot it is made in and the most base it takes (1e-9)."""

    slot: int
    most_base: int


class Outcome(NamedTuple):
    """The account and the liquidation after a call."""

    account: Account
    liquidation: Liquidation

    @property
    def exited(self) -> bool:
        """Whether the account is no longer being liquidated."""
        return self.liquidation.began is None


def liquidate_perp(account: Account, name: str, terms: Terms, before: Liquidation, call: Call) -> Outcome:
    """One call on the position ``name`` (controller/liquidation.rs).

    The liquidator's own initial margin is the caller's to check, as is the oracle's validity.

    Raises
    ------
    SufficientCollateralError
        The account is not being liquidated and meets its maintenance requirement.
    ProgramError
        There is no such position, or the call takes less than one step.

    Examples
    --------
    >>> from solvent.venues.drift_v2.markets import PerpMarket
    >>> market = PerpMarket(1000, 500, liquidator_fee=10_000, fund_fee=10_000, step=10_000_000)
    >>> account = Account(perps=(PerpPosition("SOL-PERP", market, 10**9, -150_000_000, 100_000_000),))
    >>> after = liquidate_perp(account, "SOL-PERP", Terms(10, 10_000, 150), Liquidation(), Call(0, 10**9))
    >>> after.account.perps[0].base, after.account.perps[0].quote, after.liquidation.paid
    (0, -51000000, -99000000)

    """
    position(account, name)
    found = _margin(account, terms)
    if before.began is None and found.meets:
        msg = f"collateral {found.collateral} meets the maintenance requirement {found.required}: nothing to liquidate"
        raise SufficientCollateralError(msg)
    if before.began is not None and found.shortage == 0:
        return Outcome(account, before.exited())
    now = before if before.began is not None else replace(before, began=call.slot, freed=0)
    if has_orders(account):
        account = without_orders(account)
        after = _margin(account, terms)
        now = replace(now, freed=now.freed + max(0, found.shortage - after.shortage))
        found = after
        if found.shortage == 0:
            return Outcome(account, now.exited())
    return _transfer(account, name, terms, now, call, found)


def _margin(account: Account, terms: Terms) -> Calculation:
    return calculate(account, MarginType.MAINTENANCE, buffer=terms.buffer)


def position(account: Account, name: str) -> PerpPosition:
    """The account's position in a market; :class:`ProgramError` where it has none."""
    for perp in account.perps:
        if perp.name == name:
            return perp
    msg = f"no position in {name}; there are {[perp.name for perp in account.perps]}"
    raise ProgramError(msg)


def has_orders(account: Account) -> bool:
    """Whether any order of the account is open."""
    spots = any(spot.orders or spot.bids or spot.asks for spot in account.spots)
    return spots or any(perp.orders or perp.bids or perp.asks for perp in account.perps)


def without_orders(account: Account) -> Account:
    """The account with all its orders cancelled."""
    spots = tuple(replace(spot, bids=0, asks=0, orders=0) for spot in account.spots)
    perps = tuple(replace(perp, bids=0, asks=0, orders=0) for perp in account.perps)
    return replace(account, spots=spots, perps=perps)


class _Fees(NamedTuple):
    liquidator: int
    fund: int
    covering: int


def _fees(account: Account, perp: PerpPosition, terms: Terms, slots: int, found: Calculation) -> _Fees:
    """Fees of this call and the base that would cover the whole shortage."""
    market, quote = perp.market, account.quote.oracle
    ratio = terms.buffer + market.ratio(abs(perp.base), MarginType.MAINTENANCE, high_leverage=account.high_leverage)
    fee = grown_fee(market.base_fee(high_leverage=account.high_leverage), market.most_fee, slots)
    share = found.shortage * found.required_by(perp.name) // found.required if found.required else 0
    fund = perp_fund_fee(share, abs(perp.base), ratio, fee, (perp.price, quote), market.fund_fee)
    covering = base_to_cover(found.shortage, ratio, fee, fund, perp.price, quote)
    return _Fees(fee, fund, step_up(covering, market.step))


def _transfer(account: Account, name: str, terms: Terms, now: Liquidation, call: Call, found: Calculation) -> Outcome:
    perp = position(account, name)
    if perp.base == 0:
        return Outcome(account, now)
    most = step_down(call.most_base, perp.market.step)
    if most == 0:
        msg = f"the most base {call.most_base} is less than one step of {perp.market.step}"
        raise ProgramError(msg)
    slots = call.slot - (now.began or 0)
    fees = _fees(account, perp, terms, slots, found)
    share = most_share(found.shortage, slots, terms.initial_share, terms.duration_slots, now.freed)
    allowed = fees.covering * share // WEIGHT
    if allowed == 0:
        return Outcome(account, now)
    if base_value(perp.base, perp.price) <= SMALL_POSITION:
        allowed = max(allowed, abs(perp.base))
    taken = step_up(min(abs(perp.base), most, allowed), perp.market.step)
    account, now = _taken(account, perp, now, fees, taken)
    freed = max(0, found.shortage - _margin(account, terms).shortage)
    now = replace(now, freed=now.freed + freed)
    if taken >= fees.covering:
        now = now.exited()
    elif is_bankrupt(account):
        now = replace(now, bankrupt=True)
    return Outcome(account, now)


def _taken(
    account: Account, perp: PerpPosition, now: Liquidation, fees: _Fees, taken: int
) -> tuple[Account, Liquidation]:
    """Move ``taken`` base from the account to the liquidator at the oracle price, and charge both fees."""
    side = 1 if perp.base > 0 else -1
    worth = base_value(taken, perp.price)
    fee, fund = worth * fees.liquidator // FEE, worth * fees.fund // FEE
    after = replace(perp, base=perp.base - side * taken, quote=perp.quote + side * worth - fee - fund)
    perps = tuple(after if one.name == perp.name else one for one in account.perps)
    moved = replace(
        now,
        fund_fees=now.fund_fees + fund,
        taken=now.taken + side * taken,
        paid=now.paid - side * worth + fee,
    )
    return replace(account, perps=perps), moved


def is_bankrupt(account: Account) -> bool:
    """Whether an account owes and has nothing left: no deposit, no position, no order, no profit (bankruptcy.rs)."""
    owes = any(spot.tokens < 0 for spot in account.spots)
    for perp in account.perps:
        if perp.base or perp.quote > 0 or perp.orders or perp.bids or perp.asks:
            return False
        owes = owes or perp.quote < 0
    return owes and not any(spot.tokens > 0 or spot.orders for spot in account.spots)
