"""The ratio of a unified account: maintenance of all its exchanges over what is left of each quote token's balance.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/trading/account-abstraction-modes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, BookError, Market, Mode, Purpose
from solvent.margin import assess
from solvent.rules import VenueRules
from solvent.units import ZERO, Rounding, divide, exact
from solvent.venues.hyperliquid.tiers import PLACES


class Exchange(NamedTuple):
    """One perpetual exchange of the account: its quote token, cross maintenance, and isolated margin."""

    token: str
    cross_maintenance: Decimal
    isolated_margin: Decimal


@exact
def ratio(exchanges: Iterable[Exchange], balances: Mapping[str, Decimal], places: int = PLACES) -> Decimal:
    """The largest ratio over quote tokens, rounded up at ``places`` decimals; a token nothing is held in counts zero.

    Raises
    ------
    BookError
        A token's balance is not given, or nothing is left of it while positions need some.

    Examples
    --------
    >>> ratio([Exchange("USDC", Decimal(2), Decimal(1))], {"USDC": Decimal(9)}, places=2)
    Decimal('0.25')

    """
    needed: dict[str, Decimal] = {}
    isolated: dict[str, Decimal] = {}
    for one in exchanges:
        needed[one.token] = needed.get(one.token, ZERO) + one.cross_maintenance
        isolated[one.token] = isolated.get(one.token, ZERO) + one.isolated_margin
    worst = ZERO
    for token, maintenance in needed.items():
        if token not in balances:
            msg = f"balances: nothing given of {token}, in which an exchange of the account is margined"
            raise BookError(msg)
        if maintenance == 0 and isolated[token] == 0:
            continue
        left = balances[token] - isolated[token]
        if left <= 0:
            msg = f"balances.{token}: {left} is left beside isolated margin; a ratio needs more than nothing"
            raise BookError(msg)
        worst = max(worst, divide(maintenance, left, places, Rounding.UP))
    return worst


@exact
def account_ratio(book: Book, market: Market, rules: VenueRules, places: int = PLACES) -> Decimal:
    """The ratio of a whole book: cross pools by the token they are margined in, isolated ones as margin set aside.

    Examples
    --------
    >>> from solvent.venues.hyperliquid.account import known
    >>> from solvent.venues.hyperliquid.rules import hyperliquid_unified
    >>> from solvent.venues.hyperliquid.tiers import Tier
    >>> held = known(Decimal(20), Decimal(1), Decimal(100), [Tier(Decimal(0), 10)], rules=hyperliquid_unified())
    >>> account_ratio(held.book, held.market, held.rules, places=4)
    Decimal('0.2500')

    """
    found = assess(book, market, rules, Purpose.MAINTAIN)
    exchanges, balances = [], dict[str, Decimal]()
    for holding in book.holdings:
        pool, one = holding.pool, found[holding.pool.id]
        balances[pool.numeraire] = balances.get(pool.numeraire, ZERO) + one.value
        if pool.mode is Mode.ISOLATED:
            exchanges.append(Exchange(pool.numeraire, ZERO, one.value))
        else:
            exchanges.append(Exchange(pool.numeraire, one.required, ZERO))
    return ratio(exchanges, balances, places)
