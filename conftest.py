"""Settings of the whole test suite: how much hypothesis tries, and a decimal context in which nothing escapes.

Exact code enters a decimal context of its own. The suite runs with a precision of five digits around it and with
rounding trapped, so that a computation which forgot its context fails loudly instead of being right by luck.
"""

import decimal
import os

from hypothesis import HealthCheck, settings

AMBIENT_DIGITS = 5

settings.register_profile(
    "fast",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", max_examples=1_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)


def pytest_configure() -> None:
    """Choose the profile (SOLVENT_TESTS=deep is set by `make test-deep`) and spoil the ambient decimal context."""
    settings.load_profile("deep" if os.environ.get("SOLVENT_TESTS") == "deep" else "fast")
    decimal.DefaultContext.prec = AMBIENT_DIGITS
    decimal.getcontext().prec = AMBIENT_DIGITS
    decimal.getcontext().traps[decimal.Inexact] = True
