"""The stress of one pool as a picture: .png and .svg, or an .html page that needs nothing else.

Drawn by Matplotlib (``pip install 'solvent[plot]'``), which is loaded only here.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from solvent.book import SECOND_NS
from solvent.research.stress import Cell, Stress

KINDS = (".png", ".svg", ".html")
MOST_NAMES = 4
INK, QUIET, GOOD, BAD, LINES = "#1f2933", "#8a94a0", "#2a6f97", "#c1121f", ("#2a6f97", "#e08e0b", "#6a4c93", "#4f772d")
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "solvent",
    "legend.frameon": False,
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:system-ui,sans-serif;color:{ink};margin:2rem auto;max-width:110rem;padding:0 1rem}}
svg{{width:100%;height:auto}}p{{color:{quiet}}}</style></head>
<body><h1>{title}</h1><p>{words}</p>
{svg}
</body></html>
"""


class PlotError(ValueError):
    """A picture that cannot be drawn: another kind of file, or Matplotlib is missing."""


def draw(found: Stress, path: Path) -> None:
    """Draw a stress to a file.

    Raises
    ------
    PlotError
        The file's name ends otherwise than in .png, .svg or .html, or Matplotlib is missing.

    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise PlotError(f"--plot: got {path.name!r}, expected a name that ends in {', '.join(KINDS)}")
    figure = picture(found)
    if kind == ".png":
        figure.savefig(path, dpi=150)
        return
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    if kind == ".svg":
        path.write_text(drawn.getvalue(), encoding="utf-8")
        return
    svg = drawn.getvalue()
    page = PAGE.format(
        title=html.escape(title_of(found)), words=html.escape(words_of(found)), svg=svg[svg.index("<svg") :],
        ink=INK, quiet=QUIET,
    )  # fmt: skip
    path.write_text(page, encoding="utf-8")


def title_of(found: Stress) -> str:
    """What is drawn."""
    return f"Stress of pool {found.pool} under {found.venue}"


def words_of(found: Stress) -> str:
    """What moves, and the smallest move that liquidates."""
    coins = moving_words(found)
    near = found.reverse.nearest
    if near is None:
        return f"Moved: {coins}. No move of the price liquidates it."
    sigmas = "" if near.sigmas is None else f" ({near.sigmas:.1f} σ of {found.settings.days} day)"
    vol = f", volatility {float(near.volatility) * 100:+.0f} %" if near.volatility else ""
    what = (
        "It is in breach now; it would not be at" if found.reverse.in_breach else "The smallest move that liquidates:"
    )
    return f"Moved: {coins}. {what} price {(float(near.price) - 1) * 100:+.1f} %{vol}{sigmas}."


def moving_words(found: Stress) -> str:
    """The names of what moves, or how many they are."""
    return ", ".join(found.coins) if len(found.coins) <= MOST_NAMES else f"{len(found.coins)} coins together"


def picture(found: Stress) -> Any:
    """The figure of all panels."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotError("--plot needs Matplotlib: pip install 'solvent[plot]'") from None
    with mpl.rc_context(STYLE):
        figure: Any = Figure(figsize=(19, 11.5), layout="constrained")
        figure.suptitle(f"{title_of(found)}\n{words_of(found)}", x=0.01, ha="left", fontsize=13)
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.05, 1))
        left, middle, right = top.subplots(1, 3, width_ratios=(1.15, 1.15, 1))
        if len(found.matrix) > 1:
            _heat(left, found, lambda one: one.profit, f"Profit, {found.numeraire}")
            _heat(middle, found, lambda one: one.surplus, f"Margin equity less requirement, {found.numeraire}")
        else:
            _bars(left, found, lambda one: one.profit, f"Profit, {found.numeraire}")
            _bars(middle, found, lambda one: one.surplus, f"Margin equity less requirement, {found.numeraire}")
        _payoff(right, found)
        first, second, third = bottom.subfigures(1, 3, width_ratios=(1, 1.15, 1.15))
        _margin(first.subplots(), found)
        _greeks(second.subplots(2, 2, sharex=True), found)
        gaps, closing = third.subplots(2, 1)
        _gaps(gaps, found)
        _closing(closing, found)
        return figure


def _shares(cells: Sequence[Cell]) -> list[float]:
    return [100 * (float(one.price) - 1) for one in cells]


def _label(share: float) -> str:
    return f"{share:+g}".replace("+0", "0") if share == 0 else f"{share:+g}"


def _heat(axes: Any, found: Stress, of: Callable[[Cell], Decimal], title: str) -> None:
    """Numbers on colours centred at zero; a line round what is liquidated."""
    grid = np.array([[float(of(one)) for one in row] for row in found.matrix])
    most = max(float(np.abs(grid).max()), 1.0)
    axes.imshow(grid, cmap="RdBu", vmin=-most, vmax=most, aspect="auto", origin="lower")
    for y, row in enumerate(found.matrix):
        for x, one in enumerate(row):
            dark = abs(grid[y, x]) > 0.6 * most
            axes.text(x, y, _short(grid[y, x]), ha="center", va="center", size=7.5, color="white" if dark else INK)
            _edges(axes, found.matrix, x, y, one)
    axes.set_xticks(range(len(found.matrix[0])), [_label(round(one, 6)) for one in _shares(found.matrix[0])])
    rows = [_label(round(100 * float(row[0].volatility), 6)) for row in found.matrix]
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.set(xlabel=f"move of {moving_words(found)}, %", ylabel="move of every volatility, %", title=title)
    if any(one.breached for row in found.matrix for one in row):
        axes.set_title("liquidated beyond the red line", loc="right", color=BAD, fontsize=8.5, fontweight="normal")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _edges(axes: Any, matrix: Sequence[Sequence[Cell]], x: int, y: int, one: Cell) -> None:
    """The sides of a cell at which the verdict turns."""
    if x + 1 < len(matrix[y]) and matrix[y][x + 1].breached != one.breached:
        axes.plot([x + 0.5] * 2, [y - 0.5, y + 0.5], color=BAD, lw=2)
    if y + 1 < len(matrix) and matrix[y + 1][x].breached != one.breached:
        axes.plot([x - 0.5, x + 0.5], [y + 0.5] * 2, color=BAD, lw=2)


def _bars(axes: Any, found: Stress, of: Callable[[Cell], Decimal], title: str) -> None:
    """Without volatility: a bar a price, red where the pool is liquidated."""
    row = found.matrix[0]
    values = [float(of(one)) for one in row]
    drawn = axes.bar(range(len(row)), values, color=[BAD if one.breached else GOOD for one in row], width=0.75)
    axes.bar_label(drawn, [_short(one) for one in values], size=7.5, padding=2)
    axes.axhline(0, color=INK, lw=0.8)
    axes.margins(y=0.12)
    axes.set_xticks(range(len(row)), [_label(round(one, 6)) for one in _shares(row)])
    axes.yaxis.set_major_formatter(_thousands)
    axes.set(xlabel=f"move of {moving_words(found)}, %", ylabel=found.numeraire, title=title)
    if any(one.breached for one in row):
        axes.set_title("red: liquidated", loc="right", color=BAD, fontsize=8.5, fontweight="normal")


def _short(value: float) -> str:
    """A figure in few letters.

    >>> _short(-12345.6), _short(999.4), _short(2500000.0)
    ('-12.3k', '999', '2.50M')
    """
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f}M"
    return f"{value / 1e3:.1f}k" if abs(value) >= 1e3 else f"{value:.0f}"


def _thousands(value: float, _: int) -> str:
    return f"{value:,.0f}"


def _at(found: Stress, shares: Sequence[float]) -> list[float]:
    """Prices where one thing moves, else per cents."""
    if found.price is None:
        return list(shares)
    return [float(found.price) * (1 + one / 100) for one in shares]


def _axis(axes: Any, found: Stress) -> None:
    """The price axis: the present price, the prices that liquidate, and everything beyond them shaded."""
    now = _at(found, [0.0])[0]
    axes.axvline(now, color=QUIET, lw=0.9, ls=":")
    low, high = axes.get_xlim()
    for one, below in ((found.reverse.down, True), (found.reverse.up, False)):
        if one is None or found.reverse.in_breach:
            continue
        at = _at(found, [100 * (float(one.price) - 1)])[0]
        if low < at < high:
            axes.axvline(at, color=BAD, lw=1.2, ls="--")
            axes.axvspan(low if below else at, at if below else high, color=BAD, alpha=0.06, lw=0)
    axes.set_xlim(low, high)
    if found.price is None:
        axes.set_xlabel(f"move of {moving_words(found)}, %")
    else:
        axes.xaxis.set_major_formatter(_thousands)
        axes.set_xlabel(f"price of {found.coins[0]}, {found.numeraire}")


def _payoff(axes: Any, found: Stress) -> None:
    shares = [100 * (one - 1) for one in found.payoffs.factors]
    prices = _at(found, shares)
    for k, line in enumerate(found.payoffs.lines):
        day = np.datetime64(line.time_ns // SECOND_NS, "s").astype("datetime64[D]")
        name = "now" if k == 0 else str(day)
        axes.plot(prices, line.gains, color=LINES[k % len(LINES)], lw=1.8, label=name)
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xlim(prices[0], prices[-1] if len(prices) > 1 else prices[0] + 1)
    _axis(axes, found)
    axes.yaxis.set_major_formatter(_thousands)
    how = "in a straight line" if found.settings.arrival.value == "linear" else "at once"
    axes.set(ylabel=f"gain, {found.numeraire}", title=f"Gain by a day (the price arrives {how})")
    axes.legend(loc="best", fontsize=8)


def _margin(axes: Any, found: Stress) -> None:
    prices = _at(found, _shares(found.ladder))
    equity, required = ([float(getattr(one, name)) for one in found.ladder] for name in ("margin_equity", "required"))
    axes.plot(prices, equity, color=GOOD, lw=1.8, label="margin equity", marker="o", ms=3)
    axes.plot(prices, required, color=LINES[1], lw=1.8, label="requirement", marker="o", ms=3)
    short = [a < b for a, b in zip(equity, required, strict=True)]
    axes.fill_between(prices, equity, required, where=short, color=BAD, alpha=0.2, interpolate=True, label="shortfall")
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xlim(min(prices), max(*prices, min(prices) + 1))
    _axis(axes, found)
    axes.yaxis.set_major_formatter(_thousands)
    axes.set(ylabel=found.numeraire, title="Margin by price, volatility unmoved")
    axes.legend(loc="best", fontsize=8)


def _greeks(panels: Any, found: Stress) -> None:
    alone = found.price is not None and found.now.greeks.delta is not None
    coin = found.coins[0]
    names = (
        ("delta", f"Delta, {coin}") if alone else ("cash_delta", f"Delta, {found.numeraire} for 100 %"),
        ("gamma", f"Gamma, {coin} for one {found.numeraire}")
        if alone
        else ("cash_gamma", f"Gamma, {found.numeraire} for 1 %"),
        ("vega", f"Vega, {found.numeraire} a volatility point"),
        ("theta", f"Theta, {found.numeraire} a day"),
    )
    prices = _at(found, _shares(found.ladder))
    for k, (axes, (name, title)) in enumerate(zip(panels.flat, names, strict=True)):
        drawn = [float(getattr(one.greeks, name)) for one in found.ladder]
        axes.plot(prices, drawn, color=LINES[k], lw=1.6)
        if not any(drawn):
            axes.set_ylim(-1, 1)
        axes.axhline(0, color=INK, lw=0.7)
        axes.set_xlim(min(prices), max(*prices, min(prices) + 1))
        _axis(axes, found)
        axes.locator_params(axis="x", nbins=4)
        if k < 2:
            axes.set_xlabel("")
        axes.set_title(title, fontsize=9)


def _gaps(axes: Any, found: Stress) -> None:
    """The value left at the first price after a silence."""
    gaps = [100 * float(one.gap) for one in found.silence]
    values = [float(one.value) for one in found.silence]
    drawn = axes.bar(
        range(len(gaps)), values, color=[BAD if one.breached else GOOD for one in found.silence], width=0.7
    )
    axes.bar_label(drawn, [_short(one) for one in values], size=7.5, padding=2)
    axes.axhline(0, color=INK, lw=0.8)
    axes.margins(y=0.2)
    axes.set_xticks(range(len(gaps)), [_label(round(one, 6)) for one in gaps])
    axes.yaxis.set_major_formatter(_thousands)
    title = f"Value left when an oracle returns after {found.settings.minutes} silent minutes"
    axes.set(xlabel="gap at its return, %", ylabel=found.numeraire, title=title)
    if any(one.breached for one in found.silence):
        axes.set_title("red: liquidated", loc="right", color=BAD, fontsize=8.5, fontweight="normal")


def _closing(axes: Any, found: Stress) -> None:
    """What closing costs against shares of the depth, with what finds no order named."""
    if not found.closing:
        axes.axis("off")
        words = f"Cost of closing: the depth of {', '.join(found.without_depth)} is not given"
        axes.text(0, 0.5, words, color=QUIET, wrap=True)
        return
    costs = [float(one.cost) for one in found.closing]
    colors = [GOOD if one.complete else LINES[1] for one in found.closing]
    drawn = axes.barh(range(len(costs)), costs, color=colors, height=0.65)
    labels = [f"{one:,.0f}{'' if c.complete else ' (not all)'}" for one, c in zip(costs, found.closing, strict=True)]
    axes.bar_label(drawn, labels, size=8, padding=4)
    axes.set_yticks(range(len(costs)), [f"× {one.share}" for one in found.closing])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.xaxis.set_major_formatter(_thousands)
    axes.set(xlabel=found.numeraire, ylabel="depth", title="Cost of closing everything at once, by depth")
