"""Books of stock and options for tests: legs in short form."""

from decimal import Decimal

from solvent.book import Method
from solvent.venues.reg_t.listing import Row, day_ns, securities

D = Decimal
JUNE, JULY = day_ns("2026-06-19"), day_ns("2026-07-17")
NOW = day_ns("2026-05-01")


def leg(kind, quantity, price, strike="1", expiry=JUNE):
    return Row(kind, D(quantity), D(price), D(strike), expiry)


def account(underlying, *legs, price="100", debit="0", method=Method.STRATEGY, time=NOW, **more):
    rows = [one if isinstance(one, Row) else leg(*one) for one in legs]
    return securities(underlying, D(price), rows, debit=D(debit), method=method, time_ns=time, **more)
