"""The liquidity pool of a GMX V2 market as data: who stands on the other side, at what price, and who bears what.

A simulation gives this account the opposite of every trade, liquidation and deleveraging of its market.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from solvent.book import PriceKind
from solvent.rules import RulesError
from solvent.units import exact
from solvent.venues.vaults import Counterparty


@dataclass(frozen=True, slots=True, kw_only=True)
class LpVault(Counterparty):
    """A pool that is the counterparty of one market.

    Parameters
    ----------
    account
        Its account, of kind :data:`~solvent.venues.vaults.ACCOUNT_KIND`.
    trade_price, liquidation_price
        At which price it takes the other side: INDEX is the oracle; the impact is charged apart.
    fee_share
        Fraction of fees it keeps; the rest goes to fee receivers.
    reserve_factor
        Fraction of the pool's own side that open interest may reserve.
    max_profit_factor, adl_above, adl_down_to
        Profit ÷ pool at which traders' profits are capped, ADL begins (strictly above), and below which ADL may not
        bring it.
    bears_bad_debt
        What collateral does not cover is lost by the pool.

    """

    reserve_factor: Decimal
    max_profit_factor: Decimal
    adl_above: Decimal
    adl_down_to: Decimal
    fee_share: Decimal
    trade_price: PriceKind = PriceKind.INDEX

    @exact
    def admits(self, reserved_usd: Decimal, pool_usd: Decimal) -> bool:
        """Whether open interest may grow to what reserves ``reserved_usd`` of the pool's own side.

        >>> from solvent.venues.gmx_v2.rules import vault
        >>> vault("BTC").admits(Decimal(90), Decimal(100)), vault("BTC").admits(Decimal(91), Decimal(100))
        (True, False)
        """
        if pool_usd < 0:
            raise RulesError(f"{self.account}: the pool is worth at least 0 USD, not {pool_usd}")
        return reserved_usd <= pool_usd * self.reserve_factor
