"""Prices that liquidations meet: a depth-limited book with square-root impact, and its decay.

**Impact.** A quantity Q traded in a bar of volume V moves the price by I = Y sigma sqrt(Q / V) (Toth et al. 2011,
arXiv:1105.1694; for Bitcoin, over a million metaorders, Donier and Bonart 2015, arXiv:1412.4503). sigma is the bar's
volatility from its range, (high - low) / middle / sqrt(4 ln 2), the linear form of Parkinson (1980, Journal of Business
53, 61); sigma / sqrt(V) does not depend on the bar's length. Y is of order one in that literature; 1 is assumed here.

**One metaorder.** The law is for everything traded in one direction, so the state is the signed square of the
displacement: trading Q adds (Y sigma)^2 Q / V to it. In pieces or at once, the displacement is the same. The average
price of a fill follows from the integral: from a to b it is displaced by (2/3) (b^3 - a^3) / (b^2 - a^2).

**Decay.** Displacement halves every half-life: liquidations carry no information, and the impact of uninformed flow
decays almost fully (Donier and Bonart 2015). The half-life is assumed.

**Depth.** In each minute a share of the minute's real volume takes the other side. The share falls as volatility
rises, in proportion to the median bar's over this bar's, but not below a floor: BTC depth within 50 basis points of
the middle on Hyperliquid fell from 10.0 to 2.78 million dollars, to 28 %, across 10 October 2025 (17:59 to 24:00 UTC;
github.com/yuchengzhang966/funding-rate-efficient-frontier at commit 9669d3d).

Everything is whole numbers; displacements are millionths of the price, their squares millionths squared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from solvent.simulation.datasets import Dataset

Ints = NDArray[np.int64]

MILLION = 1_000_000
BILLION = 1_000_000_000
MOST_LOTS = 2**31 - 1
FINE = 1_000_000  # roots under an average are taken to this part of a ppm
ROOT_4_LN_2_PPM = 1_665_109  # sqrt(4 ln 2)


class ImpactError(ValueError):
    """A quote that cannot be given or a state that does not fit its book."""


@dataclass(frozen=True, slots=True)
class ImpactModel:
    """The constants.

    Args:
        y_ppm: Y of the square-root law, in millionths.
        participation_ppm: Share of a calm minute's volume that takes the other side, in millionths.
        depth_floor_ppm: What is left of that share in the wildest bars, in millionths.
        half_life_minutes: Minutes in which a displacement halves.

    """

    y_ppm: int = 1_000_000
    participation_ppm: int = 100_000
    depth_floor_ppm: int = 280_000
    half_life_minutes: int = 20

    def __post_init__(self) -> None:
        """Refuse constants outside their range, naming the field."""
        for name, most in (("y_ppm", 10 * MILLION), ("participation_ppm", MILLION), ("depth_floor_ppm", MILLION)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ImpactError(f"{name} must be 0 to {most}, not {value}")
        if not 1 <= self.half_life_minutes <= 10_000:
            raise ImpactError(f"half_life_minutes must be 1 to 10000, not {self.half_life_minutes}")


@dataclass(slots=True)
class ImpactState:
    """What the simulation's own trading has done to the market so far; whole numbers only.

    Args:
        count: Number of instruments.
        minute: The minute it stands at.
        squares: Signed square of each instrument's displacement, in ppm squared; bought is positive.
        bought: Lots bought from the book in this minute, one an instrument.
        sold: Lots sold to it.

    """

    count: int
    minute: int = 0
    squares: list[int] = field(default_factory=list)
    bought: list[int] = field(default_factory=list)
    sold: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fill in an untouched market; refuse lists of another length."""
        for name in ("squares", "bought", "sold"):
            numbers = getattr(self, name)
            if not numbers:
                setattr(self, name, [0] * self.count)
            elif len(numbers) != self.count:
                raise ImpactError(f"{name} must hold {self.count} numbers, not {len(numbers)}")

    def to_ints(self) -> list[int]:
        """The whole state as one list, for a snapshot or a hash.

        >>> state = ImpactState(2, minute=5)
        >>> ImpactState.from_ints(state.to_ints()) == state
        True
        """
        return [self.count, self.minute, *self.squares, *self.bought, *self.sold]

    @classmethod
    def from_ints(cls, numbers: list[int]) -> Self:
        """The state that :meth:`to_ints` wrote down; :class:`ImpactError` when the length does not fit."""
        if len(numbers) < 2 or numbers[0] < 1 or len(numbers) != 2 + 3 * numbers[0]:
            raise ImpactError(f"a state must be 2 + 3 x (number of instruments) whole numbers, not {len(numbers)}")
        n = numbers[0]
        return cls(n, numbers[1], numbers[2 : 2 + n], numbers[2 + n : 2 + 2 * n], numbers[2 + 2 * n :])


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would get.

    Args:
        filled_lots: Signed as the order, at most its size; 0 when the minute's depth is used up.
        price_ticks: Average price of the fill, rounded against the order, at least 1; with nothing filled, the mark.
        square: The instrument's state after it.

    """

    filled_lots: int
    price_ticks: int
    square: int


class Book:
    """Prices and depth of every minute of a dataset, around bridged marks.

    Args:
        dataset: Gives volume and volatility of every bar.
        bridged: Marks without own impact, int64, minutes x instruments
            (:func:`solvent.simulation.paths.minute_marks`).
        model: The constants.

    >>> from solvent.simulation.datasets import load
    >>> from solvent.simulation.paths import minute_marks
    >>> may = load("may-2021")
    >>> book = Book(may, minute_marks(may, seed=7))
    >>> state, btc = book.state(), may.symbols.index("BTCUSDT")
    >>> before = int(book.marks(state)[btc])
    >>> fill = book.fill(state, btc, -5_000)
    >>> fill.filled_lots, fill.price_ticks < before, int(book.marks(state)[btc]) < fill.price_ticks
    (-5000, True, True)

    """

    def __init__(self, dataset: Dataset, bridged: Ints, model: ImpactModel | None = None) -> None:
        if bridged.shape != (dataset.minutes, len(dataset.listings)):
            shape = (dataset.minutes, len(dataset.listings))
            raise ImpactError(f"marks of {dataset.name} must have shape {shape}, not {bridged.shape}")
        self.dataset, self.bridged, self.model = dataset, bridged, model or ImpactModel()
        self.volatility_ppm = bar_volatility_ppm(dataset)
        self.decay_ppb = decay_per_minute_ppb(self.model.half_life_minutes)
        self.depth_lots = depth_per_minute_lots(dataset, self.volatility_ppm, self.model)

    def state(self) -> ImpactState:
        """An untouched market at minute 0."""
        return ImpactState(len(self.dataset.listings))

    def advance(self, state: ImpactState, minute: int) -> None:
        """Bring ``state`` to a minute that is not before its own: displacements decay, the depth is new.

        >>> from solvent.simulation.datasets import load
        >>> from solvent.simulation.paths import minute_marks
        >>> march = load("mar-2020")
        >>> book = Book(march, minute_marks(march, seed=7))
        >>> state = ImpactState(3, squares=[-1_000_000, 0, 0])
        >>> book.advance(state, 20)
        >>> state.squares  # halved: 1,000 ppm to 500 ppm
        [-249994, 0, 0]
        """
        if not state.minute <= minute < self.dataset.minutes:
            raise ImpactError(f"minute must be {state.minute} to {self.dataset.minutes - 1}, not {minute}")
        for _ in range(minute - state.minute if any(state.squares) else 0):
            state.squares = [_towards_zero(square * self.decay_ppb, BILLION) for square in state.squares]
        if minute > state.minute:
            state.bought, state.sold = [0] * state.count, [0] * state.count
        state.minute = minute

    def marks(self, state: ImpactState) -> Ints:
        """Marks at the state's minute with the displacement of own trading: int64 ticks, one an instrument, >= 1."""
        marks: Ints = self.bridged[state.minute].copy()
        for k, square in enumerate(state.squares):
            if square:
                displaced = displaced_ticks(int(marks[k]), _signed_root(square))
                marks[k] = max(displaced, 1)
        return marks

    def available_lots(self, state: ImpactState, instrument: int, *, buying: bool) -> int:
        """Lots that one side of the book still takes in the state's minute."""
        taken = state.bought if buying else state.sold
        return max(int(self.depth_lots[state.minute, instrument]) - taken[instrument], 0)

    def quote(self, state: ImpactState, instrument: int, lots: int) -> Quote:
        """What an order of signed ``lots`` (bought > 0) would get now; changes nothing."""
        if lots == 0 or not 0 <= instrument < state.count:
            raise ImpactError(f"an order needs lots other than 0 and an instrument below {state.count}")
        side = 1 if lots > 0 else -1
        filled = min(abs(lots), self.available_lots(state, instrument, buying=side > 0))
        before = state.squares[instrument]
        mark = int(self.bridged[state.minute, instrument])
        if filled == 0:
            return Quote(0, max(displaced_ticks(mark, _signed_root(before)), 1), before)
        after = before + side * self._square(state.minute, instrument, filled)
        price = displaced_ticks(mark, average_ppm(before, after), up=side > 0)
        return Quote(side * filled, max(price, 1), after)

    def fill(self, state: ImpactState, instrument: int, lots: int) -> Quote:
        """What :meth:`quote` says, and the state moves by it: depth used, price displaced."""
        quote = self.quote(state, instrument, lots)
        taken = state.bought if lots > 0 else state.sold
        taken[instrument] += abs(quote.filled_lots)
        state.squares[instrument] = quote.square
        return quote

    def _square(self, minute: int, instrument: int, lots: int) -> int:
        """(Y sigma)^2 Q / V in ppm squared, rounded up."""
        bar = minute // self.dataset.interval_minutes
        volume = max(int(self.dataset.volume_lots[bar, instrument]), 1)
        y_sigma = self.model.y_ppm * int(self.volatility_ppm[bar, instrument])
        return -(-y_sigma * y_sigma * lots // (volume * MILLION * MILLION))


class OracleBook(Book):
    """Every order is filled whole at the mark: liquidity providers take the other side at the oracle's price.

    >>> from solvent.simulation.datasets import load
    >>> from solvent.simulation.paths import minute_marks
    >>> may = load("may-2021")
    >>> book = OracleBook(may, minute_marks(may, seed=7))
    >>> state = book.state()
    >>> book.fill(state, 0, -(10**8)).filled_lots, bool((book.marks(state) == book.bridged[0]).all())
    (-100000000, True)
    """

    def available_lots(self, state: ImpactState, instrument: int, *, buying: bool) -> int:  # noqa: ARG002
        """No limit but the engine's own."""
        return MOST_LOTS

    def quote(self, state: ImpactState, instrument: int, lots: int) -> Quote:
        """All of it, at the mark."""
        if lots == 0 or not 0 <= instrument < state.count:
            raise ImpactError(f"an order needs lots other than 0 and an instrument below {state.count}")
        return Quote(lots, int(self.bridged[state.minute, instrument]), 0)

    def fill(self, state: ImpactState, instrument: int, lots: int) -> Quote:
        """The same: nothing is used up and nothing displaced."""
        return self.quote(state, instrument, lots)


def displaced_ticks(mark_ticks: int, displacement_ppm: int, *, up: bool = False) -> int:
    """A price moved by a signed displacement, rounded down, or up on request.

    Up is multiplied by (1 + i), down divided by it: no price reaches zero, and up then down ends where it began.

    >>> displaced_ticks(1_000, 250_000), displaced_ticks(1_250, -250_000), displaced_ticks(1_000, 1, up=True)
    (1250, 1000, 1001)
    """
    top, bottom = MILLION + max(displacement_ppm, 0), MILLION + max(-displacement_ppm, 0)
    return -(-mark_ticks * top // bottom) if up else mark_ticks * top // bottom


def average_ppm(before: int, after: int) -> int:
    """Mean displacement (ppm, signed) while the signed square goes from ``before`` to ``after``; they differ.

    Rounded in the direction of the trade, which is against it: up when buying, down when selling.

    >>> average_ppm(0, 900 * 900), average_ppm(0, -900 * 900), average_ppm(0, 1_000**2), average_ppm(0, -(1_000**2))
    (600, -600, 667, -667)
    """
    first, last = (isqrt(abs(square) * FINE**2) for square in (before, after))
    rise, width = 2 * (last**3 - first**3), 3 * FINE**3 * (after - before)
    mean = -(-rise // width) if width > 0 else rise // width
    low, high = sorted((_signed_root(before), _signed_root(after)))
    return min(max(mean, low), high)  # a tiny step between rounded roots could leave its own ends


def bar_volatility_ppm(dataset: Dataset) -> Ints:
    """Volatility of every bar from its range in ppm; int64, bars x instruments, suspect extremes left out."""
    low, high = dataset.mark_range()
    twice_middle = high + low
    return (high - low) * 2 * MILLION // twice_middle * MILLION // ROOT_4_LN_2_PPM


def depth_per_minute_lots(dataset: Dataset, volatility_ppm: Ints, model: ImpactModel) -> Ints:
    """Lots a side of the book takes in each minute; int64, minutes x instruments.

    Volume of the bar / its minutes x participation x min(1, max(floor, median volatility / volatility)).
    """
    bars = len(volatility_ppm)
    median = np.sort(volatility_ppm, axis=0)[bars // 2]
    thinning = np.clip(median * MILLION // np.maximum(volatility_ppm, 1), model.depth_floor_ppm, MILLION)
    share = thinning * model.participation_ppm // MILLION
    volume = dataset.volume_lots // dataset.interval_minutes
    lots = volume // MILLION * share + volume % MILLION * share // MILLION
    return np.repeat(lots, dataset.interval_minutes, axis=0)


def decay_per_minute_ppb(half_life_minutes: int) -> int:
    """What is left of a squared displacement after a minute, in 10^-9: the largest f with f^half-life <= 1/4.

    >>> decay_per_minute_ppb(1), decay_per_minute_ppb(2)
    (250000000, 500000000)
    """
    low, high = 0, BILLION
    quarter = BILLION**half_life_minutes // 4
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**half_life_minutes <= quarter else (low, middle)
    return low


def _signed_root(square: int) -> int:
    return isqrt(square) if square >= 0 else -isqrt(-square)


def _towards_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
