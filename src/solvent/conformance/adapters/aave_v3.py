"""Vectors of Aave v3: arithmetic, interest, accounts, close factor, seizures; ``rules_version`` chooses the rules."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from solvent.conformance.vectors import Inputs, Vector, VectorError
from solvent.units import ONE, Asset
from solvent.venues import venue
from solvent.venues.aave_v3 import interest
from solvent.venues.aave_v3.account import (
    AccountData,
    Supply,
    account_data,
    borrow_refusals,
    in_usd,
    leave_refusals,
    mode_refusals,
)
from solvent.venues.aave_v3.arithmetic import function
from solvent.venues.aave_v3.editions import Edition, ProtocolError, Reason, edition
from solvent.venues.aave_v3.liquidation import (
    Scaled,
    Side,
    Terms,
    close_factor_bps,
    debt_below,
    leftover_base,
    liquidate,
    seize,
    settle,
)
from solvent.venues.aave_v3.model import pool_data
from solvent.venues.aave_v3.reserves import Listing, Listings, isolated_debt
from solvent.venues.aave_v3.rules import with_listings
from solvent.venues.aave_v3.samples import account

DECIMALS = 18  # amounts of account vectors are whole tokens; no figure is finer
FLAGS = {"true": True, "false": False}
OTHER_BASE = {True: 0, False: 1}  # value of other collateral: none, or some


def wholes(inputs: Inputs, name: str) -> list[int]:
    """A list of whole numbers."""
    given = inputs.given.get(name)
    if not isinstance(given, list):
        raise VectorError(f"{inputs.place}.{name}: got {given!r}, expected a list of whole numbers")
    return [Inputs({name: one}, inputs.place).whole(name) for one in given]


def part(inputs: Inputs, name: str) -> Inputs:
    """An object inside the inputs."""
    given = inputs.given.get(name)
    if not isinstance(given, dict):
        raise VectorError(f"{inputs.place}.{name}: got {given!r}, expected an object")
    return Inputs(given, f"{inputs.place}.{name}")


def optional(inputs: Inputs, name: str) -> int | None:
    """A whole number, or None where null or nothing is given."""
    return None if inputs.given.get(name) is None else inputs.whole(name)


def reserve_debt(inputs: Inputs, data: AccountData) -> int:
    """The debt in base units that is repaid: all there is where null or nothing is given."""
    given = optional(inputs, "reserveDebtBase")
    return data.debt_base if given is None else given


def chosen(inputs: Inputs, numbers: list[int]) -> int:
    """The number at the index that is seized."""
    at = inputs.whole("seizedIndex")
    if at not in range(len(numbers)):
        raise VectorError(f"{inputs.place}.seizedIndex: got {at}, expected one of {list(range(len(numbers)))}")
    return numbers[at]


def flag(inputs: Inputs, name: str) -> bool:
    """True or false, as such or in words."""
    found = FLAGS.get(str(inputs.given.get(name)).lower())
    if found is None:
        raise VectorError(f"{inputs.place}.{name}: got {inputs.given.get(name)!r}, expected true or false")
    return found


def arithmetic(inputs: Inputs, _: Vector) -> Any:
    """One function of the protocol's libraries."""
    return function(inputs.text("fn"))(*wholes(inputs, "args"))


def linear(inputs: Inputs, _: Vector) -> Any:
    """Growth of a supply's index."""
    return interest.linear(inputs.whole("rate"), inputs.whole("seconds"))


def compounded(inputs: Inputs, vector: Vector) -> Any:
    """Growth of a debt's index."""
    return interest.compounded(edition(vector.rules_version), inputs.whole("rate"), inputs.whole("seconds"))


def rates(inputs: Inputs, _: Vector) -> Any:
    """Rates of a reserve with variable debt alone."""
    given = part(inputs, "params")
    slopes = interest.slopes_from_bps(
        given.whole("optimalBps"), given.whole("baseBps"), given.whole("slope1Bps"), given.whole("slope2Bps")
    )
    reserve = interest.Reserve(
        inputs.whole("availableLiquidity"),
        inputs.whole("totalDebt"),
        unbacked=inputs.whole("unbacked"),
        reserve_factor_bps=inputs.whole("reserveFactorBps"),
    )
    found = interest.rates(slopes, reserve)
    return {"liquidityRate": found.liquidity, "variableRate": found.variable}


def rates_with_stable(inputs: Inputs, _: Vector) -> Any:
    """Rates of a reserve with stable debt."""
    given = part(inputs, "params")
    slopes = interest.Slopes(given.whole("optimal"), given.whole("base"), given.whole("slope1"), given.whole("slope2"))
    stable = interest.StableSlopes(
        given.whole("stableSlope1"),
        given.whole("stableSlope2"),
        given.whole("baseStableOffset"),
        given.whole("stableExcessOffset"),
        given.whole("optimalStableToTotal"),
    )
    reserve = interest.Reserve(
        inputs.whole("availableLiquidity"),
        inputs.whole("totalVariableDebt"),
        inputs.whole("totalStableDebt"),
        inputs.whole("averageStableRate"),
        inputs.whole("unbacked"),
        inputs.whole("reserveFactorBps"),
    )
    found = interest.rates_with_stable(slopes, stable, reserve)
    return {"liquidityRate": found.liquidity, "variableRate": found.variable, "stableRate": found.stable}


def held_account(inputs: Inputs, vector: Vector) -> Any:
    """An account of a small book under the vector's own reserves, and what the action it stands for may do."""
    supplied, owed = inputs.rows("collateral"), inputs.rows("debt")
    listed = {row.text("asset"): listing(row) for row in supplied}
    prices = {row.text("asset"): row.number("price") for row in (*owed, *supplied)}
    book, market = account(amounts(supplied), amounts(owed), prices)
    rules = with_listings(venue(RULE_SETS[edition(vector.rules_version).name]), Listings(listed))
    data = pool_data(book, market, rules, "main")
    verb, _, rest = inputs.text("action").partition(" ")
    if verb not in ACTIONS:
        raise VectorError(f"{inputs.place}.action: got {verb!r}, expected one of {list(ACTIONS)}")
    leaving = [listed[word].ltv_bps for word in rest.split() if word in listed]
    refused = ACTIONS[verb](data, leaving)
    return {
        "allowed": not refused,
        "error": next((reason.name for reason in refused), None),
        "hf_lt_1": data.liquidatable,
        "hf_approx": data.health_factor,
        "availableBorrowsBase": in_usd(data.available_base),
        "avgLtBps": data.threshold_bps,
        "avgLtvBps": data.ltv_bps,
    }


def amounts(rows: list[Inputs]) -> dict[str, tuple[Decimal, int]]:
    """Amounts by asset; an asset given twice is an error."""
    found: dict[str, tuple[Decimal, int]] = {}
    for row in rows:
        if row.text("asset") in found:
            raise VectorError(f"{row.place}.asset: got {row.text('asset')!r} twice, expected each asset once")
        found[row.text("asset")] = (row.number("amount"), DECIMALS)
    return found


def listing(row: Inputs) -> Listing:
    """The reserve parameters of a collateral."""
    return Listing(row.text("asset"), DECIMALS, row.whole("ltvBps"), row.whole("ltBps"), row.whole("bonusBps"))


def borrowing(data: AccountData, _: list[int]) -> tuple[Reason, ...]:
    """The state after a borrow."""
    return borrow_refusals(data)


def taking_out(data: AccountData, leaving: list[int]) -> tuple[Reason, ...]:
    """The state after a supply left or stopped being collateral; of a named collateral its loan-to-value decides."""
    return leave_refusals(data, data, next(iter(leaving), None))


def changing_mode(data: AccountData, _: list[int]) -> tuple[Reason, ...]:
    """The state after a change of mode."""
    return mode_refusals(data)


def liquidating(data: AccountData, _: list[int]) -> tuple[Reason, ...]:
    """The state a liquidation finds."""
    return () if data.liquidatable else (Reason.HEALTH_FACTOR_NOT_BELOW_THRESHOLD,)


ACTIONS: dict[str, Callable[[AccountData, list[int]], tuple[Reason, ...]]] = {
    "borrow": borrowing,
    "max": borrowing,
    "withdraw": taking_out,
    "disable": taking_out,
    "transfer": taking_out,
    "leave": changing_mode,
    "enter": changing_mode,
    "liquidate": liquidating,
}
RULE_SETS = {"v3.0": "aave_v3_0", "v3.3": "aave_v3_3", "v3.5": "aave_v3_5", "v3.7": "aave_v3_7"}


def isolation_debt(inputs: Inputs, _: Vector) -> Any:
    """What a borrow adds to a debt ceiling's count."""
    return isolated_debt(inputs.whole("amount"), inputs.whole("decimals"), inputs.whole("ceilingDecimals"))


def unit(inputs: Inputs, name: str) -> int:
    """Smallest units of a whole asset."""
    return Asset(name, inputs.whole(name)).units(ONE)


def seizure(inputs: Inputs, vector: Vector) -> Any:
    """What is seized for a debt repaid."""
    collateral = Side(inputs.whole("collBalance"), inputs.whole("collPrice"), unit(inputs, "collDecimals"))
    cover = inputs.whole("debtToCover")
    debt = Side(cover, inputs.whole("debtPrice"), unit(inputs, "debtDecimals"))
    terms = Terms(inputs.whole("bonusBps"), inputs.whole("protocolFeeBps"))
    found = seize(edition(vector.rules_version), collateral, debt, cover, terms)
    return {
        "debt": found.debt,
        "collateral": found.collateral,
        "protocolFee": found.fee,
        "collateralPlusFee": found.whole,
        "leftoverBase": leftover_base(collateral, found),
    }


def indexed_seizure(inputs: Inputs, vector: Vector) -> Any:
    """A seizure of scaled balances, small enough that all of the debt may be repaid."""
    rules, price, one = edition(vector.rules_version), inputs.whole("price"), inputs.whole("unit")
    held = Scaled(inputs.whole("scaledCollateral"), inputs.whole("liquidityIndex"))
    owed = Scaled(inputs.whole("scaledDebt"), inputs.whole("borrowIndex"))
    collateral = Side(rules.supplied(*held), price, one)
    debt = Side(rules.owed(*owed), price, one)
    terms = Terms(inputs.whole("bonusBps"), inputs.whole("feeBps"))
    found = seize(rules, collateral, debt, inputs.whole("debtToCover"), terms)
    left = settle(rules, held, owed, found, price, one, OTHER_BASE[flag(inputs, "onlyReserve")])
    return {
        "collateralBalance": collateral.amount,
        "debtBalance": debt.amount,
        "debt": found.debt,
        "collateralToLiquidator": found.collateral,
        "protocolFee": found.fee,
        "scaledCollateralAfter": left.scaled_collateral,
        "debtAfter": left.debt,
        "deficit": left.deficit,
    }


def borrowed_account(rules: Edition, inputs: Inputs) -> AccountData:
    """An account that owes what takes its health factor to the one wanted."""
    threshold, values = inputs.whole("ltBps"), wholes(inputs, "collateralBase")
    supplies = [Supply(value, threshold, threshold) for value in values]
    whole = account_data(rules, supplies, 0).collateral_base
    return account_data(rules, supplies, debt_below(whole, threshold, inputs.whole("desiredHf")))


def close_factor(inputs: Inputs, vector: Vector) -> Any:
    """The share of all debt that one liquidation may repay."""
    rules = edition(vector.rules_version)
    data = borrowed_account(rules, inputs)
    seized = chosen(inputs, wholes(inputs, "collateralBase"))
    owed = reserve_debt(inputs, data)
    return {"closeFactorBps": close_factor_bps(rules, data.health_wad, seized, owed)}


def dust(inputs: Inputs, vector: Vector) -> Any:
    """Whether a liquidation in base units would leave too little."""
    rules = edition(vector.rules_version)
    data = borrowed_account(rules, inputs)
    collateral = Side(chosen(inputs, wholes(inputs, "collateralBase")), 1, 1)
    debt = Side(reserve_debt(inputs, data), 1, 1)
    terms = Terms(inputs.whole("bonusBps"))
    try:
        found = liquidate(rules, data, collateral, debt, optional(inputs, "debtToCoverBase"), terms)
    except ProtocolError as refused:
        return {"error": refused.reason.value}
    return {"error": None, "debt": found.debt, "collateral": found.collateral}


ADAPTERS = {
    ("aave_v3", "math"): arithmetic,
    ("aave_v3", "linearInterest"): linear,
    ("aave_v3", "compoundedInterest"): compounded,
    ("aave_v3", "rates"): rates,
    ("aave_v3", "rates_v2stable"): rates_with_stable,
    ("aave_v3", "account"): held_account,
    ("aave_v3", "isolationDebt"): isolation_debt,
    ("aave_v3", "seize"): seizure,
    ("aave_v3", "seizeIndexed"): indexed_seizure,
    ("aave_v3", "closeFactor"): close_factor,
    ("aave_v3", "liquidationDust"): dust,
}

ELSEWHERE: dict[Any, str] = {}
