"""The margin answer as tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.cli.figures import ABSENT, SHOWN, shown, significant
from solvent.cli.output import console, table
from solvent.units import shifted

Form = dict[str, Any]
PATHS = {
    "instrument": "its mark alone moves",
    "underlying": "everything on the same coin moves with it",
    "market": "every price moves with it",
}


def print_margin(found: Form) -> None:
    """Print every pool: totals, positions, liquidation prices, explanation."""
    screen = console()
    screen.print(f"{found['title']} ({found['venue']}), rules of {found['effective_from']}, purpose {found['purpose']}")
    if "told" in found:
        screen.print(f"The book in this venue's words: {found['told']}.")
    for pool in found["pools"]:
        under = f" under {pool['parent']}" if pool["parent"] else ""
        screen.print(f"\n[bold]Pool {pool['pool']}[/] ({pool['mode']}{under}): [bold]{pool['state'].upper()}[/]")
        screen.print(_totals(pool))
        if pool["positions"]:
            screen.print(_positions(pool))
            if any("greeks" in one for one in pool["positions"]):
                screen.print(_greeks(pool))
            if any("greeks" not in one for one in pool["positions"]):
                screen.print(_liquidations(pool))
            for made in map(_underlying, pool.get("underlyings", ())):
                screen.print(made)
            for note in [_path_note(pool), *_notes(pool)]:
                screen.print(note, soft_wrap=True)
        if pool["assets"]:
            screen.print(_assets(pool))
        screen.print("\n[bold]Why[/]")
        for line in pool["lines"]:
            screen.print(f"  {line['text']}", soft_wrap=True)


def _totals(pool: Form) -> Any:
    made = table("", pool["numeraire"])
    rows = (
        ("value, before haircuts", pool["value"]),
        ("margin equity, after haircuts", pool["margin_equity"]),
        ("required", pool["required"]),
        ("surplus", pool["surplus"]),
    )
    for title, figure in rows:
        made.add_row(title, shown(Decimal(figure)))
    ratio = pool["ratio"]["value"]
    made.add_row(pool["ratio"]["name"], ABSENT if ratio is None else _ratio(Decimal(ratio), pool["ratio"]["safer"]))
    made.add_row("effective leverage", ABSENT if pool["leverage"] is None else f"{shown(Decimal(pool['leverage']))} ×")
    return made


def _ratio(ratio: Decimal, safer: str) -> str:
    """A share of what there is in percent; a cover, which is safer higher, as a plain number."""
    return f"{shown(shifted(ratio, 2))} %" if safer == "lower" else shown(ratio, 4)


def _positions(pool: Form) -> Any:
    made = table("position", "size", "notional", "profit", "required", "most it can still lose")
    for one in pool["positions"]:
        figures = (shown(Decimal(one[key])) for key in ("notional", "profit", "required", "most_loss"))
        made.add_row(name(one), one["size"], *figures)
    return made


def _liquidations(pool: Form) -> Any:
    made = table("position", "mark", "liquidation price", "solved", "away from mark")
    for one in pool["positions"]:
        if "greeks" in one:
            continue
        liquidation = one["liquidation"]
        if liquidation["displayed"] is None:
            none = "unsolved" if "unsolved" in liquidation else "none"
            made.add_row(name(one), one["mark"], none, ABSENT, ABSENT)
            continue
        solved, mark = Decimal(liquidation["solved"]), Decimal(one["mark"])
        away = shifted(SHOWN.divide(SHOWN.subtract(solved, mark), mark), 2)
        made.add_row(name(one), one["mark"], liquidation["displayed"], shown(solved, 8), f"{shown(away)} %")
    return made


def _greeks(pool: Form) -> Any:
    """The Greeks of every option position, in the numeraire and in the coin."""
    made = table("option", "mark", "delta", "gamma", "vega / point", "theta / day")
    for one in pool["positions"]:
        if "greeks" in one:
            made.add_row(name(one), one["mark"], *(significant(greek) for greek in one["greeks"].values()))
    return made


def _underlying(one: Form) -> Any:
    """Every price of an underlying at which the pool is liquidated: none, one or several."""
    made = table("underlying", "price now", "liquidated", "at", "away", words=1)
    if "unsolved" in one["liquidation"]:
        return made
    price = Decimal(one["price"])
    for crossing in one["liquidation"]["crossings"]:
        at = Decimal(crossing["price"])
        away = shifted(SHOWN.divide(SHOWN.subtract(at, price), price), 2)
        side = "at and below" if crossing["breach_below"] else "at and above"
        made.add_row(one["underlying"], shown(price), side, shown(at), f"{shown(away)} %")
    if not one["liquidation"]["crossings"]:
        made.add_row(one["underlying"], shown(price), "never", ABSENT, ABSENT)
    return made


def _assets(pool: Form) -> Any:
    """Where a pool that lends and borrows is liquidated, by the price of each asset held or owed."""
    made = table("asset", "liquidation price", "solved")
    for one in pool["assets"]:
        liquidation = one["liquidation"]
        if liquidation["displayed"] is None:
            made.add_row(one["asset"], "none", ABSENT)
        else:
            made.add_row(one["asset"], liquidation["displayed"], shown(Decimal(liquidation["solved"]), 8))
    return made


def name(one: Form) -> str:
    """The instrument, and its leg where it is not the net one."""
    return str(one["instrument"]) if one["leg"] == "net" else f"{one['instrument']} {one['leg']}"


def _path_note(pool: Form) -> str:
    paths = sorted({one["liquidation"]["path"] for one in pool["positions"] if "path" in one["liquidation"]})
    how = " or ".join(PATHS[path] for path in paths)
    held = ", every forward too, and volatilities are held" if pool.get("underlyings") else ""
    return f"A liquidation price is where the whole pool is liquidated when {how}{held}." if how else ""


def _notes(pool: Form) -> list[str]:
    """What a single price does not say: several crossings, a pool in breach already, a path without an answer."""
    notes = []
    seen: set[str] = set()
    for one in pool["positions"]:
        liquidation, symbol = one["liquidation"], one["liquidation"]["of"]
        if symbol in seen:
            continue
        seen.add(symbol)
        if "unsolved" in liquidation:
            notes.append(f"{symbol}: {liquidation['unsolved']}.")
        elif liquidation["in_breach"]:
            notes.append(f"{symbol}: the pool is in breach now; the price is where it would no longer be.")
        elif liquidation["displayed"] is None:
            notes.append(f"{symbol}: no price of it alone liquidates this pool.")
        if len(liquidation["crossings"]) > 1 and "greeks" not in one:
            prices = ", ".join(shown(Decimal(other["price"]), 8) for other in liquidation["crossings"])
            notes.append(f"{symbol}: the line is crossed at {prices}; the nearest to the mark is shown.")
    return notes
