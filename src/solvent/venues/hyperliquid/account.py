"""An account known by its summary and one position, as a book: what the exchange's answers give about one line.

Cash is what the exchange calls raw USD: the account's value less the signed worth of its positions at mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Book, BookError, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.rates import Schedule
from solvent.rules import ContractMargin, VenueRules
from solvent.units import ONE, ZERO, Asset, Rounding, divide, exact, shifted
from solvent.venues.hyperliquid.rules import hyperliquid
from solvent.venues.hyperliquid.tiers import AT_INITIAL, Tier, maintenance_rate, with_tiers
from solvent.venues.parts import TierTable

POOL, SYMBOL, OTHERS = "account", "position", "others"
# Steps finer than any figure the exchange prints, and a scale at which one lot and tick is a whole number of units.
STEP_PLACES, SCALE = 12, 24
STEP = shifted(ONE, -STEP_PLACES)
MARK_PLACES = STEP_PLACES
USDC = Asset("USDC", SCALE)


class Known(NamedTuple):
    """A book of one pool, its market, the rules it is judged by, and the names to ask for."""

    book: Book
    market: Market
    rules: VenueRules
    pool: str = POOL
    symbol: str = SYMBOL


@exact
def mark_of(position_value: Decimal, size: Decimal, places: int = MARK_PLACES) -> Decimal:
    """The mark a reported position value implies, at the nearest of ``places`` decimals.

    Answers carry binary noise in their last digits; a mark has at most six decimals, so the nearest is the mark.

    >>> mark_of(Decimal("4398175.3896000003"), Decimal("30390.93"), places=6)
    Decimal('144.720000')
    """
    if size == 0:
        msg = "size of a position must not be zero"
        raise BookError(msg)
    return divide(position_value, abs(size), places, Rounding.HALF_UP)


@exact
def rest_of_maintenance(total: Decimal, position_value: Decimal, max_leverage: int) -> Decimal:
    """What an account's other positions require: its cross maintenance less that of one position in its first tier.

    >>> rest_of_maintenance(Decimal(30), Decimal(400), 10).normalize()
    Decimal('1E+1')
    """
    return total - position_value * maintenance_rate(max_leverage)


@exact
def known(
    value: Decimal,
    size: Decimal,
    mark: Decimal,
    tiers: Sequence[Tier] | Schedule,
    *,
    others: Decimal = ZERO,
    leverage: int | None = None,
    mode: Mode = Mode.CROSS,
    rules: VenueRules | None = None,
) -> Known:
    """The book of one position beside others of which only their maintenance is known.

    Parameters
    ----------
    value
        Account value (cross) or margin of the position (isolated), unrealised profit included.
    size, mark, tiers
        The signed position, its mark, and the tiers it is margined by.
    others
        Maintenance of every other cross position: a constant along the path of this one.
    leverage
        The user's leverage cap for the position.
    rules
        The rule set its tiers are put into, today's unless another is given.

    Raises
    ------
    BookError, UnitsError, RatesError
        A size of zero, a mark that is not positive, tiers that do not start at zero or do not rise.

    Examples
    --------
    >>> from solvent.margin import liquidation_price
    >>> held = known(Decimal(200), Decimal(-10), Decimal(100), [Tier(Decimal(0), 10)])
    >>> str(liquidation_price(*held).solved)[:9]
    '114.28571'

    """
    return account(
        raw=value - size * mark,
        positions={SYMBOL: (size, mark, tiers, leverage)},
        others=others,
        mode=mode,
        rules=rules,
    )


@exact
def known_by_raw(
    raw: Decimal, size: Decimal, mark: Decimal, tiers: Sequence[Tier] | Schedule, mode: Mode = Mode.ISOLATED
) -> Known:
    """The book of a position whose raw USD is known: an isolated one carries it in its leverage field.

    >>> from solvent.book import Purpose
    >>> from solvent.margin import assess_pool
    >>> held = known_by_raw(Decimal(150), Decimal(-1), Decimal(100), [Tier(Decimal(0), 5)])
    >>> int(assess_pool(held.book, held.market, held.rules, Purpose.MAINTAIN, held.pool).value)
    50
    """
    return account(raw=raw, positions={SYMBOL: (size, mark, tiers, None)}, mode=mode)


@exact
def known_by_totals(
    value: Decimal, total_notional: Decimal, rate: Decimal, size: Decimal, position_value: Decimal, rules: VenueRules
) -> Known:
    """The book of one position beside others of which only the notional is known, all at one maintenance ``rate``.

    >>> from solvent.venues.hyperliquid.rules import hyperliquid_2023
    >>> figures = (Decimal(20), Decimal(300), Decimal("0.01"), Decimal(1), Decimal(100))
    >>> held = known_by_totals(*figures, hyperliquid_2023())
    >>> from solvent.book import Purpose
    >>> from solvent.margin import assess_pool
    >>> int(assess_pool(held.book, held.market, held.rules, Purpose.MAINTAIN, held.pool).required)
    3
    """
    others = (total_notional - position_value) * rate
    mark = mark_of(position_value, size)
    return known(value, size, mark, Schedule.flat(rate), others=others, rules=rules)


Row = tuple[Decimal, Decimal, Sequence[Tier] | Schedule, int | None]


@exact
def account(
    raw: Decimal,
    positions: Mapping[str, Row],
    *,
    others: Decimal = ZERO,
    mode: Mode = Mode.CROSS,
    rules: VenueRules | None = None,
) -> Known:
    """The book of any number of positions (size, mark, tiers, leverage cap) over raw USD; errors as :func:`known`."""
    base = with_tiers(rules or hyperliquid(), {name: row[2] for name, row in positions.items()})
    listed = {name: _contract(name) for name in positions}
    held = [_position(listed[name], size, leverage) for name, (size, _, _, leverage) in positions.items()]
    prices = {_key(name): row[1] for name, row in positions.items()}
    if others:
        listed[OTHERS], prices[_key(OTHERS)] = _contract(OTHERS), STEP
        held.append(Position(OTHERS, 1, int(shifted(STEP * STEP, SCALE)), leverage=1))
        base = _with_others(base, others)
    pool = Pool(POOL, mode=mode, numeraire=USDC.name)
    holding = Holding(pool, {USDC.name: USDC.units(raw, "raw USD")}, tuple(held))
    symbol = next(iter(positions), SYMBOL)
    return Known(Book({USDC.name: USDC}, listed, (holding,)), Market(prices), base, POOL, symbol)


def _contract(name: str) -> Perpetual:
    return Perpetual(name, name, USDC, USDC, STEP, STEP)


def _key(name: str) -> PriceKey:
    return PriceKey(PriceKind.MARK, name, USDC.name)


def _position(contract: Perpetual, size: Decimal, leverage: int | None) -> Position:
    if size == 0:
        msg = f"size of {contract.symbol} must not be zero"
        raise BookError(msg)
    return Position(contract.symbol, contract.lots(size), 0, leverage=leverage)


def _with_others(rules: VenueRules, required: Decimal) -> VenueRules:
    """The rule set with one stand-in that requires a given amount, whatever its price."""
    fixed = Schedule.fixed(required)
    table = rules.margin
    if not isinstance(table, TierTable) or table.default is None:
        msg = f"{rules.name}: margin must be a table of tiers with a default"
        raise BookError(msg)
    facts = table.default
    kept = {purpose: one if purpose in AT_INITIAL else fixed for purpose, one in facts.schedules.items()}
    stand_in = ContractMargin(kept, facts.brackets, facts.leverage_at, facts.default_leverage)
    return replace(rules, margin=replace(table, by_symbol={**table.by_symbol, OTHERS: stand_in}))
