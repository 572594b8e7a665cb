"""What happens to losses nobody can collect: settled, taken over for insurance, and the rest shared by everyone.

Sources: programs/mango-v4/src/instructions/perp_liq_negative_pnl_or_bankruptcy.rs, token_liq_bankruptcy.rs and
programs/mango-v4/src/state/perp_market.rs (socialised loss). Quotients keep 18 decimals, rounded down, unless said.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES, Account, HealthKind
from solvent.venues.mango_v4.account_health import effective_balances, given_until_zero, health_of, most_settled
from solvent.venues.mango_v4.liquidation import LiquidationRefused

END = HealthKind.LIQUIDATION_END


class Insurance(NamedTuple):
    """The insurance vault a market may draw on: tokens in it, their oracle price, decimals of its smallest unit."""

    available: Decimal
    price: Decimal
    places: int


class PerpBankruptcy(NamedTuple):
    """What moved, in settle tokens unless said, and the account after it.

    ``settled`` left the account's balance for the liquidator; ``taken_over`` is loss the liquidator took for
    ``insurance`` tokens; ``socialised`` is shared by the market.
    """

    settled: Decimal
    taken_over: Decimal
    insurance: Decimal
    socialised: Decimal
    account: Account

    @property
    @exact
    def liquidator_quote(self) -> Decimal:
        """Change of the liquidator's quote position."""
        return -self.settled - self.taken_over


class TokenBankruptcy(NamedTuple):
    """Debt tokens the liquidator repaid for ``insurance`` tokens, and debt tokens lost by all depositors."""

    repaid: Decimal
    insurance: Decimal
    socialised: Decimal


@exact
def negative_result(
    account: Account, symbol: str, max_taken: Decimal, settle_limit: Decimal, insurance: Insurance, fee: Decimal = ZERO
) -> PerpBankruptcy:
    """Settle a negative result, cover what is left by insurance, and socialise the rest.

    Settling does not change health and is bounded by ``settle_limit`` and by what the account has outside perpetuals.
    Only when all of that is settled is the account bankrupt in this market: then losses leave it until health at
    LIQUIDATION_END is zero.

    Parameters
    ----------
    account
        The account in liquidation.
    symbol
        A perpetual without base position.
    max_taken
        The most loss the liquidator takes, settled or for insurance, in settle tokens.
    settle_limit
        The most loss that may be settled now.
    insurance
        The vault; an empty one where the market is not eligible.
    fee
        The liquidator's share on top of what the insurance pays.

    Raises
    ------
    LiquidationRefused
        The position's result is not negative.

    """
    perp = account.perp(symbol)
    loss = -(perp.base * perp.prices.oracle + perp.quote_now)
    if loss <= 0:
        msg = f"{symbol} has no negative result to liquidate: it is {-loss}"
        raise LiquidationRefused(msg)
    may_settle = max(ZERO, min(most_settled(account, perp.settle), loss, settle_limit))
    settled = min(may_settle, max_taken)
    after = account.with_balance(perp.settle, -settled).with_perp(symbol, ZERO, settled)
    left = loss - settled
    if settled < may_settle or left <= 0:
        return PerpBankruptcy(settled, ZERO, ZERO, ZERO, after)
    price = account.token(perp.settle).prices.oracle
    most = min(left, _until_healthy(account, perp.settle))
    taken, paid = _covered(min(most, max_taken - settled), price * (ONE + fee), insurance)
    socialised = most - taken if paid == insurance.available else ZERO
    return PerpBankruptcy(settled, taken, paid, socialised, after.with_perp(symbol, ZERO, taken + socialised))


def _until_healthy(account: Account, settle: str) -> Decimal:
    short = health_of(account, END)
    if short >= 0:
        return ZERO
    token, amount = account.token(settle), effective_balances(account, END)[settle]
    return given_until_zero(short, amount, token.asset_price(END), token.liab_price(END))


def _covered(wanted: Decimal, price: Decimal, insurance: Insurance) -> tuple[Decimal, Decimal]:
    """Loss the insurance pays for, and what it pays: rounded up to its unit, no more than there is."""
    paid = min(divide(wanted * price, insurance.price, insurance.places, Rounding.UP), insurance.available)
    return min(divide(paid * insurance.price, price, PLACES, Rounding.DOWN), wanted), paid


@exact
def token_debt(
    account: Account, liab: str, max_repaid: Decimal, insurance: Insurance, fee: Decimal = ZERO
) -> TokenBankruptcy:
    """Cover a debt that nothing can pay: by insurance with a fee, then by all depositors of the token.

    Only while balance and effective balance are both negative; the smaller is the loss. The debt repaid may exceed
    ``max_repaid`` by what rounding the insurance up to its unit buys.

    Raises
    ------
    LiquidationRefused
        The token is not owed, or a perpetual's result makes up for it.

    Examples
    --------
    >>> from solvent.venues.mango_v4.account import Prices, Token
    >>> debt = Token("SOL", Decimal(-3), Prices(Decimal(20), Decimal(20)))
    >>> found = token_debt(Account((debt,)), "SOL", Decimal(9), Insurance(Decimal(21), Decimal(1), 6), Decimal("0.05"))
    >>> str(found.repaid.normalize()), str(found.socialised.normalize())
    ('1', '2')

    """
    token = account.token(liab)
    loss = min(-token.amount, -effective_balances(account, END)[liab])
    if loss <= 0:
        msg = f"{liab} is not owed for certain: balance {token.amount}"
        raise LiquidationRefused(msg)
    price = token.prices.oracle * (ONE + fee)
    wanted = min(loss, max_repaid)
    paid = min(divide(wanted * price, insurance.price, insurance.places, Rounding.UP), insurance.available)
    repaid = divide(paid * insurance.price, price, PLACES, Rounding.DOWN)
    left = max(ZERO, loss - repaid)
    return TokenBankruptcy(repaid, paid, left if paid == insurance.available else ZERO)


@exact
def deposit_index_after(index: Decimal, loss: Decimal, deposits: Decimal) -> Decimal:
    """Deposit index after depositors of ``deposits`` tokens lose ``loss`` of them; rounded down.

    >>> deposit_index_after(Decimal(1), Decimal(5), Decimal(100)).normalize()
    Decimal('0.95')
    """
    if deposits <= 0 or loss > deposits:
        msg = f"a loss of {loss} cannot be shared by deposits of {deposits}"
        raise LiquidationRefused(msg)
    return divide(index * (deposits - loss), deposits, PLACES, Rounding.DOWN)


class FundingIndex(NamedTuple):
    """What a long lot has paid, and a short lot has received, since listing, in settle tokens."""

    long: Decimal
    short: Decimal


@exact
def socialised_funding(index: FundingIndex, loss: Decimal, open_interest_lots: Decimal) -> FundingIndex:
    """Funding index after a market's open interest (both sides counted) shares a loss; per lot rounded up.

    Without open interest nothing changes, and the loss falls on whoever settles a profit last.

    >>> socialised_funding(FundingIndex(Decimal(0), Decimal(0)), Decimal(10), Decimal(4)).long.normalize()
    Decimal('2.5')
    """
    if open_interest_lots <= 0:
        return index
    each = divide(loss, open_interest_lots, PLACES, Rounding.UP)
    return FundingIndex(index.long + each, index.short - each)
