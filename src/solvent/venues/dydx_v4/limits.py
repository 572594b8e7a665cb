"""How much a block liquidates: the chain's parameters, and what they leave of a position and of a sub-account.

Source: dydxprotocol/v4-chain@84d4664bae, ``protocol/x/clob/keeper/liquidations.go`` and the mainnet genesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solvent.ledger import share_down
from solvent.venues.dydx_v4.formulas import QUOTE_SCALE
from solvent.venues.parts import read_rules


@dataclass(frozen=True, slots=True)
class LiquidationConfig:
    """The chain's liquidation parameters: parts per million, and quote quantums."""

    max_fee_ppm: int
    min_position_notional: int
    max_position_portion_ppm: int
    max_subaccount_notional: int
    max_insurance_lost: int
    bankruptcy_adjustment_ppm: int
    spread_to_maintenance_ppm: int


class Limits(NamedTuple):
    """Least and most notional of a position that one block liquidates, in quote quantums."""

    least: int
    most: int


class Left(NamedTuple):
    """What a sub-account may still liquidate and lose of the insurance fund in this block, in quote quantums."""

    notional: int
    insurance_lost: int


def liquidation_config() -> LiquidationConfig:
    """The parameters of the chain's mainnet genesis.

    >>> liquidation_config().max_fee_ppm
    15000
    """
    facts = read_rules("dydx_v4")["liquidation"]
    return LiquidationConfig(
        facts["max_fee_ppm"],
        facts["min_position_notional_usdc"] * 10**QUOTE_SCALE,
        facts["max_position_portion_ppm"],
        facts["max_subaccount_notional_usdc"] * 10**QUOTE_SCALE,
        facts["max_insurance_lost_usdc"] * 10**QUOTE_SCALE,
        facts["bankruptcy_adjustment_ppm"],
        facts["spread_to_maintenance_ppm"],
    )


def position_limits(notional_quantums: int, config: LiquidationConfig) -> Limits:
    """Least and most notional of one position that a block liquidates.

    >>> position_limits(-5_000_000_000, liquidation_config())
    Limits(least=1000000000, most=1000000000)
    """
    least = min(config.min_position_notional, abs(notional_quantums))
    return Limits(least, max(least, share_down(abs(notional_quantums), config.max_position_portion_ppm)))


def subaccount_limits(config: LiquidationConfig, liquidated: int = 0, fund_delta: int = 0) -> Left:
    """What is left of a sub-account's block limits after ``liquidated`` notional and a sum of fund deltas.

    >>> subaccount_limits(liquidation_config(), 99_999_000_000, -1).notional
    1000000
    """
    return Left(config.max_subaccount_notional - liquidated, config.max_insurance_lost + min(0, fund_delta))
