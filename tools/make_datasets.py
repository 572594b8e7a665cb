"""Write the market windows that ship with the package, and its table of normal quantiles, from downloaded archives.

    python tools/make_datasets.py --twelve DIR --three DIR --bybit DIR --spot DIR --later-spot DIR [--out DIR]

Each folder is a copy of the folder of the same description in ``docs/data.md``; none of them ships. The bars are cut
to a few days, cross-checked against each other (a failed check stops the program) and written in the project's own
form: whole ticks and lots, the steps from bar to bar, one line for each column. The same folders give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import statistics
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FORMAT = "solvent bars 1"
QUOTE = "USDT"
PRICE_FIELDS = ("open", "high", "low", "close")
LEAST_TICK_VALUE = Decimal("0.000001")  # one tick of one lot is a whole number of these, in USDT
OUT = Path(__file__).resolve().parent.parent / "src" / "solvent" / "simulation" / "data"

MILLION = 1_000_000
QUANTILE_CELLS = 512

ORIGIN_TWELVE = "github.com/Emanuel-Goldman/data-report at commit e43b9ce, folder data"
ORIGIN_THREE = "github.com/TJF19770107/quant-strategy-river at commit df4f8c3, folder data/1h"
ORIGIN_BYBIT = "github.com/zxckotee/trader at commit f2f4d05, folder data"
ORIGIN_SPOT = "github.com/kamsec/crypto-bot at commit 4d247ef, folder data"
ORIGIN_LATER_SPOT = "github.com/hopeffy/economics-project-algorithmic-trading-algorithms at commit d47d8be, folder data"


class DatasetError(ValueError):
    """The archives do not hold what a window needs, or disagree with each other."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: prices in USDT, traded volume in contracts."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


Bars = dict[datetime, Bar]


@dataclass(frozen=True, slots=True)
class Window:
    """What is cut out: a name and title, first bar, number of days, minutes of a bar."""

    name: str
    title: str
    start: datetime
    days: int
    interval_minutes: int

    def times(self) -> list[datetime]:
        """The opening time of every bar."""
        step = timedelta(minutes=self.interval_minutes)
        count = self.days * 24 * 60 // self.interval_minutes
        return [self.start + k * step for k in range(count)]


@dataclass(slots=True)
class Series:
    """A window's bars by symbol, the sentences of its source note and its suspect extremes."""

    window: Window
    bars: Mapping[str, Bars]
    notes: list[str]
    suspect: list[dict[str, object]] = field(default_factory=list)


MAY = Window("may-2021", "The fall of 19 May 2021", datetime(2021, 5, 17, tzinfo=UTC), 5, 60)
OCTOBER = Window("oct-2025", "The fall of 10 October 2025", datetime(2025, 10, 9, tzinfo=UTC), 4, 30)
MARCH = Window("mar-2020", "The fall of 12 and 13 March 2020", datetime(2020, 3, 11, tzinfo=UTC), 4, 60)
WICK = datetime(2020, 3, 13, 2, tzinfo=UTC)


def records(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a gzipped CSV file with a header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def utc(text: str) -> datetime:
    """A stated time in UTC: an offset such as +03:00 is honoured, none means UTC."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def cut(path: Path, window: Window, time_field: str) -> Bars:
    """The window's bars of one file, checked: none missing, none impossible."""
    wanted = set(window.times())
    bars: Bars = {}
    for row in records(path):
        time = utc(row[time_field])
        if time in wanted:
            bars[time] = Bar(*(Decimal(row[name]) for name in (*PRICE_FIELDS, "volume")))
    for time in sorted(wanted):
        bar = bars.get(time)
        if bar is None:
            raise DatasetError(f"{path.name} has no bar at {time:%Y-%m-%d %H:%M} UTC")
        if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high or bar.volume < 0:
            raise DatasetError(f"{path.name} has an impossible bar at {time:%Y-%m-%d %H:%M} UTC: {bar}")
    return bars


def cut_folder(folder: Path, window: Window, time_field: str, ending: str) -> dict[str, Bars]:
    """All symbols of a folder that have the whole window."""
    found: dict[str, Bars] = {}
    for path in sorted(folder.glob(f"*{ending}")):
        first = utc(next(records(path))[time_field])
        if first <= window.start:
            found[path.name.removesuffix(ending)] = cut(path, window, time_field)
    if not found:
        raise DatasetError(f"{folder.name} has no file *{ending} that covers {window.name}")
    return found


def agree(first: Bars, second: Bars, what: str) -> int:
    """How many bars two archives share in all five fields; a bar that differs is an error."""
    for time, bar in first.items():
        if second.get(time) != bar:
            raise DatasetError(f"{what}: the archives differ at {time:%Y-%m-%d %H:%M} UTC")
    return len(first)


def close_gaps(
    bars: Bars, path: Path, time_field: str, close_field: str, early_hours: int = 0
) -> list[tuple[Decimal, datetime]]:
    """How far each bar's close is from another archive's close of the same hour, as a share, smallest first.

    ``early_hours`` is how far the other archive's clock is known to be behind.
    """
    gaps = []
    for row in records(path):
        time = utc(row[time_field]) + timedelta(hours=early_hours)
        bar = bars.get(time)
        if bar is not None:
            gaps.append((abs(bar.close / Decimal(row[close_field]) - 1), time))
    if len(gaps) < len(bars):
        raise DatasetError(f"{path.name} has {len(gaps)} of the {len(bars)} hours it is to be compared in")
    return sorted(gaps)


def gap_note(symbol: str, gaps: Sequence[tuple[Decimal, datetime]], other: str) -> str:
    """A sentence about close_gaps; a median above one part in a hundred is an error (a clock would be wrong)."""
    median, (largest, time) = gaps[len(gaps) // 2][0], gaps[-1]
    if median > Decimal("0.01"):
        raise DatasetError(f"closes of {symbol} differ from {other} by {median:.2%} in the median hour")
    return (
        f"Hourly closes of {symbol} against {other}: apart by {median * 10_000:.1f} basis points in the median hour"
        f" and by {largest:.2%} at most (bar of {time:%Y-%m-%d %H:%M} UTC)."
    )


def by_hour(half_hours: Bars) -> Bars:
    """Half-hourly bars put together to hourly ones."""
    hours: Bars = {}
    for time in sorted(half_hours):
        bar, hour = half_hours[time], time.replace(minute=0)
        old = hours.get(hour, Bar(bar.open, bar.high, bar.low, bar.close, Decimal(0)))
        volume = old.volume + bar.volume
        hours[hour] = Bar(old.open, max(old.high, bar.high), min(old.low, bar.low), bar.close, volume)
    return hours


def may_2021(twelve: Path, three: Path, spot: Path) -> Series:
    """Twelve perpetuals, hourly; the archive's clock is three hours ahead and says so."""
    bars = cut_folder(twelve, MAY, "open_time", "_1h.csv.gz")
    other = cut_folder(three, MAY, "datetime", "_1h.csv.gz")
    notes = [
        (
            "Binance USDT-margined perpetuals: hourly open, high, low, close and traded volume in contracts,"
            " 2021-05-17 00:00 to 2021-05-21 24:00 UTC; last traded prices, not marks."
        ),
        f"Taken from {ORIGIN_TWELVE} (its clock is UTC+3; brought to UTC here).",
    ]
    for symbol in sorted(set(bars) & set(other)):
        same = agree(bars[symbol], other[symbol], symbol)
        notes.append(f"All {same} bars of {symbol} equal those of {ORIGIN_THREE}, in all five fields.")
    for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT"):
        gaps = close_gaps(bars[symbol], spot / f"Binance_{symbol}_1h.csv.gz", "date", f"{symbol}_close")
        notes.append(gap_note(symbol, gaps, f"spot closes of {ORIGIN_SPOT}"))
    return Series(MAY, bars, notes)


def oct_2025(bybit: Path, later_spot: Path) -> Series:
    """The perpetuals that traded through 10 October 2025, half-hourly."""
    bars = cut_folder(bybit / "30m", OCTOBER, "timestamp", "_30m.csv.gz")
    hourly = Window(OCTOBER.name, OCTOBER.title, OCTOBER.start, OCTOBER.days, 60)
    for symbol, own in bars.items():
        agree(by_hour(own), cut(bybit / "1h" / f"{symbol}_1h.csv.gz", hourly, "timestamp"), symbol)
    notes = [
        (
            "Bybit USDT perpetuals: half-hourly open, high, low, close and traded volume in contracts,"
            " 2025-10-09 00:00 to 2025-10-12 24:00 UTC; last traded prices, not marks."
        ),
        f"Taken from {ORIGIN_BYBIT}; the {len(bars)} perpetuals whose record covers the window.",
        f"The half hours of all {len(bars)} add up to the hourly bars of the same archive, in all five fields.",
    ]
    for symbol in ("BTCUSDT", "ETHUSDT"):
        gaps = close_gaps(by_hour(bars[symbol]), later_spot / f"{symbol}_1h.csv.gz", "timestamp", "close")
        notes.append(gap_note(symbol, gaps, f"Binance spot closes of {ORIGIN_LATER_SPOT}"))
    return Series(OCTOBER, bars, notes)


def mar_2020(three: Path, spot: Path) -> Series:
    """Three perpetuals, hourly, with the one wick that no other market saw."""
    bars = cut_folder(three, MARCH, "datetime", "_1h.csv.gz")
    notes = [
        (
            "Binance USDT-margined perpetuals: hourly open, high, low, close and traded volume in contracts,"
            " 2020-03-11 00:00 to 2020-03-14 24:00 UTC; last traded prices, not marks."
        ),
        f"Taken from {ORIGIN_THREE}.",
    ]
    early = {"ETHUSDT": 0, "BNBUSDT": 1}  # in this window the spot archive stamps BNB, and only BNB, an hour early
    for symbol, hours in early.items():
        gaps = close_gaps(bars[symbol], spot / f"Binance_{symbol}_1h.csv.gz", "date", f"{symbol}_close", hours)
        stamped = " (stamped an hour early there: the three perpetuals' hours agree with each other)" if hours else ""
        notes.append(gap_note(symbol, gaps, f"spot closes of {ORIGIN_SPOT}{stamped}"))
    notes.append(wick_note(bars, spot))
    reason = "last-price wick to 323.00 while spot closed the hour at 111.12"
    suspect: dict[str, object] = {"symbol": "ETHUSDT", "bar": MARCH.times().index(WICK), "side": "high"}
    return Series(MARCH, bars, notes, [{**suspect, "reason": reason}])


def wick_note(bars: Mapping[str, Bars], spot: Path) -> str:
    """The evidence about 13 March 2020 02:00, checked figure by figure."""
    rows = records(spot / "Binance_ETHUSDT_1h.csv.gz")
    spot_close = next(Decimal(row["ETHUSDT_close"]) for row in rows if utc(row["date"]) == WICK)
    bar = bars["ETHUSDT"][WICK]
    if (bar.high, spot_close) != (Decimal(323), Decimal("111.12")):
        raise DatasetError(f"ETHUSDT at {WICK:%Y-%m-%d %H:%M} UTC: high {bar.high}, spot close {spot_close}")
    bnb, xrp = (bars[name][WICK].high / bars[name][WICK].close - 1 for name in ("BNBUSDT", "XRPUSDT"))
    return (
        f"ETHUSDT 2020-03-13 02:00 UTC: the last price touched {bar.high} while spot closed the hour at {spot_close};"
        f" BNBUSDT and XRPUSDT rose {bnb:.1%} and {xrp:.1%} above their closes in that hour."
        " The bar is kept as it is and its high is marked suspect: marks do not follow it."
    )


def step_of(numbers: Sequence[Decimal]) -> Decimal:
    """The largest power of ten that divides every number."""
    exponents = [number.normalize().as_tuple().exponent for number in numbers if number]
    return Decimal(1).scaleb(min(int(exponent) for exponent in exponents))


def columns(bars: Sequence[Bar], tick: Decimal, lot: Decimal) -> dict[str, list[int]]:
    """Bars as five columns of small whole numbers, in ticks and lots.

    ``gap`` is the open less the close before (less zero in the first bar), ``move`` the close less the open, ``above``
    and ``below`` how far high and low reach beyond open and close, ``lots`` the volume, what is finer cut off.
    """
    found: dict[str, list[int]] = {name: [] for name in ("gap", "move", "above", "below", "lots")}
    last = 0
    for bar in bars:
        opening, high, low, close = (int(price / tick) for price in (bar.open, bar.high, bar.low, bar.close))
        row = (opening - last, close - opening, high - max(opening, close), min(opening, close) - low)
        for name, number in zip(found, (*row, int(bar.volume / lot)), strict=True):
            found[name].append(number)
        last = close
    return found


def instrument(symbol: str, bars: Sequence[Bar]) -> dict[str, object]:
    """One instrument's facts and columns.

    The tick is the finest step that its prices show in the window. The lot is the finest step of its volumes, or
    coarser where one tick of one lot would be less than a millionth of a USDT.
    """
    tick = step_of([getattr(bar, name) for bar in bars for name in PRICE_FIELDS])
    lot = max(step_of([bar.volume for bar in bars]), LEAST_TICK_VALUE / tick)
    facts = {"symbol": symbol, "base": symbol.removesuffix(QUOTE), "tick_size": f"{tick:f}", "lot_size": f"{lot:f}"}
    return {**facts, **columns(bars, tick, lot)}


def digest(instruments: Sequence[Mapping[str, object]]) -> str:
    """SHA-256 of the instruments as canonical JSON; the loader computes it again."""
    text = json.dumps(instruments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def render(series: Series) -> str:
    """The file's text: JSON, a line for each column, so that changes can be read."""
    window = series.window
    times = window.times()
    instruments = [instrument(symbol, [bars[time] for time in times]) for symbol, bars in sorted(series.bars.items())]
    head = {
        "format": FORMAT, "name": window.name, "title": window.title, "start": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        "interval_minutes": window.interval_minutes, "bars": len(times), "quote": QUOTE,
        "source": series.notes, "suspect": series.suspect, "digest": digest(instruments),
    }  # fmt: skip
    blocks = []
    for facts in instruments:
        parts = [f'"{name}":{json.dumps(value, separators=(",", ":"))}' for name, value in facts.items()]
        blocks.append("{" + ",\n".join(parts) + "}")
    opening = json.dumps(head, indent=1)[:-2]
    return opening + ',\n "instruments": [\n' + ",\n".join(blocks) + "\n]}\n"


def quantiles() -> str:
    """Tables behind `solvent.simulation.randomness`: half the normal quantile function and powers of two.

    ``body`` are quantiles (in millionths) at 1/2 + k/1024 for k = 0..511; ``tail`` at the equal cells of what is left
    up to 1, its last knot at the middle of its last cell; ``powers`` are 2^(k/512) in units of 2^-30.
    """
    normal, cells = statistics.NormalDist(), QUANTILE_CELLS
    body = [round(normal.inv_cdf(0.5 + k / (2 * cells)) * MILLION) for k in range(cells)]
    tail_at = [*range(cells), cells - 0.5]
    tail = [round(-normal.inv_cdf((1 - k / cells) / (2 * cells)) * MILLION) for k in tail_at]
    with localcontext(Context(prec=40)):
        powers = [int((Decimal(2) ** (Decimal(k) / cells) * 2**30).to_integral_value()) for k in range(cells + 1)]
    tables = {"body": body, "tail": tail, "powers": powers}
    return "{" + ",\n".join(f'"{name}":{json.dumps(table)}' for name, table in tables.items()) + "}\n"


def arguments() -> argparse.ArgumentParser:
    """The program's command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, origin in (("twelve", ORIGIN_TWELVE), ("three", ORIGIN_THREE), ("bybit", ORIGIN_BYBIT)):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"copy of {origin}")
    parser.add_argument("--spot", type=Path, required=True, help=f"copy of {ORIGIN_SPOT}")
    parser.add_argument("--later-spot", type=Path, required=True, help=f"copy of {ORIGIN_LATER_SPOT}")
    parser.add_argument("--out", type=Path, default=OUT, help="where to write (default: the package's data folder)")
    return parser


def main(words: Sequence[str]) -> int:
    """Write all datasets and the quantile table; 1 and a message where the archives do not fit."""
    given = arguments().parse_args(words)
    makers: dict[str, Callable[[], str]] = {
        "may-2021": lambda: render(may_2021(given.twelve, given.three, given.spot)),
        "oct-2025": lambda: render(oct_2025(given.bybit, given.later_spot)),
        "mar-2020": lambda: render(mar_2020(given.three, given.spot)),
        "quantiles": quantiles,
    }
    given.out.mkdir(parents=True, exist_ok=True)
    for name, make in makers.items():
        try:
            text = make()
        except (DatasetError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        (given.out / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json: {len(text.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
