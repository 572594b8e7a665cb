"""Liquidation of tokens: how much of a debt a liquidator may repay, what the account pays for it, and in what order.

Sources: programs/mango-v4/src/instructions/token_liq_with_token.rs, token_liq_bankruptcy.rs, health/cache.rs (phases).
Quotients keep 18 decimals, rounded down as the program's fixed point does.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES, Account, HealthKind
from solvent.venues.mango_v4.account_health import effective_balances, health_of, spot_balance

RECOVERED_ABOVE = Decimal(-1)  # native units of health at LIQUIDATION_END


class LiquidationRefused(RulesError):
    """The program would not carry out this step on this account."""


class Phase(enum.Enum):
    """What liquidators do first: a phase is open only when the one before has nothing left."""

    CANCEL_ORDERS = 1
    TOKENS_AND_BASE = 2  # tokens against tokens, base positions, positive results of closed positions
    BANKRUPTCY = 3  # negative results, and debts without anything to pay them with
    DONE = 4


class TokenFees(NamedTuple):
    """Shares on top of the oracle's price: the liquidator's and the platform's, each for one of the two tokens."""

    asset: Decimal = ZERO
    liab: Decimal = ZERO
    asset_platform: Decimal = ZERO
    liab_platform: Decimal = ZERO

    @property
    @exact
    def liquidator(self) -> Decimal:
        """What the liquidator gets for a dollar of debt."""
        return (ONE + self.liab) * (ONE + self.asset)

    @property
    @exact
    def total(self) -> Decimal:
        """What the account pays for a dollar of debt."""
        return (ONE + self.liab + self.liab_platform) * (ONE + self.asset + self.asset_platform)


class TokenLiquidation(NamedTuple):
    """What moved, and the account after it. ``to_liquidator`` and ``to_platform`` are asset tokens."""

    repaid: Decimal
    to_liquidator: Decimal
    to_platform: Decimal
    account: Account


@exact
def may_start(account: Account) -> bool:
    """Whether liquidation may start: health at MAINT below zero."""
    return health_of(account, HealthKind.MAINT) < 0


@exact
def recovered(account: Account, unit: Decimal) -> bool:
    """Whether a liquidation is over: health at LIQUIDATION_END above minus one ``unit`` (the dollar's smallest)."""
    return health_of(account, HealthKind.LIQUIDATION_END) > RECOVERED_ABOVE * unit


@exact
def phase(account: Account, unit: Decimal) -> Phase:
    """What may be liquidated now; ``unit`` is the smallest amount of a token, below which an asset does not count.

    >>> from solvent.venues.mango_v4.account import Prices, Token
    >>> debt = Token("SOL", Decimal(-1), Prices(Decimal(5), Decimal(5)))
    >>> phase(Account((debt,)), Decimal("1e-6"))
    <Phase.BANKRUPTCY: 3>
    """
    resting = any(perp.bid_lots or perp.ask_lots for perp in account.perps)
    if resting or any(spot.base_total or spot.quote_total for spot in account.spots):
        return Phase.CANCEL_ORDERS
    balances = effective_balances(account, HealthKind.LIQUIDATION_END)
    amounts = [(spot_balance(account, token), balances[token.name]) for token in account.tokens]
    owing = any(amount < 0 and effective < 0 for amount, effective in amounts)
    owning = any(amount >= unit and effective >= unit for amount, effective in amounts)
    if (owing and owning) or any(p.base or p.taker_lots or p.quote_now > 0 for p in account.perps):
        return Phase.TOKENS_AND_BASE
    return Phase.BANKRUPTCY if owing or any(p.quote_now < 0 for p in account.perps) else Phase.DONE


@exact
def token_with_token(
    account: Account, asset: str, liab: str, max_repaid: Decimal, fees: TokenFees | None = None
) -> TokenLiquidation:
    """Repay a debt in one token for another token, until health at LIQUIDATION_END is zero.

    Parameters
    ----------
    account
        The account in liquidation.
    asset, liab
        Tokens paid and repaid.
    max_repaid
        The most the liquidator wants to repay, in ``liab`` tokens.
    fees
        None: no fees.

    Raises
    ------
    LiquidationRefused
        There is no debt, or nothing to pay with: both balance and effective balance must have the sign.

    """
    charged = fees or TokenFees()
    owed, owned = _limits(account, asset, liab)
    most_repaid = min(max_repaid, owed)
    if most_repaid <= 0:
        msg = f"{liab} is not owed, or nothing of it is to be repaid: the balance and max_repaid allow {most_repaid}"
        raise LiquidationRefused(msg)
    repaid = max(ZERO, min(_needed(account, asset, liab, charged.total), most_repaid))
    asset_price, liab_price = account.token(asset).prices.oracle, account.token(liab).prices.oracle
    repaid = min(repaid, bought(owned, asset_price, liab_price, charged.total))
    paid = min(owned, divide(repaid * liab_price * charged.total, asset_price, PLACES, Rounding.UP))
    to_liquidator = divide(repaid * liab_price * charged.liquidator, asset_price, PLACES, Rounding.DOWN)
    after = account.with_balance(liab, repaid).with_balance(asset, -paid)
    return TokenLiquidation(repaid, to_liquidator, paid - to_liquidator, after)


def _limits(account: Account, asset: str, liab: str) -> tuple[Decimal, Decimal]:
    """What is owed and owned for certain: results of perpetuals may only make either smaller."""
    balances = effective_balances(account, HealthKind.LIQUIDATION_END)
    owed = min(-account.token(liab).amount, -balances[liab])
    owned = min(account.token(asset).amount, balances[asset])
    if account.token(asset).amount <= 0 or owned <= 0:
        msg = f"{asset} is not owned: balance {account.token(asset).amount}, with perpetuals {balances[asset]}"
        raise LiquidationRefused(msg)
    if account.token(liab).amount >= 0 or owed <= 0:
        msg = f"{liab} is not owed: balance {account.token(liab).amount}, with perpetuals {balances[liab]}"
        raise LiquidationRefused(msg)
    return owed, owned


def _needed(account: Account, asset: str, liab: str, factor: Decimal) -> Decimal:
    """Debt to repay until health is zero: the shortage over what a token repaid gains less what paying for it costs."""
    kind = HealthKind.LIQUIDATION_END
    debt, price = account.token(liab), account.token(liab).prices.oracle
    gain = debt.liab_price(kind) - price * factor * account.token(asset).asset_weight(kind)
    if gain <= 0:
        msg = f"paying {asset} for {liab} gains no health: the fee factor {factor} is too high for the weights"
        raise LiquidationRefused(msg)
    return divide(-health_of(account, kind), gain, PLACES, Rounding.DOWN)


@exact
def bought(collateral: Decimal, collateral_price: Decimal, liab_price: Decimal, factor: Decimal) -> Decimal:
    """Debt tokens that collateral buys at oracle prices and a fee factor, rounded down.

    >>> bought(Decimal(1000), Decimal(1), Decimal(20), Decimal("1.25")).normalize()
    Decimal('4E+1')
    """
    return divide(collateral * collateral_price, liab_price * factor, PLACES, Rounding.DOWN)


@exact
def after_all_collateral(
    borrow: Decimal, collateral: Decimal, collateral_price: Decimal, liab_price: Decimal, factor: Decimal
) -> Decimal:
    """Balance of a debt of ``borrow`` tokens after all collateral was paid for it: negative, or zero.

    >>> after_all_collateral(Decimal(50), Decimal(1000), Decimal(1), Decimal(20), Decimal("1.25")).normalize()
    Decimal('-1E+1')
    """
    return min(borrow, bought(collateral, collateral_price, liab_price, factor)) - borrow
