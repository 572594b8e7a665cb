"""Venues whose liquidity providers stand on the other side of every trade: their account as data.

A simulation gives this account the opposite of every fill and liquidation of its markets.
"""

from __future__ import annotations

from dataclasses import dataclass

from solvent.book import PriceKind

ACCOUNT_KIND = "LP_VAULT"


@dataclass(frozen=True, slots=True)
class Counterparty:
    """The providers' account.

    Parameters
    ----------
    account
        Its account, of kind :data:`ACCOUNT_KIND`.
    liquidation_price
        At which price it takes over what is liquidated: INDEX is the oracle.
    bears_bad_debt
        What a trader's collateral does not cover is lost by the providers.

    Examples
    --------
    >>> Counterparty("lp:BTC").opposite(5, 250)
    (-5, -250)

    """

    account: str
    liquidation_price: PriceKind = PriceKind.INDEX
    bears_bad_debt: bool = True

    def opposite(self, lots: int, cost: int) -> tuple[int, int]:
        """The account's own signed lots and cost of a trader's fill: the same units with the other sign."""
        return -lots, -cost
