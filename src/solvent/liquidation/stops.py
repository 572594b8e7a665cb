"""Standing stops: reduce-only triggers on the mark, one position each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from solvent.book import Holding, Leg


class StopError(ValueError):
    """A stop that its position does not allow."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Take ``lots`` (signed, against the position) once the mark is at or past ``ticks``.

    ``below``: triggered at or below the trigger, else at or above. ``ref`` is the stop's number, unique in the engine.
    """

    ref: int
    pool: str
    symbol: str
    lots: int
    ticks: int
    below: bool
    leg: Leg = Leg.NET


def checked(stop: Stop, holding: Holding) -> Stop:
    """The stop, when the holding's position allows it.

    Raises
    ------
    StopError
        When the trigger is not positive, the position is not there, or the lots would not reduce it.

    Examples
    --------
    >>> from solvent.samples import two_positions
    >>> cross = two_positions()[0].holding("cross")
    >>> checked(Stop(1, "cross", "ETHUSDT", -500, 120_000, below=True), cross).lots
    -500
    >>> checked(Stop(2, "cross", "ETHUSDT", 500, 120_000, below=True), cross)
    Traceback (most recent call last):
    ...
    solvent.liquidation.stops.StopError: stop 2: 500 lots do not reduce the 3683979 lots of ETHUSDT in pool cross

    """
    if stop.ticks <= 0:
        msg = f"stop {stop.ref}: the trigger must be a positive number of ticks, not {stop.ticks}"
        raise StopError(msg)
    position = holding.position(stop.symbol, stop.leg)
    if position is None or position.lots == 0:
        msg = f"stop {stop.ref}: pool {holding.pool.id} holds no {stop.symbol} ({stop.leg.name})"
        raise StopError(msg)
    if stop.lots * position.lots >= 0 or abs(stop.lots) > abs(position.lots):
        msg = (
            f"stop {stop.ref}: {stop.lots} lots do not reduce the {position.lots} lots of {stop.symbol} "
            f"in pool {holding.pool.id}"
        )
        raise StopError(msg)
    return stop


def triggered(stops: Iterable[Stop], marks: Mapping[str, int]) -> tuple[Stop, ...]:
    """The stops whose trigger the marks (ticks by symbol) have reached, in order of number; no mark, no trigger.

    Examples
    --------
    >>> falling = Stop(2, "a", "X", -1, 100, below=True)
    >>> rising = Stop(1, "a", "X", -1, 100, below=False)
    >>> [stop.ref for stop in triggered([falling, rising], {"X": 100})]
    [1, 2]
    >>> [stop.ref for stop in triggered([falling, rising], {"X": 99})]
    [2]

    """
    found = []
    for stop in stops:
        mark = marks.get(stop.symbol)
        if mark is not None and (mark <= stop.ticks if stop.below else mark >= stop.ticks):
            found.append(stop)
    return tuple(sorted(found, key=lambda stop: stop.ref))
