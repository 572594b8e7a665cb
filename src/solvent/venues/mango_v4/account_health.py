"""Health: one signed number in dollars, for three kinds of weights and prices, and what it is made of.

health = Σ over tokens of contribution(balance + free funds at spot markets + Σ results of perpetuals settling in it)
+ Σ over spot markets of the smaller of what their orders could become. Source: programs/mango-v4/src/health/cache.rs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from solvent.rules import RulesError
from solvent.units import ZERO, Rounding, divide, exact
from solvent.venues.mango_v4.account import PLACES, Account, HealthKind, Perp, SpotOrders, Token

EQUITY_FLOOR = Decimal("0.001")  # leverage divides by no less


class Reserved(NamedTuple):
    """A spot market's reserved funds if all became base tokens, or all became quote tokens."""

    as_base: Decimal
    as_quote: Decimal


class Sides(NamedTuple):
    """Assets and liabilities; their difference is a health or an equity."""

    assets: Decimal
    liabs: Decimal

    @property
    @exact
    def net(self) -> Decimal:
        """Assets less liabilities."""
        return self.assets - self.liabs


@exact
def perp_result(perp: Perp, kind: HealthKind) -> Decimal:
    """What a perpetual and its orders are worth to health before the overall weight, in settle tokens.

    The worse of all bids filled at the liability price and all asks filled at the asset price.

    >>> from solvent.venues.mango_v4.account import PerpWeights, Prices
    >>> weights = PerpWeights(init_asset=Decimal("0.8"), init_liab=Decimal("1.2"))
    >>> perp_result(Perp("P", "USDC", Prices(Decimal(5), Decimal(5)), weights, Decimal(-10)), HealthKind.INIT)
    Decimal('-60.0')
    """
    bids = _filled(perp, kind, perp.bid_lots, perp.prices.liab(kind))
    asks = _filled(perp, kind, -perp.ask_lots, perp.prices.asset(kind))
    return perp.quote_now + min(bids, asks)


def _filled(perp: Perp, kind: HealthKind, lots: Decimal, price: Decimal) -> Decimal:
    """Weighted base position after ``lots`` were bought (negative: sold) at ``price``, with what they cost."""
    bought = lots * perp.lot_size
    net = perp.base + bought
    short = net < 0
    worth = perp.prices.liab(kind) if short else perp.prices.asset(kind)
    return net * perp.weights.base(kind, short=short) * worth - bought * price


@exact
def perp_health(perp: Perp, kind: HealthKind) -> Decimal:
    """The result that counts, in settle tokens: positive results at the overall weight, negative ones in full."""
    result = perp_result(perp, kind)
    return result * perp.weights.overall(kind) if result > 0 else result


@exact
def spot_balance(account: Account, token: Token) -> Decimal:
    """Balance with the free funds at spot markets."""
    found = token.amount
    for spot in account.spots:
        found += spot.base_free if spot.base == token.name else ZERO
        found += spot.quote_free if spot.quote == token.name else ZERO
    return found


@exact
def effective_balances(account: Account, kind: HealthKind, *, negative_perps: bool = True) -> Mapping[str, Decimal]:
    """Balances with the results of the perpetuals that settle in them, before any weight.

    ``negative_perps`` false leaves negative results out: what may be settled is bounded that way.
    """
    found = {token.name: spot_balance(account, token) for token in account.tokens}
    for perp in account.perps:
        counts = perp_health(perp, kind)
        if negative_perps or counts > 0:
            found[account.token(perp.settle).name] += counts
    return found


@exact
def reserved(account: Account, spot: SpotOrders, kind: HealthKind) -> Reserved:
    """What a market's reserved funds become if only bids, or only asks, are filled.

    At the worst of asset and liability price, or the most extreme price recorded when that gives less; quotients are
    rounded down.

    >>> from solvent.venues.mango_v4.account import Prices
    >>> names = {"SOL": 5, "USDC": 1}
    >>> tokens = [Token(name, Decimal(0), Prices(Decimal(p), Decimal(p))) for name, p in names.items()]
    >>> orders = SpotOrders("SOL", "USDC", base_total=Decimal(2), quote_total=Decimal(20))
    >>> [int(amount) for amount in reserved(Account(tuple(tokens), (orders,)), orders, HealthKind.MAINT)]
    [6, 30]
    """
    base, quote = account.token(spot.base).prices, account.token(spot.quote).prices
    bought = divide(spot.quote_reserved * quote.asset(kind), base.liab(kind), PLACES, Rounding.DOWN)
    sold = divide(spot.base_reserved * base.asset(kind), quote.liab(kind), PLACES, Rounding.DOWN)
    at_bid, at_ask = spot.quote_reserved * spot.highest_bid_inverse, spot.base_reserved * spot.lowest_ask
    return Reserved(
        spot.base_reserved + (min(bought, at_bid) if at_bid else bought),
        spot.quote_reserved + (min(sold, at_ask) if at_ask else sold),
    )


@exact
def spot_health(account: Account, kind: HealthKind, balances: Mapping[str, Decimal]) -> list[Decimal]:
    """What the orders of each spot market add, in the order of ``account.spots``.

    Each market's funds are added last, after all other markets have turned into the same token, on the side that adds
    less. ``balances`` are effective ones.
    """
    markets = [reserved(account, spot, kind) for spot in account.spots]
    most = dict.fromkeys(balances, ZERO)
    for spot, funds in zip(account.spots, markets, strict=True):
        most[spot.base] += funds.as_base
        most[spot.quote] += funds.as_quote
    found = []
    for spot, funds in zip(account.spots, markets, strict=True):
        if not funds.as_base or not funds.as_quote:
            found.append(ZERO)
            continue
        sides = ((spot.base, funds.as_base), (spot.quote, funds.as_quote))
        found.append(min(_added_last(account.token(n), kind, balances[n] + most[n], amount) for n, amount in sides))
    return found


def _added_last(token: Token, kind: HealthKind, whole: Decimal, last: Decimal) -> Decimal:
    """Health that the ``last`` tokens of a balance add: what repays a debt counts at the liability price."""
    owned = max(ZERO, min(whole, last))
    return owned * token.asset_price(kind) + (last - owned) * token.liab_price(kind)


@exact
def health_of(account: Account, kind: HealthKind) -> Decimal:
    """The account's health in dollars; liquidation may start below zero at MAINT.

    >>> from solvent.venues.mango_v4.account import Prices, TokenWeights
    >>> weights = TokenWeights(Decimal("0.8"), Decimal("1.2"), Decimal("0.9"), Decimal("1.1"))
    >>> debt = Token("SOL", Decimal(-10), Prices(Decimal(5), Decimal(6)), weights)
    >>> [str(health_of(Account((debt,)), kind)) for kind in HealthKind]
    ['-72.0', '-60.0', '-55.0']
    """
    return _summed(account, kind, effective_balances(account, kind))


def _summed(account: Account, kind: HealthKind, balances: Mapping[str, Decimal]) -> Decimal:
    tokens = [token.contribution(kind, balances[token.name]) for token in account.tokens]
    return sum((*tokens, *spot_health(account, kind, balances)), ZERO)


@exact
def most_settled(account: Account, settle: str) -> Decimal:
    """How much negative result may be settled in a token: until health at MAINT without negative results is zero."""
    kind = HealthKind.MAINT
    balances = effective_balances(account, kind, negative_perps=False)
    token = account.token(settle)
    left = _summed(account, kind, balances)
    return taken_until_zero(left, balances[settle], token.asset_price(kind), token.liab_price(kind))


@exact
def taken_until_zero(left: Decimal, amount: Decimal, asset_price: Decimal, liab_price: Decimal) -> Decimal:
    """How many tokens can leave a balance before a health of ``left`` is used up; zero when it is not positive.

    Tokens owned cost their weighted asset price, further ones their weighted liability price; rounded down.
    :class:`RulesError` where further ones weigh nothing, so that no number of them is enough.

    >>> taken_until_zero(Decimal(10), Decimal(4), Decimal(1), Decimal(2)).normalize()
    Decimal('7')
    """
    if left <= 0:
        return ZERO
    owned = max(ZERO, amount)
    if owned * asset_price >= left and owned:
        return divide(left, asset_price, PLACES, Rounding.DOWN)
    if liab_price <= 0:
        msg = f"a health of {left} cannot be made zero with tokens that weigh nothing beyond {owned} of them"
        raise RulesError(msg)
    return owned + divide(left - owned * asset_price, liab_price, PLACES, Rounding.DOWN)


@exact
def given_until_zero(short: Decimal, amount: Decimal, asset_price: Decimal, liab_price: Decimal) -> Decimal:
    """How many tokens must join a balance until a health of ``short`` (negative) is zero.

    Tokens that repay a debt count their weighted liability price, further ones their weighted asset price.

    >>> given_until_zero(Decimal(-10), Decimal(-4), Decimal(1), Decimal(2)).normalize()
    Decimal('6')
    """
    return taken_until_zero(-short, -amount, liab_price, asset_price)


@exact
def assets_and_liabs(account: Account, kind: HealthKind, *, stable_assets: bool = False) -> Sides:
    """Health split into assets and liabilities, where a loss of a perpetual meets a balance of its settle token.

    The part of both that cancels counts at the liability price, so that liabilities do not move with assets; with
    ``stable_assets`` at the asset price, so that assets do not move with liabilities.
    """
    assets, liabs = ZERO, ZERO
    for token in account.tokens:
        split = token_sides(account, token, kind)
        asset_price, liab_price = token.asset_price(kind), token.liab_price(kind)
        both = min(split.assets, split.liabs) * (liab_price - asset_price)
        assets += split.assets * asset_price + (ZERO if stable_assets else both)
        liabs += split.liabs * liab_price - (both if stable_assets else ZERO)
    added = spot_health(account, kind, effective_balances(account, kind))
    return Sides(assets + sum(added, ZERO), liabs)


@exact
def token_sides(account: Account, token: Token, kind: HealthKind) -> Sides:
    """Positive and negative amounts of one token: its balance and each perpetual's result, unweighted."""
    amounts = [spot_balance(account, token)]
    amounts += [perp_health(perp, kind) for perp in account.perps if perp.settle == token.name]
    return _sides(amounts)


def _sides(amounts: Sequence[Decimal]) -> Sides:
    positive = sum((amount for amount in amounts if amount > 0), ZERO)
    return Sides(positive, positive - sum(amounts, ZERO))


@exact
def marked(account: Account) -> Sides:
    """Assets and liabilities at oracle prices without weights: base and quote of a perpetual count apart, by sign."""
    amounts = [spot_balance(account, token) * token.prices.oracle for token in account.tokens]
    for spot in account.spots:
        amounts.append(spot.base_reserved * account.token(spot.base).prices.oracle)
        amounts.append(spot.quote_reserved * account.token(spot.quote).prices.oracle)
    for perp in account.perps:
        settle = account.token(perp.settle).prices.oracle
        amounts += [perp.quote_now * settle, perp.base * perp.prices.oracle * settle]
    return _sides(amounts)


@exact
def leverage(account: Account) -> Decimal:
    """Liabilities over equity at oracle prices, rounded up; equity counts as at least 0.001 dollars.

    >>> from solvent.venues.mango_v4.account import Prices
    >>> held = {"USDC": (-9, 1), "SOL": (5, 2)}
    >>> tokens = [Token(n, Decimal(a), Prices(Decimal(p), Decimal(p))) for n, (a, p) in held.items()]
    >>> int(leverage(Account(tuple(tokens))))
    9
    """
    sides = marked(account)
    return divide(sides.liabs, max(sides.net, EQUITY_FLOOR), PLACES, Rounding.UP)
