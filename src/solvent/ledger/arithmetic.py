"""Division with a named side, without leaving 64 bits where the arguments are inside their declared limits."""

MILLION = 1_000_000
TRILLION = 1_000_000_000_000


def divide_down(numerator: int, denominator: int) -> int:
    """Quotient rounded towards minus infinity; ``denominator`` > 0.

    >>> divide_down(7, 2), divide_down(-7, 2)
    (3, -4)
    """
    return numerator // denominator


def divide_up(numerator: int, denominator: int) -> int:
    """Quotient rounded towards plus infinity; ``denominator`` > 0.

    >>> divide_up(7, 2), divide_up(-7, 2)
    (4, -3)
    """
    return -(-numerator // denominator)


def share_up(amount: int, ppm: int) -> int:
    """``amount`` × ``ppm`` / 1,000,000 rounded up; no product exceeds max(amount × ppm / 10^6, 10^6 × ppm).

    >>> share_up(1_000_001, 1)
    2
    """
    return amount // MILLION * ppm + divide_up(amount % MILLION * ppm, MILLION)


def share_down(amount: int, ppm: int) -> int:
    """``amount`` × ``ppm`` / 1,000,000 rounded down.

    >>> share_down(1_999_999, 1)
    1
    """
    return amount // MILLION * ppm + amount % MILLION * ppm // MILLION


def part_down(amount: int, part: int, whole: int) -> int:
    """``amount`` × ``part`` / ``whole`` rounded down, for 0 ≤ ``part`` ≤ ``whole`` < 2^31 and any 64-bit ``amount``.

    >>> part_down(10, 1, 3), part_down(-10, 1, 3)
    (3, -4)
    """
    return amount // whole * part + amount % whole * part // whole


def grown_up(amount: int, growth: int) -> int:
    """``amount`` × ``growth`` / 10^12 rounded up, for 0 ≤ ``amount`` < 2^61 and 0 ≤ ``growth`` ≤ 10^12.

    The product has up to 101 bits, so both factors are split into halves whose products stay inside 64.

    >>> grown_up(1, 1), grown_up(10**18, 10**12), grown_up(3, 500_000_000_000)
    (1, 1000000000000000000, 2)
    """
    high, low = amount // TRILLION, amount % TRILLION
    low_high, low_low = low // MILLION, low % MILLION
    growth_high, growth_low = growth // MILLION, growth % MILLION
    middle = low_high * growth_low + low_low * growth_high
    return high * growth + low_high * growth_high + divide_up(middle * MILLION + low_low * growth_low, TRILLION)
