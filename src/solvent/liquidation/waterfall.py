"""The way down of a loss: the account's own equity, then the stages of the rule set in their order; none is skipped.

Every stage says what it could give and what it gave, so that a later stage is seen to draw only when all before it are
exhausted (law L-15). Postings are zero-sum; what nobody covers stays with the bankrupt pool, and is stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from solvent import ledger
from solvent.liquidation.socialise import socialised
from solvent.rules import Loss, Losses

ACCOUNT = "account"
FUND = "fund"
VAULT = "vault"
OF_VAULT = (Loss.BACKSTOP.value, Loss.LP_VAULT.value)


class WaterfallError(ValueError):
    """A loss or a source that is negative, or a stage named twice."""


class Posting(NamedTuple):
    """Signed units of the numeraire moved on one account by one stage; a stage's postings sum to zero."""

    stage: str
    account: str
    units: int


class Stage(NamedTuple):
    """What one stage could give, and what it gave."""

    name: str
    available_units: int
    paid_units: int


@dataclass(frozen=True, slots=True)
class Covered:
    """A loss run down: stages in order, the postings, and what is left with the bankrupt pool."""

    loss_units: int
    stages: tuple[Stage, ...]
    postings: tuple[Posting, ...]
    left_units: int


def cover(
    losses: Losses,
    pool: str,
    loss_units: int,
    *,
    equity_units: int = 0,
    fund_units: int = 0,
    vault_units: int = 0,
    adl_units: Sequence[tuple[str, int]] = (),
    winners_units: Mapping[str, int] | None = None,
) -> Covered:
    """Run a loss down the waterfall.

    Parameters
    ----------
    losses
        The rule set's stages, in order, and the fund's draw limit.
    pool, loss_units
        The bankrupt pool and its loss, ≥ 0.
    equity_units
        The account's own equity still there, first in line and outside the rule set's stages.
    fund_units
        The fund's cash; one loss takes at most its ``fund_draw_ppm`` of it, rounded down.
    vault_units
        The cash of the backstop's or the liquidity providers' vault, where the rule set has one; a loss may take all.
    adl_units
        What each winner can give up by auto-deleveraging, in order of rank.
    winners_units
        Value of each pool among which what is left is socialised.

    Examples
    --------
    >>> from solvent.rules import AdlRank
    >>> rules = Losses((Loss.FUND, Loss.ADL, Loss.SOCIALISE), AdlRank.PROFIT_TIMES_LEVERAGE, fund_draw_ppm=500_000)
    >>> done = cover(
    ...     rules, "P7", 100, equity_units=10, fund_units=60, adl_units=[("P3", 25)], winners_units={"P4": 900}
    ... )
    >>> [(stage.name, stage.paid_units) for stage in done.stages], done.left_units
    ([('account', 10), ('fund', 30), ('adl', 25), ('socialise', 35)], 0)

    """
    _checked(losses, loss_units, equity_units, fund_units, vault_units, adl_units)
    left = loss_units
    stages: list[Stage] = []
    postings: list[Posting] = []
    for name in (ACCOUNT, *(stage.value for stage in losses.stages)):
        offers = _offers(name, losses, left, equity_units, fund_units, vault_units, adl_units, winners_units or {})
        paid = _paid(offers, left)
        available = sum(units for _, units in offers)
        if name == Loss.SOCIALISE.value:
            available = sum(value for value in (winners_units or {}).values() if value > 0)
        stages.append(Stage(name, available, sum(units for _, units in paid)))
        for account, units in paid:
            postings += (Posting(name, account, -units), Posting(name, pool, units))
            left -= units
            vault_units -= units if name in OF_VAULT else 0
    return Covered(loss_units, tuple(stages), tuple(postings), left)


def _offers(
    name: str,
    losses: Losses,
    left: int,
    equity_units: int,
    fund_units: int,
    vault_units: int,
    adl_units: Sequence[tuple[str, int]],
    winners_units: Mapping[str, int],
) -> Sequence[tuple[str, int]]:
    """What a stage can give, by account, in the order it is asked."""
    if name == ACCOUNT:
        return [(ACCOUNT, equity_units)]
    if name == Loss.FUND.value:
        return [(FUND, ledger.share_down(fund_units, losses.fund_draw_ppm))]
    if name in OF_VAULT:
        return [(VAULT, vault_units)]
    if name == Loss.ADL.value:
        return adl_units
    return sorted(socialised(left, winners_units).items())


def _paid(offers: Sequence[tuple[str, int]], left: int) -> list[tuple[str, int]]:
    paid = []
    for account, units in offers:
        taken = min(units, left)
        if taken > 0:
            paid.append((account, taken))
            left -= taken
    return paid


def _checked(
    losses: Losses,
    loss_units: int,
    equity_units: int,
    fund_units: int,
    vault_units: int,
    adl_units: Sequence[tuple[str, int]],
) -> None:
    given = {"loss": loss_units, "equity": equity_units, "fund": fund_units, "vault": vault_units}
    given |= {f"ADL of {pool}": units for pool, units in adl_units}
    for name, units in given.items():
        if units < 0:
            msg = f"{name} must not be negative, not {units} units"
            raise WaterfallError(msg)
    if len(set(losses.stages)) != len(losses.stages):
        msg = f"a stage of losses is named twice: {[stage.value for stage in losses.stages]}"
        raise WaterfallError(msg)
