"""Invented risk parameter files in the documented formats: a grain future with options, and a meal beside it."""

LOSSES = (0, 0, -100, -100, 100, 100, -200, -200, 200, 200, -300, -300, 300, 300, -210, 210)
CALL = (-20, 25, -80, -40, 35, 70, -140, -110, 80, 100, -210, -190, 110, 120, -160, 60)


def put(line, *fields):
    """A line of fixed columns: (first column, text) over blanks."""
    found = list(line.ljust(132))
    for first, text in fields:
        found[first - 1 : first - 1 + len(text)] = text
    return "".join(found).rstrip()


def signed(value, width):
    return f"{abs(value):0{width}d}{'-' if value < 0 else '+'}"


def array(product, kind, month, losses, *, right=" ", option="", strike=0, delta=10000, price=0, width=5):
    """Records 81 and 82, or 83 and 84 where values are eight digits wide."""
    first, second = ("81", "82") if width == 5 else ("83", "84")
    identity = ((3, "XYZ"), (6, product), (16, product), (26, kind), (29, right), (30, month), (39, option))
    identity = (*identity, (48, f"{strike:07d}"))
    end = 55 + 7 * (width + 1)
    half = "".join(signed(one, width) for one in losses[:9])
    rest = "".join(signed(one, width) for one in losses[9:])
    yield put(first, *identity, (55, half))
    yield put(second, *identity, (55, rest), (end, signed(delta, 5)), (end + 14, f"{price:07d}"))


def pa2():
    """The lines of a file: GRAIN (July, September, calls) and MEAL (July, eight digits)."""
    return [
        put("0 XYZ   20260620S", (36, "U2")),
        put("1 XYZ  01"),
        put("2 XYZ GRAIN 0USD$PN", (23, "GR"), (33, "FUT"), (39, "GR"), (49, "OOF")),
        put("2 XYZ MEAL  1USD$PN", (23, "ME"), (33, "FUT")),
        put("3 GRAIN 10", (11, "01202607202607"), (25, "02202608202612"), (77, "1100")),
        put("C GRAIN 10", (11, "01020000050"), (22, "010101A"), (29, "020201B")),
        put("E GRAIN ", (9, "00002"), (14, "0000040"), (21, "2609010000A"), (35, "2612010000B")),
        put("4 GRAIN 1001", (13, "01"), (15, "202607"), (21, "0000010"), (28, "0000025"), (63, "0000030"), (79, "1")),
        put("4 MEAL  11", (63, "0000000")),
        put("B XYZGR        OOF202607", (28, "202607"), (86, "005000")),
        put("P XYZGR        FUT", (34, "002"), (37, "000"), (42, "00000500000000")),
        put("P XYZGR        OOF", (34, "002"), (37, "001"), (42, "00000500000000")),
        *array("GR", "FUT", "202607", LOSSES, price=45000),
        *array("GR", "FUT", "202609", LOSSES, price=45500),
        *array("GR", "OOF", "202607", CALL, right="C", option="202607", strike=4600, delta=4200, price=1200),
        *array("ME", "FUT", "202607", LOSSES, width=8),
        put("6 ALL00010750000XYZNGRAIN 0010000AXYZNMEAL  0020000B"),
        put("6 ALL00020980000XYZNGRAIN 0010000AXYZNMEAL  0010000B", (89, "04")),
        put("81", (3, "XYZ"), (6, "ODD"), (26, "FUT")),
        "",
    ]


def values(losses):
    return "".join(f"<a>{one}</a>" for one in losses)


def spn(**changed):
    """The same in XML, with pieces that a test may replace."""
    pieces = {
        "date": "<date>20260620</date>",
        "tiers": "<tier><tn>1</tn><sPe>202607</sPe><ePe>202607</ePe></tier>"
        "<tier><tn>2</tn><sPe>202608</sPe><ePe>202612</ePe></tier>",
        "legs": "<tLeg><cc>GRAIN</cc><tn>1</tn><rs>A</rs><i>1</i></tLeg>"
        "<tLeg><cc>GRAIN</cc><tn>2</tn><rs>B</rs><i>1</i></tLeg>",
        "right": "C",
        "array": values(CALL),
        "between": "<tLeg><cc>GRAIN</cc><rs>A</rs><i>1</i></tLeg><tLeg><cc>MEAL</cc><rs>B</rs><i>2</i></tLeg>",
        "method": "W",
        **changed,
    }
    return f"""<?xml version="1.0"?>
<spanFile><fileFormat>4.00</fileFormat><pointInTime>{pieces["date"]}<clearingOrg><ec>XYZ</ec>
<ccDef><cc>GRAIN</cc><currency>USD</currency><capAnov>1</capAnov><somMeth>MAX</somMeth><wfprMeth>1</wfprMeth>
<pfLink><pfId>1</pfId></pfLink><pfLink><pfId>2</pfId></pfLink><intraTiers>{pieces["tiers"]}</intraTiers>
<somTiers><tier><tn>1</tn><rate><r>1</r><val>30</val></rate></tier></somTiers>
<dSpread><spread>1</spread><chargeMeth>F</chargeMeth><rate><r>1</r><val>50</val></rate>{pieces["legs"]}</dSpread>
<spotRate><pe>202607</pe><sprd>10</sprd><outr>25</outr></spotRate><adjRate><val>1.1</val></adjRate></ccDef>
<ccDef><cc>MEAL</cc><currency>USD</currency><pfLink><pfId>3</pfId></pfLink></ccDef>
<interSpreads><dSpread><spread>1</spread><chargeMeth>{pieces["method"]}</chargeMeth><rate><r>1</r><val>0.75</val></rate>
{pieces["between"]}</dSpread></interSpreads>
<exchange><futPf><pfId>1</pfId><pfCode>GR</pfCode><cvf>50</cvf>
<fut><cId>1</cId><pe>202607</pe><p>450</p><d>1</d><ra><r>1</r>{values(LOSSES)}<d>1</d></ra></fut>
<fut><cId>2</cId><pe>202609</pe><p>455</p><d>1</d><ra><r>1</r>{values(LOSSES)}<d>1</d></ra></fut></futPf>
<oofPf><pfId>2</pfId><pfCode>GR</pfCode><cvf>50</cvf><series><pe>202607</pe><sc>0.5</sc>
<opt><cId>3</cId><o>{pieces["right"]}</o><k>460</k><p>12</p><ra><r>1</r>{pieces["array"]}<d>0.42</d></ra></opt></series></oofPf>
<futPf><pfId>3</pfId><pfCode>ME</pfCode>
<fut><cId>4</cId><pe>202607</pe><p>300</p><ra><r>1</r>{values(n * 10 for n in LOSSES)}<d>1</d></ra></fut></futPf>
<futPf><pfId>9</pfId><pfCode>ODD</pfCode></futPf></exchange></clearingOrg></pointInTime></spanFile>""".encode()
