"""Writes the daily prices of src/solvent/research/data: ``python tools/make_daily.py --daily DIR --hourly DIR``.

The folders are copies of two repositories' folders under the MIT licence, named in the source notes below. Prices are
rounded to cents; the same folders give the same bytes. Days that do not follow each other stop the writing.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "src/solvent/research/data"
CENT = Decimal("0.01")
DAILY = (
    "BTC in USD: one price a day, 2015-01-01 to 2026-02-13.",
    "Taken from github.com/lukmol/gamlss-btc-VaR at commit 5f40812, file data/data_merged_clean.csv, column price.",
    "MIT licence, Copyright (c) 2026 Lucas Mol (LICENSES.txt); rounded to cents.",
)
HOURLY = (
    "Binance spot, BTCUSDT and ETHUSDT: the open of the first hour of each day (UTC), 2022-01-01 to 2022-12-31.",
    "Taken from github.com/Tabasco5779/Binance-Historical-Hourly-Quotes at commit fc36d37, folder EXPORT.",
    "MIT licence (LICENSES.txt).",
)


def cents(price: str) -> int:
    """A price in whole cents."""
    return int(Decimal(price).quantize(CENT) * 100)


def daily(folder: Path) -> tuple[date, dict[str, list[int]]]:
    """The first day and the prices of the long series."""
    with (folder / "data_merged_clean.csv").open(encoding="utf-8") as file:
        rows = [(date.fromisoformat(row["date"]), cents(row["price"])) for row in csv.DictReader(file)]
    consecutive([day for day, _ in rows])
    return rows[0][0], {"BTC": [price for _, price in rows]}


def hourly(folder: Path) -> tuple[date, dict[str, list[int]]]:
    """The first day and the first hour's opens of two coins in 2022."""
    found, days = {}, []
    for coin in ("BTC", "ETH"):
        text = (folder / f"{coin}USDT_hourly_010122_311222.json").read_text(encoding="utf-8")
        content = json.loads(text, parse_float=str)
        rows = {}
        for key, day in content.items():
            on, month, year = map(int, key.split("/"))
            rows[date(2000 + year, month, on)] = cents(str(day["Hours opens"]["0"]))
        days = sorted(rows)
        consecutive(days)
        found[coin] = [rows[day] for day in days]
    return days[0], found


def consecutive(days: Sequence[date]) -> None:
    """Stop where a day is missing."""
    for before, after in pairwise(days):
        if after - before != timedelta(days=1):
            raise SystemExit(f"{after} follows {before}")


def write(name: str, title: str, source: Sequence[str], start: date, prices: Mapping[str, Sequence[int]]) -> None:
    """Write one file: whole cents by day."""
    head = {"format": "solvent daily 1", "name": name, "title": title, "start": start.isoformat(), "source": source}
    rows = ",\n  ".join(f"{json.dumps(coin)}: {json.dumps(list(column))}" for coin, column in prices.items())
    text = json.dumps(head, indent=1)[:-2] + ',\n "cents": {\n  ' + rows + "\n }\n}\n"
    (TARGET / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"wrote {name}.json")


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--daily", type=Path, required=True)
    parser.add_argument("--hourly", type=Path, required=True)
    asked = parser.parse_args()
    write("btc-daily", "Bitcoin day by day, 2015 to 2026", DAILY, *daily(asked.daily))
    write("btc-eth-2022", "Bitcoin and ether day by day in 2022", HOURLY, *hourly(asked.hourly))


if __name__ == "__main__":
    main()
