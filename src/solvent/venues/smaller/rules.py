"""Ring 1 for two kinds of account these exchanges publish: an isolated position, and a collateral account.

Neither is a whole rule set. Everything the formulas do not say is the textbook's (:mod:`solvent.venues.generic`), and
no rule set of these exchanges is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from solvent.book import Purpose
from solvent.rates import Schedule
from solvent.rules import Bracket, Collateral, ContractMargin, VenueRules
from solvent.units import ZERO, exact
from solvent.venues.generic.rules import generic
from solvent.venues.parts import TierTable, WeightTable, read_rules
from solvent.venues.smaller.formulas import haircut_weight

FOLDER = "smaller"


@exact
def isolated_rules(rate: Decimal) -> VenueRules:
    """One flat requirement on the notional at mark for every contract and purpose; the line itself is a breach.

    Parameters
    ----------
    rate
        Maintenance and closing fee, as :func:`solvent.venues.smaller.formulas.closing_rate` adds them.

    Examples
    --------
    >>> isolated_rules(Decimal("0.0106")).margin.every()["*"].schedules[Purpose.MAINTAIN].at(Decimal(1000))
    Decimal('10.600')

    """
    flat = Schedule.flat(rate)
    margin = ContractMargin(dict.fromkeys(Purpose, flat), (Bracket(ZERO, 1),), frozenset(), 1)
    return replace(
        generic(),
        name="isolated",
        title="An isolated position",
        margin=TierTable(default=margin),
        breach_inclusive=True,
    )


@exact
def collateral_rules(haircuts: Mapping[str, Decimal]) -> VenueRules:
    """Assets that count at one less their haircut, at every purpose; a debt counts in full.

    Examples
    --------
    >>> rules = collateral_rules({"BTC": Decimal("0.04")})
    >>> rules.collateral.asset("BTC").weights[Purpose.ADMIT].at(Decimal(17_500))
    Decimal('16800')

    """
    weights = {name: Schedule.flat(haircut_weight(haircut)) for name, haircut in haircuts.items()}
    table = WeightTable({name: Collateral(dict.fromkeys(Purpose, weight)) for name, weight in weights.items()})
    return replace(generic(), name="collateral", title="A collateral account", collateral=table)


@exact
def kraken_haircuts() -> Mapping[str, Decimal]:
    """Haircuts of Kraken's multi-collateral wallet by asset, as its table says.

    >>> kraken_haircuts()["SOL"]
    Decimal('0.075')
    """
    return {name: value for name, value in read_rules(FOLDER)["haircuts"].items() if name != "source"}
