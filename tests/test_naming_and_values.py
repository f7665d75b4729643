"""Names, figures and months as people write them: what makes no difference, and what is refused."""

import calendar
import re
from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.addresses import cell_name
from contracts.model import Periods
from contracts.naming import nearest, offence_key, text_key
from contracts.reading import month_end, months_between
from ingest.values import parse_count

# A machine that is busy with other things makes no test fail.
unhurried = settings(deadline=None)

ACROSS = Periods(run="across", format="%Y%m")
DOWN = Periods(run="down", format="%b-%y")
ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Spaces that spreadsheets and web pages leave in names (D26): plain, non-breaking, thin, narrow, ideographic, tab.
SPACES = " \u00a0\u2009\u202f\u3000\t"

latin = st.text(st.characters(max_codepoint=255), max_size=30)
words = st.lists(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789éü", min_size=1, max_size=8), max_size=5)
spaces = st.text(SPACES, min_size=1, max_size=3)
first_days = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(lambda day: day.replace(day=1))
# Labels that are nearly months.
labels = st.text("0123456789 -.,/JanFebMrAyulgSpOctNvD\u00a0²٢०１", max_size=9)


@unhurried
@given(st.text(max_size=40))
@example("Theft_-_from M/V")
@example("a_ _b")
@example("İstanbul & Straße")
def test_a_key_is_its_own_key(printed: str) -> None:
    assert text_key(text_key(printed)) == text_key(printed)


@unhurried
@given(st.text(max_size=40))
def test_a_key_holds_letters_digits_and_single_spaces_only(printed: str) -> None:
    key = text_key(printed)
    assert all(character.isalnum() or character == " " for character in key)
    assert key == " ".join(key.split(" "))
    assert "  " not in key
    assert key == key.strip()


@unhurried
@given(latin)
def test_case_makes_no_difference(printed: str) -> None:
    assert text_key(printed.upper()) == text_key(printed.lower()) == text_key(printed)


@unhurried
@given(words, st.data())
def test_the_kind_and_number_of_spaces_makes_no_difference_d26(parts: list[str], data: st.DataObject) -> None:
    spaced = data.draw(spaces) + "".join(part + data.draw(spaces) for part in parts)
    assert text_key(spaced) == text_key(" ".join(parts))


@unhurried
@given(words, words)
def test_an_ampersand_is_an_and(left: list[str], right: list[str]) -> None:
    one, other = " ".join(left), " ".join(right)
    assert text_key(f"{one} & {other}") == text_key(f"{one}&{other}") == text_key(f"{one} AND {other}")


@unhurried
@given(words, words)
def test_different_words_have_different_keys(left: list[str], right: list[str]) -> None:
    same = [word.casefold() for word in left] == [word.casefold() for word in right]
    assert (text_key(" ".join(left)) == text_key(" ".join(right))) is same


@pytest.mark.parametrize(
    ("printed", "key"),
    [
        ("Kensington & Chelsea", "kensington and chelsea"),
        ("KENSINGTON AND CHELSEA", "kensington and chelsea"),
        ("  Richmond\u00a0upon Thames\u00a0", "richmond upon thames"),
        ("Theft From M/V", "theft from m v"),
        ("Burglary - Residential", "burglary residential"),
        ("LookUp_BoroughName", "lookup boroughname"),
        ("Aviation Security (SO18)", "aviation security so18"),
        ("", ""),
        ("--- ", ""),
    ],
)
def test_keys_of_names_that_senders_print(printed: str, key: str) -> None:
    assert text_key(printed) == key


def test_an_offence_key_tells_one_other_theft_from_another() -> None:
    assert offence_key("Theft", "Other Theft") != offence_key("Theft and Handling", "Other Theft")
    assert offence_key("THEFT ", "other\u00a0theft") == offence_key("Theft", "Other Theft")


@unhurried
@given(words, words, words, words)
def test_offence_keys_do_not_run_into_each_other(a: list[str], b: list[str], c: list[str], d: list[str]) -> None:
    first, second = (" ".join(a), " ".join(b)), (" ".join(c), " ".join(d))
    same = [text_key(name) for name in first] == [text_key(name) for name in second]
    assert (offence_key(*first) == offence_key(*second)) is same


def test_the_nearest_name_is_one_with_a_slip_in_it_and_no_other() -> None:
    assert nearest("hackny", ["haringey", "hackney", "harrow"]) == "hackney"
    assert nearest("minrtext", ["majortext", "minortext"]) == "minortext"
    assert nearest("context", ["majortext"]) is None
    assert nearest("hackney", []) is None


@unhurried
@given(st.integers(-(10**15) + 1, 10**15 - 1), st.text(SPACES, max_size=2), st.text(SPACES, max_size=2))
def test_a_whole_number_is_read_whatever_the_spaces_around_it_d26(number: int, before: str, after: str) -> None:
    assert parse_count(f"{before}{number}{after}") == number


@unhurried
@given(st.text("0123456789-+.,eE _x²٣１£%", max_size=20))
@example("١٢")
@example("1_000")
@example("--5")
@example("1e3")
@example("9" * 16)
def test_a_figure_is_ascii_digits_with_at_most_one_sign_and_nothing_else(text: str) -> None:
    bare = text.strip(" ")
    digits = bare.removeprefix("-")
    is_count = 0 < len(digits) <= 15 and set(digits) <= set("0123456789")
    assert parse_count(text) == (int(bare) if is_count else None)


@pytest.mark.parametrize(
    "text", ["", " ", "12x", "1,234", "3.0", "12 3", "½", "N/A", "..", "*", "-", "+5", "#REF!", "−5"]
)
def test_what_is_no_whole_number_has_no_value_d17(text: str) -> None:
    assert parse_count(text) is None


@unhurried
@given(first_days)
def test_the_label_of_a_month_across_is_read(day: date) -> None:
    assert ACROSS.parse(f"{day.year:04d}{day.month:02d}") == day
    assert ACROSS.parse(f"\u00a0{day.year:04d}{day.month:02d} ") == day


@unhurried
@given(st.dates(date(1970, 1, 1), date(2067, 12, 31)))
def test_the_label_of_a_month_down_is_read_in_any_case(day: date) -> None:
    label = f"{ENGLISH_MONTHS[day.month - 1]}-{day.year % 100:02d}"
    assert DOWN.parse(label) == DOWN.parse(label.upper()) == DOWN.parse(f" {label} ") == day.replace(day=1)


@unhurried
@given(labels)
@example("20185")
@example("2018 5")
@example("202O05")
@example("٢٠١٨٠٦")
@example("000101")
@example("999912")
def test_only_six_digits_that_are_a_month_are_a_month_across(label: str) -> None:
    exact = re.fullmatch(r"((?:19|20|21)[0-9]{2})(0[1-9]|1[0-2])", label.strip())
    assert ACROSS.parse(label) == (date(int(exact[1]), int(exact[2]), 1) if exact else None)


@unhurried
@given(labels)
@example("May-2013")
@example("May 13")
@example("June-13")
@example("May-1")
@example("13-May")
def test_only_a_short_month_and_two_digits_are_a_month_down(label: str) -> None:
    exact = re.fullmatch(r"([A-Za-z]{3})-([0-9]{2})", label.strip())
    is_month = bool(exact) and exact[1].title() in ENGLISH_MONTHS
    found = DOWN.parse(label)
    assert (found is not None) is is_month
    if found and exact:
        assert (found.month, found.year % 100) == (ENGLISH_MONTHS.index(exact[1].title()) + 1, int(exact[2]))


@unhurried
@given(first_days)
def test_the_end_of_a_month_is_the_day_before_the_next_begins(day: date) -> None:
    end = month_end(day)
    assert (end + timedelta(days=1)).day == 1
    assert (end.year, end.month, end.day) == (day.year, day.month, calendar.monthrange(day.year, day.month)[1])


@unhurried
@given(first_days, st.integers(0, 400))
def test_months_between_are_each_month_once_in_order(first: date, more: int) -> None:
    last = first
    walked = [first]
    for _ in range(more):
        last = month_end(last) + timedelta(days=1)
        walked.append(last)
    assert months_between(first, last) == walked


def test_there_are_no_months_between_a_month_and_an_earlier_one() -> None:
    assert months_between(date(2020, 5, 1), date(2020, 4, 1)) == []
    assert months_between(date(2020, 1, 1), date(2018, 1, 1)) == []


@unhurried
@given(st.integers(1, 2_000_000), st.integers(1, 20_000))
def test_a_cell_is_named_as_spreadsheets_name_it(row: int, column: int) -> None:
    letters, digits = re.fullmatch(r"([A-Z]+)([0-9]+)", cell_name(row, column)).groups()
    number = 0
    for letter in letters:
        number = number * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
    assert (int(digits), number) == (row, column)
    assert cell_name(17, 8) == "H17"
    assert cell_name(1, 703) == "AAA1"
