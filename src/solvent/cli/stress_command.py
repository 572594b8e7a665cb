"""The command ``stress``."""

from __future__ import annotations

from pathlib import Path

import click

from solvent.cli.account_commands import BOOK, JSON, VENUE


@click.command()
@BOOK
@VENUE
@click.option("--pool", metavar="ID", help="The pool to stress; needed where the book has several.")
@click.option("--grid", metavar="TEXT", help='Moves in per cent: "-30:30:10 x -20,0,20" (prices x volatilities).')
@click.option("--underlying", metavar="COIN", help="What moves; otherwise everything held, together.")
@click.option("--volatility", metavar="V", help="Yearly volatility of the price, such as 0.6.")
@click.option("--vol-of-vol", metavar="V", help="Yearly volatility of volatility itself; 1 where nobody says.")
@click.option("--days", metavar="N", help="Horizon of the reverse stress in days; 1 where nobody says.")
@click.option("--minutes", metavar="N", type=int, help="How long the oracle is silent; 30 where nobody says.")
@click.option("--gaps", metavar="LIST", help='Moves at its return in per cent: "-30,-20,20".')
@click.option("--shares", metavar="LIST", help='Shares of the depth that a closing meets: "1,0.5,0.1".')
@click.option(
    "--depth", metavar="FILE", type=click.Path(path_type=Path), help="Books of orders by instrument, as JSON."
)
@click.option("--arrival", metavar="HOW", help="How a payoff's price arrives: linear (as it is) or at_once.")
@click.option("--crisis", metavar="ID", help="Also move through a real window: mar-2020, may-2021 or oct-2025.")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw it: a .png, .svg or .html file.")
@click.option("--greeks", is_flag=True, help="Print the Greeks of every cell of the matrix too.")
@JSON
def stress(book: Path, plot: Path | None, greeks: bool, as_json: bool, **given: object) -> None:
    """A pool under moves of price and volatility, thin depth and a silent oracle; the smallest move that ends it.

    Tables: profit, surplus and requirement by price and volatility; Greeks by price and by expiry; gains by day;
    the cost of closing; gaps of a silent oracle; reverse stress in standard deviations.
    """
    from solvent.cli.stress import Asked, answer

    asked = Asked(**given)  # type: ignore[arg-type]
    form, found, _ = answer(book.read_bytes(), asked)
    if plot is not None:
        from solvent.cli.stress_plot import draw

        draw(found, plot)
    if as_json:
        from solvent.cli.output import print_json

        print_json(form)
    else:
        from solvent.cli.stress_tables import print_stress

        print_stress(form, greeks=greeks)
    if plot is not None:
        click.echo(f"drawn to {plot}", err=True)
