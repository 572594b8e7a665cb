"""The whole margin answer of a ten-position book, JSON to JSON, in process."""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec

from solvent.bench.timing import seconds, summary

RUNS = 9
REPEATS = 200


def measure(full: bool = False) -> dict[str, Any]:
    """Answers per second; the baseline is decoding the same book and encoding the same answer without any margin."""
    from solvent.book_json import decode_book  # noqa: PLC0415 (the command line may be slow to import)
    from solvent.cli.margin import answer, answer_forms  # noqa: PLC0415

    data = resources.files("solvent.bench").joinpath("ten_positions.json").read_bytes()
    form = answer_forms(data, None, "maintain")
    encode = msgspec.json.Encoder().encode
    repeats = REPEATS * (5 if full else 1)

    def ours() -> None:
        for _ in range(repeats):
            answer(data)

    def edges() -> None:
        for _ in range(repeats):
            decode_book(data)
            encode(form)

    ours()
    rates = [repeats / seconds(ours) for _ in range(RUNS)]
    limits = [repeats / seconds(edges) for _ in range(RUNS)]
    middle = sorted(rates)[RUNS // 2]
    return summary(
        "answer", "answers/s", rates, limits, "decoding the book and encoding the answer alone",
        microseconds=round(1e6 / middle, 1),
    )  # fmt: skip
