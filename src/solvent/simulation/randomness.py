"""Named streams of chance that give the same numbers on every machine.

A stream is the raw 64-bit words of a counter-based generator (Philox 4x64, Salmon et al. 2011) whose key is a hash of
a seed and a name. Words become numbers by integer arithmetic and shipped integer tables only: no exp or log, whose
last digits differ between machines, and none of a library's distributions, which may change between versions. Each
name has a stream of its own, so that drawing more of one thing never changes another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import cast

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

MILLION = 1_000_000
LOG2_E_PPM = 1_442_695
CELLS_BITS = 9  # the tables have 2^9 cells
CELLS = 1 << CELLS_BITS
POWER_BITS = 30
MOST_BITS = 62


class RandomnessError(ValueError):
    """A draw that cannot be made."""


@cache
def _table(name: str) -> Ints:
    text = files("solvent.simulation").joinpath("data", "quantiles.json").read_text(encoding="utf-8")
    table = np.array(json.loads(text)[name], dtype=np.int64)
    table.setflags(write=False)
    return table


def power_of_two(exponent_ppm: Ints, factor: int) -> Ints:
    """``factor`` x 2^(``exponent_ppm`` / 10^6), rounded down, by a shipped table; relative error below 10^-6.

    Args:
        exponent_ppm: Exponents in millionths.
        factor: 1 to 2^30.

    >>> [int(n) for n in power_of_two(np.array([-1_000_000, 0, 500_000, 3_000_000]), 1_000)]
    [500, 1000, 1414, 8000]

    """
    if not 1 <= factor <= 1 << POWER_BITS:
        raise RandomnessError(f"factor must be 1 to 2^{POWER_BITS}, not {factor}")
    whole, rest = exponent_ppm // MILLION, exponent_ppm % MILLION
    if len(whole) and factor.bit_length() + int(whole.max()) + 1 > MOST_BITS:
        raise RandomnessError(f"{factor} x 2^{int(whole.max())} leaves {MOST_BITS} bits")
    table = _table("powers")
    cell, part = rest * CELLS // MILLION, rest * CELLS % MILLION
    scaled = (table[cell] + (table[cell + 1] - table[cell]) * part // MILLION) * factor
    shift = POWER_BITS - whole
    return cast("Ints", np.where(shift >= 0, scaled >> np.clip(shift, 0, 63), scaled << np.clip(-shift, 0, 63)))


class Stream:
    """One named, seeded stream.

    Args:
        seed: Any whole number.
        name: What it is for; two names are two independent streams.

    >>> [int(n) for n in Stream(7, "example").integers(0, 100, 5)]
    [20, 80, 51, 2, 33]

    """

    def __init__(self, seed: int, name: str) -> None:
        self.seed, self.name = seed, name
        key = hashlib.sha256(f"solvent {seed} {name}".encode()).digest()[:16]
        self._words = np.random.Philox(key=int.from_bytes(key, "little"))

    def child(self, name: str) -> Stream:
        """The stream called ``name`` under this one; drawing from it does not touch this one."""
        return Stream(self.seed, f"{self.name}/{name}")

    def bits(self, count: int) -> Words:
        """``count`` raw words, uint64."""
        return cast("Words", np.asarray(self._words.random_raw(count), dtype=np.uint64))

    def integers(self, low: int, high: int, count: int) -> Ints:
        """``count`` whole numbers, each of ``low`` .. ``high`` - 1 equally likely, exactly (by rejection)."""
        span = high - low
        if not 1 <= span <= 1 << MOST_BITS or not -(1 << 63) <= low < high <= 1 << 63:
            raise RandomnessError(f"integers of stream {self.name} need low < high <= low + 2^62, not {low} and {high}")
        shift = np.uint64(64 - max((span - 1).bit_length(), 1))
        kept: list[Ints] = []
        missing = count
        while missing > 0:
            words = (self.bits(missing) >> shift).astype(np.int64)
            kept.append(words[words < span])
            missing -= len(kept[-1])
        return np.concatenate(kept) + np.int64(low) if kept else np.zeros(0, dtype=np.int64)

    def integer(self, low: int, high: int) -> int:
        """One whole number of ``low`` .. ``high`` - 1.

        >>> Stream(7, "example").integer(5, 6)
        5
        """
        return int(self.integers(low, high, 1)[0])

    def uniform(self, count: int) -> NDArray[np.float64]:
        """``count`` multiples of 2^-53 in [0, 1), exact floats."""
        return (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, ppm: int, count: int) -> NDArray[np.bool_]:
        """``count`` yes or no, yes with probability ``ppm`` in a million.

        >>> Stream(7, "example").chance(1_000_000, 3).tolist()
        [True, True, True]
        """
        return self.integers(0, MILLION, count) < ppm

    def pick(self, weights: Sequence[int], count: int) -> Ints:
        """``count`` indices, index i with probability ``weights[i]`` in their sum; weights are whole and >= 0.

        >>> Stream(7, "example").pick([0, 3, 0], 4).tolist()
        [1, 1, 1, 1]
        """
        edges = np.cumsum(np.array(weights, dtype=np.int64))
        if not len(edges) or min(weights) < 0 or edges[-1] <= 0:
            raise RandomnessError(f"weights of stream {self.name} must be >= 0 with a positive sum, not {weights}")
        draws = self.integers(0, int(edges[-1]), count)
        return cast("Ints", np.searchsorted(edges, draws, side="right").astype(np.int64))

    def normal_ppm(self, count: int) -> Ints:
        """``count`` standard normal draws in millionths, by quantile table; none is beyond 4.77 deviations.

        A word gives a sign, a cell of the half line, if it is the last one a cell of the tail, and a place inside the
        cell. The deviation is 1 within 10^-3.
        """
        words = self.bits(count)
        negative = (words >> np.uint64(63)) == 1
        cell = ((words >> np.uint64(54)) & np.uint64(CELLS - 1)).astype(np.int64)
        tail_cell = ((words >> np.uint64(45)) & np.uint64(CELLS - 1)).astype(np.int64)
        part = (words & np.uint64(2**30 - 1)).astype(np.int64)
        body, tail = _table("body"), _table("tail")
        after = np.minimum(cell + 1, CELLS - 1)
        in_tail = cell == CELLS - 1
        low = np.where(in_tail, tail[tail_cell], body[cell])
        high = np.where(in_tail, tail[tail_cell + 1], body[after])
        size = low + ((high - low) * part >> 30)
        return cast("Ints", np.where(negative, -size, size))

    def lognormal(self, median: int, sigma_ppm: int, count: int) -> Ints:
        """``count`` whole numbers, lognormal with that median (1 to 2^30), ``sigma_ppm`` of the natural logarithm.

        Each is rounded down, so that a small median loses up to one.

        >>> draws = Stream(7, "example").lognormal(1_000_000, 1_000_000, 1_001)
        >>> 900_000 < int(np.median(draws)) < 1_100_000
        True
        """
        exponent = self.normal_ppm(count) * sigma_ppm // MILLION * LOG2_E_PPM // MILLION
        return power_of_two(exponent, median)

    def order(self, count: int) -> Ints:
        """A permutation of 0 .. ``count`` - 1: indices sorted by random words, ties by index."""
        return np.argsort(self.bits(count), kind="stable").astype(np.int64)
