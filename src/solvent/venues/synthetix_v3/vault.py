"""The liquidity providers' pool of Synthetix V3 as data: who stands on the other side, at what price, who bears what.

A simulation gives this account the opposite of every fill and liquidation, and everything a flagged account held.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from solvent.units import exact
from solvent.venues.vaults import Counterparty


@dataclass(frozen=True, slots=True, kw_only=True)
class LpVault(Counterparty):
    """A pool that is the counterparty of every market.

    Parameters
    ----------
    account
        Its account, of kind :data:`~solvent.venues.vaults.ACCOUNT_KIND`.
    trade_price_with_skew
        Trades take the oracle price moved by the skew's premium; the difference is the pool's.
    liquidation_price
        Liquidations close at the oracle price (INDEX).
    locked_ratio
        Fraction of open interest that locks the providers' credit, by underlying.
    takes_seized
        A flagged account's collateral goes to the pool: synths by a reward distributor, USD as credit.
    bears_bad_debt
        Losses of a flagged account's open positions, and debt that is wiped, are the pool's.

    """

    locked_ratio: dict[str, Decimal]
    trade_price_with_skew: bool = True
    takes_seized: bool = True

    @exact
    def locked(self, underlying: str, open_interest_usd: Decimal) -> Decimal:
        """Credit that a market's open interest locks, in USD; a market without a ratio locks all of it.

        >>> from solvent.venues.synthetix_v3.rules import vault
        >>> vault().locked("BTC", Decimal(1000))
        Decimal('100.0')
        """
        return open_interest_usd * self.locked_ratio.get(underlying, Decimal(1))
