"""An account of one long stock bought on a loan, and the prices at which it is called, closed or restricted.

Source: FINRA rule 4210(c); a house's deficiency and beta rules are its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ONE, ZERO, Rounding, divide, exact

PRICE_PLACES = 8


class StockAccount(NamedTuple):
    """Shares held, what is owed for them, and the maintenance rate; dollars.

    >>> bought = StockAccount(Decimal(500), Decimal(100_000), Decimal("0.25"))
    >>> bought.call_price()
    Decimal('266.66666667')
    """

    shares: Decimal
    debit: Decimal
    rate: Decimal

    @exact
    def value(self, price: Decimal) -> Decimal:
        """What the stock is worth."""
        return self.shares * price

    @exact
    def equity(self, price: Decimal) -> Decimal:
        """Value less what is owed."""
        return self.value(price) - self.debit

    @exact
    def maintenance(self, price: Decimal) -> Decimal:
        """What must be there to hold it."""
        return self.rate * self.value(price)

    @exact
    def excess(self, price: Decimal) -> Decimal:
        """Equity less maintenance."""
        return self.equity(price) - self.maintenance(price)

    @exact
    def call_price(self) -> Decimal:
        """The price below which equity is less than maintenance; rounded up."""
        return self._where(ONE - self.rate)

    @exact
    def deficiency_price(self, fraction: Decimal) -> Decimal:
        """The price below which what is missing is more than ``fraction`` of maintenance; rounded up."""
        return self._where(ONE - self.rate + fraction * self.rate)

    @exact
    def stressed_price(self, beta: Decimal, index_move: Decimal) -> Decimal:
        """The price below which an index move (a fraction, times beta) would eat the excess; rounded up.

        The requirement stays that of the price before the move.
        """
        return self._where(ONE - self.rate + beta * index_move)

    def _where(self, share: Decimal) -> Decimal:
        if share * self.shares <= ZERO:
            raise RulesError(f"no price of {self.shares} shares covers a debt of {self.debit}: {share} of value counts")
        return divide(self.debit, share * self.shares, PRICE_PLACES, Rounding.UP)
