"""Liquidation, backstop and deleveraging of Hyperliquid, and the frozen maintenance of its printed prices in 2023.

Sources: https://hyperliquid.gitbook.io/hyperliquid-docs/trading/liquidations and …/trading/auto-deleveraging.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from solvent.book import Book, Market, Purpose
from solvent.fixed import up
from solvent.margin import Assessment, Solution, assess_pool, liquidation_price
from solvent.rates import Schedule
from solvent.rules import RulesError, VenueRules
from solvent.units import ZERO, Rounding, divide, exact
from solvent.venues.hyperliquid.rules import FOLDER, backstop_share
from solvent.venues.hyperliquid.tiers import PLACES
from solvent.venues.parts import TierTable, read_rules

SECOND_NS = 1_000_000_000


@exact
def backstop(maintenance: Decimal, places: int = PLACES) -> Decimal:
    """Equity below which the liquidator vault takes over: 2/3 of maintenance, cut down at ``places`` decimals.

    >>> backstop(Decimal(50), places=4)
    Decimal('33.3333')
    """
    top, bottom = read_rules(FOLDER)["backstop"]["of_maintenance"]
    return divide(maintenance * top, Decimal(bottom), places, Rounding.DOWN)


@exact
def backstop_price(book: Book, market: Market, rules: VenueRules, pool: str, symbol: str) -> Solution:
    """Where the backstop takes over when the mark of ``symbol`` moves: every maintenance term times 2/3.

    Errors are those of :func:`solvent.margin.liquidation_price`.

    Examples
    --------
    >>> from solvent.venues.hyperliquid.account import known
    >>> from solvent.venues.hyperliquid.tiers import Tier
    >>> held = known(Decimal(20), Decimal(1), Decimal(100), [Tier(Decimal(0), 10)])
    >>> found = backstop_price(held.book, held.market, held.rules, held.pool, held.symbol)
    >>> str(found.solved)[:10]
    '82.7586206'

    """
    share = backstop_share()
    modes = {
        mode: replace(facts, requirement_multiplier=facts.requirement_multiplier * share)
        for mode, facts in rules.modes.items()
    }
    return liquidation_price(book, market, replace(rules, modes=modes), pool, symbol)


@exact
def frozen(book: Book, market: Market, rules: VenueRules, pool: str) -> VenueRules:
    """The rule set in which each position of ``pool`` requires what it requires now, whatever its price becomes.

    So the exchange found the liquidation prices it printed in 2023.

    Examples
    --------
    >>> from solvent.venues.hyperliquid.account import known
    >>> from solvent.venues.hyperliquid.rules import hyperliquid_2023
    >>> from solvent.venues.hyperliquid.tiers import Tier
    >>> held = known(Decimal(20), Decimal(1), Decimal(100), [Tier(Decimal(0), 50)], rules=hyperliquid_2023())
    >>> rules = frozen(held.book, held.market, held.rules, held.pool)
    >>> int(liquidation_price(held.book, held.market, rules, held.pool, held.symbol).solved)
    81

    """
    table = rules.margin
    if not isinstance(table, TierTable):
        msg = f"{rules.name}: margin must be a table of tiers, not {type(table).__name__}"
        raise RulesError(msg)
    own = {}
    for line in assess_pool(book, market, rules, Purpose.MAINTAIN, pool).lines:
        if line.kind != "position":
            continue
        facts = table.contract(book.instruments[line.subject])
        fixed = Schedule.fixed(line.required)
        own[line.subject] = replace(facts, schedules={**facts.schedules, Purpose.MAINTAIN: fixed})
    return replace(rules, margin=replace(table, by_symbol={**table.by_symbol, **own}))


@exact
def transfer_requirement(book: Book, market: Market, rules: VenueRules, pool: str) -> Decimal:
    """What must remain after a transfer, over the whole pool: the larger of initial margin and 10% of the notional.

    Ring 1 takes the larger position by position (``assess`` at WITHDRAW), which is the same or more.

    >>> from solvent.venues.hyperliquid.account import known
    >>> from solvent.venues.hyperliquid.tiers import Tier
    >>> held = known(Decimal(60), Decimal(3), Decimal(200), [Tier(Decimal(0), 20)], leverage=20)
    >>> transfer_requirement(held.book, held.market, held.rules, held.pool).normalize()
    Decimal('6E+1')
    """
    initial = assess_pool(book, market, rules, Purpose.ADMIT, pool)
    notional = sum((line.piece.notional for line in initial.lines if line.piece is not None), ZERO)
    share: Decimal = read_rules(FOLDER)["transfer"]["of_notional"]
    return max(initial.required, notional * share)


def order_lots(lots: int, notional: Decimal, now_ns: int, last_partial_ns: int | None = None) -> int:
    """Signed lots of the market order that liquidates a position, against its side.

    A position above 100,000 USDC is sent by a fifth (rounded up to a lot: ours), unless a partial liquidation of the
    same user happened less than 30 seconds before; everything else is sent whole.

    Parameters
    ----------
    lots, notional
        The signed position in lots, and its notional in USDC at mark.
    now_ns, last_partial_ns
        The time, and that of the user's last partial liquidation, None where there was none.

    Examples
    --------
    >>> order_lots(1_000, Decimal(100_001), 0), order_lots(1_000, Decimal(100_000), 0)
    (-200, -1000)

    """
    facts = read_rules(FOLDER)["partial"]
    cooling = last_partial_ns is not None and now_ns - last_partial_ns < facts["cooldown_seconds"] * SECOND_NS
    if cooling or notional <= facts["above_notional"]:
        return -lots
    top, bottom = facts["share"].as_integer_ratio()
    closed = up(abs(lots) * top, bottom)
    return -closed if lots > 0 else closed


def deleveraged(found: Assessment) -> bool:
    """Whether positions on the other side are closed for this pool: its value at mark is below zero."""
    return found.value < 0


@exact
def adl_index(
    mark: Decimal, entry: Decimal, notional: Decimal, value: Decimal, *, side: int = 1, places: int = PLACES
) -> Decimal:
    """Rank of a winner: (mark ÷ entry) × (notional ÷ account value), as printed; cut down at ``places`` decimals.

    One division, so that it is rounded once; exchanges that print both factors have
    :func:`solvent.liquidation.adl.ranking`.

    The text does not say what it means for a short. ``side`` −1 turns the price ratio over, so that a short in profit
    ranks above one; the printed formula is ``side`` 1.

    Raises
    ------
    RulesError
        A winner has a positive entry and account value.

    Examples
    --------
    >>> adl_index(Decimal(110), Decimal(100), Decimal(2200), Decimal(1100), places=2)
    Decimal('2.20')

    """
    if entry <= 0 or mark <= 0 or value <= 0:
        msg = f"mark, entry and account value of a winner must be positive, not {mark}, {entry} and {value}"
        raise RulesError(msg)
    gained, paid = (mark, entry) if side > 0 else (entry, mark)
    return divide(gained * notional, paid * value, places, Rounding.DOWN)
