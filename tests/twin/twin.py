"""A slow, plain second engine over dictionaries: it says what every single event must be.

It was written from the meaning of the verbs (docs and the vocabulary of ``solvent.engine.records``), not from the
engine's code. Verdicts are ring 1's (``solvent.margin``), amounts are ``solvent.ledger``'s. Of the engine it uses the
vocabulary and the decoding of payloads alone.
"""

from __future__ import annotations

from typing import NamedTuple

from solvent.engine.records import CCP_POOL, FUND_POOL, Happened, PoolState, Reason, Verb
from solvent.units import exact

from .epochs import Epochs
from .events import Refused, Said, demand
from .losses import Losses
from .money import Money
from .orders import Orders
from .settings import Settings
from .state import TwinPool, World

COLUMNS = ("kind", "flags", "source", "source_seq", "pool", "other", "thing", "lots", "ticks", "amount", "ref")


class Asked(NamedTuple):
    """One command as plain numbers, its payload cut out."""

    kind: int
    flags: int
    source: int
    source_seq: int
    pool: int
    other: int
    thing: int
    lots: int
    ticks: int
    amount: int
    ref: int
    payload: bytes | None


WITH_PAYLOAD = {Verb.LIST_ASSET, Verb.LIST, Verb.SCHEDULE_RULES, Verb.PRICES, Verb.SOCIALISE}


class Twin(Settings, Money, Orders, Epochs, Losses):
    """The twin: ``step`` takes a batch and gives its events."""

    def __init__(self, venues, numeraires, sources=64):
        self.venues, self.numeraires = venues, numeraires
        self.world = World()
        self.world.pools += [
            TwinPool(CCP_POOL, state=PoolState.HOUSE),
            TwinPool(FUND_POOL, state=PoolState.HEALTHY),
        ]
        self.last = [-1] * sources
        self.seq = 0
        self.events = []
        self.verbs = {
            Verb.LIST_ASSET: self.list_asset, Verb.LIST: self.list_instrument, Verb.STATE: self.state,
            Verb.SCHEDULE_RULES: self.schedule_rules, Verb.OPEN: self.open, Verb.SET: self.set,
            Verb.DEPOSIT: self.deposit, Verb.WITHDRAW: self.withdraw, Verb.TRANSFER: self.transfer,
            Verb.RESERVE: self.reserve, Verb.RELEASE: self.release, Verb.FILL: self.fill, Verb.STOP: self.stop,
            Verb.PRICES: self.prices, Verb.ADVANCE_TIME: self.advance_time, Verb.FUNDING: self.funding,
            Verb.INTEREST: self.interest, Verb.CONVERT: self.convert, Verb.SETTLE: self.settle,
            Verb.LIQUIDATE: self.liquidate, Verb.ADL: self.adl, Verb.SOCIALISE: self.socialise, Verb.FUND: self.fund,
        }  # fmt: skip

    @exact
    def step(self, batch):
        """Every event of a batch, in order."""
        self.events = []
        for row in batch.commands:
            self._one(_asked(row, batch.payload))
        return self.events

    def _one(self, c):
        at = len(self.events)
        self.world.verdicts.clear()
        self.say(
            Happened.DONE, thing=c.thing, pool=c.pool, other=c.other, lots=c.lots, ticks=c.ticks, amount=c.amount,
            ref=c.ref,
        )  # fmt: skip
        self.at = at
        try:
            self._claim(c)
            verb = self.verbs.get(c.kind)
            demand(verb is not None, Reason.UNSUPPORTED)
            demand(c.payload is not None, Reason.MALFORMED)
            verb(c)
        except Refused as refused:
            assert len(self.events) == at + 1, "a refused command changes nothing"
            self.own(kind=int(Happened.REFUSED), reason=int(refused.reason), short=refused.short)

    def _claim(self, c):
        """A command (source, number) is applied once."""
        if not 0 <= c.source < len(self.last):
            raise Refused(Reason.FULL)
        if c.source_seq <= self.last[c.source]:
            raise Refused(Reason.DUPLICATE)
        self.last[c.source] = c.source_seq

    def say(self, kind, **fields):
        """One more event."""
        self.events.append(Said(self.seq, int(kind), **fields))
        self.seq += 1

    def own(self, **fields):
        """Complete the command's own event."""
        self.events[self.at] = self.events[self.at]._replace(**fields)


def _asked(row, payload):
    fields = {name: int(row[name]) for name in COLUMNS}
    if fields["kind"] not in WITH_PAYLOAD:
        return Asked(**fields, payload=b"")
    at, length = fields["lots"], fields["ticks"]
    fields["lots"] = fields["ticks"] = 0
    inside = 0 <= at <= len(payload) and 0 <= length <= len(payload) - at
    return Asked(**fields, payload=payload[at : at + length] if inside else None)
