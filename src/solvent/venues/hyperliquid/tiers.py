"""Margin tiers as the exchange lists them: a floor of notional and the highest leverage above it.

Maintenance is half the initial margin at a tier's highest leverage, each rate on the part of the notional inside its
tier (https://hyperliquid.gitbook.io/hyperliquid-docs/trading/margin-tiers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import Purpose
from solvent.rates import Piece, Schedule
from solvent.rules import Bracket, ContractMargin, RulesError, VenueRules
from solvent.units import ONE, Rounding, divide, exact
from solvent.venues.parts import NOTHING, TierTable

# Enough that a rate which is no finite decimal (1/6, 1/30) is off by nothing anybody prints.
PLACES = 40
# What the engine's tables hold: whole parts per million.
LISTED_PLACES = 6
AT_INITIAL = frozenset({Purpose.WITHDRAW, Purpose.ADMIT, Purpose.FILL})
AT_MAINTENANCE = (Purpose.RECOVER, Purpose.MAINTAIN)


class Tier(NamedTuple):
    """From ``floor`` of notional on (the floor itself included), at most ``max_leverage``."""

    floor: Decimal
    max_leverage: int


@exact
def maintenance_rate(max_leverage: int, places: int = PLACES) -> Decimal:
    """Half of one over the highest leverage, rounded up at ``places`` decimals: against the account.

    >>> maintenance_rate(40), maintenance_rate(3, places=6)
    (Decimal('0.0125000000000000000000000000000000000000'), Decimal('0.166667'))
    """
    if max_leverage < 1:
        msg = f"max leverage of a tier must be at least 1, not {max_leverage}"
        raise RulesError(msg)
    return divide(ONE, Decimal(2 * max_leverage), places, Rounding.UP)


@exact
def maintenance(tiers: Sequence[Tier], places: int = PLACES) -> Schedule:
    """The maintenance requirement on notional: marginal rates, deductions by the exchange's recurrence.

    >>> both = maintenance([Tier(Decimal(0), 10), Tier(Decimal(1000), 5)])
    >>> both.at(Decimal(3000)).normalize()
    Decimal('2.5E+2')
    """
    return Schedule.marginal([(one.floor, maintenance_rate(one.max_leverage, places)) for one in tiers])


def tier_of(schedule: Schedule, notional: Decimal) -> Piece:
    """The tier a notional falls in; equality takes the higher tier.

    >>> both = maintenance([Tier(Decimal(0), 10), Tier(Decimal(1000), 5)])
    >>> [tier_of(both, Decimal(n)).deduction.normalize() for n in (999, 1000)]
    [Decimal('0'), Decimal('5E+1')]
    """
    found = schedule.pieces[0]
    for piece in schedule.pieces:
        if piece.floor <= notional:
            found = piece
    return found


def brackets(schedule: Schedule) -> tuple[Bracket, ...]:
    """Leverage brackets of a maintenance schedule: the highest whole leverage that opens with twice its rate.

    >>> [one.max_leverage for one in brackets(Schedule.flat("0.0125"))]
    [40]
    """
    return tuple(Bracket(one.floor, _leverage(one.rate)) for one in schedule.pieces)


def _leverage(rate: Decimal) -> int:
    if rate <= 0:
        msg = f"maintenance rate of a tier must be positive, not {rate}"
        raise RulesError(msg)
    top, bottom = rate.as_integer_ratio()
    return max(1, bottom // (2 * top))


def contract_margin(
    tiers: Sequence[Tier] | Schedule, default_leverage: int, transfer: Schedule = NOTHING, places: int = PLACES
) -> ContractMargin:
    """Margin facts of a contract: maintenance by tiers, notional ÷ leverage to open, ``transfer`` besides to withdraw.

    A maintenance schedule may stand for the tiers; its leverages are then those of its rates.
    """
    if isinstance(tiers, Schedule):
        kept, allowed = tiers, brackets(tiers)
    else:
        kept = maintenance(tiers, places)
        allowed = tuple(Bracket(one.floor, one.max_leverage) for one in tiers)
    return ContractMargin(
        schedules={
            **dict.fromkeys(AT_MAINTENANCE, kept),
            Purpose.FILL: NOTHING,
            Purpose.ADMIT: NOTHING,
            Purpose.WITHDRAW: transfer,
        },
        brackets=allowed,
        leverage_at=AT_INITIAL,
        default_leverage=min(default_leverage, allowed[0].max_leverage),
    )


@exact
def with_tiers(rules: VenueRules, by_symbol: Mapping[str, Sequence[Tier] | Schedule]) -> VenueRules:
    """The rule set where some symbols have tiers of their own, with exact rates: an account's, or today's of the API.

    An account may have other leverages than the market lists: the exchange's own vault has 50x on everything.

    Raises
    ------
    RulesError
        The rule set's margin is no table of tiers.
    RatesError
        Tiers that do not start at zero or do not rise.

    Examples
    --------
    >>> from solvent.venues.hyperliquid.rules import hyperliquid
    >>> own = with_tiers(hyperliquid(), {"BTC": [Tier(Decimal(0), 50)]})
    >>> own.margin.every()["BTC"].brackets[0].max_leverage
    50

    """
    table = rules.margin
    if not isinstance(table, TierTable) or table.default is None:
        msg = f"{rules.name}: margin must be a table of tiers with a default, not {type(table).__name__}"
        raise RulesError(msg)
    transfer = table.default.schedules[Purpose.WITHDRAW]
    if not isinstance(transfer, Schedule):
        msg = f"{rules.name}: what must remain after a transfer must be a schedule"
        raise RulesError(msg)
    default = table.default.default_leverage
    own = {symbol: contract_margin(tiers, default, transfer) for symbol, tiers in by_symbol.items()}
    return replace(rules, margin=replace(table, by_symbol={**table.by_symbol, **own}))
