"""What the twin says: one tuple an event, field by field as the engine's EVENT."""

from __future__ import annotations

from typing import NamedTuple

from solvent.engine.records import Happened, Reason


class Said(NamedTuple):
    """An event; ``seq`` counts all events of the history."""

    seq: int
    kind: int
    reason: int = 0
    thing: int = 0
    pool: int = 0
    other: int = 0
    lots: int = 0
    ticks: int = 0
    amount: int = 0
    fee: int = 0
    other_fee: int = 0
    short: int = 0
    ref: int = 0

    def __repr__(self):
        fields = {n: v for n, v in self._asdict().items() if v and n not in ("kind", "reason")}
        return f"{Happened(self.kind).name}/{Reason(self.reason).name} {fields}"


class Refused(Exception):
    """A command the twin refuses, with its reason and how short the failing side would be."""

    def __init__(self, reason, short=0):
        super().__init__(reason)
        self.reason, self.short = reason, short


def demand(condition, reason, short=0):
    """Refuse with ``reason`` unless ``condition``."""
    if not condition:
        raise Refused(reason, short)
