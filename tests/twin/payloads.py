"""Payloads as plain data."""

from __future__ import annotations

import struct

from solvent.engine.records import Reason

from .events import demand


def pairs_of(payload):
    """Pairs of little-endian 64-bit integers."""
    demand(payload is not None and len(payload) % 16 == 0, Reason.MALFORMED)
    return list(struct.iter_unpack("<qq", payload))
