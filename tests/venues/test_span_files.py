"""Readers of risk parameter files: what they read, and what they say of files that are not as they have to be."""

from io import BytesIO

import pytest

from solvent.venues.span.files import RiskFileError, read_pa2, read_risk_file, read_spn
from solvent.venues.span.parameters import Kind
from solvent.venues.span.spreads import SpotCharge
from tests.venues.risk_files import CALL, LOSSES, pa2, put, spn
from tests.venues.securities import D


def test_a_file_of_fixed_columns_is_read():
    found = read_pa2(pa2())
    assert (found.name, found.date) == ("XYZ", "20260620")
    assert sorted(found.series) == ["GR FUT 202607", "GR FUT 202609", "GR OOF 202607 C 460", "ME FUT 202607"]
    july, call, meal = (found.series[name] for name in ("GR FUT 202607", "GR OOF 202607 C 460", "ME FUT 202607"))
    assert (july.losses, july.delta, july.price, july.value_factor) == (LOSSES, 1, 450, 50)
    assert (call.kind, call.losses, call.strike, call.price) == (Kind.CALL, CALL, 460, 12)
    assert call.delta == D("0.21")  # 0.42, scaled by a half
    assert meal.losses == tuple(10 * one for one in LOSSES)  # its risk exponent is 1
    grain = found.commodities["GRAIN"]
    assert [(one.name, one.first, one.last) for one in grain.tiers] == [
        ("01", "202607", "202607"),
        ("02", "202608", "202612"),
    ]
    assert grain.initial_ratio == D("1.1")
    assert [(one.priority, one.rate) for one in grain.intra] == [(1, 50), (2, 40)]
    assert [leg.name for leg in grain.intra[1].legs] == ["202609", "202612"]
    assert grain.spot == (SpotCharge("202607", D(10), D(25)),)
    assert (grain.minimum_rate, grain.minimum_gross) == (30, False)
    (spread,) = found.inter
    assert (spread.rate, [(leg.name, leg.ratio, leg.side) for leg in spread.legs]) == (
        D("0.75"), [("GRAIN", 1, "A"), ("MEAL", 2, "B")],
    )  # fmt: skip


def test_what_a_reader_leaves_out_it_says():
    skipped = read_pa2(pa2()).skipped
    assert len(skipped) == 3
    assert "method 11" in skipped[0]
    assert "GRAIN : MEAL is credited by scanning" in skipped[1]
    assert "ODD FUT is in no combined commodity" in skipped[2]


def test_both_formats_give_the_same_parameters():
    fixed, xml = read_pa2(pa2()), read_spn(BytesIO(spn()))
    renamed = {symbol.replace(" OPT ", " OOF "): one for symbol, one in xml.series.items()}
    assert sorted(renamed) == sorted(fixed.series)
    for symbol, one in fixed.series.items():
        other = renamed[symbol]
        assert (one.losses, one.delta, one.kind, one.strike) == (other.losses, other.delta, other.kind, other.strike)
    for code in ("GRAIN", "MEAL"):
        one, other = fixed.commodities[code], xml.commodities[code]
        assert (one.spot, one.minimum_rate, one.initial_ratio) == (other.spot, other.minimum_rate, other.initial_ratio)
    assert xml.inter[0].legs == fixed.inter[0].legs
    assert xml.skipped == ("futPf ODD: in no combined commodity",)


def test_the_door_tells_the_formats_apart():
    assert read_risk_file(BytesIO(spn())).date == "20260620"
    assert read_risk_file(BytesIO("\n".join(pa2()).encode())).name == "XYZ"
    with pytest.raises(RiskFileError, match="no ASCII"):
        read_risk_file(BytesIO(b"0 XYZ \xff"))


def changed(start, *fields):
    """The file with fields of the first line that starts so replaced."""
    lines = pa2()
    k = next(k for k, line in enumerate(lines) if line.startswith(start))
    lines[k] = put(lines[k], *fields)
    return lines


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the file is empty"),
        (pa2()[1:], r"line 1, columns 1-2 \(record\): got '1 ', expected a header record 0 first"),
        (changed("0 ", (9, "2026JUNE")), r"columns 9-16 \(business date\): got '2026JUNE', expected digits"),
        (changed("0 ", (36, "S3")), "expected U2"),
        (changed("2 ", (18, "X")), r"option style\): got 'X'"),
        (changed("3 ", (3, "NOBODY")), r"line 5, columns 3-8 \(combined commodity\): got 'NOBODY'"),
        (changed("3 ", (13, "2026-7")), r"tier start\): got '2026-7'"),
        (changed("C ", (28, "X")), r"columns 28-28 \(side\): got 'X', expected A or B"),
        (changed("C ", (13, "01")), "needs two legs or more"),
        (changed("E ", (21, "26SE")), "contract month"),
        (changed("4 ", (63, "12.5000")), r"short option minimum\): got '12.5000'"),
        (changed("81", (57, "x")), r"risk array of GR FUT\): got '00x00', expected digits"),
        (changed("81", (60, "*")), r"risk array of GR FUT sign\): got '\*', expected \+ or -"),
        (changed("82", (30, "209912")), "expected the contract of the record 81 or 83 before it"),
        (pa2()[:13], r"line 13: the file ends after a record 81 or 83"),
        (changed("6 ", (27, "0000000")), "two or more with positive ratios"),
    ],
)
def test_a_malformed_line_is_named_with_its_columns(lines, message):
    with pytest.raises(RiskFileError, match=message):
        read_pa2(lines)


def test_an_option_without_right_is_refused():
    lines = [line[:28] + " " + line[29:] if line[25:28] == "OOF" and line[0] == "8" else line for line in pa2()]
    with pytest.raises(RiskFileError, match=r"product type and right\): got 'OOF '"):
        read_pa2(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"<spanFile><a></spanFile>", "not XML"),
        (b"<spanFile/>", "pointInTime: nothing given"),
        (spn(date=""), "pointInTime/date: nothing given"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><spanFile/>', "declares entities"),
        (spn(tiers="<tier><tn>1</tn></tier>"), "tier/sPe: nothing given"),
        (spn(legs=""), r"ccDef\[GRAIN\]/dSpread: got 0 legs"),
        (spn(legs="<tLeg><tn>1</tn><rs>C</rs><i>1</i></tLeg>" * 2), "tLeg/rs: got 'C', expected A or B"),
        (spn(legs="<tLeg><tn>1</tn><rs>A</rs><i>0</i></tLeg>" * 2), "tLeg/i: got 0, expected a positive ratio"),
        (spn(right="X"), "opt/o: got 'X'"),
        (spn(array="<a>1</a>"), "GR OPT 202607 C 460: ra: got 1 values, expected 16"),
        (spn(array="<a>one</a>" * 16), "ra/a: got 'one', expected a number"),
        (spn(between=""), "interSpreads/dSpread: got 0 legs"),
    ],
)
def test_a_malformed_element_is_named(text, message):
    with pytest.raises(RiskFileError, match=message):
        read_spn(BytesIO(text))


def test_a_spread_credited_by_scanning_is_left_out_and_said():
    found = read_spn(BytesIO(spn(method="S")))
    assert found.inter == ()
    assert "credited by scanning" in found.skipped[0]
