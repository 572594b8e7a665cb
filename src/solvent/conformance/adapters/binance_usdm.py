"""Vectors of Binance futures: USD-M, COIN-M, multi-assets mode, and what portfolio margin shares with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.book import Leg, LegMode, Purpose
from solvent.conformance.building import STEP, Held, contributions, listed_schedule, one_of, solved_price
from solvent.conformance.tolerances import near
from solvent.conformance.vectors import Inputs, Unsupported, Vector, VectorError, read_json
from solvent.instruments import Payoff
from solvent.rates import Schedule
from solvent.rules import VenueRules
from solvent.units import ONE, ZERO
from solvent.venues import venue
from solvent.venues.binance_pm import formulas as portfolio
from solvent.venues.binance_usdm import formulas

CONTRACT = "contract"
OTHERS = "others"
DATASET_PRECISION = Decimal("1e-6")
DATASET_ABSENT = (
    "the bracket table is not beside this file: {} (a file of another project under GPL-3.0, not redistributed here)"
)
SIDE = {1: "long", -1: "short"}


def signed(inputs: Inputs, side: str, size: str) -> Decimal:
    """A size with the sign of its side."""
    text = SIDE[inputs.whole(side)]
    amount = inputs.number(size)
    return {"long": amount, "short": amount.copy_negate()}[text]


def main_position(inputs: Inputs) -> Held:
    """The position whose liquidation price is asked; its mark is not given and does not matter: its entry stands."""
    entry = inputs.number("epB")
    return Held(CONTRACT, signed(inputs, "side", "posB"), entry, entry, inputs.number("mmrB"), inputs.number("cumB"))


def other_position(row: Inputs) -> Held:
    """Another position of the account, with its own mark and bracket."""
    return Held(
        row.text("symbol"),
        signed(row, "side", "qty"),
        row.number("entry"),
        row.number("mark"),
        row.number("mmr"),
        row.number("cum"),
    )


def summed_others(inputs: Inputs) -> list[Held]:
    """Other positions given only as sums: one lot whose requirement and unrealised profit are those sums.

    Its bracket requires nothing of its notional and ``TMM1`` besides; its profit is funding received.
    """
    required, profit = inputs.number("TMM1"), inputs.number("UPNL1")
    return [Held(OTHERS, STEP, ONE, ONE, ZERO, required.copy_negate(), received=profit)]


def isolated_price(inputs: Inputs, _: Vector) -> Any:
    """LP of a position alone with its wallet."""
    return solved_price(venue("binance_usdm"), inputs.number("WB"), [main_position(inputs)])


def cross_price(inputs: Inputs, _: Vector) -> Any:
    """LP of one position beside others, and the sums of the others where they are given one by one."""
    wallet, rules = inputs.number("WB"), venue("binance_usdm")
    if "others" not in inputs:
        return solved_price(rules, wallet, [main_position(inputs), *summed_others(inputs)])
    (row,) = inputs.rows("others")
    positions = [main_position(inputs), other_position(row)]
    other = contributions(rules, wallet, positions)[row.text("symbol")]
    return {"liq_price": solved_price(rules, wallet, positions), "TMM1": other.required, "UPNL1": other.profit}


def hedge_price(inputs: Inputs, _: Vector) -> Any:
    """One LP of a long and a short leg of the same contract."""
    rate = one_of(inputs.number("mmrL"), inputs.number("mmrS"), "rates")
    amount = one_of(inputs.number("cumL"), inputs.number("cumS"), "maintenance amounts")
    mark = inputs.number("epL")
    long = Held(CONTRACT, inputs.number("posL"), mark, mark, rate, amount, Leg.LONG)
    short = Held(CONTRACT, inputs.number("posS").copy_negate(), inputs.number("epS"), mark, rate, amount, Leg.SHORT)
    positions = [long, short, *summed_others(inputs)]
    return solved_price(venue("binance_usdm"), inputs.number("WB"), positions, LegMode.HEDGE)


def coin_price(inputs: Inputs, _: Vector) -> Any:
    """LP in USD of an inverse position on a wallet in the coin."""
    entry = inputs.number("entry")
    position = Held(
        CONTRACT,
        signed(inputs, "side", "contracts"),
        entry,
        entry,
        inputs.number("mmr"),
        inputs.number("cum"),
        contract_size=inputs.number("contract_size"),
        payoff=Payoff.INVERSE,
        settle="BTC",
    )
    return solved_price(venue("binance_coinm"), inputs.number("WB"), [position])


def profit(inputs: Inputs, _: Vector) -> Any:
    """Unrealised profit of a linear position in portfolio margin."""
    return _profit(venue("binance_pm"), inputs, ZERO)


def _profit(rules: VenueRules, inputs: Inputs, wallet: Decimal) -> Decimal:
    held = Held(CONTRACT, signed(inputs, "side", "qty"), inputs.number("entry"), inputs.number("mark"))
    return contributions(rules, wallet, [held])[CONTRACT].profit


def loan_maintenance(inputs: Inputs, _: Vector) -> Any:
    """Maintenance margin of margin loans, in each asset."""
    given = inputs.given.get("loans")
    if not isinstance(given, dict):
        raise VectorError(f"{inputs.place}.loans: expected an object of amounts by asset")
    loans = Inputs(given, f"{inputs.place}.loans")
    return portfolio.loan_maintenance({asset: loans.number(asset) for asset in given}, inputs.number("mmr"))


def maintenance_amount(inputs: Inputs, _: Vector) -> Any:
    """Deduction of a bracket from the one before."""
    before, amount_before = inputs.number("mmr_prev"), inputs.number("cum_prev")
    return formulas.maintenance_amount(inputs.number("floor_n"), inputs.number("mmr_n"), before, amount_before)


def maintenance_dataset(inputs: Inputs, vector: Vector) -> Any:
    """How many brackets of a whole bracket table follow the recurrence."""
    path = vector.path.parent.joinpath(inputs.text("file"))
    if not path.exists():
        raise Unsupported(DATASET_ABSENT.format(inputs.text("file")))
    tables = [_Table(rows) for rows in read_json(path).values()]
    verdicts = [verdict for table in tables for verdict in table.verdicts()]
    return {
        "symbols": len(tables),
        "tiers": len([row for table in tables for row in table.rows]),
        "recurrence_ok": verdicts.count(True),
        "recurrence_bad": verdicts.count(False),
    }


class _Table:
    """The brackets of one symbol."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = [Inputs({**row, **row["info"]}, "bracket") for row in rows]

    def verdicts(self) -> list[bool]:
        """Whether each bracket after the first begins where the one before ends and deducts what it must."""
        return [self._follows(before, row) for before, row in zip(self.rows[:-1], self.rows[1:], strict=True)]

    @staticmethod
    def _follows(before: Inputs, row: Inputs) -> bool:
        floor, rate = row.number("minNotional"), row.number("maintenanceMarginRate")
        due = formulas.maintenance_amount(floor, rate, before.number("maintenanceMarginRate"), before.number("cum"))
        return all([near(before.number("maxNotional"), floor, ZERO), near(due, row.number("cum"), DATASET_PRECISION)])


def bracket(inputs: Inputs, _: Vector) -> Any:
    """Rate and deduction of the bracket a notional falls in: of the given table, or of the rule set's own."""
    tiers = _given_tiers(inputs) if "tiers" in inputs else _own_tiers(inputs.text("symbol"))
    piece = tiers.piece(inputs.number("notional"))
    return {"mmr": piece.rate, "cum": piece.deduction}


def _given_tiers(inputs: Inputs) -> Schedule:
    return Schedule.marginal([(row[0], row[1]) for row in inputs.table("tiers")])


def _own_tiers(unified_symbol: str) -> Schedule:
    base, _, rest = unified_symbol.partition("/")
    return listed_schedule(venue("binance_usdm"), f"{base}{rest.partition(':')[0]}", Purpose.MAINTAIN)


def coin_maintenance(inputs: Inputs, _: Vector) -> Any:
    """Maintenance margin of an inverse position, in the coin."""
    contracts, size = inputs.number("contracts"), inputs.number("contract_size")
    rate, amount = inputs.number("mmr"), inputs.number("cum")
    return formulas.coin_maintenance_margin(contracts, size, inputs.number("mark"), rate, amount)


def coin_initial(inputs: Inputs, _: Vector) -> Any:
    """Initial margin of an inverse position, in the coin."""
    contracts, size = inputs.number("contracts"), inputs.number("contract_size")
    return formulas.coin_initial_margin(contracts, size, inputs.number("price"), inputs.whole("leverage"))


def order_cost(inputs: Inputs, _: Vector) -> Any:
    """What placing an order takes."""
    limit, mark, size = inputs.number("price"), inputs.number("mark"), inputs.number("qty")
    cost = formulas.order_cost(limit, mark, size, inputs.whole("leverage"), inputs.whole("dir"))
    return {"im": cost.initial_margin, "open_loss": cost.open_loss, "cost": cost.total}


def price_one(inputs: Inputs, _: Vector) -> Any:
    """Mark price of 2020, today's first of three."""
    index, rate = inputs.number("index"), inputs.number("funding_rate")
    return formulas.price_one(index, rate, inputs.number("hours_to_funding"))


def funding_rate(inputs: Inputs, _: Vector) -> Any:
    """Funding rate of an interval of eight hours."""
    return formulas.funding_rate(inputs.number("P"), inputs.number("I"))


def asset_rates(inputs: Inputs, _: Vector) -> Any:
    """Rates of an asset in multi-assets mode."""
    bid_buffer, ask_buffer = inputs.number("bid_buffer"), inputs.number("ask_buffer")
    rates = formulas.asset_rates(inputs.number("index"), bid_buffer, ask_buffer)
    return {"bid_rate": rates.bid, "ask_rate": rates.ask}


def auto_exchange(inputs: Inputs, _: Vector) -> Any:
    """Value of the assets sold to cover a deficit."""
    return formulas.auto_exchange_amount(inputs.number("deficit"), inputs.number("rate"))


def adl_score(inputs: Inputs, _: Vector) -> Any:
    """Rank of a winner."""
    wallet = inputs.number("wallet")
    score = formulas.adl_score(_profit(venue("binance_usdm"), inputs, wallet), wallet, inputs.number("mm"))
    return {
        "pnl_pct": score.profit_rate,
        "margin_ratio": score.margin_ratio,
        "leverage_pnl": score.leverage_profit,
    }


def leverage_buffer(inputs: Inputs, _: Vector) -> Any:
    """A client's early exit."""
    return formulas.buffered_liquidation_price(
        inputs.number("entry"), inputs.number("liq"), inputs.whole("side"), inputs.number("buffer")
    )


ADAPTERS = {
    ("binance_usdm", "liq_price_isolated"): isolated_price,
    ("binance_usdm", "liq_price_cross_two_positions"): cross_price,
    ("binance_usdm", "liq_price_cross_hedge_mode"): hedge_price,
    ("binance_coinm", "liq_price_cross"): coin_price,
    ("binance_usdm", "maintenance_amount"): maintenance_amount,
    ("binance_coinm", "maintenance_amount"): maintenance_amount,
    ("binance_usdm", "maintenance_amount_dataset"): maintenance_dataset,
    ("binance_usdm", "bracket_lookup"): bracket,
    ("binance_coinm", "maintenance_margin"): coin_maintenance,
    ("binance_coinm", "initial_margin"): coin_initial,
    ("binance_usdm", "order_cost"): order_cost,
    ("binance_usdm", "mark_price_2020"): price_one,
    ("binance_usdm", "funding_rate"): funding_rate,
    ("binance_usdm_multi_asset", "asset_rates"): asset_rates,
    ("binance_usdm_multi_asset", "auto_exchange"): auto_exchange,
    ("binance_usdm", "adl_score"): adl_score,
    ("binance_usdm", "leverage_buffer"): leverage_buffer,
    ("binance_pm_pro", "upnl"): profit,
    ("binance_pm_pro", "margin_loan_mm"): loan_maintenance,
}

ELSEWHERE: dict[tuple[str, str] | str, str] = {}
