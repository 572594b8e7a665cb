"""The stress of one pool as tables."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from solvent.cli.figures import ABSENT, SHOWN, shown, significant, text
from solvent.cli.output import console, table
from solvent.units import exact, shifted

Form = dict[str, Any]
COLUMNS_A_TABLE = 9
LADDER = (("profit", "profit"), ("margin equity", "margin_equity"), ("required", "required"), ("surplus", "surplus"))


@exact
def print_stress(found: Form, *, greeks: bool = False) -> None:
    """Print the pool as it is, every table of the stress, and what was assumed."""
    screen = console()
    moves = ", ".join(found["moves"]) + (" moves" if len(found["moves"]) == 1 else " move together")
    at = f" at {shown(Decimal(found['price']))}" if found["price"] is not None else ""
    screen.print(f"Pool {found['pool']} under {found['venue']}; {moves}{at}; amounts in {found['numeraire']}")
    if "told" in found:
        screen.print(f"The book in this venue's words: {found['told']}.")
    for made in _matrices(found, greeks=greeks):
        screen.print(made)
    screen.print("A figure with ! is a pool that is liquidated there.")
    for made in (_ladder(found), _sensitive(found), _expiries(found)):
        screen.print(made)
    screen.print(_payoff(found))
    if found["payoff"]["arrival"] == "linear":
        screen.print("The price moves in a straight line to each day; what expires before settles on the way.")
    else:
        screen.print("The price moves at once; what expires before a day settles at the price shown.")
    if found["closing"]:
        screen.print(_closing(found))
    else:
        without = ", ".join(found["without_depth"])
        screen.print(f"\nClosing: unsupported, because the depth of {without} is not given (--depth, or depth_1pct).")
    screen.print(f"An oracle is silent for {found['silence']['minutes']} minutes and returns with a gap:")
    screen.print(_silence(found))
    screen.print(_reverse(found))
    for note in _notes(found):
        screen.print(note, soft_wrap=True)
    if "crisis" in found:
        _print_crisis(screen, found)


def per_cent(given: str | None) -> str:
    """A share as per cent with its sign, to two places at most (inside the exact context).

    >>> per_cent("-0.3"), per_cent("0.00"), per_cent("0.123456")
    ('-30 %', '0 %', '+12.35 %')
    """
    if given is None:
        return ABSENT
    cut = shifted(Decimal(given), 2).quantize(Decimal("0.01"), context=SHOWN)
    return f"{text(cut) if cut <= 0 else '+' + text(cut)} %"


def _cut(given: Sequence[Any]) -> list[Sequence[Any]]:
    """Columns in tables of a readable width, the same number in each."""
    count = -(-len(given) // COLUMNS_A_TABLE)
    width = -(-len(given) // count)
    return [given[first : first + width] for first in range(0, len(given), width)]


def _matrices(found: Form, *, greeks: bool) -> list[Any]:
    """Gains, surplus and requirement by volatility (rows) and price (columns), and the Greeks where asked for."""
    made = []
    several = len(found["matrix"]) > 1
    alone = found["now"]["greeks"]["delta"] is not None
    sensitive = ("delta", "gamma") if alone else ("cash_delta", "cash_gamma")
    for key in ("profit", "surplus", "required", *((*sensitive, "vega", "theta") if greeks else ())):
        title = key.replace("_", " ")
        for part in _cut(found["matrix"][0]):
            columns = [per_cent(one["price"]) for one in part]
            grid = table(f"{title}, by volatility and price" if several else f"{title}, by price", *columns)
            first = found["matrix"][0].index(part[0])
            for row in found["matrix"]:
                cells = row[first : first + len(part)]
                figures = (f"{_figure(one, key)}{'!' if one['breached'] else ''}" for one in cells)
                grid.add_row(f"volatility {per_cent(row[0]['volatility'])}", *figures)
            made.append(grid)
    return made


def _figure(one: Form, key: str) -> str:
    """A cell's amount in whole numeraire, or a Greek to four digits."""
    return f"{Decimal(one[key]):,.0f}" if key in one else significant(one["greeks"][key])


def _price(found: Form, share: str) -> str:
    if found["price"] is None:
        return per_cent(share)
    return f"{shown(Decimal(found['price']) * (1 + Decimal(share)))} ({per_cent(share)})"


def _ladder(found: Form) -> Any:
    made = table("price", *(title for title, _ in LADDER))
    for one in found["ladder"]:
        figures = (f"{Decimal(one[key]):,.0f}" for _, key in LADDER)
        made.add_row(_price(found, one["price"]) + ("!" if one["breached"] else ""), *figures)
    return made


def _sensitive(found: Form) -> Any:
    made = table("price", "delta", "gamma", "vega / point", "theta / day")
    for one in found["ladder"]:
        greeks = one["greeks"]
        alone = greeks["delta"] is not None
        delta, gamma = (greeks["delta"], greeks["gamma"]) if alone else (greeks["cash_delta"], greeks["cash_gamma"])
        figures = (significant(figure) for figure in (delta, gamma, greeks["vega"], greeks["theta"]))
        made.add_row(_price(found, one["price"]), *figures)
    return made


def _expiries(found: Form) -> Any:
    made = table("expiry", "of", "value", "delta", "gamma", "vega / point", "theta / day", words=2)
    for one in found["expiries"]:
        figures = (significant(one[name]) for name in ("delta", "gamma", "vega", "theta"))
        made.add_row(one["expiry"] or "none", one["underlying"], shown(Decimal(one["value"])), *figures)
    return made


def _payoff(found: Form) -> Any:
    """Some points of the diagram, as many as the grid has prices."""
    lines, prices = found["payoff"]["lines"], found["payoff"]["prices"]
    wanted = [Decimal(one["price"]) for one in found["ladder"]]
    shown_at = [Decimal(one) for one in prices]
    places = [_nearest(shown_at, one) for one in wanted]
    made = table("gain by a day", *(str(line["time"])[:10] for line in lines))
    for place in dict.fromkeys(places):
        made.add_row(_price(found, prices[place]), *(f"{Decimal(line['gains'][place]):,.0f}" for line in lines))
    return made


def _nearest(given: Sequence[Decimal], wanted: Decimal) -> int:
    """The place of the figure nearest to the one wanted."""
    away = [abs(one - wanted) for one in given]
    return away.index(min(away))


def _closing(found: Form) -> Any:
    made = table("depth there is", "cost of closing all", "value left", "left open")
    for one in found["closing"]:
        left = [f"{leg['symbol']} {leg['left']}" for leg in one["positions"] if Decimal(leg["left"])]
        cost, value = shown(Decimal(one["cost"])), shown(Decimal(one["value"]))
        made.add_row(f"× {one['share']}", cost, value, ", ".join(left) or "nothing")
    return made


def _silence(found: Form) -> Any:
    made = table("gap", "sigmas", "profit", "surplus", "lost beyond all", "line on the way", "cost of silence")
    for one in found["silence"]["gaps"]:
        sigmas = ABSENT if one["sigmas"] is None else significant(one["sigmas"], 3)
        line = ABSENT if one["line"] is None else per_cent(one["line"])
        made.add_row(
            per_cent(one["gap"]) + ("!" if one["breached"] else ""),
            sigmas,
            shown(Decimal(one["profit"])),
            shown(Decimal(one["surplus"])),
            shown(Decimal(one["lost"])),
            line,
            shown(None if one["silence_cost"] is None else Decimal(one["silence_cost"])),
        )
    return made


def _reverse(found: Form) -> Any:
    turned = "no longer liquidated" if found["reverse"]["in_breach"] else "liquidated"
    made = table(f"smallest move until {turned}", "price", "at", "volatility", "sigmas")
    titles = (("down", "price falls"), ("up", "price rises"), ("joint", "price and volatility"))
    for key, title in titles:
        one = found["reverse"][key]
        if one is None:
            if key != "joint":
                made.add_row(title, "never", ABSENT, ABSENT, ABSENT)
            continue
        at = ABSENT if one["at"] is None else shown(Decimal(one["at"]))
        sigmas = ABSENT if one["sigmas"] is None else significant(one["sigmas"], 4)
        made.add_row(title, per_cent(one["price"]), at, per_cent(one["volatility"]), sigmas)
    return made


def _notes(found: Form) -> list[str]:
    days = found["reverse"]["days"]
    notes = [
        "Everything on what moves goes along by the same share: marks, forwards, collateral; strikes keep their vol."
    ]
    if found["volatility"] is None:
        notes.append("Sigmas: no yearly volatility is known (--volatility, or the figure volatility in market.wide).")
    else:
        known = f"{shown(shifted(Decimal(found['volatility']), 2))} % a year"
        joint = (
            f"; volatility's own {found['reverse']['vol_of_vol']} a year is assumed"
            if found["reverse"]["joint"]
            else ""
        )
        notes.append(f"A sigma is one of {days} day(s) at {known}{joint}.")
    return notes


def _print_crisis(screen: Any, found: Form) -> None:
    one = found["crisis"]
    far = ", ".join(f"{coin} {per_cent(low)} to {per_cent(high)}" for coin, (low, high) in one["coins"].items())
    screen.print(f"\n[bold]{one['id']}[/], {one['hours']} hours: {far}")
    if one["unmoved"]:
        screen.print(f"  without prices there, held where they are: {', '.join(one['unmoved'])}")
    for title, key in (("first liquidated", "breach"), ("worst", "worst"), ("end", "end")):
        at = one[key]
        if at is None:
            screen.print(f"  {title}: never")
            continue
        figures = f"profit {shown(Decimal(at['profit']))}, value {shown(Decimal(at['value']))}"
        screen.print(f"  {title}: {at['time']}, {figures}, surplus {shown(Decimal(at['surplus']))}")
