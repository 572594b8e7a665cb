"""When a dated contract expires, from the date in its symbol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from solvent.adapters.fields import refuse

# The dated contracts of these venues are delivered at 08:00 UTC.
DELIVERY_HOUR = 8
ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_NS = 1_000_000_000
FORMATS = ("%y%m%d", "%d%b%y")


def expiry_ns(text: str, place: str) -> int:
    """Nanoseconds since 1970 of 08:00 UTC on a day written ``261225`` or ``25DEC26``; errors name ``place``.

    Examples
    --------
    >>> expiry_ns("210625", "symbol") == expiry_ns("25JUN21", "symbol") == 1_624_608_000_000_000_000
    True

    """
    for form in FORMATS:
        try:
            day = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return (day + timedelta(hours=DELIVERY_HOUR) - ORIGIN) // timedelta(seconds=1) * SECOND_NS
    return refuse(place, text, "a day such as 261225 or 25DEC26")
