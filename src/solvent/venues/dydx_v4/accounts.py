"""The chain's own account objects as a book: sub-accounts become pools, base quantums become lots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from solvent import ledger
from solvent.book import Book, BookError, Holding, Market, Mode, Pool, Position, PriceKey, PriceKind
from solvent.instruments import Perpetual
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, Asset, exact, shifted
from solvent.venues.dydx_v4.formulas import QUOTE_SCALE, LiquidityTier, symbol
from solvent.venues.dydx_v4.model import DOLLAR, OPEN_INTEREST, quote_quantums
from solvent.venues.dydx_v4.tiers import LiquidityTiers

# A funding index counts millionths of a quote quantum, 1e-12 USDC: the coarsest scale that holds one exactly.
FUNDING_SCALE = 12


@dataclass(frozen=True, slots=True)
class ChainPerpetual:
    """A market as the chain keeps it: price × 10^exponent dollars a coin, 10^atomic resolution coins a base quantum.

    ``funding_index`` is in parts per million of a quote quantum a base quantum; ``open_interest`` in base quantums.
    """

    id: int
    atomic_resolution: int
    price: int
    exponent: int
    tier: LiquidityTier
    isolated: bool = False
    funding_index: int = 0
    open_interest: int = 0

    @property
    def symbol(self) -> str:
        """The name of the market in a book made here."""
        return symbol(self.id)


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """Signed base quantums of a market, the position's own quote balance in quote quantums, and its funding index."""

    perpetual: ChainPerpetual
    quantums: int
    quote_balance: int = 0
    funding_index: int = 0
    leverage: int | None = None


@dataclass(frozen=True, slots=True)
class Subaccount:
    """USDC in quote quantums (negative where positions were bought with it) and perpetual positions."""

    id: str
    usdc: int
    positions: tuple[ChainPosition, ...] = ()


class ChainState(NamedTuple):
    """Sub-accounts as a book, their markets, and the rule set with the markets' own tiers."""

    book: Book
    market: Market
    rules: VenueRules


class Held(NamedTuple):
    """What a pool holds in the chain's numbers: USDC in quote quantums, and base quantums by symbol."""

    usdc: int
    quantums: Mapping[str, int]


@exact
def chain_state(subaccounts: Sequence[Subaccount], rules: VenueRules) -> ChainState:
    """Sub-accounts as pools of one book, at oracle prices, under ``rules`` with the tiers that the markets carry.

    Parameters
    ----------
    subaccounts
        Each becomes a pool of its id; a position of zero quantums leaves its quote balance and is dropped.
    rules
        A rule set of this venue; its tiers stand for markets that ``subaccounts`` do not name.

    Raises
    ------
    BookError
        Two positions describe one market differently, or one sub-account holds a market twice.
    UnitsError
        An oracle price is not positive, or is finer than 30 decimals of USDC a base quantum.

    Examples
    --------
    >>> from solvent.venues import venue
    >>> btc = ChainPerpetual(0, -8, 5_000_000_000, -5, LiquidityTier(200_000, 500_000))
    >>> state = chain_state([Subaccount("a", -4_501_000_000, (ChainPosition(btc, 10_000_000),))], venue("dydx_v4"))
    >>> state.book.holding("a").positions[0].lots, held(state.book, "a").usdc
    (10000000, -4501000000)

    """
    listed = _listed(subaccounts)
    finest = [-(one.atomic_resolution + one.exponent) for one in listed.values()]
    dollar = Asset(DOLLAR, max(FUNDING_SCALE, *finest) if finest else FUNDING_SCALE, QUOTE_SCALE)
    contracts = {name: _contract(one, dollar) for name, one in listed.items()}
    book = Book({DOLLAR: dollar}, contracts, tuple(_holding(one, dollar) for one in subaccounts))
    per_index = 10 ** (dollar.scale - FUNDING_SCALE)
    market = Market(
        {PriceKey(PriceKind.MARK, name, DOLLAR): _price(one) for name, one in listed.items()},
        funding={name: one.funding_index * per_index for name, one in listed.items()},
        wide={
            (OPEN_INTEREST, name): shifted(Decimal(one.open_interest), one.atomic_resolution)
            for name, one in listed.items()
        },
    )
    return ChainState(book, market, with_tiers(rules, listed.values()))


@exact
def held(book: Book, pool: str) -> Held:
    """What a pool of a book made here holds, in the chain's numbers (funding not settled)."""
    holding = book.holding(pool)
    usdc = quote_quantums(holding.cash.get(DOLLAR, 0), book.assets[DOLLAR].scale)
    return Held(usdc, {position.symbol: position.lots for position in holding.positions})


def with_tiers(rules: VenueRules, perpetuals: Iterable[ChainPerpetual]) -> VenueRules:
    """The rule set with the tiers and market types that ``perpetuals`` carry, by symbol."""
    if not isinstance(rules.margin, LiquidityTiers):
        msg = f"{rules.name}: a sub-account is margined by liquidity tiers, not by {type(rules.margin).__name__}"
        raise RulesError(msg)
    own = {one.symbol: one for one in perpetuals}
    tiers = {**rules.margin.by_symbol, **{name: one.tier for name, one in own.items()}}
    isolated = rules.margin.isolated | {name for name, one in own.items() if one.isolated}
    return replace(rules, margin=replace(rules.margin, by_symbol=tiers, isolated=isolated))


@exact
def settled(book: Book, market: Market, pool: str) -> Holding:
    """A pool's holding with all funding paid: one sum over its positions, rounded down to whole quote quantums.

    Source: x/subaccounts/lib/updates.go. A book counted more coarsely than quote quantums is not rounded.
    """
    holding = book.holding(pool)
    dollar = book.assets[holding.pool.numeraire]
    due = sum(
        ledger.funding_due(one.lots, market.funding.get(one.symbol, 0), one.funding_index) for one in holding.positions
    )
    unit = 10 ** max(0, dollar.scale - QUOTE_SCALE)
    paid = -due // unit * unit
    touched = tuple(replace(one, funding_index=market.funding.get(one.symbol, 0)) for one in holding.positions)
    return replace(holding.with_cash(dollar.name, paid), positions=touched)


def _listed(subaccounts: Sequence[Subaccount]) -> dict[str, ChainPerpetual]:
    found: dict[str, ChainPerpetual] = {}
    for account in subaccounts:
        names = [one.perpetual.symbol for one in account.positions]
        if len(names) != len(set(names)):
            msg = f"sub-account {account.id}: holds one market in two positions: {names}"
            raise BookError(msg)
        for one in account.positions:
            if found.setdefault(one.perpetual.symbol, one.perpetual) != one.perpetual:
                msg = f"{one.perpetual.symbol}: two positions describe this market differently"
                raise BookError(msg)
    return found


def _contract(one: ChainPerpetual, dollar: Asset) -> Perpetual:
    tick, lot = shifted(ONE, one.exponent), shifted(ONE, one.atomic_resolution)
    return Perpetual(one.symbol, one.symbol, dollar, dollar, tick, lot)


def _price(one: ChainPerpetual) -> Decimal:
    return shifted(Decimal(one.price), one.exponent)


def _holding(account: Subaccount, dollar: Asset) -> Holding:
    unit, per_index = 10 ** (dollar.scale - QUOTE_SCALE), 10 ** (dollar.scale - FUNDING_SCALE)
    kept = [one for one in account.positions if one.quantums]
    left = sum(one.quote_balance for one in account.positions if not one.quantums)
    alone = any(one.perpetual.isolated for one in kept)
    pool = Pool(account.id, numeraire=DOLLAR, mode=Mode.ISOLATED if alone else Mode.CROSS)
    positions = tuple(
        Position(
            one.perpetual.symbol,
            one.quantums,
            -one.quote_balance * unit,
            leverage=one.leverage,
            funding_index=one.funding_index * per_index,
        )
        for one in kept
    )
    return Holding(pool, {DOLLAR: (account.usdc + left) * unit}, positions)
