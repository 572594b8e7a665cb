"""Liquidation of a perpetual's base position and positive result, in five steps.

1. While the weighted result is negative, base is reduced: every lot gains in full.
2. A positive result is settled with the liquidator at a fee.
3. Base is reduced in expectation of settling what it frees.
4. The result is settled again.
5. Base is reduced for the overall-weighted gain alone.

Each step stops when health at LIQUIDATION_END is zero. Source:
programs/mango-v4/src/instructions/perp_liq_base_or_positive_pnl.rs. Lots are whole and rounded up; quotients of tokens
keep 18 decimals, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES, Account, HealthKind, Perp, Token
from solvent.venues.mango_v4.account_health import effective_balances, given_until_zero, health_of, perp_result
from solvent.venues.mango_v4.liquidation import LiquidationRefused

END = HealthKind.LIQUIDATION_END
LAST_STEP_BELOW = Decimal("-0.5")  # the fifth step starts only below this health, in native units


class PerpFees(NamedTuple):
    """Shares taken: of base sold or bought (the liquidator's, the platform's), and of a positive result settled."""

    base: Decimal = ZERO
    base_platform: Decimal = ZERO
    positive_result: Decimal = ZERO


class PerpLiquidation(NamedTuple):
    """What moved, and the account after it.

    ``lots`` and ``quote`` are changes of the account's position by reducing base; ``settled`` is the result taken over
    for ``received`` settle tokens; ``liquidator_quote`` is what the liquidator's position gets for the base.
    """

    lots: Decimal
    quote: Decimal
    liquidator_quote: Decimal
    settled: Decimal
    received: Decimal
    account: Account


@dataclass
class _Steps:
    """The state the five steps share: ``held`` is the effective balance of the settle token, ``left`` the health."""

    token: Token
    lots_left: Decimal  # that may still be reduced
    settle_left: Decimal  # that may still be settled
    gain: Decimal  # of the unweighted result, per lot
    kept: Decimal  # share of a settled result that becomes balance
    overall: Decimal
    result: Decimal
    held: Decimal
    left: Decimal
    reduced: Decimal = ZERO
    settled: Decimal = ZERO

    def missing(self) -> Decimal:
        """Settle tokens until health is zero; none when it is not negative."""
        if self.left >= 0:
            return ZERO
        return given_until_zero(self.left, self.held, self.token.asset_price(END), self.token.liab_price(END))

    def joined(self, amount: Decimal) -> None:
        """Add to the effective balance, and to health what that is worth."""
        before = self.token.contribution(END, self.held)
        self.held += amount
        self.left += self.token.contribution(END, self.held) - before

    def reduce(self, most: Decimal | None, expected: Decimal, actual: Decimal) -> None:
        """Reduce base: as many lots as ``expected`` tokens each make up for what is missing, or ``most``."""
        wanted = self.missing() if most is None else min(self.missing(), most)
        if expected <= 0 or wanted <= 0:
            return
        lots = min(divide(wanted, expected, 0, Rounding.UP), self.lots_left)
        self.lots_left -= lots
        self.reduced += lots
        self.result += self.gain * lots
        self.joined(actual * lots)

    def settle(self) -> None:
        """Settle a positive result while that helps: balance received is worth more than the weighted result."""
        each = self.kept - self.overall
        if self.result < 0 or each <= 0:
            return
        wanted = divide(self.missing(), each, PLACES, Rounding.DOWN)
        amount = max(ZERO, min(wanted, self.settle_left, self.result))
        self.settle_left -= amount
        self.settled += amount
        self.result -= amount
        self.joined(amount * each)


@exact
def base_or_positive_result(
    account: Account,
    symbol: str,
    max_lots: Decimal,
    max_settled: Decimal,
    fees: PerpFees | None = None,
    unit: Decimal = ONE,
) -> PerpLiquidation:
    """Reduce a base position and settle a positive result until health at LIQUIDATION_END is zero.

    Parameters
    ----------
    account
        The account in liquidation, without resting orders.
    symbol
        The perpetual.
    max_lots
        The most lots the liquidator wants, with the sign of the position.
    max_settled
        The most result the liquidator wants to take over, in settle tokens.
    fees
        None: no fees.
    unit
        The smallest amount of a dollar: the fifth step starts below minus half of it.

    Raises
    ------
    LiquidationRefused
        ``max_lots`` has the other sign, or reducing base gains nothing after fees.

    """
    charged, perp = fees or PerpFees(), account.perp(symbol)
    side = ONE if perp.lots > 0 else -ONE
    if max_lots * side < 0:
        msg = f"max_lots of {symbol} must have the sign of the position of {perp.lots} lots, not {max_lots}"
        raise LiquidationRefused(msg)
    steps = _started(account, perp, side, min(abs(max_lots), abs(perp.lots)), max_settled, charged)
    _taken(steps, unit)
    return _carried_out(account, perp, side, steps, charged)


def _started(
    account: Account, perp: Perp, side: Decimal, lots: Decimal, max_settled: Decimal, fees: PerpFees
) -> _Steps:
    token = account.token(perp.settle)
    weight = perp.weights.base(END, short=side < 0)
    gain = perp.prices.oracle * perp.lot_size * side * (_factor(side, fees) - weight)
    if gain <= 0 and perp.lots:
        msg = f"reducing {perp.symbol} gains no health: the fees are too high for the weight {weight}"
        raise LiquidationRefused(msg)
    return _Steps(
        token=token,
        lots_left=lots,
        settle_left=max_settled,
        gain=gain,
        kept=ONE - fees.positive_result,
        overall=perp.weights.overall(END),
        result=perp_result(perp, END),
        held=effective_balances(account, END)[perp.settle],
        left=health_of(account, END),
    )


def _factor(side: Decimal, fees: PerpFees) -> Decimal:
    """Quote for a dollar of base: a long is sold below the oracle's price, a short bought back above."""
    return ONE - side * (fees.base + fees.base_platform)


def _taken(steps: _Steps, unit: Decimal) -> None:
    """The five steps, in order."""
    if steps.result < 0:
        steps.reduce(-steps.result, steps.gain, steps.gain)
    steps.settle()
    if steps.result >= 0 and steps.settle_left > 0:
        steps.reduce(steps.settle_left, steps.gain * steps.kept, steps.gain * steps.overall)
    steps.settle()
    if steps.left < LAST_STEP_BELOW * unit and steps.overall > 0:
        steps.reduce(None, steps.gain * steps.overall, steps.gain * steps.overall)


def _carried_out(account: Account, perp: Perp, side: Decimal, steps: _Steps, fees: PerpFees) -> PerpLiquidation:
    worth = side * steps.reduced * perp.lot_size * perp.prices.oracle
    quote = worth * _factor(side, fees)
    received = steps.settled * steps.kept
    after = account.with_perp(perp.symbol, -side * steps.reduced, quote - steps.settled)
    return PerpLiquidation(
        lots=-side * steps.reduced,
        quote=quote,
        liquidator_quote=-worth * (ONE - side * fees.base),
        settled=steps.settled,
        received=received,
        account=after.with_balance(perp.settle, received),
    )
