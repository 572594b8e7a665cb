"""Portfolio margin of Hyperliquid: a lending ratio of requirement to what a token's balance and collateral carry.

It is no scenario margin: hedges count only because gains and losses share one account. Sources:
https://hyperliquid.gitbook.io/hyperliquid-docs/trading/portfolio-margin (alpha) and …/support/faq/portfolio-margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from solvent.book import BookError
from solvent.marks import median_of_three
from solvent.rates import kinked
from solvent.units import ONE, ZERO, Rounding, divide, exact
from solvent.venues.hyperliquid.rules import FOLDER
from solvent.venues.hyperliquid.tiers import PLACES
from solvent.venues.parts import read_rules

FILE = "portfolio"
HALF = Decimal("0.5")


class Token(NamedTuple):
    """One borrowable token of an account: its balance (``held``) and caps, in the token's own amounts.

    ``price`` is its borrow oracle, in the token that is lent; ``loan_to_value`` the share that may be borrowed.
    ``borrowed`` is what maintenance makes the account borrow of it.
    """

    held: Decimal
    borrowed: Decimal
    price: Decimal
    loan_to_value: Decimal
    supply_cap: Decimal
    borrow_cap: Decimal


@exact
def liquidation_threshold(loan_to_value: Decimal) -> Decimal:
    """The share of collateral counted against liquidation: half way between the loan to value and one.

    >>> liquidation_threshold(Decimal("0.5"))
    Decimal('0.75')
    """
    return HALF + HALF * loan_to_value


@exact
def borrowable(held: Decimal, price: Decimal, loan_to_value: Decimal) -> Decimal:
    """What may be borrowed against a balance, in the quote token.

    >>> borrowable(Decimal(10_000), Decimal(40), Decimal("0.5"))
    Decimal('200000.0')
    """
    return held * price * loan_to_value


@exact
def borrow_rate(utilisation: Decimal) -> Decimal:
    """Yearly rate of a loan at a share of the pool in use: 5%, and 4.75 for each unit above 80%.

    >>> borrow_rate(Decimal("0.8")), borrow_rate(Decimal("0.9"))
    (Decimal('0.05'), Decimal('0.525'))
    """
    own = read_rules(FOLDER, FILE)["borrow_rate"]
    if not 0 <= utilisation <= ONE:
        msg = f"utilisation must be from 0 to 1, not {utilisation}"
        raise BookError(msg)
    return kinked(utilisation, own["kink"], own["base"], ZERO, own["slope"])


@exact
def lending_rate(utilisation: Decimal) -> Decimal:
    """What suppliers earn a year: the borrow rate on the part in use, less the protocol's tenth.

    >>> lending_rate(Decimal("0.8"))
    Decimal('0.0360')
    """
    kept: Decimal = read_rules(FOLDER, FILE)["borrow_rate"]["kept_by_protocol"]
    return borrow_rate(utilisation) * utilisation * (ONE - kept)


@exact
def borrow_oracle(spot: Decimal, perpetual_mark: Decimal, perpetual_oracle: Decimal) -> Decimal:
    """The median of the spot price and the perpetual's mark and oracle, all in USDC.

    >>> borrow_oracle(Decimal(3), Decimal(1), Decimal(2))
    Decimal('2')
    """
    return median_of_three(spot, perpetual_mark, perpetual_oracle)


@exact
def requirement(token: Token, cross_maintenance: Decimal) -> Decimal:
    """What the account needs, judged by one token: 20 USDC, cross maintenance of all exchanges, and the token's debt.

    >>> requirement(Token(ZERO, Decimal(5), Decimal(2), HALF, ONE, ONE), Decimal(100))
    Decimal('130')
    """
    least = Decimal(read_rules(FOLDER, FILE)["ratio"]["least_requirement"])
    return least + cross_maintenance + token.borrowed * token.price


@exact
def carried(token: Token) -> Decimal:
    """What one token carries: its balance, and its supplied part at the liquidation threshold within the caps.

    >>> carried(Token(Decimal(10), ZERO, Decimal(2), HALF, Decimal(8), Decimal(100)))
    Decimal('22.00')
    """
    supplied = min(token.held, token.supply_cap) * token.price * liquidation_threshold(token.loan_to_value)
    return token.held + min(token.borrow_cap, supplied)


@exact
def ratio(tokens: Iterable[Token], cross_maintenance: Decimal, places: int = PLACES) -> Decimal:
    """The largest ratio of requirement to what is carried over the tokens, rounded up at ``places`` decimals.

    Raises
    ------
    BookError
        There is no token, or one carries nothing.

    Examples
    --------
    >>> token = Token(Decimal(100), ZERO, Decimal(1), ZERO, Decimal(100), Decimal(50))
    >>> ratio([token], Decimal(40), places=2), liquidatable(Decimal("0.95")), liquidatable(Decimal("0.951"))
    (Decimal('0.40'), False, True)

    """
    worst: Decimal | None = None
    for token in tokens:
        value = carried(token)
        if value <= 0:
            msg = f"tokens: {value} is carried by a balance of {token.held}; a ratio needs more than nothing"
            raise BookError(msg)
        found = divide(requirement(token, cross_maintenance), value, places, Rounding.UP)
        worst = found if worst is None else max(worst, found)
    if worst is None:
        msg = "tokens: nothing given, expected at least one borrowable token"
        raise BookError(msg)
    return worst


def liquidatable(found: Decimal) -> bool:
    """Whether a ratio liquidates: above 0.95, not at it."""
    limit: Decimal = read_rules(FOLDER, FILE)["ratio"]["liquidatable_above"]
    return found > limit
