"""The grammar of cells: each form of the catalogue's table (6.0) and of the readings settled (6.9), and refusals.

Rows of the golden tables carry the place in the catalogue that they come from.
"""

import calendar
import itertools
import math
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ingest.grammar import (
    Cell,
    CellContext,
    date_of_serial,
    parse,
    parse_date,
    parse_financial_year,
    parse_four_week_period,
    parse_month,
    parse_rag,
    parse_status,
    split_marks,
)

COUNT, NUMBER, PERCENT, MONEY = (CellContext(kind) for kind in ("count", "number", "percent", "money"))
THOUSANDS = CellContext("money", scale=1000)
FRACTIONS = CellContext("percent", scale=100)
NIL = CellContext("count", meanings={"-": "zero"})
NONE = CellContext("percent", meanings={"-": "none"})
CONTEXTS = [COUNT, NUMBER, PERCENT, MONEY, THOUSANDS, FRACTIONS, NIL, NONE, CellContext("count", digit_marks=True)]

# More digits than Python writes out.
HUGE = 10**5000
NULLS = {"nil_or_none", "not_available", "suppressed", "missing", "formula_error", "unreadable"}
# Spaces that spreadsheets and web pages leave in figures (D26): plain, non-breaking, thin, narrow, figure, ideographic.
SPACES = " \u00a0\u2009\u202f\u2007\u3000"
DASHES = "-–—−‐‑"

contexts = st.sampled_from(CONTEXTS)
# Texts made of the grammar's own characters come near every rule.
near_misses = st.text("0123456789.,£%()[]<>-–−+~*#:… kmbnPRcaxuzKſı/'\u00a0\n", max_size=12)
whole = st.integers(-(10**12), 10**12)
decimals = st.decimals(-(10**9), 10**9, places=4).map(lambda number: number.normalize() + 0)


def thousands(number: Decimal | int, separator: str) -> str:
    """The number without its sign, its thousands parted."""
    return format(abs(number), ",f" if isinstance(number, Decimal) else ",d").replace(",", separator)


def figures(context: CellContext, *rows: tuple[str, str, float]) -> list[tuple[str, str, CellContext, Cell]]:
    return [(place, text, context, Cell(text, "exact", value)) for place, text, value in rows]


GOLDEN: list[tuple[str, str, CellContext, Cell]] = [
    *figures(
        COUNT,
        ("6.0 thousands", "1,234", 1234),
        ("6.0 spaces around", " 1234 ", 1234),
        ("6.0 space", "1 234", 1234),
        ("6.0 NBSP", "1\u00a0234", 1234),
        ("6.0 thin space", "12\u2009345\u2009678", 12345678),
        ("6.0 brackets", "(12)", -12),
        ("6.9 Var and brackets", "(382)", -382),
        ("6.0 hyphen", "-12", -12),
        ("6.0 Unicode minus", "−12", -12),
        ("6.0 trailing minus", "12-", -12),
        ("6.0 trailing Unicode minus", "12−", -12),
        ("6.0 zero", "0", 0),
        ("6.9 NIL RETURN", "NIL RETURN", 0),
        ("6.9 NIL RETURN", "Nil\u00a0return", 0),
        ("data MPA reports", "+16", 16),
    ),
    *figures(
        PERCENT,
        ("6.0 percent text", "24.5%", 24.5),
        ("6.0 percent text", "24.5 %", 24.5),
        ("6.0 bare in a % column", "24.5", 24.5),
        ("6.1 adverse", "(13.4%)", -13.4),
        ("6.1 adverse", "(13.4)%", -13.4),
        ("6.2 may exceed 100", "104%", 104),
    ),
    *figures(
        MONEY,
        ("6.0 millions", "£1.2m", 1_200_000),
        ("6.0 thousands", "£200k", 200_000),
        ("6.0 pounds", "£1,568,117", 1_568_117),
        ("6.0 millions", "£1.2 million", 1_200_000),
        ("6.0 no pound", "1.2M", 1_200_000),
        ("6.0 brackets", "(£1.2m)", -1_200_000),
        ("6.0 brackets", "£(12)", -12),
        ("6.0 minus", "-£12", -12),
        ("6.0 minus", "£−12", -12),
        ("6.0 pence", "£12.34", 12.34),
    ),
    *figures(THOUSANDS, ("6.1 9 Finance", "1,568", 1_568_000), ("6.1 9 Finance", "(12)", -12_000)),
    *figures(FRACTIONS, ("D12", "0.245", 24.5), ("D12 its own unit", "24.5%", 24.5)),
    *figures(NUMBER, ("6.1 8 HR", "674.5", 674.5), ("6.1 rate", "19.86", 19.86), ("6.1 rate", ".5", 0.5)),
    *(
        (f"6.0 {qualifier}", token, COUNT, Cell(token, qualifier))
        for qualifier, tokens in {
            "not_available": "n/a|N/A|na|not available|Not Available|Not\nAvailable|[x]|[X]",
            "suppressed": "..|…|...|:|*|#|c|C|[c]|[u]|<5|< 5|<10",
            "nil_or_none": "[z]",
        }.items()
        for token in tokens.split("|")
    ),
    ("6.0 nil by contract", "–", NIL, Cell("–", "exact", 0.0)),
    ("6.0 none by contract", "-", NONE, Cell("-", "nil_or_none")),
    ("6.9 contract overrides", "..", CellContext(meanings={"..": "not_available"}), Cell("..", "not_available")),
    ("data reference .", ".", CellContext(meanings={".": "missing"}), Cell(".", "missing")),
    ("6.9 contract overrides", "N/A", CellContext(meanings={"n/a": "zero"}), Cell("N/A", "exact", 0.0)),
    *(
        (f"6.0 {mark}", text, COUNT, Cell(text, "exact", 1234, status=status))
        for mark, status in (("P", "provisional"), ("R", "revised"))
        for text in (f"1,234{mark}", f"1,234 ({mark})", f"1234{mark.lower()}", f"1234[{mark.lower()}]", f"1234 {mark}")
    ),
    ("6.0 superscript P", "1,234ᵖ", COUNT, Cell("1,234ᵖ", "exact", 1234, status="provisional")),
    ("6.0 superscript R", "24.5%ʳ", PERCENT, Cell("24.5%ʳ", "exact", 24.5, status="revised")),
    ("6.0 P after a unit", "£1.2mP", MONEY, Cell("£1.2mP", "exact", 1_200_000, status="provisional")),
    ("6.0 P after brackets", "(12)P", COUNT, Cell("(12)P", "exact", -12, status="provisional")),
    ("6.1 mark and status", "180P¹", COUNT, Cell("180P¹", "exact", 180, status="provisional", marks=("1",))),
    ("6.1 status and mark", "180*P", COUNT, Cell("180*P", "exact", 180, status="provisional", marks=("*",))),
    (
        "6.9 a sheet that says it is provisional",
        "12",
        CellContext("count", status="provisional"),
        Cell("12", "exact", 12, status="provisional"),
    ),
    (
        "6.9 a mark goes before its sheet",
        "12R",
        CellContext("count", status="provisional"),
        Cell("12R", "exact", 12, status="revised"),
    ),
    ("data IOPC", "17~", COUNT, Cell("17~", "exact", 17, marks=("~",))),
    ("data IOPC", "5**", COUNT, Cell("5**", "exact", 5, marks=("**",))),
    ("6.0 footnotes", "212¹,³", COUNT, Cell("212¹,³", "exact", 212, marks=("1", "3"))),
    ("6.0 footnotes in order", "212¹*", COUNT, Cell("212¹*", "exact", 212, marks=("1", "*"))),
    ("data ONS", "212 [note 3]", COUNT, Cell("212 [note 3]", "exact", 212, marks=("3",))),
    ("6.0 footnote of a token", "n/a¹", COUNT, Cell("n/a¹", "not_available", marks=("1",))),
    ("6.0 revised token", "[c](R)", COUNT, Cell("[c](R)", "suppressed", status="revised")),
    (
        "data glued digits",
        "2,4661",
        CellContext("count", digit_marks=True),
        Cell("2,4661", "exact", 2466, marks=("1",)),
    ),
    ("R-G-23", "over 600", COUNT, Cell("over 600", "gt", 600)),
    ("R-G-23", "Over\u00a0600", COUNT, Cell("Over\u00a0600", "gt", 600)),
    ("R-G-23", ">95%", PERCENT, Cell(">95%", "gt", 95)),
    ("R-G-23", "c.26,000", COUNT, Cell("c.26,000", "approx", 26000)),
    ("R-G-23", "c 26,000", COUNT, Cell("c 26,000", "approx", 26000)),
    ("R-G-23", "c.5", NUMBER, Cell("c.5", "approx", 5)),
    ("R-G-23", "approx 40", COUNT, Cell("approx 40", "approx", 40)),
    ("R-G-23 T-17", "about 16%", PERCENT, Cell("about 16%", "approx", 16)),
    ("R-G-23", "~40", COUNT, Cell("~40", "approx", 40)),
    ("R-G-23", "nearly 50%", PERCENT, Cell("nearly 50%", "lt", 50)),
    ("R-G-23", "over £200k", MONEY, Cell("over £200k", "gt", 200_000)),
    ("6.0 a bound is no suppression", "<5%", PERCENT, Cell("<5%", "lt", 5)),
    ("6.9 range", "100-130", COUNT, Cell("100-130", "range", None, 100, 130)),
    ("6.9 range", "100 – 130", COUNT, Cell("100 – 130", "range", None, 100, 130)),
    ("6.9 range", "100 to 130", COUNT, Cell("100 to 130", "range", None, 100, 130)),
    ("6.0 range", "£150m–£160m", MONEY, Cell("£150m–£160m", "range", None, 150e6, 160e6)),
    ("6.0 range", "£150–160m", MONEY, Cell("£150–160m", "range", None, 150e6, 160e6)),
    ("6.0 range", "5-10%P", PERCENT, Cell("5-10%P", "range", None, 5, 10, "provisional")),
]


@pytest.mark.parametrize(("place", "text", "context", "cell"), GOLDEN, ids=[f"{row[0]}: {row[1]!r}" for row in GOLDEN])
def test_cells_say_what_the_catalogue_says_they_say(place: str, text: str, context: CellContext, cell: Cell) -> None:
    found = parse(text, context)
    assert replace(found, reason=None) == cell, place
    assert (found.reason is not None) is (cell.qualifier == "missing")


@pytest.mark.parametrize(
    ("text", "context", "why"),
    [
        *((dash, context, "can mean zero, none, hidden or") for dash in "-–—−~." for context in CONTEXTS[:4]),
        *(
            (text, COUNT, "is no figure")
            for text in (
                "tbc", "nil", "--5", "(-12)", "1,23", "1,234 567", "12.", "1.234,5", "½", "１２", "12 (3)", "12F",
                "212\n187", "212\t187", "1E+05", "a R", "R12", "5 days", "10% of", "05/06", "01/04/05", "31 March",
            )
        ),
        ("130-100", COUNT, "its first number is the larger"),
        ("2005-06", COUNT, "its first number is the larger"),
        ("24.5%", COUNT, "is a percentage, and this is a column of counts"),
        ("24.5%", MONEY, "is a percentage, and this is a column of amounts of money"),
        ("£24%", PERCENT, "is a percentage"),
        ("£200k", COUNT, "is an amount of money, and this is a column of counts"),
        ("200k", NUMBER, "has a unit of its own"),
        ("12.5", COUNT, "is no whole number"),
        ("about 12.5", COUNT, "is no whole number"),
        ("10-12.5", COUNT, "is no whole number"),
        ("1" * 16, COUNT, "has more than 15 digits"),
        ("£9999999bn", THOUSANDS, "has more than 15 digits"),
        ("1k%", MONEY, "is no figure"),
        ("50p", MONEY, "can be pence or a provisional figure"),
        ("####", COUNT, "too narrow"),
        ("Slippage in the programme is owed to late delivery of the fleet.", COUNT, "holds a comment"),
    ],
)  # fmt: skip
def test_what_no_rule_reads_fails_and_says_what_to_type_6_9(text: str, context: CellContext, why: str) -> None:
    cell = parse(text, context)
    assert (cell.qualifier, cell.value, cell.value_low, cell.value_high) == ("unreadable", None, None, None)
    assert cell.failed
    assert cell.text == text
    assert why in (cell.reason or "")
    assert ": type " in (cell.reason or "")


ERRORS = ["#DIV/0!", "#REF!", "#N/A", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#n/a", "Err:502"]


@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_formulas_are_told_from_suppressed_and_unavailable_d17(error: str) -> None:
    cell = parse(error, COUNT)
    assert (cell.qualifier, cell.value, cell.failed) == ("formula_error", None, True)
    assert f"gives {error.upper()}: correct the formula" in (cell.reason or "")


@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0\u2009", "\n", "\u200b"])
def test_a_blank_is_missing_and_says_so(blank: str | None) -> None:
    cell = parse(blank, COUNT)
    assert (cell.qualifier, cell.value, cell.text) == ("missing", None, blank or "")
    assert "the cell is blank: type a whole number" in (cell.reason or "")


@pytest.mark.parametrize(
    ("mark", "status", "marks"), [("P", "provisional", ()), ("(r)", "revised", ()), ("¹", "unknown", ("1",))]
)
def test_a_mark_alone_is_kept_and_the_figure_is_missing(mark: str, status: str, marks: tuple[str, ...]) -> None:
    cell = parse(mark, COUNT)
    assert (cell.qualifier, cell.value, cell.status, cell.marks) == ("missing", None, status, marks)
    assert "and no figure" in (cell.reason or "")


def test_a_unit_in_a_column_of_thousands_is_read_once_and_warned_of_6_9() -> None:
    assert parse("£200k", THOUSANDS).value == parse("200", THOUSANDS).value == 200_000
    assert parse("200", THOUSANDS).warning is None
    assert parse("£200k", THOUSANDS).warning == (
        "'£200k' was read as £200000, and the column is in units of 1000: type 200"
    )
    assert "was read as £1568000" in (parse("£1,568", THOUSANDS).warning or "")
    assert parse("£200k", MONEY).warning is None


def test_a_percentage_that_looks_like_a_fraction_or_twice_multiplied_is_warned_of_d12() -> None:
    assert parse(0.245, PERCENT).warning == "'0.245' was read as 0.245%: if it is a fraction, type 24.5%"
    assert "if 24.5% is meant" in (parse("2450", PERCENT).warning or "")
    assert "if 24.5% is meant" in (parse(24.5, PERCENT, percent_formatted=True).warning or "")
    quiet = [("0.13%", False), (0.0013, True), (0, False), (24.5, False), (1, True), ("-100%", False)]
    assert [parse(value, PERCENT, percent_formatted=shown).warning for value, shown in quiet] == [None] * len(quiet)


def test_the_five_kinds_of_nothing_stay_five() -> None:
    cells = [parse(text, NONE) for text in ("0", "-", "n/a", "[c]", "")]
    assert [cell.qualifier for cell in cells] == ["exact", "nil_or_none", "not_available", "suppressed", "missing"]
    assert [cell.value for cell in cells] == [0.0, None, None, None, None]


@given(contexts, st.sampled_from(["n/a", "..", "*", "#", "[c]", "[x]", "[z]", "<5", "", "#REF!", "tbc"]), st.data())
def test_nothing_that_is_null_becomes_zero_or_another_null(
    context: CellContext, token: str, data: st.DataObject
) -> None:
    spaced = data.draw(st.text(SPACES, max_size=2)) + token.upper() + data.draw(st.text(SPACES, max_size=2))
    cell = parse(spaced, context)
    assert cell.value is None
    assert cell.qualifier == parse(token, COUNT).qualifier


@given(
    st.one_of(st.text(max_size=40), near_misses, st.binary(max_size=40).map(lambda b: b.decode("cp1252", "replace"))),
    contexts,
)
@example("over ££5", COUNT)
@example("1 mıllion", MONEY)
@example("cırca 5", NUMBER)
@example("\x00", COUNT)
@example("9" * 5000, COUNT)
@example("(" * 5000, COUNT)
@example("1," * 5000, COUNT)
def test_no_text_raises_and_every_cell_is_of_one_kind(text: str, context: CellContext) -> None:
    check(parse(text, context), context)
    assert parse(text, context).text == text


@given(
    st.one_of(st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes(), st.times(), st.timedeltas()),
    contexts,
    st.booleans(),
)
@example(HUGE, COUNT, True)
@example(-math.inf, MONEY, True)
@example(math.nan, COUNT, False)
@example(math.nan, PERCENT, True)
@example(1.7e308, PERCENT, True)
def test_nothing_that_a_file_holds_raises(value: object, context: CellContext, is_percent: bool) -> None:
    check(parse(value, context, percent_formatted=is_percent), context)


def check(cell: Cell, context: CellContext) -> None:
    numbers = [cell.value, cell.value_low, cell.value_high]
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert (cell.value is None) is (cell.qualifier in NULLS | {"range"})
    assert (cell.value_low is not None) is (cell.value_high is not None) is (cell.qualifier == "range")
    assert (cell.reason is not None) is (cell.qualifier in ("missing", "unreadable", "formula_error"))
    assert len(cell.reason or "") < 300
    if context.kind == "count":
        assert all(number is None or number == int(number) for number in numbers)


@given(near_misses, st.text(SPACES + "\n\t\u200b\ufeff", max_size=3), st.text(SPACES + "\r\n", max_size=3), contexts)
def test_what_stands_around_a_text_makes_no_difference_d26(
    text: str, before: str, after: str, context: CellContext
) -> None:
    assume(text.strip())
    spaced = replace(parse(before + text + after, context), text="", reason=None, warning=None)
    assert spaced == replace(parse(text, context), text="", reason=None, warning=None)


@given(near_misses, st.sampled_from(SPACES), st.sampled_from(DASHES), contexts)
def test_the_kind_of_space_and_of_dash_makes_no_difference_d26(
    text: str, space: str, dash: str, context: CellContext
) -> None:
    other = text.replace("\u00a0", " ").replace(" ", space).replace("–", "-").replace("−", "-").replace("-", dash)
    assert replace(parse(other, context), text="", reason=None, warning=None) == replace(
        parse(text, context), text="", reason=None, warning=None
    )


@given(st.one_of(whole, decimals), st.sampled_from([",", *SPACES, ""]), st.data())
def test_a_number_is_read_in_every_form_that_people_give_it(
    number: int | Decimal, separator: str, data: st.DataObject
) -> None:
    digits = thousands(number, separator)
    if number < 0:
        forms = [f"({digits})", f"( {digits} )", f"{digits}-", *(f"{dash}{digits}" for dash in DASHES), f"- {digits}"]
    else:
        forms = [digits, f"+{digits}"]
    cell = parse(data.draw(st.sampled_from(forms)), NUMBER)
    assert (cell.qualifier, cell.value, cell.warning, cell.status) == ("exact", float(number), None, "unknown")


@given(
    st.one_of(whole, decimals), st.sampled_from(["P", "(P)", " P", "ᵖ", " (p)"]), st.sampled_from(["", "*", "¹", "[2]"])
)
def test_marks_leave_the_number_as_it_is(number: int | Decimal, status: str, mark: str) -> None:
    cell = parse(f"({thousands(number, ',')}){status}{mark}", NUMBER)
    assert (cell.qualifier, cell.value, cell.status) == ("exact", -abs(float(number)), "provisional")
    assert cell.marks == tuple(mark.strip("[]").replace("¹", "1"))


@given(
    st.decimals(-(10**4), 10**4, places=3), st.sampled_from([("k", 3), ("m", 6), ("bn", 9), (" million", 6), ("", 0)])
)
def test_money_is_in_pounds_whatever_its_unit(number: Decimal, unit: tuple[str, int]) -> None:
    sign = "-" if number < 0 else ""
    value = float(number.scaleb(unit[1])) or 0.0
    for text in (f"{sign}£{abs(number)}{unit[0]}", f"£{sign}{abs(number)}{unit[0].upper()}", f"{number}{unit[0]}"):
        assert parse(text, MONEY).value == value
        assert parse(text, THOUSANDS).value == (value if unit[0] else float(number * 1000) or 0.0)


@given(st.integers(-(10**7), 10**7), st.integers(0, 6))
@example(245, 1)
@example(57, 2)
def test_a_percentage_is_the_same_number_as_text_and_as_formatted_fraction_d12(digits: int, places: int) -> None:
    percentage = Decimal(digits).scaleb(-places)
    text = parse(f"{percentage:f}%", PERCENT)
    fraction = float(percentage / 100)
    native = parse(fraction, PERCENT, percent_formatted=True)
    assert text.value == native.value == float(percentage)
    assert parse(fraction * (1 + 2**-52), PERCENT, percent_formatted=True).value == pytest.approx(text.value)
    assert parse(f"{percentage / 100:f}", FRACTIONS).value == text.value


@given(st.integers(-(10**14), 10**14))
def test_a_number_of_a_file_is_the_same_as_its_text(number: int) -> None:
    cells = [parse(value, COUNT) for value in (number, float(number), str(number), f"{number:,}")]
    assert {cell.value for cell in cells} == {float(number)}
    assert cells[0] == cells[1] == cells[2]


def test_what_formulas_leave_over_is_no_figure_of_its_own() -> None:
    assert [parse(value, COUNT).value for value in (211.99999999999997, 5.6e-17, -0.0)] == [212.0, 0.0, 0.0]
    assert parse(0.1 + 0.2, NUMBER).value == 0.3
    assert math.copysign(1, parse("-0", NUMBER).value or 0.0) == 1


def test_the_text_of_a_number_is_what_a_spreadsheet_shows() -> None:
    assert [parse(value, NUMBER).text for value in (212, 212.0, 0.5, 1e14, 1e-5)] == [
        "212", "212", "0.5", "100000000000000", "0.00001",
    ]  # fmt: skip
    assert parse(0.245, PERCENT, percent_formatted=True) == replace(parse("24.5%", PERCENT), text="24.5%")


@pytest.mark.parametrize(
    "value", [date(2005, 10, 5), datetime.combine(date(2005, 10, 5), time(1, 2)), time(1, 2), timedelta(1)]
)
def test_a_date_is_no_figure(value: object) -> None:
    cell = parse(value, COUNT)
    assert cell.failed
    assert "format the cell as text" in (cell.reason or "")


@pytest.mark.parametrize("value", [True, False, math.nan, math.inf, 10**15, 1e300, pytest.param(HUGE, id="huge")])
def test_what_is_no_number_of_a_spreadsheet_is_no_figure(value: float) -> None:
    cell = parse(value, COUNT)
    assert cell.failed
    assert ": type a whole number" in (cell.reason or "")


def test_a_contract_cannot_give_numbers_a_meaning_nor_a_column_no_scale() -> None:
    for meanings in ({"0": "missing"}, {"1,234": "none"}):
        with pytest.raises(ValueError, match="is a number"):
            CellContext(meanings=meanings)
    with pytest.raises(ValueError, match="scale"):
        CellContext(scale=0)
    assert {CellContext("count"), CellContext("count")} == {CellContext("count")}


def test_a_reason_never_quotes_a_comment_d30() -> None:
    comment = "John Smith of 12 High Road was seen by PC 123 again and again."
    assert "John" not in (parse(comment, COUNT).reason or "")
    assert "Street" not in (parse("Mr J. Smith, 12 Long Acre Street", COUNT).reason or "")


@pytest.mark.parametrize(
    ("text", "digits", "parts"),
    [
        ("Wiltshire1", True, ("Wiltshire", None, ("1",))),
        ("Wiltshire1", False, ("Wiltshire1", None, ())),
        ("Domestic violence crime*", False, ("Domestic violence crime", None, ("*",))),
        ("Gun Related Violent Crime [1]", False, ("Gun Related Violent Crime", None, ("1",))),
        ("Other^", False, ("Other", None, ("^",))),
        ("North East [note 1, 2]", False, ("North East", None, ("1", "2"))),
        ("Officers (P)", False, ("Officers", "provisional", ())),
        ("Class P", False, ("Class P", None, ())),
        ("MAP", False, ("MAP", None, ())),
        ("  a ", False, ("a", None, ())),
    ],
)
def test_names_are_parted_from_their_marks(text: str, digits: bool, parts: tuple[object, ...]) -> None:
    assert tuple(split_marks(text, digits=digits)) == parts


def test_a_narrow_column_of_marks_says_the_status_6_0() -> None:
    said = {text: parse_status(text) for text in ("P", "(P)", "p", "ᵖ", "R", "[r]", "Revised", "F", " ", "X", "PR")}
    assert list(said.values()) == [*["provisional"] * 4, *["revised"] * 3, "final", "unknown", None, None]


def test_traffic_lights_are_words_letters_or_fill_d15() -> None:
    assert [parse_rag(text).colour for text in ("R", "a", "Green", "(G)", " AMBER ")] == [
        "red", "amber", "green", "green", "amber",
    ]  # fmt: skip
    assert {parse_rag(text).rag_source for text in ("●", "▇", "", None, " ")} == {"fill"}
    assert "type Red, Amber or Green" in (parse_rag("12").reason or "")
    assert parse("A", COUNT).failed
    assert parse("R", COUNT).status == "revised"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(
            (text, date(2006, 3, 31))
            for text in (
                "31/03/06", "31/3/2006", "31-03-2006", "31.03.06", "2006-03-31", "2006/03/31", "20060331", "38807",
                "31 March 2006", "31st Mar 06", "31-Mar-06", "Friday 31 March 2006", "March 31, 2006",
                "2006-03-31 00:00:00", "31/03/2006 23:59", "31\u00a0March\u00a02006", "31/03/06¹",
                "2006-03-31T00:00:00",
            )
        ),
        ("01/04/05", date(2005, 4, 1)),
        ("05/04/2006", date(2006, 4, 5)),
        ("30-12-2017", date(2017, 12, 30)),
        ("29/02/04", date(2004, 2, 29)),
        ("01/01/50", date(1950, 1, 1)),
        ("31/12/49", date(2049, 12, 31)),
    ],
)  # fmt: skip
def test_dates_are_read_day_first_d18(text: str, day: date) -> None:
    assert parse_date(text).value == day
    assert parse_date(text).reason is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("13/25/06", "read day first and there is no month 25"),
        ("03/31/06", "read day first and there is no month 31"),
        ("31/02/06", "that month has no day 31"),
        ("29/02/05", "that month has no day 29"),
        ("00/01/06", "that month has no day 0"),
        ("05/06", "is no full date"),
        ("April 2005", "is no full date"),
        ("31/03-06", "is no full date"),
        ("01/01/1900", "lies in the year 1900"),
        ("31 Aprıl 2006", "is no full date"),
        ("", "a blank cell"),
        (None, "a blank cell"),
        (0, "the number 0"),
        (60, "the number 60"),
        (2005, "the number 2005 is no date of our time"),
        (-1.5, "the number -1.5"),
        (math.nan, "the number nan"),
        (math.inf, "so large a number"),
        pytest.param(HUGE, "so large a number", id="huge"),
        (True, "no date of our time"),
        (date(1899, 12, 30), "the date 30/12/1899"),
    ],
)
def test_impossible_dates_are_refused_and_not_swapped_d18(value: object, why: str) -> None:
    read = parse_date(value)
    assert read.value is None
    assert why in (read.reason or "")
    assert (read.reason or "").endswith(": type day, month and year such as 31/03/2006")


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)), st.sampled_from("/-. "))
def test_every_date_comes_back_from_the_text_it_is_written_as(day: date, by: str) -> None:
    name = calendar.month_name[day.month]
    texts = [
        f"{day.day:02d}{by}{day.month:02d}{by}{day.year}", f"{day.day}{by}{day.month}{by}{day.year % 100:02d}",
        day.isoformat(), f"{day:%Y%m%d}", f"{day.day} {name} {day.year}", f"{day.day}-{name[:3]}-{day.year % 100:02d}",
    ]  # fmt: skip
    assert {parse_date(text).value for text in texts} == {day}


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)), st.floats(0, 0.99999))
def test_every_date_comes_back_from_its_serial_in_both_systems(day: date, time_of_day: float) -> None:
    serials = {1900: (day - date(1899, 12, 30)).days, 1904: (day - date(1904, 1, 1)).days}
    assert serials[1900] - serials[1904] == 1462
    for system, serial in serials.items():
        for value in (serial, serial + time_of_day, float(serial), str(serial)):
            assert parse_date(value, date_system=system).value == day
    assert parse_date(datetime.combine(day, time(13))).value == parse_date(day).value == day


def test_the_1900_system_has_a_day_that_never_was() -> None:
    assert [date_of_serial(serial) for serial in (0, 1, 59, 60, 61)] == [
        None, date(1900, 1, 1), date(1900, 2, 28), None, date(1900, 3, 1),
    ]  # fmt: skip
    assert [date_of_serial(serial, 1904) for serial in (0, 60, -1)] == [date(1904, 1, 1), date(1904, 3, 1), None]
    assert [date_of_serial(serial) for serial in (math.nan, math.inf, 10**400, -1)] == [None] * 4


APRIL_LABELS = "Apr-05|Apr 05|April 2005|APR-2005|Apr '05|2005/04|2005-04|2005-4|200504|04/2005|01/04/05|30/04/05|38443"


@pytest.mark.parametrize(
    "value", [*APRIL_LABELS.split("|"), 38443, 38443.0, 200504, 200504.0, date(2005, 4, 1), 20050401]
)
def test_months_are_read_from_all_their_labels_6_0(value: object) -> None:
    assert parse_month(value).value == date(2005, 4, 1)


def test_other_labels_of_months() -> None:
    assert parse_month("May-13").value == date(2013, 5, 1)
    assert parse_month("Sept 2005").value == date(2005, 9, 1)
    assert parse_month("2005/06").value == date(2005, 6, 1)
    assert parse_month(36981, date_system=1904).value == date(2005, 4, 1)
    january = parse_month("Jan 06 R")
    assert (january.value, january.status) == (date(2006, 1, 1), "revised")
    assert parse_month("Mar-18¹").marks == ("1",)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        *((f"P{number}", "is a four-week period and no month") for number in range(1, 14)),
        ("Period 12", "is a four-week period and no month"),
        ("05/06", "can be a month or a financial year"),
        ("2005/2006", "can be a month or a financial year"),
        ("FY05/06", "can be a month or a financial year"),
        ("2005/13", "is no month"),
        ("2005/00", "is no month"),
        ("FY06", "is no month"),
        ("13-May", "is no month"),
        ("Aprıl 2005", "is no month"),
        ("April", "is no month"),
        (date(2006, 3, 6), "neither the first nor the last day of a month; Excel makes such dates of Mar-06"),
        ("05/04/2006", "neither the first nor the last day"),
        ("13/25/06", "is no month"),
        ("", "a blank cell"),
        (None, "a blank cell"),
        (2005, "is no month"),
        (math.nan, "is no month"),
        pytest.param(HUGE, "is no month", id="huge"),
        (True, "is no month"),
    ],
)
def test_what_names_no_month_is_refused_r_t_11(value: object, why: str) -> None:
    read = parse_month(value)
    assert read.value is None
    assert why in (read.reason or "")
    assert "type the month such as Apr-05" in (read.reason or "")


def test_periods_are_months_only_where_the_contract_says_so_d28() -> None:
    months = [parse_month(f"P{number}", periods_of=2005).value for number in range(1, 13)]
    assert months == [date(2005, month, 1) for month in range(4, 13)] + [date(2006, month, 1) for month in (1, 2, 3)]
    assert "P1 (April) to P12 (March)" in (parse_month("P13", periods_of=2005).reason or "")


def test_four_week_periods_are_thirteen() -> None:
    assert [parse_four_week_period(f"P{number}").value for number in range(1, 14)] == list(range(1, 14))
    assert parse_four_week_period("period 7").value == 7
    for label in ("P0", "P14", "Apr-05", "", None, 7, math.nan):
        assert "type P1 to P13" in (parse_four_week_period(label).reason or "")


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)).map(lambda day: day.replace(day=1)))
def test_every_month_comes_back_from_its_labels(month: date) -> None:
    name = calendar.month_name[month.month]
    labels = [
        f"{name[:3]}-{month.year % 100:02d}", f"{name[:3]} {month.year}", f"{name.upper()} {month.year}",
        f"{month.year}/{month.month:02d}", f"{month.year}{month.month:02d}", f"{month.month}/{month.year}",
        month, month.year * 100 + month.month, f"{month:%d/%m/%y}", (month - date(1899, 12, 30)).days,
        month.replace(day=calendar.monthrange(month.year, month.month)[1]),
    ]  # fmt: skip
    assert {parse_month(label).value for label in labels} == {month}


@given(st.integers(1950, 2048))
def test_every_financial_year_comes_back_from_its_labels(first: int) -> None:
    last, short = first + 1, (first + 1) % 100
    labels = [
        f"{first}/{short:02d}",
        f"{first}-{short:02d}",
        f"{first}–{last}",
        f"{first}/{last}",
        f"FY {first}/{short:02d}",
    ]
    labels += [f"{first % 100:02d}/{short:02d}", f"FY{short:02d}", f"FY{last}", f"{first}/{short:02d}*"]
    expected = {date(first, 4, 1)}
    assert {parse_financial_year(label).value for label in labels if not (label == "FY50" or first == 1949)} == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("05/07", "its years do not follow each other"),
        ("2005/04", "its years do not follow each other"),
        ("06/05", "its years do not follow each other"),
        ("05/2006", "is no financial year"),
        ("2005", "is no financial year"),
        (2005, "the number 2005"),
        ("Apr-05", "is no financial year"),
        (date(2026, 6, 5), "Excel makes dates of 05/06"),
        ("", "a blank cell"),
        (None, "a blank cell"),
        (math.inf, "is no financial year"),
    ],
)
def test_what_names_no_financial_year_is_refused(value: object, why: str) -> None:
    read = parse_financial_year(value)
    assert read.value is None
    assert why in (read.reason or "")
    assert "type the financial year such as 2005/06" in (read.reason or "")


labels_near = st.text("0123456789/-. PFYQpAprilMayFebJan'ſıK", max_size=10)


@given(
    st.one_of(st.text(max_size=20), labels_near, st.floats(), st.integers(), st.dates(), st.datetimes(), st.booleans())
)
@example(HUGE)
@example("1 ſept 2005")
@example("Auguſt 05")
def test_no_label_raises_and_each_has_a_value_or_a_reason(value: object) -> None:
    readers = [parse_date, parse_month, parse_financial_year, parse_four_week_period]
    systems = [lambda v: parse_date(v, date_system=1904), lambda v: parse_month(v, periods_of=2005)]
    for reader in itertools.chain(readers, systems):
        read = reader(value)
        assert (read.value is None) is (read.reason is not None)
        assert len(read.reason or "") < 300
