"""Commands on one book: ``margin``, ``what-if`` and ``compare``."""

from __future__ import annotations

from pathlib import Path

import click

BOOK = click.argument("book", metavar="BOOK.json", type=click.Path(path_type=Path))
VENUE = click.option("--venue", metavar="V", help="Rule set to judge by; otherwise the one the book names.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
PURPOSES = ("withdraw", "admit", "fill", "recover", "maintain")


@click.command()
@BOOK
@VENUE
@click.option(
    "--purpose",
    metavar="P",
    default="maintain",
    show_default=True,
    help="What the verdict is for: withdraw, admit, fill, recover or maintain.",
)
@JSON
def margin(book: Path, venue: str | None, purpose: str, as_json: bool) -> None:
    """Value, requirement, ratio, state and liquidation prices of every pool of a book, explained line by line."""
    from solvent.cli.margin import answer, answer_forms

    data = book.read_bytes()
    if as_json:
        click.echo(answer(data, venue, purpose, indent=2))
        return
    from solvent.cli.margin_tables import print_margin

    print_margin(answer_forms(data, venue, purpose))


@click.command("what-if")
@BOOK
@click.option("--trade", "trades", multiple=True, metavar="TEXT", help='A trade: "BTCUSDT +0.5 @ 64000".')
@click.option(
    "--combo", "combos", multiple=True, metavar="TEXT", help='Legs as one: "straddle BTC-20260327 100000 x2".'
)
@click.option("--withdraw", "withdrawals", multiple=True, metavar="TEXT", help='A withdrawal: "USDT 100".')
@click.option("--pool", metavar="ID", help="The pool that changes; needed where the book has several.")
@VENUE
@JSON
def what_if(
    book: Path,
    trades: tuple[str, ...],
    combos: tuple[str, ...],
    withdrawals: tuple[str, ...],
    pool: str | None,
    venue: str | None,
    as_json: bool,
) -> None:
    """Before, after and the reasons of trades and withdrawals, and the most that would still pass.

    A trade is INSTRUMENT SIZE @ PRICE with a signed size; in a pool in hedge mode the leg stands before the size:
    "BTCUSDT long +0.5 @ 64000". The price may be the word mark. A combo is NAME COIN-YYYYMMDD STRIKE[/STRIKE…]
    [call|put] xN [@ NET]: all its legs pass or none. Trades come first, then combos, then withdrawals, each in the
    order given.
    """
    from solvent.cli.what_if import answer_form
    from solvent.cli.what_if_tables import print_what_if

    found = answer_form(book.read_bytes(), venue, pool, trades, withdrawals, combos)
    if as_json:
        from solvent.cli.output import print_json

        print_json(found)
    else:
        print_what_if(found)


@click.command()
@BOOK
@click.option("--venues", "names", metavar="A,B,C", help="Rule sets to compare, with commas; otherwise all there are.")
@click.option("--path", metavar="P", help="What moves: instrument, underlying or market; else as each venue shows.")
@click.option("--explain", is_flag=True, help="Print every venue's account line by line.")
@JSON
def compare(book: Path, names: str | None, path: str | None, explain: bool, as_json: bool) -> None:
    """The same portfolio under every venue that covers it, the least used first: what it needs and where it ends."""
    from solvent.cli.compare import answer_form, print_comparison

    found = answer_form(book.read_bytes(), names.split(",") if names else None, path)
    if as_json:
        from solvent.cli.output import print_json

        print_json(found)
    else:
        print_comparison(found, explain=explain)
