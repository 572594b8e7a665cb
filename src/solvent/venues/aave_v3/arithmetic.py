"""The protocol's whole numbers: basis points, wad (18 decimals) and ray (27 decimals), each with its named rounding.

Plain names round half up, as the protocol did everywhere until v3.5; ``_floor`` and ``_ceil`` round to the named side.
Every argument is a whole number that is not negative. Source: PercentageMath.sol, WadRayMath.sol and MathUtils.sol of
aave-dao/aave-v3-origin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from solvent import fixed
from solvent.rules import RulesError

PERCENT = 10_000
WAD = 10**18
RAY = 10**27
WAD_RAY = RAY // WAD


def _half_up(top: int, bottom: int) -> int:
    return fixed.half_up(top, _positive(bottom))


def _floor(top: int, bottom: int) -> int:
    return fixed.down(top, _positive(bottom))


def _ceil(top: int, bottom: int) -> int:
    return fixed.up(top, _positive(bottom))


def _positive(bottom: int) -> int:
    if bottom <= 0:
        msg = f"a divisor must be above zero, not {bottom}"
        raise RulesError(msg)
    return bottom


def percent_mul(value: int, bps: int) -> int:
    """``value`` × ``bps`` ÷ 10,000, half up.

    >>> percent_mul(1, 5000), percent_mul(1, 4999)
    (1, 0)
    """
    return _half_up(value * bps, PERCENT)


def percent_mul_floor(value: int, bps: int) -> int:
    """``value`` × ``bps`` ÷ 10,000, down."""
    return _floor(value * bps, PERCENT)


def percent_mul_ceil(value: int, bps: int) -> int:
    """``value`` × ``bps`` ÷ 10,000, up."""
    return _ceil(value * bps, PERCENT)


def percent_div(value: int, bps: int) -> int:
    """``value`` × 10,000 ÷ ``bps``, half up.

    >>> percent_div(5, 3), percent_div_floor(5, 3), percent_div_ceil(4, 3)
    (16667, 16666, 13334)
    """
    return _half_up(value * PERCENT, bps)


def percent_div_floor(value: int, bps: int) -> int:
    """``value`` × 10,000 ÷ ``bps``, down."""
    return _floor(value * PERCENT, bps)


def percent_div_ceil(value: int, bps: int) -> int:
    """``value`` × 10,000 ÷ ``bps``, up."""
    return _ceil(value * PERCENT, bps)


def wad_mul(a: int, b: int) -> int:
    """The product of two wads, half up."""
    return _half_up(a * b, WAD)


def wad_div(a: int, b: int) -> int:
    """The quotient of two wads, half up.

    >>> wad_div(2, 3)
    666666666666666667
    """
    return _half_up(a * WAD, b)


def ray_mul(a: int, b: int) -> int:
    """The product of two rays, half up."""
    return _half_up(a * b, RAY)


def ray_mul_floor(a: int, b: int) -> int:
    """The product of two rays, down."""
    return _floor(a * b, RAY)


def ray_mul_ceil(a: int, b: int) -> int:
    """The product of two rays, up."""
    return _ceil(a * b, RAY)


def ray_div(a: int, b: int) -> int:
    """The quotient of two rays, half up."""
    return _half_up(a * RAY, b)


def ray_div_floor(a: int, b: int) -> int:
    """The quotient of two rays, down."""
    return _floor(a * RAY, b)


def ray_div_ceil(a: int, b: int) -> int:
    """The quotient of two rays, up."""
    return _ceil(a * RAY, b)


def wad_to_ray(a: int) -> int:
    """A wad as a ray, exactly."""
    return a * WAD_RAY


def ray_to_wad(a: int) -> int:
    """A ray as a wad, half up.

    >>> ray_to_wad(1_499_999_999), ray_to_wad(1_500_000_000)
    (1, 2)
    """
    return _half_up(a, WAD_RAY)


def mul_div_floor(a: int, b: int, c: int) -> int:
    """``a`` × ``b`` ÷ ``c``, down."""
    return _floor(a * b, c)


def mul_div_ceil(a: int, b: int, c: int) -> int:
    """``a`` × ``b`` ÷ ``c``, up.

    >>> mul_div_ceil(5, 5, 3)
    9
    """
    return _ceil(a * b, c)


FUNCTIONS: Mapping[str, Callable[..., int]] = {
    "percentMul": percent_mul,
    "percentMulFloor": percent_mul_floor,
    "percentMulCeil": percent_mul_ceil,
    "percentDiv": percent_div,
    "percentDivFloor": percent_div_floor,
    "percentDivCeil": percent_div_ceil,
    "wadMul": wad_mul,
    "wadDiv": wad_div,
    "rayMul": ray_mul,
    "rayMulFloor": ray_mul_floor,
    "rayMulCeil": ray_mul_ceil,
    "rayDiv": ray_div,
    "rayDivFloor": ray_div_floor,
    "rayDivCeil": ray_div_ceil,
    "wadToRay": wad_to_ray,
    "rayToWad": ray_to_wad,
    "mulDivCeil": mul_div_ceil,
}


def function(name: str) -> Callable[..., int]:
    """A function by the name the protocol's libraries give it; :class:`RulesError` lists those there are.

    >>> function("mulDivCeil")(12, 6, 4)
    18
    """
    found = FUNCTIONS.get(name)
    if found is None:
        msg = f"no arithmetic function is named {name!r}; there are {', '.join(sorted(FUNCTIONS))}"
        raise RulesError(msg)
    return found
