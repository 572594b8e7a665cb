"""What a cold verb works with: one command as plain numbers, the sheet its events go on, and the engine's parts."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from solvent.engine.names import Names
from solvent.engine.records import EVENT, Batch, Happened, Reason, Records, Verb
from solvent.engine.tables import TOP_SEQ, Tables
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
    row = batch.commands[at]
    fields = {name: int(row[name]) for name in row.dtype.names if name != "spare"}
    if fields["kind"] not in PAYLOAD_VERBS:
        return Command(**fields, payload=b"")
    offset, length = fields["lots"], fields["ticks"]
    fields["lots"] = fields["ticks"] = 0
    inside = 0 <= offset <= len(batch.payload) and 0 <= length <= len(batch.payload) - offset
    return Command(**fields, payload=batch.payload[offset : offset + length] if inside else None)


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
        self.write(
            Happened.DONE, thing=c.thing, pool=c.pool, other=c.other, lots=c.lots, ticks=c.ticks, amount=c.amount,
            ref=c.ref,
        )  # fmt: skip

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
    errors: dict[int, str] = field(default_factory=dict)
