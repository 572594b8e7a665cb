"""A Synthetix V3 account: cross over all markets, with one reward capped over the whole account on top.

``available = discounted collateral + profits − debt`` is compared with the sum over positions plus the possible reward.
Debt is a negative balance of the numeraire: a loss is taken from it first, and no synth is ever sold. Source:
contracts/storage/PerpsAccount.sol of Synthetixio/synthetix-v3, markets/perps-market.

Keepers' costs are the market's figures ``flag_cost`` and ``liquidate_cost`` of ``"keeper"``, in USD; without them
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.assessment import Assessment, Line
from solvent.book import Book, Holding, Leg, Market, Method, PriceKind, Purpose
from solvent.margin.assess import assess_pool, tiered
from solvent.margin.totals import assessed
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, exact
from solvent.venues.synthetix_v3.requirement import PerpTable, scaled_by
from solvent.venues.synthetix_v3.rewards import Costs, KeeperRules, margin_liquidation_reward, possible_reward

KEEPER = "keeper"


class Margins(NamedTuple):
    """An account's figures as its reader reports them, in USD; ``withdrawable`` is signed as the contract has it."""

    available: Decimal
    initial: Decimal
    maintenance: Decimal
    reward: Decimal
    withdrawable: Decimal
    liquidatable: bool


def costs_of(market: Market) -> Costs:
    """What keepers' calls cost at present."""
    return Costs(market.figure("flag_cost", KEEPER, ZERO), market.figure("liquidate_cost", KEEPER, ZERO))


@exact
def seized_value(book: Book, market: Market, holding: Holding) -> Decimal:
    """The undiscounted value of all collateral, in the numeraire; a debt is not collateral."""
    own, total = holding.pool.numeraire, ZERO
    for name, units in holding.cash.items():
        if units > 0:
            amount = book.assets[name].amount(units)
            total += amount if name == own else amount * market.price(PriceKind.INDEX, name, own)
    return total


@exact
def debt_of(book: Book, holding: Holding) -> Decimal:
    """What the account owes, in the numeraire, as a positive amount."""
    own = holding.pool.numeraire
    return max(ZERO, -book.assets[own].amount(holding.cash.get(own, 0))) if own in book.assets else ZERO


@dataclass(frozen=True, slots=True)
class CrossAccount:
    """The pool model of Synthetix V3: tiers by size and skew scale, and the capped reward."""

    table: PerpTable
    keeper: KeeperRules
    most_positions: int | None = None

    def assess(self, book: Book, market: Market, rules: VenueRules, purpose: Purpose, holding: Holding) -> Assessment:
        """The pool's assessment: the lines of its tiers, the reward's, and at WITHDRAW what debt and discounts do."""
        lines = [*tiered(book, market, rules, purpose, holding).lines]
        reward = self.reward(book, market, holding, lines)
        if reward:
            lines.append(Line("reward", "", Leg.NET, required=reward))
        if purpose is Purpose.WITHDRAW:
            lines.extend(_at_withdrawal(book, rules, holding, lines))
        return assessed(holding.pool.id, purpose, holding.pool.numeraire, lines)

    def reward(self, book: Book, market: Market, holding: Holding, lines: Sequence[Line]) -> Decimal:
        """What the account's liquidation may cost (inside the exact context); ``lines`` hold the notionals."""
        seized, costs = seized_value(book, market, holding), costs_of(market)
        if not holding.positions:
            owes = debt_of(book, holding) > 0
            return margin_liquidation_reward(self.keeper, seized, costs) if owes else ZERO
        flags, windows = ZERO, 0
        notionals = {
            (one.subject, one.leg): one.piece.notional for one in lines if one.kind == "position" and one.piece
        }
        for position in holding.positions:
            contract = book.instruments[position.symbol]
            facts = scaled_by(self.table.facts(contract), market, position.symbol)
            flags += notionals[position.symbol, position.leg] * facts.flag_ratio
            windows = max(windows, facts.windows(contract.size(position.lots)))
        return possible_reward(self.keeper, flags, seized, windows, costs)


def _at_withdrawal(book: Book, rules: VenueRules, holding: Holding, lines: Sequence[Line]) -> Iterator[Line]:
    """Without positions collateral may leave at its full value; with a debt nothing may."""
    kept = list(lines)
    if not holding.positions:
        for line in lines:
            if line.kind == "haircut" and rules.collateral.asset(line.subject) is not None:
                kept.append(Line("undiscounted", line.subject, Leg.NET, ZERO, -line.equity))
                yield kept[-1]
    debt = debt_of(book, holding)
    if debt:
        surplus = sum((line.equity - line.required for line in kept), ZERO)
        yield Line("debt", holding.pool.numeraire, Leg.NET, required=max(ZERO, surplus) + debt)


def model_of(rules: VenueRules) -> CrossAccount:
    """The rule set's account model; :class:`RulesError` where it is another venue's."""
    found = rules.models.get(Method.TIERED)
    if not isinstance(found, CrossAccount):
        raise RulesError(f"{rules.name} has no account with a capped reward: this asks rules of Synthetix V3")
    return found


@exact
def margins(book: Book, market: Market, rules: VenueRules, pool: str) -> Margins:
    """The account's figures: margin available, both requirements, the possible reward, and what may be withdrawn.

    >>> from solvent.venues import venue
    >>> from solvent.units import Asset
    >>> from solvent.book import Pool
    >>> usd = Asset("snxUSD", 18)
    >>> holding = Holding(Pool("account", numeraire="snxUSD"), {"snxUSD": usd.units(Decimal(1000))})
    >>> found = margins(Book({"snxUSD": usd}, {}, (holding,)), Market({}), venue("synthetix_v3"), "account")
    >>> int(found.available), int(found.withdrawable), found.liquidatable
    (1000, 1000, False)
    """
    holding = book.holding(pool)
    admit, maintain, leave = (
        assess_pool(book, market, rules, purpose, pool)
        for purpose in (Purpose.ADMIT, Purpose.MAINTAIN, Purpose.WITHDRAW)
    )
    return Margins(
        maintain.margin_equity,
        _required(admit, "position"),
        _required(maintain, "position"),
        _required(maintain, "reward"),
        ZERO if debt_of(book, holding) else leave.surplus,
        maintain.breached(inclusive=rules.breach_inclusive),
    )


def _required(found: Assessment, kind: str) -> Decimal:
    return sum((line.required for line in found.lines if line.kind == kind), ZERO)
