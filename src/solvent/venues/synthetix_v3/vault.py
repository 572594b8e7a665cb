"""The liquidity providers' pool of Synthetix V3 as data: who stands on the other side, at what price, who bears what.

A simulation gives this account the opposite of every fill and liquidation, and everything a flagged account held.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from solvent.book import PriceKind
from solvent.units import exact

ACCOUNT_KIND = "LP_VAULT"


@dataclass(frozen=True, slots=True)
class LpVault:
    """A pool that is the counterparty of every market.

    Parameters
    ----------
    account
        Its account, of kind :data:`ACCOUNT_KIND`.
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

    account: str
    locked_ratio: dict[str, Decimal]
    trade_price_with_skew: bool = True
    liquidation_price: PriceKind = PriceKind.INDEX
    takes_seized: bool = True
    bears_bad_debt: bool = True

    def opposite(self, lots: int, cost: int) -> tuple[int, int]:
        """The pool's own signed lots and cost of a trader's fill: the same units with the other sign.

        >>> from solvent.venues.synthetix_v3.rules import vault
        >>> vault().opposite(5, 250)
        (-5, -250)
        """
        return -lots, -cost

    @exact
    def locked(self, underlying: str, open_interest_usd: Decimal) -> Decimal:
        """Credit that a market's open interest locks, in USD; a market without a ratio locks all of it.

        >>> from solvent.venues.synthetix_v3.rules import vault
        >>> vault().locked("BTC", Decimal(1000))
        Decimal('100.0')
        """
        return open_interest_usd * self.locked_ratio.get(underlying, Decimal(1))
