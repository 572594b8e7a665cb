"""The report of a replay as tables: totals, liquidations by hour and instrument, worst accounts, laws, state hash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from solvent.cli.figures import SHOWN, shown
from solvent.cli.laws import laws_table
from solvent.cli.output import console, table
from solvent.units import shifted

Form = dict[str, Any]
UNIT_SCALE = 6  # amounts of a report are units of 10^-6 USDT
CENTS_BELOW = 100
MOST_HOURS, MOST_INSTRUMENTS = 30, 20
COUNTS = (
    ("pools", "pools"),
    ("market makers", "market_makers"),
    ("commands", "commands"),
    ("events", "events"),
    ("fills", "fills"),
    ("pools liquidated", "liquidations"),
    ("of them recovered with positions kept", "partial"),
    ("of them isolated", "isolated"),
    ("recovered", "recovered"),
    ("bankrupt", "bankrupt"),
    ("liquidation fills", "liquidation_fills"),
    ("stop orders triggered", "stops"),
    ("conversions of collateral", "converted"),
    ("payments by the fund", "fund"),
    ("auto-deleveragings", "adl"),
    ("socialised losses", "socialised"),
)
AMOUNTS = (
    ("notional liquidated", "liquidated_units"),
    ("penalties", "penalty_units"),
    ("fund at the start", "fund_start_units"),
    ("fund at the end", "fund_end_units"),
    ("paid by the fund", "fund_units"),
    ("auto-deleveraged", "adl_units"),
    ("socialised", "socialised_units"),
    ("left uncovered", "uncovered_units"),
)


def print_replay(report: Form) -> None:
    """Print every part of a replay's report, the laws and the state hash last."""
    screen = console()
    screen.print(_headline(report), soft_wrap=True)
    screen.print(_totals(report))
    if report.get("states"):
        screen.print(_counted("accounts by state", report["states"]))
    if report.get("refused"):
        screen.print(_counted("commands refused, by reason", report["refused"]))
    if report.get("by_hour"):
        screen.print(_by_hour(report))
    if report.get("by_instrument"):
        screen.print(_by_instrument(report))
    for worst in report.get("worst", ()):
        _print_worst(worst)
    _print_proof(report)


def _headline(report: Form) -> str:
    population = f"{report.get('accounts', 0):,} accounts, seed {report.get('seed')}, under {report.get('venue')}"
    unfinished = "" if report.get("finished", True) else f" (stopped after {report.get('minutes_done')} minutes)"
    return f"[bold]{report.get('dataset')}[/]: {population}{unfinished}"


def _totals(report: Form) -> Any:
    made = table("", "total")
    for words, name in COUNTS:
        if name in report:
            made.add_row(words, f"{report[name]:,}")
    for words, name in AMOUNTS:
        if name in report:
            made.add_row(f"{words}, USDT", amount(report[name]))
    return made


def amount(units: str | int) -> str:
    """Units of a report in USDT, grouped; cents only below a hundred.

    >>> amount("1234567890123"), amount(77)
    ('1,234,568', '0.00')
    """
    whole = shifted(Decimal(units), -UNIT_SCALE)
    places = Decimal(1) if whole.copy_abs() >= CENTS_BELOW else Decimal("0.01")
    return f"{whole.quantize(places, context=SHOWN):,f}"


def _counted(title: str, counts: Form) -> Any:
    made = table(title, "count")
    for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        made.add_row(str(name).lower().replace("_", " "), f"{count:,}")
    return made


def _by_hour(report: Form) -> Any:
    columns = ("hour, UTC", "liquidation fills", "notional, USDT", "penalties, USDT")
    made = table(*columns, title="liquidations by hour")
    for row in report["by_hour"][:MOST_HOURS]:
        made.add_row(moment(report.get("start_ns", 0), row["hour"]), *_fills(row))
    _rest(made, report["by_hour"], MOST_HOURS)
    return made


def _by_instrument(report: Form) -> Any:
    columns = ("instrument", "liquidation fills", "notional, USDT", "penalties, USDT")
    made = table(*columns, title="liquidations by instrument")
    for row in report["by_instrument"][:MOST_INSTRUMENTS]:
        made.add_row(row["symbol"], *_fills(row))
    _rest(made, report["by_instrument"], MOST_INSTRUMENTS)
    return made


def _fills(row: Form) -> tuple[str, str, str]:
    return f"{row['fills']:,}", amount(row["notional_units"]), amount(row["penalty_units"])


def _rest(made: Any, rows: list[Form], most: int) -> None:
    left = rows[most:]
    if left:
        sums = {name: sum(int(row[name]) for row in left) for name in ("fills", "notional_units", "penalty_units")}
        made.add_row(f"{len(left)} more", *_fills(sums))


def moment(start_ns: int, hours: int) -> str:
    """An hour of the window as a date and time.

    >>> moment(1_621_382_400_000_000_000, 13)
    '2021-05-19 13:00'
    """
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_ns // 10**9)
    return f"{start + timedelta(hours=hours):%Y-%m-%d %H:%M}"


def _print_worst(worst: Form) -> None:
    screen = console()
    title = f"Pool {worst['pool']} ({worst['mode']}, {worst['account_class']}) at {moment_of(worst['time_ns'])}"
    screen.print(f"[bold]{title}[/]: surplus {shown(Decimal(worst['surplus']))} USDT", soft_wrap=True)
    facts = (
        f"value {shown(Decimal(worst['value']))}, margin equity {shown(Decimal(worst['margin_equity']))}, "
        f"required {shown(Decimal(worst['required']))}; {worst['fills']:,} fills closed "
        f"{amount(worst['closed_units'])}, penalty {amount(worst['penalty_units'])}, "
        f"loss to others {amount(worst['loss_units'])}; {worst['end']}"
    )
    screen.print(f"  {facts}", soft_wrap=True, markup=False)
    for sentence in worst["sentences"]:
        screen.print(f"  {sentence}", soft_wrap=True, markup=False)


def moment_of(time_ns: int) -> str:
    """A time as date, hour and minute.

    >>> moment_of(1_621_428_060_000_000_000)
    '2021-05-19 12:41'
    """
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9):%Y-%m-%d %H:%M}"


def _print_proof(report: Form) -> None:
    screen = console()
    if report.get("laws"):
        screen.print(laws_table(report["laws"]))
    ring = report.get("ring_1")
    if ring:
        screen.print(f"Verdicts compared with ring 1: {ring['compared']:,}, equal: {ring['equal']:,}")
    brute = report.get("brute_force")
    if brute:
        words = (
            f"Brute force: {brute['epochs']:,} epochs, {brute['scanned']:,} exact verdicts, {brute['announced']:,} "
            f"breaches announced; ring 1 judged {brute['near']:,} near the line and {brute['other']:,} others; "
            f"{brute['missed']:,} missed, {brute['wrong']:,} wrong"
        )
        if brute.get("by_bands"):
            words += f"; of the engine's verdicts {brute['by_bands']:,} stood on bands alone"
        screen.print(words, soft_wrap=True)
    residuals = report.get("conservation", {})
    if residuals:
        broken = {asset: str(residual) for asset, residual in residuals.items() if int(residual)}
        verdict = f"NOT CONSERVED: {broken}" if broken else f"nothing created or lost in {', '.join(residuals)}"
        screen.print(f"Conservation: {verdict}", soft_wrap=True)
    screen.print(f"State hash: {report.get('state_hash', '')}", soft_wrap=True)
