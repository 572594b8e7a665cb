"""Keepers' rewards on Synthetix V3, capped over a whole account, and what an account must hold for its own liquidation.

USD throughout. Source: contracts/storage/GlobalPerpsMarketConfiguration.sol and PerpsAccount.sol of
Synthetixio/synthetix-v3, markets/perps-market.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from solvent.units import ONE, ZERO, exact


class Guards(NamedTuple):
    """Bounds of a reward: least and most USD, profit over cost, and the share of what is seized; fractions."""

    least: Decimal
    profit_ratio: Decimal
    most: Decimal
    scaling_ratio: Decimal


class Costs(NamedTuple):
    """What flagging an account and one liquidation call cost a keeper."""

    flag: Decimal = ZERO
    liquidate: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class KeeperRules:
    """The guards, and the reward that is a share of the collateral seized."""

    guards: Guards
    collateral_ratio: Decimal = ZERO


@exact
def keeper_reward(guards: Guards, reward: Decimal, cost: Decimal, seized: Decimal) -> Decimal:
    """A reward inside its guards; the share of what is seized bounds it only where something is.

    >>> guards = Guards(Decimal(8), Decimal(0), Decimal(10), Decimal("0.005"))
    >>> [str(keeper_reward(guards, Decimal(r), Decimal(1), Decimal(10_000))) for r in (5, 8, 12)]
    ['9', '9', '10']
    """
    least = max(cost + guards.least, cost * (ONE + guards.profit_ratio))
    most = guards.most if seized == 0 else min(seized * guards.scaling_ratio, guards.most)
    return min(max(least, reward + cost), most)


@exact
def possible_reward(
    keeper: KeeperRules, flag_rewards: Decimal, collateral: Decimal, windows: int, costs: Costs
) -> Decimal:
    """What liquidating the account might pay: one call that flags, and one more for each further window.

    ``flag_rewards`` is the sum over positions, ``collateral`` the undiscounted value seized, ``windows`` the most any
    position takes.

    >>> keeper = KeeperRules(Guards(Decimal(1), Decimal(0), Decimal(30), Decimal("0.3")))
    >>> possible_reward(keeper, Decimal(20), Decimal(1000), 3, Costs())
    Decimal('22')
    """
    reward = max(flag_rewards, collateral * keeper.collateral_ratio)
    first = keeper_reward(keeper.guards, reward, costs.flag + costs.liquidate, collateral)
    further = max(0, windows - 1)
    return first + keeper_reward(keeper.guards, ZERO, costs.liquidate, ZERO) * further


@exact
def margin_liquidation_reward(keeper: KeeperRules, collateral: Decimal, costs: Costs) -> Decimal:
    """What seizing the collateral of an account without positions pays: it is due only while there is a debt.

    >>> keeper = KeeperRules(Guards(Decimal(1), Decimal(0), Decimal(30), Decimal("0.3")))
    >>> margin_liquidation_reward(keeper, Decimal(1000), Costs())
    Decimal('1')
    """
    return keeper_reward(keeper.guards, collateral * keeper.collateral_ratio, costs.flag + costs.liquidate, collateral)
