"""What a cold verb works with: one command as plain numbers, the sheet its events go on, and the engine's parts."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from solvent.engine.arming import Watch
from solvent.engine.mirror import Mirror
from solvent.engine.names import Names
from solvent.engine.records import EVENT, Batch, Happened, Reason, Records, Verb
from solvent.engine.tables import I32, I64, TOP_SEQ, Tables
from solvent.rules import VenueRules

PAYLOAD_VERBS = frozenset({Verb.LIST_ASSET, Verb.LIST, Verb.SCHEDULE_RULES, Verb.PRICES, Verb.SOCIALISE})


class Command(NamedTuple):
    """One command's fields as plain integers, its payload cut out; a payload's place in the batch is left behind."""

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


def cut_out(batch: Batch, at: int) -> Command:
    """Command number ``at``; its payload is None where it points outside the batch's bytes."""
    kind, flags, source, number, pool, other, thing, _spare, lots, ticks, amount, ref = batch.commands[at].item()
    if kind not in PAYLOAD_VERBS:
        return Command(kind, flags, source, number, pool, other, thing, lots, ticks, amount, ref, b"")
    inside = 0 <= lots <= len(batch.payload) and 0 <= ticks <= len(batch.payload) - lots
    payload = batch.payload[lots : lots + ticks] if inside else None
    return Command(kind, flags, source, number, pool, other, thing, 0, 0, amount, ref, payload)


class Answer(NamedTuple):
    """How a command ended: the reason, the failing side's surplus where it was refused for shortness, and a
    diagnosis.
    """

    reason: Reason
    short: int = 0
    text: str = ""


DONE = Answer(Reason.OK)


class Sheet:
    """Events of one command, in order; kernels write into ``events`` from ``at`` on."""

    def __init__(self, t: Tables) -> None:
        self.t = t
        self.events: Records = np.zeros(8, EVENT)
        self.at = 0

    def reserve(self, more: int) -> None:
        """Make room for ``more`` events after those written."""
        if self.at + more > self.events.size:
            grown = np.zeros(max(self.at + more, 2 * self.events.size), EVENT)
            grown[: self.at] = self.events[: self.at]
            self.events = grown

    def write(self, kind: int, **fields: int) -> None:
        """One more event; fields not named are zero."""
        self.reserve(1)
        row = self.events[self.at]
        row["seq"], row["kind"] = self.t.top[TOP_SEQ], int(kind)
        for name, value in fields.items():
            row[name] = value
        self.t.top[TOP_SEQ] += 1
        self.at += 1

    def open(self, c: Command) -> None:
        """The command's own event, DONE until :meth:`close` says otherwise."""
        self.reserve(1)
        seq, done = self.t.top[TOP_SEQ], int(Happened.DONE)
        # In the order of EVENT; a row at once costs a tenth of one field after the other.
        self.events[self.at] = (seq, done, 0, c.thing, c.pool, c.other, c.lots, c.ticks, c.amount, 0, 0, 0, c.ref)
        self.t.top[TOP_SEQ] += 1
        self.at += 1

    def close(self, answer: Answer) -> Records:
        """The finished events; a refused command has one event only, because it changed nothing."""
        if answer.reason is not Reason.OK:
            if self.at != 1:
                raise AssertionError(f"a refused command wrote {self.at} events, expected 1")
            self.events[0]["kind"], self.events[0]["reason"] = int(Happened.REFUSED), int(answer.reason)
            self.events[0]["short"] = answer.short
        return self.events[: self.at]


@dataclass(slots=True)
class Desk:
    """The engine's parts, as the cold verbs use them."""

    t: Tables
    names: Names
    venues: Mapping[str, VenueRules]
    screen: bool
    threads: int
    crew: ThreadPoolExecutor | None = None
    watch: Watch | None = None  # bands, where they are on
    mirror: Mirror = field(default_factory=Mirror)
    errors: dict[int, str] = field(default_factory=dict)
    stops: dict[tuple[int, int, int], int] | None = None  # rows of stops by pool, thing, reference: a hint
    triggers: I64 | None = None  # no standing stop is nearer: at 2 × thing the highest below, + 1 the lowest above
    falling: I32 | None = None  # pools under liquidation, and some that were; None: to be looked for
