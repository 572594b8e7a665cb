"""What a replay lists: assets, perpetuals, spot markets and rules rows of a dataset under a rule set, with their ids.

Coins that the rule set takes as collateral are listed as assets whose index is the coin's own mark; each also has a
spot market. Things get their ids in this order: the venue's dollar, coins, perpetuals, spot markets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from solvent.book import Mode
from solvent.engine.commands import Sent, list_asset, list_instrument, schedule_rules
from solvent.engine.records import Records, Verb, command
from solvent.engine.tables import LOT_BITS, POSITION_BITS, Limits
from solvent.instruments import Perpetual, Spot
from solvent.rules import Collateral, ContractMargin, Loss, RulesError, VenueRules
from solvent.simulation.datasets import Dataset, Listing
from solvent.units import Asset
from solvent.venues import numeraire, venue

Ints = NDArray[np.int64]

SET_UP, MARKET, TRADING, LIQUIDATOR = 1, 2, 3, 4  # who sends commands: the sources of a run
DOLLAR_SCALE = 6
DOLLAR_ID = 0
COIN_SCALE = 6
HEADROOM = 4  # prices may rise to this many times the window's highest
ROOM_BITS = 3  # what is kept free of the widest limits, so that a pool can hold several assets
MOST_CASH_UNITS = 1 << 57
MOST_ROWS = 4


@dataclass(frozen=True, slots=True)
class World:
    """Ids and facts of what is listed.

    Args:
        dataset: The market window.
        name: Name of the rule set.
        rules: The rule set.
        perpetuals: One an instrument of the dataset, in its order.
        coins: Instruments (by number) whose coin is listed as an asset too.
        classes: Account class of retail and of professional accounts.
        dollar: What everything is counted in: the asset the rule set judges pools in.

    """

    dataset: Dataset
    name: str
    rules: VenueRules
    perpetuals: tuple[Perpetual, ...]
    coins: tuple[int, ...]
    classes: tuple[str, str]
    dollar: Asset

    @property
    def rows(self) -> tuple[tuple[Mode, int], ...]:
        """(mode, professional) by rules row, of the modes the rule set has; the house's pools are under the first."""
        modes = [mode for mode in (Mode.CROSS, Mode.ISOLATED) if mode in self.rules.modes]
        return tuple((mode, professional) for mode in modes for professional in (1, 0))

    @property
    def vault(self) -> bool:
        """Whether liquidity providers stand on the other side of every trade: the fund is their vault then."""
        return Loss.LP_VAULT in self.rules.losses.stages

    @property
    def first_perpetual(self) -> int:
        """Thing id of the first perpetual; the others follow."""
        return 1 + len(self.coins)

    @property
    def first_spot(self) -> int:
        """Thing id of the first spot market, that of the first coin; the others follow."""
        return self.first_perpetual + len(self.perpetuals)

    @property
    def things(self) -> int:
        """How many things are listed."""
        return self.first_spot + len(self.coins)

    @property
    def tick_values(self) -> Ints:
        """Dollar units of one lot and tick, by instrument."""
        return np.array([one.tick_value for one in self.perpetuals], dtype=np.int64)

    def coin_asset(self, k: int) -> Asset:
        """The asset of the k-th listed coin."""
        return Asset(self.perpetuals[self.coins[k]].underlying, COIN_SCALE)

    def coin_divisor(self, k: int) -> int:
        """Units × ticks of the k-th coin that make one unit of the dollar."""
        return _divisor(self.perpetuals[self.coins[k]].tick_size)

    def margin(self, instrument: int) -> ContractMargin:
        """Margin facts of an instrument."""
        return self.rules.margin.contract(self.perpetuals[instrument])

    def price_pairs(self, marks: Ints) -> bytes:
        """The payload of a price epoch: every thing's price from the instruments' marks in ticks."""
        coins = list(self.coins)
        rows = np.empty((self.things - 1, 2), "<i8")
        rows[:, 0] = np.arange(1, self.things)
        rows[:, 1] = np.concatenate([marks[coins], marks, marks[coins]])
        return rows.tobytes()


def _divisor(tick: Decimal) -> int:
    return int(1 / tick)


def build(dataset: Dataset, name: str) -> World:
    """The world of a dataset under a rule set by its name.

    >>> from solvent.simulation.datasets import load
    >>> world = build(load("mar-2020"), "generic")
    >>> world.things, [world.coin_asset(k).name for k in range(3)]
    (10, ['BNB', 'ETH', 'XRP'])
    """
    rules = venue(name)
    if rules.models:
        raise RulesError(f"{name} is judged by a model of its own; a replay needs rules that the engine compiles")
    dollar = Asset(numeraire(name), DOLLAR_SCALE)
    perpetuals = tuple(listing.perpetual(dollar) for listing in dataset.listings)
    coins = tuple(k for k, listing in enumerate(dataset.listings) if _is_collateral(rules, listing))
    known = rules.capabilities.account_classes
    retail = "retail" if "retail" in known else min(known - {"standard"}, default="standard")
    professional = "professional" if "professional" in known else "standard"
    return World(dataset, name, rules, perpetuals, coins, (retail, professional), dollar)


def _is_collateral(rules: VenueRules, listing: Listing) -> bool:
    """Whether a coin counts by plain weights, and a unit of the dollar is a whole number of its units × ticks."""
    plain = isinstance(rules.collateral.asset(listing.base), Collateral)
    return plain and 1 / listing.tick_size == int(1 / listing.tick_size)


def venues(name: str) -> Mapping[str, VenueRules]:
    """The rule sets an engine of this world needs, by name."""
    return {name: venue(name)}


def limits(pools: int, things: int) -> Limits:
    """Room for ``pools`` pools and their entries, in ``things`` things."""
    return Limits(
        pools=pools + 16,
        entries=min(48 * pools + (1 << 14), 12 * pools + (1 << 22)),  # pools have four on average, some far more
        orders=4 * pools + 1024,
        things=things + 2,
        rules=MOST_ROWS + 2,
        pieces=8192 + 512 * things * MOST_ROWS // 4,
        sources=8,
    )


def listings(world: World) -> list[Sent]:
    """Commands that list everything and define the rules rows; their numbers are given when they are sent."""
    high = world.dataset.high_ticks.max(axis=0)
    sent = [list_asset(SET_UP, 0, world.dollar, max_units=MOST_CASH_UNITS)]
    for k, instrument in enumerate(world.coins):
        room = min(1 << 62, world.coin_divisor(k) << POSITION_BITS) >> ROOM_BITS
        units = room // (HEADROOM * int(high[instrument]))
        tick = world.perpetuals[instrument].tick_size
        sent.append(list_asset(SET_UP, 0, world.coin_asset(k), max_units=units, quote=world.dollar.name, tick=tick))
    for one, most in zip(world.perpetuals, high, strict=True):
        ticks, lots = _room(int(most), one.tick_value)
        sent.append(list_instrument(SET_UP, 0, one, max_lots=lots, max_ticks=ticks))
    for k, instrument in enumerate(world.coins):
        spot = spot_of(world, k)
        ticks, lots = _room(int(high[instrument]), spot.tick_value)
        lots = min(lots, (1 << POSITION_BITS >> ROOM_BITS) // spot.lot_units)
        sent.append(list_instrument(SET_UP, 0, spot, max_lots=lots, max_ticks=ticks))
    for row, (mode, professional) in enumerate(world.rows):
        account_class = world.classes[professional]
        sent.append(schedule_rules(SET_UP, 0, row=row, rules=world.name, mode=mode, account_class=account_class))
    return sent


def _room(high: int, tick_value: int) -> tuple[int, int]:
    """Largest ticks and lots of a contract whose window's highest price is ``high``."""
    ticks = HEADROOM * high
    return ticks, min((1 << LOT_BITS) - 1, (1 << POSITION_BITS >> ROOM_BITS) // (ticks * tick_value))


def spot_of(world: World, k: int) -> Spot:
    """The spot market of the k-th listed coin, in the ticks and lots of its perpetual."""
    one = world.perpetuals[world.coins[k]]
    base = world.coin_asset(k)
    return Spot(f"{base.name}-SPOT", base.name, world.dollar, world.dollar, one.tick_size, one.lot_size, base)


def price_command(world: World, marks: Ints, time_ns: int) -> Sent:
    """A price epoch."""
    return command(Verb.PRICES, MARKET, 0, amount=time_ns), world.price_pairs(marks)


def records(verb: Verb, source: int, count: int, **fields: Ints | int) -> Records:
    """``count`` commands of one verb, fields as columns; their numbers are given when they are sent.

    >>> [int(n) for n in records(Verb.DEPOSIT, SET_UP, 2, pool=np.array([3, 4]), amount=5)["pool"]]
    [3, 4]
    """
    made: Records = np.zeros(count, command(verb, source, 0).dtype)
    made["kind"], made["source"] = int(verb), source
    for name, column in fields.items():
        made[name] = column
    return made
