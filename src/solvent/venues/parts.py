"""Shared parts of rule sets: reading a folder's dated numbers, and tables of tiers and weights by name.

Numbers come from a folder's ``rules.toml``. A rate there is a decimal in words of TOML and is read exactly; every table
with numbers names the key of its source, and a source has an address and the date from which it holds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from solvent.book import PriceKind, Purpose
from solvent.instruments import Future, Instrument, Option, Payoff, Perpetual, Structured
from solvent.margin.weights import Caps, quantity_tiers
from solvent.rates import Schedule
from solvent.rules import (
    Bracket,
    Collateral,
    CollateralFacts,
    ContractMargin,
    Fees,
    LiquidationRules,
    Plan,
    PricePolicy,
    RulesError,
    Source,
    Threshold,
    VenueRules,
)
from solvent.units import ZERO

NOTHING = Schedule.flat("0")
COUNTED_IN_FULL = Schedule.flat("1")

Rows = Sequence[Sequence[Any]]
Facts = TypeVar("Facts")


@cache
def read_rules(folder: str, file: str = "rules") -> Mapping[str, Any]:
    """The decoded ``rules.toml`` (or another file) of a folder under ``venues``; decimals are exact. Read only.

    Examples
    --------
    >>> read_rules("generic")["numeraire"]
    'USDT'

    """
    text = resources.files("solvent.venues").joinpath(folder, f"{file}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def sources(data: Mapping[str, Any], keys: Sequence[str] = ()) -> tuple[Source, ...]:
    """The sources of a rule file, all of them or those with ``keys``, each with its address and date."""
    chosen = keys or tuple(data["sources"])
    found = (data["sources"][key] for key in chosen)
    return tuple(Source(s["address"], s["effective_from"], s.get("note", "")) for s in found)


def day(data: Mapping[str, Any]) -> date:
    """The date from which the rule file holds."""
    value: date = data["effective_from"]
    return value


def schedule(rows: Rows, column: int = 1) -> Schedule:
    """Marginal schedule with deductions from rows of (floor, rate, …); ``column`` says which rate."""
    return Schedule.marginal([(Decimal(row[0]), Decimal(row[column])) for row in rows])


def brackets(rows: Rows) -> tuple[Bracket, ...]:
    """Leverage brackets from rows of (floor, rate, highest leverage)."""
    return tuple(Bracket(Decimal(row[0]), int(row[2])) for row in rows)


def fees(data: Mapping[str, Any]) -> Fees:
    """Trading fees of a rule file's table ``fees``."""
    return Fees(data["fees"]["taker_ppm"], data["fees"]["maker_ppm"])


def liquidation(data: Mapping[str, Any], plan: Plan) -> LiquidationRules:
    """How positions are closed, with the step and price limit of a rule file's table ``liquidation``."""
    return LiquidationRules(plan, data["liquidation"]["step_ppm"], data["liquidation"]["worst_price_ppm"])


def liquidating(data: Mapping[str, Any], *, inclusive: bool) -> tuple[Threshold]:
    """The one line at which liquidation starts: the multiple of maintenance in a rule file's ``thresholds``."""
    multiple = Decimal(data["thresholds"]["liquidating"])
    return (Threshold("liquidating", Purpose.MAINTAIN, multiple, inclusive=inclusive),)


def same_prices() -> PricePolicy:
    """Positions at mark, collateral at index, for every purpose."""
    return PricePolicy(
        positions=dict.fromkeys(Purpose, (PriceKind.MARK,)),
        collateral=dict.fromkeys(Purpose, (PriceKind.INDEX,)),
    )


def listed(
    instrument: Instrument, by_symbol: Mapping[str, Facts], by_underlying: Mapping[str, Facts], default: Facts | None
) -> Facts | None:
    """The entry of an instrument: by symbol, else by underlying, else the default."""
    return by_symbol.get(instrument.symbol) or by_underlying.get(instrument.underlying) or default


def every_entry(
    by_symbol: Mapping[str, Facts], by_underlying: Mapping[str, Facts], default: Facts | None
) -> Mapping[str, Facts]:
    """Every entry by name, the default under ``"*"``; a symbol's entry covers an underlying's of the same name."""
    return {**by_underlying, **by_symbol, **({} if default is None else {"*": default})}


@dataclass(frozen=True, slots=True)
class TierTable:
    """Margin facts by symbol, else by underlying, else a default class.

    Parameters
    ----------
    by_symbol, by_underlying
        Facts of single instruments and of all instruments of an underlying.
    default
        Facts of every other instrument; None refuses it.
    payoffs
        The payoffs the rule set covers.

    Examples
    --------
    >>> from solvent.units import Asset
    >>> usdt = Asset("USDT", 6)
    >>> btc = Perpetual("BTC-PERP", "BTC", usdt, usdt, Decimal("0.1"), Decimal("0.001"))
    >>> TierTable(payoffs=frozenset({Payoff.INVERSE})).contract(btc)
    Traceback (most recent call last):
    ...
    solvent.rules.RulesError: BTC-PERP: linear contracts are not covered; this rule set covers inverse ones

    """

    by_symbol: Mapping[str, ContractMargin] = field(default_factory=dict)
    by_underlying: Mapping[str, ContractMargin] = field(default_factory=dict)
    default: ContractMargin | None = None
    payoffs: frozenset[Payoff] = frozenset({Payoff.LINEAR})

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; :class:`RulesError` says why there are none."""
        if isinstance(instrument, Option) or not isinstance(instrument, Perpetual | Future):
            kind = type(instrument).__name__.lower()
            msg = f"{instrument.symbol}: a {kind} has no tier here; this rule set margins perpetuals and futures"
            raise RulesError(msg)
        if instrument.payoff not in self.payoffs:
            covered = ", ".join(sorted(payoff.value for payoff in self.payoffs))
            msg = (
                f"{instrument.symbol}: {instrument.payoff.value} contracts are not covered; "
                f"this rule set covers {covered} ones"
            )
            raise RulesError(msg)
        found = listed(instrument, self.by_symbol, self.by_underlying, self.default)
        if found is None:
            known = sorted({*self.by_symbol, *self.by_underlying})
            msg = f"{instrument.symbol}: no tiers; this rule set has {known}"
            raise RulesError(msg)
        return found

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name, the default under ``"*"``."""
        return every_entry(self.by_symbol, self.by_underlying, self.default)


@dataclass(frozen=True, slots=True)
class PayoffTables:
    """Margin facts of linear and inverse contracts side by side."""

    linear: TierTable
    inverse: TierTable

    def contract(self, instrument: Instrument) -> ContractMargin:
        """The facts of an instrument; :class:`~solvent.rules.RulesError` for what has no tiers."""
        inverse = isinstance(instrument, Perpetual) and instrument.payoff is Payoff.INVERSE
        return (self.inverse if inverse else self.linear).contract(instrument)

    def every(self) -> Mapping[str, ContractMargin]:
        """Every entry by name; those of inverse contracts end in ``" inverse"``."""
        inverse = {f"{name} inverse": facts for name, facts in self.inverse.every().items()}
        return {**self.linear.every(), **inverse}


@dataclass(frozen=True, slots=True)
class OptionsOnly:
    """Instruments of a securities account: options, each part of a strategy; stock is a balance."""

    name: str

    def contract(self, instrument: Instrument) -> ContractMargin:
        """No schedule of its own: what it needs is its strategy's; :class:`RulesError` for what is no option."""
        if not isinstance(instrument, Option):
            kind = type(instrument).__name__.lower()
            raise RulesError(
                f"{instrument.symbol}: a {kind} has no margin under {self.name}; it covers options and stock"
            )
        return ContractMargin({}, (Bracket(ZERO, 1),), frozenset(), 1)


@dataclass(frozen=True, slots=True)
class LinearContracts:
    """Instruments of an account that is margined whole: linear contracts and options, and what states its results.

    >>> LinearContracts("x", 50).every()
    {}
    """

    name: str
    most_leverage: int

    def contract(self, instrument: Instrument) -> ContractMargin:
        """No schedule of its own: what it needs is its pool's; :class:`RulesError` for what is not covered."""
        payoff = Payoff.LINEAR if isinstance(instrument, Structured) else getattr(instrument, "payoff", None)
        if payoff is not Payoff.LINEAR:
            kind = type(instrument).__name__.lower()
            raise RulesError(f"{instrument.symbol}: {self.name} margins linear contracts and options, not this {kind}")
        return ContractMargin({}, (Bracket(ZERO, self.most_leverage),), frozenset(), self.most_leverage)

    def every(self) -> Mapping[str, ContractMargin]:
        """No instrument has tiers of its own."""
        return {}


def securities_option(instrument: Instrument, numeraire: str) -> Option:
    """The option a securities account holds; :class:`~solvent.rules.RulesError` for anything else it may hold."""
    if not isinstance(instrument, Option):
        kind = type(instrument).__name__.lower()
        raise RulesError(
            f"{instrument.symbol}: a {kind} is no part of a securities account; it holds options and stock"
        )
    if instrument.settle.name != numeraire:
        raise RulesError(f"{instrument.symbol} settles in {instrument.settle.name}, the account is in {numeraire}")
    return instrument


@dataclass(frozen=True, slots=True)
class NoContracts:
    """Margin facts of a market that lends and borrows and has no contracts.

    >>> NoContracts().every()
    {}
    """

    def contract(self, instrument: Instrument) -> ContractMargin:
        """Refuse every instrument by name: :class:`~solvent.rules.RulesError`."""
        msg = f"{instrument.symbol}: this market lends and borrows assets; it has no contracts"
        raise RulesError(msg)

    def every(self) -> Mapping[str, ContractMargin]:
        """Nothing: there are no contracts."""
        return {}


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Collateral facts by asset; without ``default`` every other asset is no collateral, and its debts count in full.

    >>> WeightTable().asset("DOGE") is None
    True
    """

    by_asset: Mapping[str, CollateralFacts] = field(default_factory=dict)
    default: CollateralFacts | None = None

    def asset(self, name: str) -> CollateralFacts | None:
        """The facts of an asset, or None."""
        return self.by_asset.get(name, self.default)

    def every(self) -> Mapping[str, CollateralFacts]:
        """Every entry by asset, the default under ``"*"``."""
        return every_entry({}, self.by_asset, self.default)


def in_full(*assets: str) -> WeightTable:
    """Assets that count in full at every purpose, and no other collateral."""
    return WeightTable({name: Collateral(dict.fromkeys(Purpose, COUNTED_IN_FULL)) for name in assets})


def with_ratios(rules: VenueRules, tables: Mapping[str, Caps]) -> VenueRules:
    """The rule set with collateral ratios of the caller's own: rows of (upper quantity, ratio) by asset."""
    return replace(rules, collateral=WeightTable({name: quantity_tiers(rows) for name, rows in tables.items()}))
