"""An account as the program sees it: tokens, spot open orders and perpetual positions, with their weights and prices.

Amounts are whole tokens, prices dollars (of a perpetual: settle tokens), both decimals. A balance is free of spot
orders: what an order reserves is in :class:`SpotOrders`. Source: programs/mango-v4/src/health/cache.rs.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from solvent.book import BookError
from solvent.margin.weights import pool_scaled_debt, pool_scaled_weight
from solvent.units import ONE, ZERO, exact

PLACES = 18  # quotients are kept to this many decimals


class HealthKind(enum.Enum):
    """Which weights and prices a health is found with; ``INIT`` is the strictest."""

    INIT = "init"  # opening and withdrawing: scaled init weights, the worse of oracle and stable price
    LIQUIDATION_END = "liquidation_end"  # a liquidation ends: init weights as listed, oracle price
    MAINT = "maint"  # a liquidation starts: maint weights, oracle price


class Prices(NamedTuple):
    """The oracle's price and the slow, stable one."""

    oracle: Decimal
    stable: Decimal

    def asset(self, kind: HealthKind) -> Decimal:
        """What an asset is valued at: at INIT the lower of both."""
        return min(self.oracle, self.stable) if kind is HealthKind.INIT else self.oracle

    def liab(self, kind: HealthKind) -> Decimal:
        """What a debt is valued at: at INIT the higher of both."""
        return max(self.oracle, self.stable) if kind is HealthKind.INIT else self.oracle


class TokenWeights(NamedTuple):
    """Weights of a token's positive (asset) and negative (liab) balance."""

    init_asset: Decimal = ONE
    init_liab: Decimal = ONE
    maint_asset: Decimal = ONE
    maint_liab: Decimal = ONE

    @staticmethod
    @exact
    def around_one(init_asset: Decimal, maint_asset: Decimal = ONE) -> TokenWeights:
        """Weights as far above one for debts as below it for assets, as most tokens were listed.

        >>> str(TokenWeights.around_one(Decimal("0.8"), Decimal("0.9")).maint_liab)
        '1.1'
        """
        return TokenWeights(init_asset, 2 - init_asset, maint_asset, 2 - maint_asset)


class PerpWeights(NamedTuple):
    """Weights of a long and a short base position, and of a positive result as a whole."""

    init_asset: Decimal = ONE
    init_liab: Decimal = ONE
    maint_asset: Decimal = ONE
    maint_liab: Decimal = ONE
    init_overall: Decimal = ONE
    maint_overall: Decimal = ONE

    @staticmethod
    @exact
    def around_one(init_asset: Decimal, init_overall: Decimal = ONE, init_liab: Decimal | None = None) -> PerpWeights:
        """Initial weights as far above one for shorts as below it for longs, unless ``init_liab`` is given."""
        return PerpWeights(init_asset, 2 - init_asset if init_liab is None else init_liab, init_overall=init_overall)

    def base(self, kind: HealthKind, *, short: bool) -> Decimal:
        """The weight of a base position."""
        if kind is HealthKind.MAINT:
            return self.maint_liab if short else self.maint_asset
        return self.init_liab if short else self.init_asset

    def overall(self, kind: HealthKind) -> Decimal:
        """The weight of a positive result."""
        return self.maint_overall if kind is HealthKind.MAINT else self.init_overall


class BankTotals(NamedTuple):
    """What all accounts hold of a token, and the dollars from which weights are scaled (None: never).

    ``potential`` is what open orders of all accounts could still turn into the token.
    """

    deposits: Decimal = ZERO
    borrows: Decimal = ZERO
    potential: Decimal = ZERO
    deposit_scale_start: Decimal | None = None
    borrow_scale_start: Decimal | None = None


NO_TOKEN_WEIGHTS = TokenWeights()
NO_PERP_WEIGHTS = PerpWeights()
NO_TOTALS = BankTotals()


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the account's balance of it; negative is a debt."""

    name: str
    amount: Decimal
    prices: Prices
    weights: TokenWeights = NO_TOKEN_WEIGHTS
    totals: BankTotals = NO_TOTALS

    @exact
    def asset_weight(self, kind: HealthKind) -> Decimal:
        """Weight of a positive balance; at INIT scaled down, rounded down, when deposits exceed the start.

        The deposits are valued at the higher of oracle and stable price, the most unfavourable choice (cache.rs).

        >>> full = BankTotals(deposits=Decimal(200), deposit_scale_start=Decimal(100))
        >>> token = Token("SOL", Decimal(1), Prices(Decimal(1), Decimal(1)), TokenWeights(Decimal("0.8")), full)
        >>> token.asset_weight(HealthKind.INIT)
        Decimal('0.400000000000000000')
        """
        if kind is not HealthKind.INIT:
            return self.weights.maint_asset if kind is HealthKind.MAINT else self.weights.init_asset
        start = self.totals.deposit_scale_start
        value = (self.totals.deposits + self.totals.potential) * self.prices.liab(kind)
        return pool_scaled_weight(self.weights.init_asset, value, start)

    @exact
    def liab_weight(self, kind: HealthKind) -> Decimal:
        """Weight of a negative balance; at INIT scaled up, rounded up, when borrows exceed the start."""
        if kind is not HealthKind.INIT:
            return self.weights.maint_liab if kind is HealthKind.MAINT else self.weights.init_liab
        start = self.totals.borrow_scale_start
        value = self.totals.borrows * self.prices.liab(kind)
        return pool_scaled_debt(self.weights.init_liab, value, start, f"borrow_scale_start of {self.name}")

    @exact
    def asset_price(self, kind: HealthKind) -> Decimal:
        """Health of one token owned."""
        return self.asset_weight(kind) * self.prices.asset(kind)

    @exact
    def liab_price(self, kind: HealthKind) -> Decimal:
        """Health that one token owed takes."""
        return self.liab_weight(kind) * self.prices.liab(kind)

    @exact
    def contribution(self, kind: HealthKind, amount: Decimal) -> Decimal:
        """Health of an effective balance."""
        return amount * (self.liab_price(kind) if amount < 0 else self.asset_price(kind))


@dataclass(frozen=True, slots=True)
class SpotOrders:
    """An account's open orders on one spot market (Serum or OpenBook).

    ``base_total`` and ``quote_total`` lie at the market, of which the free parts are settled and count as balance; the
    rest is reserved by resting orders. ``lowest_ask`` is the lowest price an ask was placed at, in quote for a base,
    and ``highest_bid_inverse`` one over the highest price a bid was placed at; zero where it was not recorded.
    """

    base: str
    quote: str
    base_total: Decimal = ZERO
    quote_total: Decimal = ZERO
    base_free: Decimal = ZERO
    quote_free: Decimal = ZERO
    lowest_ask: Decimal = ZERO
    highest_bid_inverse: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse free funds beyond the total."""
        pairs = (("base", self.base_free, self.base_total), ("quote", self.quote_free, self.quote_total))
        for side, free, total in pairs:
            if not 0 <= free <= total:
                msg = f"{side} funds at {self.base}/{self.quote}: free must be 0 to the total {total}, not {free}"
                raise BookError(msg)

    @property
    @exact
    def base_reserved(self) -> Decimal:
        """Base tokens that asks hold."""
        return self.base_total - self.base_free

    @property
    @exact
    def quote_reserved(self) -> Decimal:
        """Quote tokens that bids hold."""
        return self.quote_total - self.quote_free


@dataclass(frozen=True, slots=True)
class Perp:
    """A perpetual position and its resting orders; quote amounts are in the settle token.

    ``taker_lots`` and ``taker_quote_lots`` are fills not yet processed, ``funding`` what is owed and unsettled.
    """

    symbol: str
    settle: str
    prices: Prices
    weights: PerpWeights = NO_PERP_WEIGHTS
    lots: Decimal = ZERO
    quote: Decimal = ZERO
    bid_lots: Decimal = ZERO
    ask_lots: Decimal = ZERO
    lot_size: Decimal = ONE
    funding: Decimal = ZERO
    taker_lots: Decimal = ZERO
    taker_quote_lots: Decimal = ZERO
    quote_lot_size: Decimal = ONE

    @property
    @exact
    def base(self) -> Decimal:
        """Base position in tokens, fills not yet processed included."""
        return (self.lots + self.taker_lots) * self.lot_size

    @property
    @exact
    def quote_now(self) -> Decimal:
        """Quote position less funding, fills not yet processed included."""
        return self.quote - self.funding + self.taker_quote_lots * self.quote_lot_size

    @property
    def empty(self) -> bool:
        """Whether there is neither position nor order."""
        return not any((self.base, self.quote_now, self.bid_lots, self.ask_lots))


@dataclass(frozen=True, slots=True)
class Account:
    """Everything an account's health depends on.

    Examples
    --------
    >>> dollar = Token("USDC", Decimal(5), Prices(Decimal(1), Decimal(1)))
    >>> Account((dollar,)).token("SOL")
    Traceback (most recent call last):
    ...
    solvent.book.BookError: tokens: the account has no 'SOL'; it has ['USDC']

    """

    tokens: tuple[Token, ...]
    spots: tuple[SpotOrders, ...] = field(default=())
    perps: tuple[Perp, ...] = field(default=())

    def token(self, name: str) -> Token:
        """The token of a name; :class:`BookError` names those there are."""
        for token in self.tokens:
            if token.name == name:
                return token
        msg = f"tokens: the account has no {name!r}; it has {[token.name for token in self.tokens]}"
        raise BookError(msg)

    def perp(self, symbol: str) -> Perp:
        """The perpetual of a symbol; :class:`BookError` names those there are."""
        for perp in self.perps:
            if perp.symbol == symbol:
                return perp
        msg = f"perps: the account has no {symbol!r}; it has {[perp.symbol for perp in self.perps]}"
        raise BookError(msg)

    @exact
    def with_balance(self, name: str, change: Decimal) -> Account:
        """The same account with ``change`` added to one balance."""
        self.token(name)
        changed = [replace(t, amount=t.amount + change) if t.name == name else t for t in self.tokens]
        return replace(self, tokens=tuple(changed))

    @exact
    def with_perp(self, symbol: str, lots: Decimal, quote: Decimal) -> Account:
        """The same account with lots and quote added to one perpetual."""
        self.perp(symbol)
        changed = [
            replace(p, lots=p.lots + lots, quote=p.quote + quote) if p.symbol == symbol else p for p in self.perps
        ]
        return replace(self, perps=tuple(changed))

    def without(self, names: Collection[str]) -> Account:
        """The account as if tokens whose oracle is unusable were not there: its health can only be lower.

        Their spot markets are left out with them.

        Raises
        ------
        BookError
            A token to be left out is owed, or a perpetual with a position or order settles in it.

        """
        for token in self.tokens:
            if token.name in names and token.amount < 0:
                msg = f"tokens.{token.name}: a debt of {-token.amount} cannot be left out"
                raise BookError(msg)
        for perp in self.perps:
            if perp.settle in names and not perp.empty:
                msg = f"perps.{perp.symbol}: it settles in {perp.settle}, which cannot be left out"
                raise BookError(msg)
        return Account(
            tuple(t for t in self.tokens if t.name not in names),
            tuple(s for s in self.spots if s.base not in names and s.quote not in names),
            tuple(p for p in self.perps if p.settle not in names),
        )
