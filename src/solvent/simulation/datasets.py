"""Market windows that ship with the package: a few days of real bars in whole ticks and lots.

What each window holds, where it was taken from and which checks were made is in its own source note
(:attr:`Dataset.source`) and in ``docs/data.md``. Nothing here is simulated.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solvent.instruments import DOLLARS, Perpetual
from solvent.units import Asset

Ints = NDArray[np.int64]

FORMAT = "solvent bars 1"
NAMES = ("mar-2020", "may-2021", "oct-2025")
MINUTE_NS = 60_000_000_000
MOST_TICKS = 2**40
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIDES = ("high", "low")


class DatasetError(ValueError):
    """A dataset that is unknown, damaged or cannot be."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Contract facts of one instrument of a dataset, enough to list a linear perpetual.

    Args:
        symbol: Name at the venue, ``"BTCUSDT"``.
        base: What one contract is one of, ``"BTC"`` (``"1000PEPE"`` is a thousand).
        quote: Name of the asset that prices, costs and profits are in.
        tick_size: Smallest step of a price, in quote.
        lot_size: Smallest step of a size, in contracts. One tick of one lot is a whole number of 10^-6 of the quote.

    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal

    def perpetual(self, settle: Asset) -> Perpetual:
        """The linear perpetual of these facts in ``settle``: its own quote, or a venue's other dollar at par.

        >>> usdt = Asset("USDT", 6)
        >>> load("may-2021").listings[3].perpetual(usdt).tick_value
        10
        """
        if settle.name != self.quote and not {settle.name, self.quote} <= DOLLARS:
            raise DatasetError(f"{self.symbol} settles in {self.quote}, not in {settle.name}")
        return Perpetual(self.symbol, self.base, settle, settle, self.tick_size, self.lot_size)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A traded extreme that no other market saw: a mark built from an index does not follow it.

    Args:
        bar: Number of the bar.
        instrument: Number of the instrument.
        side: ``"high"`` or ``"low"``.
        reason: What shows it.

    """

    bar: int
    instrument: int
    side: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A window of bars.

    Args:
        name: Its name for :func:`load`.
        title: What happened, in a few words.
        interval_minutes: Length of a bar.
        start_ns: Opening of the first bar, nanoseconds since 1970 UTC.
        listings: Contract facts, one an instrument, in the order of the arrays' second axis.
        open_ticks: First traded price of each bar; int64, bars x instruments, read-only, as all arrays here.
        high_ticks: Highest traded price.
        low_ticks: Lowest traded price.
        close_ticks: Last traded price.
        volume_lots: Traded volume.
        suspects: Extremes that marks do not follow.
        source: Sentences: exchange, dates, origin, cross-checks.

    """

    name: str
    title: str
    interval_minutes: int
    start_ns: int
    listings: tuple[Listing, ...]
    open_ticks: Ints
    high_ticks: Ints
    low_ticks: Ints
    close_ticks: Ints
    volume_lots: Ints
    suspects: tuple[Suspect, ...]
    source: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse impossible bars, and make the arrays read-only."""
        check_bars(self)
        for array in (self.open_ticks, self.high_ticks, self.low_ticks, self.close_ticks, self.volume_lots):
            array.setflags(write=False)

    @property
    def bars(self) -> int:
        """Number of bars."""
        return int(self.open_ticks.shape[0])

    @property
    def minutes(self) -> int:
        """Number of minutes of the window."""
        return self.bars * self.interval_minutes

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments' symbols, in the order of the arrays."""
        return tuple(listing.symbol for listing in self.listings)

    def time_ns(self, minute: int) -> int:
        """Opening of a minute, nanoseconds since 1970 UTC.

        >>> may = load("may-2021")
        >>> may.time_ns(may.minutes) - may.time_ns(0) == 5 * 24 * 3600 * 10**9
        True
        """
        return self.start_ns + minute * MINUTE_NS

    def mark_range(self) -> tuple[Ints, Ints]:
        """The lows and highs that marks respect: the bars' own, but at a suspect extreme what its neighbours imply.

        A suspect high becomes the highest open or close of the bar itself, the one before and the one after; a suspect
        low the lowest. Opens and closes stay inside by construction. Both are new int64 arrays, bars x instruments.

        >>> march = load("mar-2020")
        >>> low, high = march.mark_range()
        >>> eth = march.symbols.index("ETHUSDT")
        >>> int(march.high_ticks[50, eth]), int(high[50, eth]), int(low[50, eth])
        (32300, 12462, 8423)
        """
        low, high = self.low_ticks.copy(), self.high_ticks.copy()
        for suspect in self.suspects:
            near = slice(max(suspect.bar - 1, 0), suspect.bar + 2)
            bodies = np.concatenate(
                (self.open_ticks[near, suspect.instrument], self.close_ticks[near, suspect.instrument])
            )
            if suspect.side == "high":
                high[suspect.bar, suspect.instrument] = min(bodies.max(), high[suspect.bar, suspect.instrument])
            else:
                low[suspect.bar, suspect.instrument] = max(bodies.min(), low[suspect.bar, suspect.instrument])
        return low, high


def check_bars(dataset: Dataset) -> None:
    """Raise :class:`DatasetError` naming the first impossible bar, wrong shape or suspect that points nowhere."""
    shape = (len(dataset.open_ticks), len(dataset.listings))
    arrays = {n: getattr(dataset, n) for n in ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")}
    for name, array in arrays.items():
        if array.dtype != np.int64 or array.shape != shape or not array.size:
            found = f"{array.dtype} of shape {array.shape}"
            raise DatasetError(f"{name} of {dataset.name} must be int64 of shape {shape}, not {found}")
    opening, high, low, close, volume = arrays.values()
    good = (low >= 1) & (low <= np.minimum(opening, close)) & (np.maximum(opening, close) <= high)
    bad = np.argwhere(~good | (high > MOST_TICKS) | (volume < 0))
    if len(bad):
        bar, k = (int(number) for number in bad[0])
        figures = ", ".join(f"{name} {int(array[bar, k])}" for name, array in arrays.items())
        raise DatasetError(
            f"bar {bar} of {dataset.symbols[k]} in {dataset.name} must have"
            f" 1 <= low <= open, close <= high <= 2^40 and volume >= 0, not {figures}"
        )
    for suspect in dataset.suspects:
        known = suspect.side in SIDES and 0 <= suspect.bar < shape[0] and 0 <= suspect.instrument < shape[1]
        if not known:
            raise DatasetError(f"{dataset.name} has no extreme for {suspect}")


def names() -> tuple[str, ...]:
    """The datasets that ship.

    >>> names()
    ('mar-2020', 'may-2021', 'oct-2025')
    """
    return NAMES


def load(name: str) -> Dataset:
    """The dataset of that name, read from the package.

    Raises:
        DatasetError: The name is unknown (the message lists the known ones) or the file is damaged.

    >>> may = load("may-2021")
    >>> may.bars, len(may.listings), may.interval_minutes
    (120, 12, 60)
    >>> int(may.low_ticks[:, may.symbols.index("BTCUSDT")].min())  # 28,688.00 USDT on 19 May 2021
    2868800

    """
    if name not in NAMES:
        raise DatasetError(f"dataset must be one of {', '.join(NAMES)}, not {name!r}")
    return parse(files("solvent.simulation").joinpath("data", f"{name}.json").read_text(encoding="utf-8"), name)


def parse(text: str, name: str) -> Dataset:
    """A dataset from the text of its file, whose form ``docs/data.md`` describes.

    Raises:
        DatasetError: The text is not what was written: not JSON, another form or name, a field missing, altered
            figures (their digest is part of the file), columns of unequal length, impossible bars.

    """
    try:
        head = json.loads(text)
        check_head(head, name)
        return _assemble(head)
    except DatasetError as error:
        raise DatasetError(f"dataset {name} is damaged: {error}") from error
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise DatasetError(f"dataset {name} is damaged: {type(error).__name__}: {error}") from error


def check_head(head: Any, name: str) -> None:
    """Raise :class:`DatasetError` where a file's form, name or figures are not the ones it was written with."""
    if head["format"] != FORMAT or head["name"] != name:
        raise DatasetError(f"format must be {FORMAT!r} and name {name!r}, not {head['format']!r}, {head['name']!r}")
    found = digest(head["instruments"])
    if found != head["digest"]:
        raise DatasetError(f"digest of the instruments must be {head['digest']}, not {found}")


def digest(instruments: Any) -> str:
    """SHA-256 of the instruments as canonical JSON (sorted keys, no blanks)."""
    return hashlib.sha256(json.dumps(instruments, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _assemble(head: dict[str, Any]) -> Dataset:
    rows = head["instruments"]
    column = {name: _column(rows, name, head["bars"]) for name in ("gap", "move", "above", "below", "lots")}
    close = np.cumsum(column["gap"] + column["move"], axis=0, dtype=np.int64)
    opening = close - column["move"]
    listings = tuple(
        Listing(row["symbol"], row["base"], head["quote"], Decimal(row["tick_size"]), Decimal(row["lot_size"]))
        for row in rows
    )
    symbols = [listing.symbol for listing in listings]
    return Dataset(
        name=head["name"],
        title=head["title"],
        interval_minutes=head["interval_minutes"],
        start_ns=(datetime.fromisoformat(head["start"]) - EPOCH) // timedelta(minutes=1) * MINUTE_NS,
        listings=listings,
        open_ticks=opening,
        high_ticks=np.maximum(opening, close) + column["above"],
        low_ticks=np.minimum(opening, close) - column["below"],
        close_ticks=close,
        volume_lots=column["lots"],
        suspects=tuple(Suspect(s["bar"], symbols.index(s["symbol"]), s["side"], s["reason"]) for s in head["suspect"]),
        source=tuple(head["source"]),
    )


def _column(rows: list[dict[str, Any]], name: str, bars: int) -> Ints:
    """One column of every instrument, bars x instruments; numpy would cut floats silently, so they are refused."""
    for row in rows:
        if len(row[name]) != bars or not all(type(number) is int for number in row[name]):
            raise DatasetError(f"{name} of {row['symbol']} must be {bars} whole numbers")
    return np.array([row[name] for row in rows], dtype=np.int64).T.copy()
