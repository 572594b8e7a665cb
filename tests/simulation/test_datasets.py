"""The windows that ship: their published figures, their form, what a damaged file says, and how they are made."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from importlib.resources import files

import numpy as np
import pytest

from solvent.simulation import datasets
from solvent.simulation.datasets import Dataset, DatasetError, Listing, Suspect, load, names, parse
from solvent.units import Asset
from tools import make_datasets

USDT = Asset("USDT", 6)
ALL = [load(name) for name in names()]


def text_of(name):
    return files("solvent.simulation").joinpath("data", f"{name}.json").read_text(encoding="utf-8")


def price(dataset, array, symbol, bar):
    k = dataset.symbols.index(symbol)
    ticks = int(array[bar, k])
    step = dataset.listings[k].tick_size.as_integer_ratio()
    return ticks * step[0] / step[1]


def bar_at(dataset, *when):
    nanoseconds = int(datetime(*when, tzinfo=UTC).timestamp()) * 10**9 - dataset.start_ns
    bar, rest = divmod(nanoseconds, dataset.interval_minutes * datasets.MINUTE_NS)
    assert rest == 0
    return bar


@pytest.mark.parametrize(
    ("name", "instruments", "bars", "minutes", "first", "last"),
    [
        ("may-2021", 12, 120, 60, (2021, 5, 17), (2021, 5, 22)),
        ("oct-2025", 48, 192, 30, (2025, 10, 9), (2025, 10, 13)),
        ("mar-2020", 3, 96, 60, (2020, 3, 11), (2020, 3, 15)),
    ],
)
def test_a_window_covers_its_days(name, instruments, bars, minutes, first, last):
    window = load(name)
    assert (len(window.listings), window.bars, window.interval_minutes) == (instruments, bars, minutes)
    assert window.start_ns == int(datetime(*first, tzinfo=UTC).timestamp()) * 10**9
    assert window.time_ns(window.minutes) == int(datetime(*last, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("name", "symbol", "when", "high", "low"),
    [
        # Binance on 19 May 2021, 13:00 UTC: a clock left at +03:00 would put these three hours later.
        ("may-2021", "BTCUSDT", (2021, 5, 19, 13), 36_580.0, 28_688.0),
        ("may-2021", "AAVEUSDT", (2021, 5, 19, 12), None, 253.56),
        ("may-2021", "DOGEUSDT", (2021, 5, 19, 12), None, 0.1958),
        ("oct-2025", "BTCUSDT", (2025, 10, 10, 21), 115_073.3, 101_045.9),
        ("oct-2025", "SUIUSDT", (2025, 10, 10, 21), None, 0.5608),
        ("mar-2020", "ETHUSDT", (2020, 3, 13, 2), 323.0, 84.23),
    ],
)
def test_the_extremes_are_the_published_ones(name, symbol, when, high, low):
    window = load(name)
    bar = bar_at(window, *when)
    assert price(window, window.low_ticks, symbol, bar) == low
    if high is not None:
        assert price(window, window.high_ticks, symbol, bar) == high


def test_half_of_october_fell_by_more_than_three_fifths():
    october = load("oct-2025")
    before, after = bar_at(october, 2025, 10, 10, 20, 30), bar_at(october, 2025, 10, 10, 22)
    falls = october.low_ticks[before:after].min(axis=0) / october.open_ticks[before] - 1
    assert -0.70 < np.median(falls) < -0.60
    assert -0.15 < falls[october.symbols.index("BTCUSDT")] < -0.13


@pytest.mark.parametrize("window", ALL, ids=names())
def test_listings_are_whole_and_distinct(window):
    assert len(set(window.symbols)) == len(window.symbols)
    for k, listing in enumerate(window.listings):
        perpetual = listing.perpetual(USDT)
        assert perpetual.tick_value >= 1
        assert listing.symbol == listing.base + listing.quote
        assert int(window.volume_lots[:, k].min()) > 0
        # Ten million lots at ten times the highest price stay below 2^58 units of 10^-6 USDT.
        assert 10_000_000 * 10 * int(window.high_ticks[:, k].max()) * perpetual.tick_value < 2**58


@pytest.mark.parametrize("window", ALL, ids=names())
def test_arrays_cannot_be_changed(window):
    with pytest.raises(ValueError, match="read-only"):
        window.open_ticks[0, 0] = 1


@pytest.mark.parametrize("window", ALL, ids=names())
def test_the_source_note_names_exchange_origin_and_checks(window):
    note = " ".join(window.source)
    assert "perpetuals" in note
    assert "github.com/" in note
    assert "at commit" in note
    assert "basis points in the median hour" in note
    assert len(text_of(window.name).encode()) < 500_000


def test_the_same_folders_would_agree_about_ether_in_may():
    assert any("All 120 bars of ETHUSDT equal those of" in sentence for sentence in load("may-2021").source)


def test_only_the_march_wick_is_suspect():
    march = load("mar-2020")
    (suspect,) = march.suspects
    assert (march.symbols[suspect.instrument], suspect.side) == ("ETHUSDT", "high")
    assert suspect.bar == bar_at(march, 2020, 3, 13, 2)
    assert "111.12" in suspect.reason
    assert not load("may-2021").suspects
    assert not load("oct-2025").suspects


def test_a_suspect_high_becomes_the_highest_body_of_three_bars():
    march = load("mar-2020")
    low, high = march.mark_range()
    changed = np.argwhere(high != march.high_ticks)
    assert changed.tolist() == [[march.suspects[0].bar, march.suspects[0].instrument]]
    assert (low == march.low_ticks).all()
    bar, eth = changed[0]
    near = [int(a[b, eth]) for a in (march.open_ticks, march.close_ticks) for b in (bar - 1, bar, bar + 1)]
    assert int(high[bar, eth]) == max(near) == 12_462


def small(**changes):
    column = [[100, 50], [110, 55], [90, 45], [95, 52]]
    arrays = [np.array([numbers], dtype=np.int64).reshape(1, 2) for numbers in column]
    facts = {
        "name": "small", "title": "t", "interval_minutes": 30, "start_ns": 0,
        "listings": tuple(Listing(f"{c}USDT", c, "USDT", Decimal("0.1"), Decimal(1)) for c in "AB"),
        "open_ticks": arrays[0], "high_ticks": arrays[1], "low_ticks": arrays[2], "close_ticks": arrays[3],
        "volume_lots": np.array([[5, 6]], dtype=np.int64), "suspects": (), "source": ("s",),
    }  # fmt: skip
    return Dataset(**{**facts, **changes})


def test_a_suspect_low_at_the_edge_of_the_window_uses_the_neighbours_there_are():
    window = small(suspects=(Suspect(0, 1, "low", "r"),))
    low, high = window.mark_range()
    assert low.tolist() == [[90, 50]]
    assert high.tolist() == [[110, 55]]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"low_ticks": np.array([[0, 45]])}, "bar 0 of AUSDT in small"),
        ({"low_ticks": np.array([[96, 45]])}, "bar 0 of AUSDT"),
        ({"high_ticks": np.array([[110, 51]])}, "bar 0 of BUSDT"),
        ({"high_ticks": np.array([[110, 2**41]])}, "bar 0 of BUSDT"),
        ({"volume_lots": np.array([[5, -1]])}, "volume_lots -1"),
        ({"volume_lots": np.array([[5]])}, "volume_lots of small must be int64 of shape"),
        ({"close_ticks": np.array([[95.0, 52.0]])}, "close_ticks of small must be int64"),
        ({"suspects": (Suspect(1, 0, "high", "r"),)}, "no extreme for"),
        ({"suspects": (Suspect(0, 0, "top", "r"),)}, "no extreme for"),
    ],
)
def test_impossible_bars_are_named(changes, what):
    with pytest.raises(DatasetError, match=what):
        small(**changes)


def test_bars_that_touch_their_limits_are_possible():
    assert small(low_ticks=np.array([[95, 50]]), high_ticks=np.array([[100, 52]])).bars == 1


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DatasetError, match="must be one of mar-2020, may-2021, oct-2025, not 'may-2022'"):
        load("may-2022")


def test_a_listing_settles_in_its_quote_or_another_dollar():
    first = load("may-2021").listings[0]
    assert first.perpetual(Asset("USDC", 6)).tick_value == first.perpetual(Asset("USDT", 6)).tick_value
    with pytest.raises(DatasetError, match="settles in USDT, not in BTC"):
        first.perpetual(Asset("BTC", 6))


def damaged(change):
    head = json.loads(text_of("mar-2020"))
    change(head)
    return json.dumps(head)


def resealed(change):
    """Damage whose digest was computed anew: only the figures themselves can give it away."""

    def both(head):
        change(head)
        head["digest"] = datasets.digest(head["instruments"])

    return damaged(both)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (text_of("mar-2020")[:-20], "JSONDecodeError"),
        ("[]", "TypeError"),
        (damaged(lambda head: head.pop("digest")), "KeyError: 'digest'"),
        (damaged(lambda head: head.update(format="solvent bars 9")), "format must be 'solvent bars 1'"),
        (damaged(lambda head: head.update(name="may-2021")), "name 'mar-2020'"),
        (damaged(lambda head: head["instruments"][1]["gap"].__setitem__(7, 1)), "digest of the instruments"),
        (damaged(lambda head: head["instruments"][1].update(tick_size="0.1")), "digest of the instruments"),
        (resealed(lambda head: head["instruments"][1]["lots"].pop()), "lots of ETHUSDT must be 96 whole numbers"),
        (resealed(lambda head: head["instruments"][1]["lots"].__setitem__(3, 1.5)), "lots of ETHUSDT must be 96 whole"),
        (resealed(lambda head: head["instruments"][1]["below"].__setitem__(3, -99_999)), "bar 3 of ETHUSDT"),
        (damaged(lambda head: head["suspect"][0].update(symbol="LTCUSDT")), "ValueError"),
        (damaged(lambda head: head.update(start="2020-03-11")), "TypeError"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(text, what):
    with pytest.raises(DatasetError, match="dataset mar-2020 is damaged") as caught:
        parse(text, "mar-2020")
    assert what in str(caught.value)


def archive(folder, name, rows):
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / name, "wt", encoding="utf-8") as file:
        file.write("when,open,high,low,close,volume\n" + "".join(f"{','.join(row)}\n" for row in rows))


WINDOW = make_datasets.Window("tiny", "t", datetime(2021, 5, 19, tzinfo=UTC), 1, 360)
DAY = [
    ("2021-05-19 03:00:00+03:00", "100.5", "120", "99.25", "110", "7.5"),
    ("2021-05-19 09:00:00+03:00", "111", "111", "80", "81.5", "1000"),
    ("2021-05-19 15:00:00+03:00", "81.5", "82", "81", "82", "2.25"),
    ("2021-05-19 21:00:00+03:00", "82", "90", "82", "90", "3"),
]


def test_an_archive_becomes_a_window_and_comes_back(tmp_path):
    archive(tmp_path, "XUSDT.csv.gz", DAY)
    bars = make_datasets.cut(tmp_path / "XUSDT.csv.gz", WINDOW, "when")
    series = make_datasets.Series(WINDOW, {"XUSDT": bars}, ["a note"])
    with localcontext(Context(prec=28)):
        window = parse(make_datasets.render(series), "tiny")
    listing = window.listings[0]
    assert (listing.base, listing.tick_size, listing.lot_size) == ("X", Decimal("0.01"), Decimal("0.01"))
    columns = (window.open_ticks, window.high_ticks, window.low_ticks, window.close_ticks, window.volume_lots)
    figures = [[int(column[bar, 0]) for column in columns] for bar in range(4)]
    assert figures == [[round(float(number) * 100) for number in row[1:]] for row in DAY]
    assert window.start_ns == int(datetime(2021, 5, 19, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (DAY[:2] + DAY[3:], "no bar at 2021-05-19 12:00 UTC"),
        ([*DAY[:3], (DAY[3][0], "82", "90", "82.5", "90", "3")], "impossible bar at 2021-05-19 18:00 UTC"),
    ],
)
def test_a_gap_or_an_impossible_bar_stops_the_making(tmp_path, rows, what):
    archive(tmp_path, "XUSDT.csv.gz", rows)
    with pytest.raises(make_datasets.DatasetError, match=what):
        make_datasets.cut(tmp_path / "XUSDT.csv.gz", WINDOW, "when")


def test_archives_that_differ_in_one_figure_stop_the_making():
    bar = make_datasets.Bar(*(Decimal(n) for n in (2, 3, 1, 2, 9)))
    other = make_datasets.Bar(*(Decimal(n) for n in (2, 3, 1, 2, 8)))
    time = WINDOW.start
    assert make_datasets.agree({time: bar}, {time: bar, time + timedelta(hours=1): other}, "X") == 1
    with pytest.raises(make_datasets.DatasetError, match="X: the archives differ at 2021-05-19 00:00 UTC"):
        make_datasets.agree({time: bar}, {time: other}, "X")


def test_a_clock_an_hour_off_is_noticed():
    gaps = [(Decimal("0.02"), WINDOW.start)] * 3
    with pytest.raises(make_datasets.DatasetError, match="differ from spot"):
        make_datasets.gap_note("X", gaps, "spot")


def test_the_quantile_tables_are_the_tool_s_own():
    assert make_datasets.quantiles() == text_of("quantiles")
