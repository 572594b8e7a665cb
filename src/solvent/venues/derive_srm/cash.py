"""Cash: interest by utilisation, and the ledger of who lent and who owes.

Sources: derivexyz/v2-core, src/assets/InterestRateModel.sol (rate, line 80; factor, 69) and src/assets/CashAsset.sol
(accrual, 488; losses socialised, 411). The factor holds an exponential: it is computed with 34 digits and kept to 18
places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, Rounding, divide, exact, shifted

PLACES = 18
FINE = 30
YEAR_SECONDS = Decimal(31_536_000)
DAY_SECONDS = Decimal(86_400)
_DIGITS = Context(prec=34, traps=[])
FUND = "sm"


class RateTerms(NamedTuple):
    """Yearly rates: the least, the slope up to the kink, the slope above it, and the kink (a utilisation)."""

    least: Decimal
    slope: Decimal
    steep: Decimal
    kink: Decimal


@exact
def utilisation(supply: Decimal, borrowed: Decimal, net_settled: Decimal = ZERO) -> Decimal:
    """What is borrowed of what there is, at most 1; cash that left by settlement counts as still there.

    >>> str(utilisation(Decimal(170000), Decimal(30000)))[:8]
    '0.176470'
    """
    whole = supply + max(ZERO, -net_settled)
    return min(ONE, divide(borrowed, whole, PLACES, Rounding.DOWN)) if whole > 0 else ZERO


@exact
def borrow_rate(terms: RateTerms, used: Decimal) -> Decimal:
    """The yearly rate at a utilisation.

    >>> terms = RateTerms(Decimal("0.06"), Decimal("0.2"), Decimal("0.4"), Decimal("0.6"))
    >>> str(borrow_rate(terms, Decimal("0.8")))
    '0.26'
    """
    return terms.least + terms.slope * min(used, terms.kink) + terms.steep * max(ZERO, used - terms.kink)


@exact
def interest_factor(rate: Decimal, seconds: Decimal) -> Decimal:
    """exp(rate × time) − 1.

    >>> str(interest_factor(Decimal("0.16"), Decimal(604800)))[:17]
    '0.003073205794798'
    """
    grown = divide(rate * seconds, YEAR_SECONDS, 30, Rounding.UP).exp(_DIGITS)
    return (grown - ONE).quantize(Decimal(1).scaleb(-PLACES), context=_DIGITS)


@exact
def whole_days(days_e18: Decimal) -> Decimal:
    """Days with 18 decimals cut to whole ones, in seconds.

    >>> str(whole_days(Decimal("3900000000000000000")))
    '259200'
    """
    return divide(shifted(days_e18, -18), ONE, 0, Rounding.DOWN) * DAY_SECONDS


@exact
def from_e18(amount: Decimal) -> Decimal:
    """An amount with 18 decimals.

    >>> str(from_e18(Decimal("1500000000000000000")).normalize())
    '1.5'
    """
    return shifted(amount, -18)


@dataclass(frozen=True, slots=True)
class CashLedger:
    """Balances by account, and what backs them.

    ``stable`` is what the ledger holds of the stablecoin, ``net_settled`` cash made by settlements, ``fees`` the
    security module's income that is not yet its own.
    """

    terms: RateTerms
    fund_share: Decimal
    balances: Mapping[str, Decimal]
    stable: Decimal
    net_settled: Decimal = ZERO
    fees: Decimal = ZERO
    waiting: Mapping[str, Decimal] = field(default_factory=dict)  # interest not yet part of a stored balance

    @property
    @exact
    def supply(self) -> Decimal:
        """All that is lent: positive balances and the fees."""
        return sum((one for one in self.balances.values() if one > 0), ZERO) + self.fees

    @property
    @exact
    def borrowed(self) -> Decimal:
        """All that is owed."""
        return -sum((one for one in self.balances.values() if one < 0), ZERO)

    @property
    def used(self) -> Decimal:
        """The utilisation."""
        return utilisation(self.supply, self.borrowed, self.net_settled)

    @property
    def rate(self) -> Decimal:
        """The yearly rate borrowers pay."""
        return borrow_rate(self.terms, self.used)

    @exact
    def accrued(self, seconds: Decimal) -> CashLedger:
        """After a time: debts grow by the factor, lenders share what the security module does not take.

        Balances are rounded at 30 places, against their accounts.
        """
        factor = interest_factor(self.rate, seconds)
        interest = self.borrowed * factor
        cut = divide(interest * self.fund_share, ONE, FINE, Rounding.UP)
        supply = self.supply
        grown = divide(interest - cut, supply, FINE, Rounding.DOWN) if supply > 0 else ZERO
        change = {
            name: divide(one * (factor if one < 0 else grown), ONE, FINE, Rounding.DOWN)
            for name, one in self.balances.items()
        }
        fees = self.fees + cut + divide(self.fees * grown, ONE, FINE, Rounding.DOWN)
        waiting = {name: self.waiting.get(name, ZERO) + one for name, one in change.items()}
        return replace(
            self,
            balances={name: one + change[name] for name, one in self.balances.items()},
            fees=fees,
            waiting=waiting,
        )

    @exact
    def credited(self, name: str, amount: Decimal) -> CashLedger:
        """A balance changed by an amount; its interest is now stored."""
        balances = {**self.balances, name: self.balances.get(name, ZERO) + amount}
        return replace(self, balances=balances, waiting={**self.waiting, name: ZERO})

    @exact
    def traded(self, buyer: str, seller: str, amount: Decimal) -> CashLedger:
        """Cash from one account to another."""
        return self.credited(buyer, amount).credited(seller, -amount)

    @exact
    def settled(self, name: str, amount: Decimal) -> CashLedger:
        """Cash made (or ended) by a settlement: nothing stands behind it but the other side's settlement."""
        return replace(self.credited(name, amount), net_settled=self.net_settled + amount)

    @exact
    def moved(self, name: str, amount: Decimal) -> CashLedger:
        """A deposit, or a withdrawal where negative, which may borrow."""
        return replace(self.credited(name, amount), stable=self.stable + amount)

    @exact
    def paid_out(self, name: str, amount: Decimal) -> CashLedger:
        """An insolvency: the security module pays from its stored balance, then from fees; the rest is new cash."""
        stored = max(ZERO, self.balances.get(FUND, ZERO) - self.waiting.get(FUND, ZERO))
        own = min(amount, stored)
        fees = min(amount - own, self.fees)
        found = replace(self, fees=self.fees - fees)
        return found.credited(FUND, -own).credited(name, amount)

    @exact
    def collected(self) -> CashLedger:
        """The fees become the security module's own."""
        return replace(self.credited(FUND, self.fees), fees=ZERO) if self.fees else self


@exact
def opened(terms: RateTerms, fund_share: Decimal, balances: Mapping[str, Decimal]) -> CashLedger:
    """A ledger whose stablecoins are exactly what is lent less what is owed.

    >>> rates = RateTerms(*(Decimal(x) for x in ("0.05", "0.3", "2", "0.6")))
    >>> found = opened(rates, Decimal("0.2"), {"a": Decimal(-10), "b": Decimal(30)})
    >>> str(found.stable), str(found.borrowed), str(found.accrued(YEAR_SECONDS).borrowed)[:9]
    ('20', '10', '11.618342')
    """
    return CashLedger(terms, fund_share, balances, sum(balances.values(), ZERO))
