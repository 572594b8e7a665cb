"""Reads what SQLite's write-ahead log still holds after SQLite has taken what it trusts.

SQLite drops everything from the first broken frame on, without a word. That is right for a half-written last
transaction and wrong when the log was altered in the middle. The journal writes its last batch number into page 1 in
every transaction (``user_version``), so the dropped frames say which batches they belonged to. The layout of the log is
SQLite's own: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = 16384
HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
MARK_BYTE = 60  # of page 1: user_version, big-endian
MARK_BITS = 31


class Dropped(NamedTuple):
    """A page 1 in the log that speaks of batches after the last one SQLite gave us."""

    ahead: int  # how many batches after the last
    offset: int  # of its frame in the log


def mark_of(seq: int) -> int:
    """The number that stands for batch ``seq`` in page 1: its lowest 31 bits.

    >>> mark_of(5), mark_of((1 << 31) + 5)
    (5, 5)
    """
    return seq & ((1 << MARK_BITS) - 1)


def dropped(log: Path, last_seq: int, page_bytes: int = PAGE_BYTES) -> Dropped | None:
    """The frame in ``log`` that is furthest ahead of batch ``last_seq``, the first such; None where there is none.

    One batch ahead is a transaction that was being written. Two or more ahead is damage: a batch is written only after
    the one before it was synced.
    """
    best: Dropped | None = None
    for mark, offset in first_pages(log, page_bytes):
        ahead = mark_of(mark - last_seq)
        if 0 < ahead < 1 << (MARK_BITS - 1) and (best is None or ahead > best.ahead):
            best = Dropped(ahead, offset)
    return best


def first_pages(log: Path, page_bytes: int) -> Iterator[tuple[int, int]]:
    """(mark, offset of the frame) of every copy of page 1 in the log, broken frames included."""
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return
    with file:
        size = file.seek(0, 2)
        for offset in range(HEADER_BYTES, size, FRAME_HEADER_BYTES + page_bytes):
            file.seek(offset)
            head = file.read(FRAME_HEADER_BYTES + MARK_BYTE + 4)
            if len(head) == FRAME_HEADER_BYTES + MARK_BYTE + 4 and head[:4] == b"\0\0\0\1":
                yield struct.unpack_from(">I", head, FRAME_HEADER_BYTES + MARK_BYTE)[0], offset
