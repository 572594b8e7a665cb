"""What venues share stands once: folders do not import one another, and shared figures keep each venue's form."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest

from solvent import venues
from solvent.instruments import Option, OptionKind
from solvent.liquidation.adl import fund_fell, ranking
from solvent.liquidation.bankruptcy import inverse_price
from solvent.rules import RulesError
from solvent.samples import two_positions
from solvent.units import Asset, Rounding
from solvent.venues import parts
from solvent.venues.vaults import Counterparty

D = Decimal
FOLDERS = sorted(one for one in Path(venues.__file__).parent.iterdir() if (one / "rules.py").exists())
# Sets that are another's with other numbers. Besides, folders of one exchange (the first word) may take its tables.
ALLOWED = {("smaller", "generic")}


def imported(folder: Path) -> set[tuple[str, str]]:
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("solvent.venues."):
                other = (node.module or "").split(".")[2]
                if other != folder.name and any(other == one.name for one in FOLDERS):
                    found.add((folder.name, other))
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.name)
def test_a_folder_imports_no_other_folder(folder: Path) -> None:
    foreign = {pair for pair in imported(folder) if pair[0].split("_")[0] != pair[1].split("_")[0]}
    assert foreign <= ALLOWED


@pytest.mark.parametrize(
    ("size", "expected"), [("200000", "9523.81"), ("-200000", "10526.31"), ("10000", "5000.00"), ("-10000", None)]
)
def test_an_inverse_position_is_bankrupt_where_its_margin_is_gone(size, expected) -> None:
    side = Rounding.UP if D(size) > 0 else Rounding.DOWN
    found = inverse_price(D(size), D(10_000), D(10_000), 2, side)
    assert found == (None if expected is None else D(expected))


@pytest.mark.parametrize(("change", "starts"), [("-29.9", False), ("-30", True), ("-31", True), ("1", False)])
def test_a_fund_that_fell_by_the_limit_starts_deleveraging(change, starts) -> None:
    assert fund_fell(D(change), D(100), D("-0.3")) is starts


def test_a_rank_is_the_product_of_its_printed_factors() -> None:
    assert ranking(D(10), D(3), D(20), D(3), 2) == (D("3.33"), D("6.66"), D("22.1778"))
    assert ranking(D(10), D(3), D(20), D(0), 2) == (D("3.33"), 0, 0)


def test_a_counterparty_holds_the_opposite_of_every_fill() -> None:
    pool = Counterparty("lp")
    assert pool.opposite(-3, -90) == (3, 90)
    assert pool.bears_bad_debt


def test_a_table_of_weights_may_have_a_default() -> None:
    facts = parts.in_full("USD").by_asset["USD"]
    assert parts.WeightTable({}, facts).asset("X") is facts
    assert parts.WeightTable({"A": facts}, facts).every() == {"A": facts, "*": facts}
    assert parts.WeightTable({"A": facts}).every() == {"A": facts}


def test_a_lending_market_refuses_every_contract() -> None:
    contract = two_positions()[0].instruments["BTCUSDT"]
    with pytest.raises(RulesError, match="BTCUSDT: this market lends and borrows assets; it has no contracts"):
        parts.NoContracts().contract(contract)


def test_a_securities_account_holds_options_in_its_own_currency() -> None:
    usd, eur = Asset("USD", 2), Asset("EUR", 2)
    steps = (D("0.01"), D(1))
    call = Option("C", "XYZ", eur, eur, *steps, kind=OptionKind.CALL, strike=D(100), expiry_ns=1)
    assert parts.securities_option(call, "EUR") is call
    with pytest.raises(RulesError, match="C settles in EUR, the account is in USD"):
        parts.securities_option(call, usd.name)
