"""What a venue leaves to the users of somebody who builds on it: modes, legs, classes and leverage of an instrument."""

from __future__ import annotations

from dataclasses import dataclass

from solvent.instruments import Future, Instrument, Option, Perpetual, Spot, Structured
from solvent.rules import Bracket, RulesError, VenueRules
from solvent.units import exact


@dataclass(frozen=True, slots=True)
class Offered:
    """What a rule set allows of one instrument.

    Attributes
    ----------
    modes, legs, account_classes
        The margin modes, ways of holding positions and account classes there are, in order of name.
    leverage
        The highest leverage cap by (mode, account class): the class's own, and never above the first bracket's.
    brackets
        Notional floors (numeraire) and the highest leverage above each.
    reason
        Why the instrument is not covered; empty where it is, and then everything else holds.

    """

    venue: str
    symbol: str
    modes: tuple[str, ...] = ()
    legs: tuple[str, ...] = ()
    account_classes: tuple[str, ...] = ()
    leverage: tuple[tuple[str, str, int], ...] = ()
    brackets: tuple[Bracket, ...] = ()
    reason: str = ""

    @property
    def covered(self) -> bool:
        """Whether the rule set covers the instrument at all."""
        return not self.reason


@exact
def offered(rules: VenueRules, instrument: Instrument) -> Offered:
    """What ``rules`` allow of ``instrument``: what an integrator may offer to others, and no more.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from solvent.units import Asset
    >>> from solvent.venues import venue
    >>> usdt = Asset("USDT", 6)
    >>> btc = Perpetual("BTCUSDT", "BTC", usdt, usdt, Decimal("0.1"), Decimal("0.001"))
    >>> found = offered(venue("binance_usdm"), btc)
    >>> found.modes, found.leverage[0], found.brackets[1].max_leverage
    (('cross', 'isolated'), ('cross', 'new', 20), 100)

    """
    kind = _kind(instrument)
    able = rules.capabilities
    if kind not in able.instruments:
        return _refused(rules, instrument, able.refused.get(kind, f"no rule of {rules.name} covers a {kind}"))
    brackets: tuple[Bracket, ...] = ()
    if not isinstance(instrument, Spot):
        try:
            brackets = rules.margin.contract(instrument).brackets
        except RulesError as why:
            return _refused(rules, instrument, str(why))
    most = brackets[0].max_leverage if brackets else 1
    caps = [
        (mode.value, name, min(cap, most))
        for mode in sorted(able.modes, key=lambda one: one.value)
        for name, cap in sorted(rules.modes[mode].max_leverage.items())
    ]
    return Offered(
        rules.name,
        instrument.symbol,
        tuple(sorted(mode.value for mode in able.modes)),
        tuple(sorted(legs.value for legs in able.legs)),
        tuple(sorted(able.account_classes)),
        tuple(caps),
        brackets,
    )


def _kind(instrument: Instrument) -> str:
    if isinstance(instrument, Option):
        return "option"
    if isinstance(instrument, Structured):
        return "structured"
    if isinstance(instrument, Future):
        return "future"
    return "perpetual" if isinstance(instrument, Perpetual) else "spot"


def _refused(rules: VenueRules, instrument: Instrument, reason: str) -> Offered:
    return Offered(rules.name, instrument.symbol, reason=reason)
