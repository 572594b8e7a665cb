"""The what-if answer as tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from solvent.cli.figures import ABSENT, shown, significant
from solvent.cli.margin_tables import name
from solvent.cli.output import console, table
from solvent.units import shifted

Form = dict[str, Any]
TOTALS = (("value", "value"), ("margin equity", "margin_equity"), ("required", "required"), ("surplus", "surplus"))


def print_what_if(found: Form) -> None:
    """Print verdict, reasons, largest sizes, and every figure before and after."""
    screen = console()
    verdict = "[bold green]ALLOWED[/]" if found["allowed"] else "[bold red]REFUSED[/]"
    screen.print(f"Pool {found['pool']} under {found['venue']}: {verdict}")
    for one in found["refusals"]:
        screen.print(f"  {one['limit']}: {one['text']}", soft_wrap=True)
    for one in found["changes"]:
        screen.print(f"  {one['change']}: the most that would pass is {one['most']}", soft_wrap=True)
        for leg in one.get("legs", ()):
            screen.print(f"    {leg['instrument']} {leg['size']} @ {leg['price']}", soft_wrap=True)
    screen.print()
    screen.print(_totals(found))
    screen.print(_positions(found))
    if "greeks" in found["before"] or "greeks" in found["after"]:
        screen.print(_greeks(found))


def _totals(found: Form) -> Any:
    made = table(f"in {found['numeraire']}", "before", "after")
    before, after = found["before"], found["after"]
    made.add_row("state", before["state"], after["state"])
    made.add_row(before["ratio"]["name"], _share(before), _share(after))
    for purpose in before["purposes"]:
        for title, key in TOTALS:
            if title == "value" and purpose != "maintain":
                continue
            figures = (Decimal(side["purposes"][purpose][key]) for side in (before, after))
            label = title if title == "value" else f"{title} to {purpose}"
            made.add_row(label, *(shown(figure) for figure in figures))
    return made


def _greeks(found: Form) -> Any:
    made = table(f"Greeks in {found['numeraire']}", "before", "after")
    sides = [found[side].get("greeks", {}) for side in ("before", "after")]
    for coin in dict.fromkeys([*sides[0], *sides[1]]):
        for greek in ("delta", "gamma", "vega", "theta"):
            label = {"vega": "vega a point", "theta": "theta a day"}.get(greek, greek)
            shown_of = (significant(side[coin][greek]) if coin in side else ABSENT for side in sides)
            made.add_row(f"{coin} {label}", *shown_of)
    return made


def _share(side: Form) -> str:
    value = side["ratio"]["value"]
    return ABSENT if value is None else f"{shown(shifted(Decimal(value), 2))} %"


def _positions(found: Form) -> Any:
    made = table("position", "size before", "size after", "liquidation before", "liquidation after")
    sides = [{name(one): one for one in found[side]["positions"]} for side in ("before", "after")]
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        held = [side.get(key) for side in sides]
        sizes = [ABSENT if one is None else one["size"] for one in held]
        prices = [ABSENT if one is None else _price(one) for one in held]
        made.add_row(key, *sizes, *prices)
    return made


def _price(one: Form) -> str:
    """A liquidation price as the venue prints it; of an option its underlying's, to two decimals."""
    liquidation = one["liquidation"]
    if liquidation["displayed"] is None:
        return "none"
    own = liquidation["of"] == one["instrument"]
    return str(liquidation["displayed"]) if own else f"{liquidation['of']} {shown(Decimal(liquidation['displayed']))}"
