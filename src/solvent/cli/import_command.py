"""The command ``import``: messages of a real account become a book file."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

SOURCES = ("aave", "binance", "bybit", "ccxt", "dydx", "hyperliquid", "okx")
SECRETS = ("--key", "--api-key", "--secret", "--api-secret", "--password", "--passphrase")


def _refused(_: click.Context, option: click.Parameter, value: str | None) -> None:
    """Refuse a key without showing it."""
    if value is not None:
        _refuse_keys(option.opts[0])


def _refuse_keys(name: str) -> NoReturn:
    from solvent.cli.failures import InputError

    raise InputError(
        f"{name}: keys are not taken on the command line, where others can read them; "
        "expected them in the environment as SOLVENT_<EXCHANGE>_KEY, _SECRET and _PASSWORD"
    )


@click.command("import")
@click.argument("files", metavar="[FILE.json]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="SOURCE", help=f"Whose messages they are: {', '.join(SOURCES)}.")
@click.option(
    "--live", metavar="EXCHANGE", help="Fetch the account through ccxt, with read-only keys from the environment."
)
@click.option("--venue", metavar="V", help="Rule set the book shall name; otherwise the one the messages are under.")
@click.option("--json", "as_json", is_flag=True, help="The book file, which is JSON, is printed either way.")
@click.option(*SECRETS, "secret", hidden=True, callback=_refused, expose_value=False)
def import_account(
    files: tuple[Path, ...], source: str | None, live: str | None, venue: str | None, as_json: bool
) -> None:
    """Messages of a real account as a book file, printed: solvent import --from bybit wallet.json positions.json.

    Each file holds one answer, or a list of answers of any kinds. Nothing is rounded; a message that contradicts itself
    is refused. With --live the account is fetched, and files may add prices that the exchange does not give.
    """
    del as_json
    from solvent.cli.importing import imported

    click.echo(imported(files, source, live, venue), nl=False)
