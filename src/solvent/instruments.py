"""What can be held: frozen facts, each of which knows its payoff and nothing of margin.

Prices are whole ticks and sizes whole lots. A linear contract is worth lots × ticks × :attr:`Perpetual.tick_value`
settle units; an inverse one −lots × :attr:`Perpetual.constant` ÷ ticks units of its coin.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from solvent import ledger
from solvent.units import EXACT, ONE, UnitsError, shifted, whole

if TYPE_CHECKING:
    from solvent.units import Asset


# Dollars that a venue may be told in at par: what one venue settles in stands for what another does.
DOLLARS = frozenset({"USD", "USDT", "USDC", "USDH", "FDUSD", "BUSD", "DAI", "sUSD", "snxUSD", "USDS"})


class Payoff(enum.Enum):
    """How a price becomes money: in quote (linear), in the coin itself (inverse), or at a fixed rate (quanto)."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


class OptionKind(enum.Enum):
    """Right to buy (call) or to sell (put)."""

    CALL = "call"
    PUT = "put"


class Exercise(enum.Enum):
    """When an option may be exercised."""

    EUROPEAN = "european"
    AMERICAN = "american"


@dataclass(frozen=True, slots=True)
class _Listed:
    """Facts every instrument has.

    Parameters
    ----------
    symbol
        Unique name at the venue.
    underlying
        Name of the thing its price follows; instruments of one underlying move together on the UNDERLYING path.
    quote, settle
        Assets its price is in and its profit is paid in.
    tick_size, lot_size
        Smallest step of a ledger price, in quote, and of a size, in contracts.

    """

    symbol: str
    underlying: str
    quote: Asset
    settle: Asset
    tick_size: Decimal
    lot_size: Decimal

    def __post_init__(self) -> None:
        """Refuse a tick or lot size that is not positive."""
        for name, step in (("tick size", self.tick_size), ("lot size", self.lot_size)):
            if step <= 0:
                msg = f"{name} of {self.symbol} must be positive, not {step}"
                raise UnitsError(msg)

    def ticks(self, price: Decimal, name: str = "price") -> int:
        """``price`` in ticks; :class:`UnitsError` when it is not positive or off the tick."""
        if price <= 0:
            msg = f"{name} of {self.symbol} must be positive, not {price}"
            raise UnitsError(msg)
        count = _exact_steps(price, self.tick_size)
        if count is None:
            msg = f"{name} {price} of {self.symbol} must be a multiple of the tick size {self.tick_size}"
            raise UnitsError(msg)
        return count

    def lots(self, size: Decimal, name: str = "size") -> int:
        """Signed ``size`` in lots; :class:`UnitsError` when it is off the lot."""
        count = _exact_steps(size, self.lot_size)
        if count is None:
            msg = f"{name} {size} of {self.symbol} must be a multiple of the lot size {self.lot_size}"
            raise UnitsError(msg)
        return count

    def price(self, ticks: int) -> Decimal:
        """The price of a number of ticks, in quote."""
        return EXACT.multiply(self.tick_size, Decimal(ticks))

    def size(self, lots: int) -> Decimal:
        """The signed size of a number of lots, in contracts."""
        return EXACT.multiply(self.lot_size, Decimal(lots))


def _exact_steps(number: Decimal, step: Decimal) -> int | None:
    """How many steps make ``number``, or None where no whole number does."""
    if step == ONE:
        count = int(number)
        return count if count == number else None
    top, bottom = number.as_integer_ratio()
    step_top, step_bottom = step.as_integer_ratio()
    count, rest = divmod(top * step_bottom, bottom * step_top)
    return None if rest else count


@dataclass(frozen=True, slots=True)
class Spot(_Listed):
    """Outright exchange of ``base`` for ``quote``: a fill moves two balances and leaves no position."""

    base: Asset
    tick_value: int = field(init=False, repr=False)
    lot_units: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find quote units of one lot moving one tick, and base units of one lot; both whole."""
        _Listed.__post_init__(self)
        lot = whole(shifted(self.lot_size, self.base.scale), f"lot of {self.symbol}", f"{self.base.name} units")
        object.__setattr__(self, "tick_value", _tick_value(self, ONE))
        object.__setattr__(self, "lot_units", lot)


@dataclass(frozen=True, slots=True)
class Perpetual(_Listed):
    """A perpetual contract: linear (profit in quote) or inverse (profit in the coin, contracts worth quote).

    Examples
    --------
    >>> from solvent.units import Asset
    >>> usdt = Asset("USDT", 6)
    >>> btc = Perpetual("BTCUSDT", "BTC", usdt, usdt, Decimal("0.1"), Decimal("0.001"))
    >>> btc.tick_value, btc.worth(btc.lots(Decimal("-2")), btc.ticks(Decimal("60000")))
    (100, -120000000000)

    """

    payoff: Payoff = Payoff.LINEAR
    contract_size: Decimal = ONE
    tick_value: int = field(init=False, repr=False)
    constant: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find settle units of one lot moving one tick (linear), or settle units × ticks of one lot (inverse)."""
        _Listed.__post_init__(self)
        inverse = self.payoff is Payoff.INVERSE
        object.__setattr__(self, "tick_value", 0 if inverse else _tick_value(self, self.contract_size))
        object.__setattr__(self, "constant", _constant(self, self.contract_size) if inverse else 0)

    def worth(self, lots: int, ticks: int) -> int:
        """Signed settle units of a position at a price; an inverse one is rounded down."""
        if self.payoff is Payoff.INVERSE:
            return ledger.inverse_worth(lots, ticks, self.constant)
        return ledger.linear_worth(lots, ticks, self.tick_value)

    def notional(self, lots: int, ticks: int) -> int:
        """Absolute settle units of a position at a price; an inverse one is rounded up."""
        if self.payoff is Payoff.INVERSE:
            return ledger.inverse_notional(lots, ticks, self.constant)
        return ledger.linear_notional(lots, ticks, self.tick_value)


@dataclass(frozen=True, slots=True)
class Future(Perpetual):
    """A dated future: as a perpetual, without funding, settled once at ``expiry_ns`` (UTC, nanoseconds)."""

    expiry_ns: int = 0


@dataclass(frozen=True, slots=True)
class Option(_Listed):
    """An option, as facts: models that do not cover options refuse it by name."""

    kind: OptionKind
    strike: Decimal
    expiry_ns: int
    exercise: Exercise = Exercise.EUROPEAN
    payoff: Payoff = Payoff.LINEAR
    contract_size: Decimal = ONE
    tick_value: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find settle units of one lot of premium moving one tick."""
        _Listed.__post_init__(self)
        object.__setattr__(self, "tick_value", _tick_value(self, self.contract_size))

    def worth(self, lots: int, ticks: int) -> int:
        """Signed settle units of a position at a premium of ``ticks``."""
        return ledger.linear_worth(lots, ticks, self.tick_value)


@dataclass(frozen=True, slots=True)
class Structured(_Listed):
    """A product whose profit is stated, not modelled: of one contract, by the name of a scenario, in quote.

    A rule set that scans takes it where ``results`` name its scenarios, all of them and no other; every other one
    refuses it by name.

    Examples
    --------
    >>> from solvent.units import Asset
    >>> usdt = Asset("USDT", 6)
    >>> results = (("up", Decimal(-3)), ("down", Decimal(2)))
    >>> note = Structured("NOTE", "BTC", usdt, usdt, Decimal("0.01"), Decimal(1), results)
    >>> note.result("down")
    Decimal('2')

    """

    results: tuple[tuple[str, Decimal], ...]
    tick_value: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find settle units of one lot moving one tick; refuse a scenario named twice, or none."""
        _Listed.__post_init__(self)
        names = [name for name, _ in self.results]
        if not names or len(set(names)) != len(names):
            msg = f"results of {self.symbol} must name each scenario once, one at least, not {names}"
            raise UnitsError(msg)
        object.__setattr__(self, "tick_value", _tick_value(self, ONE))

    def worth(self, lots: int, ticks: int) -> int:
        """Signed settle units of a position at a price."""
        return ledger.linear_worth(lots, ticks, self.tick_value)

    def notional(self, lots: int, ticks: int) -> int:
        """Settle units a position is worth at a price, without its sign: what fees are a share of."""
        return ledger.linear_notional(lots, ticks, self.tick_value)

    def result(self, scenario: str) -> Decimal:
        """The profit of one contract in a scenario; :class:`UnitsError` lists those it states."""
        for name, profit in self.results:
            if name == scenario:
                return profit
        msg = f"{self.symbol} states no result of scenario {scenario!r}; it has {[name for name, _ in self.results]}"
        raise UnitsError(msg)


Contract = Perpetual | Future
Instrument = Spot | Perpetual | Future | Option | Structured


def _tick_value(listed: _Listed, contract_size: Decimal) -> int:
    per_lot = shifted(contract_size * listed.lot_size * listed.tick_size, listed.settle.scale)
    unit = f"{listed.settle.name} units (1e-{listed.settle.scale}): choose a finer scale"
    value = whole(per_lot, f"value of one lot and tick of {listed.symbol}", unit)
    if value < 1:
        msg = f"value of one lot and tick of {listed.symbol} must be at least one unit of {listed.settle.name}"
        raise UnitsError(msg)
    return value


def _constant(listed: _Listed, contract_size: Decimal) -> int:
    top, bottom = listed.tick_size.as_integer_ratio()
    per_lot = shifted(contract_size * listed.lot_size, listed.settle.scale) * bottom
    ratio = per_lot.as_integer_ratio()
    count, rest = divmod(ratio[0], ratio[1] * top)
    if rest or count < 1:
        unit = f"{listed.settle.name} units"
        msg = f"contract size × lot size ÷ tick size of {listed.symbol} must be a whole number of {unit}"
        raise UnitsError(msg)
    return count
