"""What an insolvent account leaves: insurance first, then everybody in the market by an index."""

from __future__ import annotations

from typing import NamedTuple

from solvent.venues.drift_v2.formulas import BASE, ProgramError, quotient, quotient_up

FUNDING_PER_QUOTE = 1000  # funding rates count in 1e-9 of quote a base unit, quote in 1e-6


def funding_delta(loss: int, long_base: int, short_base: int) -> int:
    """How far the funding rates move so that all positions pay ``loss``, rounded up (math/liquidation.rs).

    Parameters
    ----------
    loss
        Quote 1e-6; its sign does not matter.
    long_base, short_base
        All long and all short base, 1e-9, with either sign.

    >>> funding_delta(-100_000_000, 7_000_000_000, -4_000_000_000)
    9090910000

    """
    open_base = abs(long_base) + abs(short_base)
    if open_base == 0:
        msg = "a perpetual's loss cannot be shared: nobody holds a position"
        raise ProgramError(msg)
    return quotient_up(abs(loss) * BASE, open_base) * FUNDING_PER_QUOTE


def deposit_delta(loss: int, deposits: int, index: int) -> int:
    """How far the deposit index falls so that all depositors lose ``loss`` tokens, rounded up; 0 without deposits.

    >>> deposit_delta(11_000_000, 120_000_000, 10_000_000_000)
    916666667
    """
    return quotient_up(index * loss, deposits) if deposits else 0


class PerpBankruptcy(NamedTuple):
    """Who paid an account's loss in a perpetual (quote), and the cumulative funding rates after (1e-9)."""

    insured: int
    from_fees: int
    shared: int
    delta: int
    long_rate: int
    short_rate: int

    def loss_of(self, base: int) -> int:
        """What a position of ``base`` (1e-9, either side) pays, quote, cut."""
        return self.delta * abs(base) // (BASE * FUNDING_PER_QUOTE)


class PerpPool(NamedTuple):
    """What stands behind a perpetual: open base, insurance vault, what the market may still claim, its fee pool."""

    long_base: int
    short_base: int
    vault: int
    claim: int
    fee_pool: int


def perp_bankruptcy(loss: int, pool: PerpPool, long_rate: int, short_rate: int) -> PerpBankruptcy:
    """Insurance (one unit stays in the vault), then the market's fee pool, then all positions by their funding rate.

    Parameters
    ----------
    loss
        Quote 1e-6, either sign.
    pool
        What pays.
    long_rate, short_rate
        Cumulative funding rates, 1e-9 of quote a base unit.

    Examples
    --------
    >>> found = perp_bankruptcy(-100, PerpPool(1000, -1000, 41, 100, 20), 0, 0)
    >>> found.insured, found.from_fees, found.shared, found.delta
    (40, 20, 40, 20000000000)

    """
    due = abs(loss)
    insured = max(0, min(due, pool.vault - 1, pool.claim))
    from_fees = min(due - insured, pool.fee_pool)
    shared = due - insured - from_fees
    delta = funding_delta(shared, pool.long_base, pool.short_base) if shared else 0
    return PerpBankruptcy(insured, from_fees, shared, delta, long_rate + delta, short_rate - delta)


class SpotBankruptcy(NamedTuple):
    """Who paid an account's debt in a token (its smallest units), the deposit index after, and deposits by it."""

    insured: int
    shared: int
    index_after: int
    deposits_after: int


def spot_bankruptcy(borrow: int, vault: int, deposits: int, index: int) -> SpotBankruptcy:
    """Insurance of that token (one unit stays in the vault), then all its depositors by the deposit index.

    Raises
    ------
    ProgramError
        The debt is more than all deposits.

    Examples
    --------
    >>> spot_bankruptcy(100_000_000, 0, 1_000_000_000, 10_000_000_000)
    SpotBankruptcy(insured=0, shared=100000000, index_after=9000000000, deposits_after=900000000)

    """
    insured = max(0, min(borrow, vault - 1))
    shared = borrow - insured
    after = index - deposit_delta(shared, deposits, index)
    if after < 0:
        msg = f"a debt of {shared} is more than all deposits of {deposits}"
        raise ProgramError(msg)
    return SpotBankruptcy(insured, shared, after, quotient(deposits * after, index))
