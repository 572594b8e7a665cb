"""A tiny engine with the real one's verbs: pools with cash, one event a command; fast enough for every byte."""

import hashlib
import json
from pathlib import Path

import numpy as np

from solvent.engine.records import COMMAND, EVENT, Batch, Happened, Reason, Verb
from solvent.journal.source import EngineSource


class FakeEngine:
    def __init__(self):
        self.cash = {}
        self.last = {}
        self.seq = 0

    def step(self, batch):
        events = np.zeros(len(batch), EVENT)
        for event, command in zip(events, batch.commands, strict=True):
            event["seq"] = self.seq
            self.seq += 1
            reason = self.apply(command)
            event["kind"] = Happened.REFUSED if reason else Happened.DONE
            event["reason"], event["pool"], event["amount"] = reason, command["pool"], command["amount"]
        return events

    def apply(self, command):
        source, number, pool = int(command["source"]), int(command["source_seq"]), int(command["pool"])
        if number <= self.last.get(source, 0):
            return Reason.DUPLICATE
        self.last[source] = number
        if command["kind"] == Verb.STOP:
            raise RuntimeError("planted fault")
        amount = int(command["amount"]) * (1 if command["kind"] == Verb.DEPOSIT else -1)
        if self.cash.get(pool, 0) + amount < 0:
            return Reason.FUNDS
        self.cash[pool] = self.cash.get(pool, 0) + amount
        return Reason.OK

    def state(self):
        return json.dumps([sorted(self.cash.items()), sorted(self.last.items()), self.seq])

    def state_hash(self):
        return hashlib.blake2b(self.state().encode(), digest_size=16).hexdigest()

    def save(self, path):
        Path(path).write_text(self.state())

    @classmethod
    def restore(cls, path):
        engine = cls()
        cash, last, engine.seq = json.loads(Path(path).read_text())
        engine.cash, engine.last = dict(cash), dict(last)
        return engine

    def audit(self):
        return {"L-16": (self.seq, self.seq if min(self.cash.values(), default=0) >= 0 else 0, "")}

    def book(self, pool):
        return (pool, self.cash.get(pool, 0), self.seq)


def fake_source(version="fake-1", rules="no rules", setup="{}"):
    return EngineSource(version, rules, setup, FakeEngine, FakeEngine.restore)


def fake_batch(number, size=3, payload=b""):
    """Batch ``number`` of a fixed stream: deposits and withdrawals of a few pools, some of them refused."""
    commands = np.zeros(size, COMMAND)
    for place in range(size):
        index = (number - 1) * size + place + 1
        mixed = index * 2654435761 % 2**32
        commands[place]["kind"] = Verb.WITHDRAW if mixed & 1 else Verb.DEPOSIT
        commands[place]["source"], commands[place]["source_seq"] = 1, index
        commands[place]["pool"], commands[place]["amount"] = 2 + mixed % 5, 1 + mixed // 7 % 1000
    return Batch(commands, payload)
