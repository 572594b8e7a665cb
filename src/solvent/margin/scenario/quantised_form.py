"""Which rule sets can be said in rows of whole numbers (:mod:`solvent.margin.scenario.quantised`), and as what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from solvent.book import Method, Purpose
from solvent.margin.scenario.account import ScenarioAccount
from solvent.margin.scenario.portfolio import GrowingDiscount, PortfolioRules
from solvent.margin.scenario.shocks import Move, Scenario
from solvent.rules import RulesError, VenueRules
from solvent.units import ONE, exact

BASIS = "basis"
NO_DISCOUNT = GrowingDiscount(1.0, 0.0, 0.0)
KNOWN = frozenset(
    {
        "scenarios", "volatility", "static_discount", "discounted", "basis", "factors", "inside", "maintenance",
        "initial_extra", "oracle", "coin_in_spot", "collateral", "own", "buffer",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuantisedForm:
    """A rule set at one purpose, as far as it can be said in rows.

    ``scenarios`` leaves out those in which nothing moves; ``factor`` and ``charge_factor`` hold the buffer of RECOVER.
    Where ``netted``, everything nets in full: A alone says everything, and expiries need not be told apart.
    """

    rules: PortfolioRules
    venue: str
    purpose: Purpose
    scenarios: tuple[Scenario, ...]
    factor: Decimal
    charge_factor: Decimal
    basis: bool
    inclusive: bool

    @property
    def netted(self) -> bool:
        """Whether gains and losses of all expiries net in full."""
        whole = all(one.gains == 1.0 for one in self.scenarios)
        return whole and not self.basis and self.rules.static_discount == NO_DISCOUNT

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: the basis first, because it is named where it ties with a scenario."""
        names = tuple(one.name for one in self.scenarios)
        return (BASIS, *names) if self.basis else names


@exact
def quantised_form(venue: VenueRules, purpose: Purpose = Purpose.MAINTAIN) -> QuantisedForm:
    """The form of a rule set, or the reason why it has none.

    Raises
    ------
    RulesError
        The rule set is not margined by this scenario engine, the purpose counts orders or uncertain prices, or a part
        of the rules cannot be said in rows; the message names it.

    """
    model = venue.models.get(Method.SCENARIO)
    if not isinstance(model, ScenarioAccount):
        raise RulesError(f"{venue.name} does not margin by this scenario engine")
    if purpose not in (Purpose.MAINTAIN, Purpose.RECOVER):
        raise RulesError(f"{venue.name}: {purpose.name} counts orders and uncertain prices, which are not in rows")
    own = model.rules
    for text in _unsaid(own):
        raise RulesError(f"{venue.name}: {text}")
    more = ONE + own.buffer if purpose is Purpose.RECOVER else ONE
    factor = own.factors.of(ONE, initial=False)
    moves = own.basis.add != 0.0 or own.basis.multiple != 0.0
    return QuantisedForm(
        own,
        venue.name,
        purpose,
        tuple(one for one in own.scenarios if _moves(own, one)),
        factor * more,
        (factor if own.inside else ONE) * more,
        moves and (own.basis.up, own.basis.down) != (1.0, 1.0),
        venue.breach_inclusive,
    )


def _moves(own: PortfolioRules, one: Scenario) -> bool:
    return one.spot != 1.0 or one.move is not Move.NONE or own.static_discount != NO_DISCOUNT


def _unsaid(own: PortfolioRules) -> Iterator[str]:
    """What of the rules is not in rows, in words."""
    plain = {name: field.default for name, field in PortfolioRules.__dataclass_fields__.items()}
    for name in plain.keys() - KNOWN:
        if getattr(own, name) != plain[name]:
            yield f"{name} = {getattr(own, name)} is not in rows"
    for one in own.scenarios:
        if one.gains != 1.0 and one.gains > 0.0:
            yield f"scenario {one.name}: a share of gains must be 1 or at most 0 to be in rows, not {one.gains}"
        if one.weight < 0.0:
            yield f"scenario {one.name}: a weight must not be negative, not {one.weight}"
    if own.basis.add < 0.0 or own.basis.multiple < 0.0:
        yield f"basis: its multiples must not be negative, not {own.basis.add} and {own.basis.multiple}"
