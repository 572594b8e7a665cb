"""Builders of commands with payloads, and :func:`assemble`, which lays the payloads out so that nobody counts bytes.

Each builder gives a pair (record, payload); records without a payload come from :func:`solvent.engine.records.command`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from solvent.book import LegMode, Mode
from solvent.engine.records import COMMAND, Batch, Records, Verb, command
from solvent.engine.tables import NONE
from solvent.instruments import Future, Instrument, Option, Perpetual, Spot, Structured
from solvent.units import Asset

Sent = tuple[Records, bytes]

MODE_NUMBER: Mapping[Mode, int] = {Mode.CROSS: 0, Mode.ISOLATED: 1, Mode.PORTFOLIO: 2}
LEGS_NUMBER: Mapping[LegMode, int] = {LegMode.ONE_WAY: 0, LegMode.HEDGE: 1}
LEGS_SHIFT = 2  # OPEN: flags = mode number | legs number << 2


def canonical(content: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces: equal contents are equal bytes.

    >>> canonical({"b": 1, "a": None})
    b'{"a":null,"b":1}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pairs(rows: Iterable[tuple[int, int]]) -> bytes:
    """Pairs of integers as little-endian 64-bit numbers, in the order given.

    >>> len(pairs([(1, 2), (3, 4)]))
    32
    """
    return np.array(list(rows), "<i8").reshape(-1, 2).tobytes()


def assemble(sent: Sequence[Sent]) -> Batch:
    """One batch of commands in the order given, payloads behind each other.

    >>> batch = assemble([prices(1, 1, {3: 100}, 5), (command(Verb.ADVANCE_TIME, 1, 2, amount=6), b"")])
    >>> len(batch), len(batch.payload), int(batch.commands["ticks"][0])
    (2, 16, 16)
    """
    records = np.concatenate([np.zeros(0, COMMAND), *(record for record, _ in sent)])
    at = 0
    for k, (_, payload) in enumerate(sent):
        if payload:
            records["lots"][k], records["ticks"][k] = at, len(payload)
            at += len(payload)
    return Batch(records, b"".join(payload for _, payload in sent))


def list_asset(  # one argument a fact
    source: int, source_seq: int, asset: Asset, *, max_units: int, quote: str | None = None, tick: Decimal | None = None
) -> Sent:
    """LIST_ASSET: ``quote`` names the asset its index is in (None for a numeraire) and ``tick`` the index tick in
    it.
    """
    content = {
        "name": asset.name,
        "scale": asset.scale,
        "quote": quote,
        "tick": None if tick is None else str(tick),
        "max_units": max_units,
    }
    return command(Verb.LIST_ASSET, source, source_seq), canonical(content)


def _kind(instrument: Instrument) -> str:
    if isinstance(instrument, Option):
        return "option"
    if isinstance(instrument, Spot):
        return "spot"
    if isinstance(instrument, Structured):
        return "structured"
    return "future" if isinstance(instrument, Future) else "perpetual"


def list_instrument(source: int, source_seq: int, instrument: Instrument, *, max_lots: int, max_ticks: int) -> Sent:
    """LIST: an instrument's facts and the limits its positions and prices never leave."""
    contract = instrument if isinstance(instrument, Perpetual) else None
    content = {
        "type": _kind(instrument),
        "symbol": instrument.symbol,
        "underlying": instrument.underlying,
        "quote": instrument.quote.name,
        "settle": instrument.settle.name,
        "tick_size": str(instrument.tick_size),
        "lot_size": str(instrument.lot_size),
        "payoff": contract.payoff.value if contract else "linear",
        "contract_size": str(contract.contract_size) if contract else "1",
        "expiry_ns": instrument.expiry_ns if isinstance(instrument, Future) else 0,
        "base": instrument.base.name if isinstance(instrument, Spot) else None,
        "max_lots": max_lots,
        "max_ticks": max_ticks,
    }
    return command(Verb.LIST, source, source_seq), canonical(content)


def schedule_rules(
    source: int,
    source_seq: int,
    *,
    row: int,
    rules: str,
    mode: Mode = Mode.CROSS,
    account_class: str = "standard",
    digest: str = "",
) -> Sent:
    """SCHEDULE_RULES: row ``row`` is the named rule set in a mode and account class; ``digest`` pins its numbers."""
    content = {"rules": rules, "mode": mode.value, "account_class": account_class, "digest": digest}
    return command(Verb.SCHEDULE_RULES, source, source_seq, ref=row), canonical(content)


def open_pool(
    source: int,
    source_seq: int,
    *,
    pool: int,
    rules: int,
    owner: int = 0,
    account: int = 0,
    mode: Mode = Mode.CROSS,
    legs: LegMode = LegMode.ONE_WAY,
    parent: int = NONE,
    scope: int = NONE,
) -> Sent:
    """OPEN: ``pool`` must be the next free id; ``scope`` is the only instrument it may hold, −1 for all."""
    flags = MODE_NUMBER[mode] | LEGS_NUMBER[legs] << LEGS_SHIFT
    record = command(
        Verb.OPEN, source, source_seq, pool=pool, other=parent, thing=scope, lots=owner, amount=account, ref=rules,
        flags=flags,
    )  # fmt: skip
    return record, b""


def prices(source: int, source_seq: int, ticks: Mapping[int, int], time_ns: int) -> Sent:
    """PRICES: marks of instruments and index prices of assets, all at once, by thing id in rising order."""
    return command(Verb.PRICES, source, source_seq, amount=time_ns), pairs(sorted(ticks.items()))


def socialise(source: int, source_seq: int, pool: int, payers: Mapping[int, int]) -> Sent:
    """SOCIALISE: who pays how many numeraire units to raise ``pool`` to zero, by pool id in rising order."""
    return command(Verb.SOCIALISE, source, source_seq, pool=pool), pairs(sorted(payers.items()))


def socialise_all(source: int, source_seq: int, pools: Sequence[int]) -> Sent:
    """SOCIALISE: all healthy pools together raise these bankrupt ones to zero, in proportion to value.

    >>> record, payload = socialise_all(1, 1, [7, 5])
    >>> int(record["pool"][0]), len(payload)
    (-1, 16)
    """
    return command(Verb.SOCIALISE, source, source_seq, pool=NONE), np.array(pools, "<i8").tobytes()
