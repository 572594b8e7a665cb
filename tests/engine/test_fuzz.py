"""Commands nobody would send: every one is answered once, and a refused one changes nothing."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from solvent.engine.commands import canonical
from solvent.engine.records import COMMAND, Batch, Happened, Verb
from solvent.engine.tables import TOP_COMMANDS, TOP_SEQ
from tests.engine.world import MARK, World

SOURCE = 3
EDGES = [-(2**63), -(2**62), -1, 0, 1, 2, 3, 2**31, 2**58, 2**61, 2**62, 2**63 - 1]
numbers = st.one_of(st.sampled_from(EDGES), st.integers(-5, 400), st.integers(-(2**63), 2**63 - 1))
small = st.one_of(st.integers(-4, 12), st.sampled_from([-(2**31), 2**31 - 1]))
verbs = st.one_of(st.sampled_from([int(verb) for verb in Verb]), st.integers(-(2**15), 2**15 - 1))
records = st.fixed_dictionaries(
    {
        "kind": verbs,
        "flags": st.one_of(st.integers(0, 63), st.integers(-(2**15), 2**15 - 1)),
        "pool": small,
        "other": small,
        "thing": small,
        "lots": numbers,
        "ticks": numbers,
        "amount": numbers,
        "ref": numbers,
    }
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
LISTINGS = [
    {"name": "X", "scale": 6, "quote": "USDT", "tick": "0.01", "max_units": 10**9},
    {"rules": "generic", "mode": "cross", "account_class": "standard", "digest": ""},
    {
        "type": "perpetual", "symbol": "X-PERP", "underlying": "X", "quote": "USDT", "settle": "USDT",
        "tick_size": "0.01", "lot_size": "1", "payoff": "linear", "contract_size": "1", "expiry_ns": 0, "base": None,
        "max_lots": 1000, "max_ticks": 1000,
    },
]  # fmt: skip
PAYLOAD_VERBS = (Verb.LIST_ASSET, Verb.LIST, Verb.SCHEDULE_RULES, Verb.PRICES, Verb.SOCIALISE)


def lively() -> World:
    """Two pools with cash and a position each, and a seen price."""
    world = World().start(pools=2, fund=1_000, lend=10**9)
    world.fill(2, 3, 10, MARK)
    return world


def meaning(world: World) -> list[bytes]:
    """Everything a refused command must leave alone."""
    t = world.engine.tables
    saved = [t.key, t.lots, t.cost, t.carry, t.leverage, t.orders, t.order, t.things, t.rules, t.house]
    columns = [name for name in t.pools.dtype.names if name not in ("whole", "millionths", "epoch", "first", "room")]
    top = [value for place, value in enumerate(t.top) if place not in (TOP_SEQ, TOP_COMMANDS)]
    live = [array[: 1 << 12].tobytes() for array in saved[7:]]
    return [
        *live,
        t.pools[columns][: world.engine.pool_count].tobytes(),
        np.array(top[3:]).tobytes(),
        repr(len(world.engine.names.things)).encode(),
    ]


def answered(world: World, batch: Batch) -> None:
    """One answer a command, in order, and nothing changed by a refusal."""
    for k in range(len(batch)):
        before = meaning(world)
        events = world.engine.step(Batch(batch.commands[k : k + 1], batch.payload))
        assert int(events["kind"][0]) in (Happened.DONE, Happened.REFUSED)
        assert not np.isin(events["kind"][1:], (int(Happened.DONE), int(Happened.REFUSED))).any()
        if int(events["kind"][0]) == Happened.REFUSED:
            assert events.size == 1
            assert meaning(world) == before
    for law, found in world.engine.audit().items():
        assert found.checks == found.held, (law, found.detail)


@given(st.lists(records, min_size=1, max_size=12))
@settings(max_examples=150)
def test_any_record_is_answered(rows: list[dict[str, int]]) -> None:
    commands = np.zeros(len(rows), COMMAND)
    for k, row in enumerate(rows):
        for name, value in row.items():
            commands[name][k] = value
        commands["source"][k], commands["source_seq"][k] = SOURCE, k + 1
    answered(lively(), Batch(commands))


@given(st.binary(min_size=64, max_size=640))
@settings(max_examples=100)
def test_any_bytes_are_answered(raw: bytes) -> None:
    commands = np.frombuffer(raw[: len(raw) // 64 * 64], COMMAND).copy()
    answered(lively(), Batch(commands, raw))


@given(st.sampled_from(PAYLOAD_VERBS), st.sampled_from(LISTINGS), st.data())
@settings(max_examples=200)
def test_any_payload_is_answered(verb: Verb, listing: dict[str, object], data: st.DataObject) -> None:
    """A listing with one field changed, taken out or added; or no JSON at all; or a place outside the batch."""
    content = dict(listing)
    field = data.draw(st.one_of(st.sampled_from(sorted(content)), st.text(max_size=5)))
    if data.draw(st.booleans()):
        content[field] = data.draw(values)
    else:
        content.pop(field, None)
    payload = data.draw(
        st.one_of(st.just(canonical(content)), st.binary(max_size=40), st.just(json.dumps(content).encode()))
    )
    commands = np.zeros(1, COMMAND)
    commands["kind"], commands["source"], commands["source_seq"] = int(verb), SOURCE, 1
    commands["lots"] = data.draw(st.one_of(st.just(0), numbers))
    commands["ticks"] = data.draw(st.one_of(st.just(len(payload)), numbers))
    commands["ref"] = data.draw(small)
    answered(lively(), Batch(commands, payload))
