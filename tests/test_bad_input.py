"""Bad input: a verdict for each file, in words that help, and every byte kept. Nothing stops a round."""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import tracemalloc
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SETTLE_SECONDS, Cli, open_context, run_cli
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ingest.readers.kind import kind_of
from ingest.receive import Handover, Round
from ledger.home import Settings
from ledger.tables import CheckResult, FileReceipt
from orchestration import pipeline
from orchestration.pipeline import Context
from orchestration.status import print_status, status_of
from samples.vocabulary import BOROUGHS

VERDICTS = {"accepted", "quarantined", "rejected", "unidentified", "duplicate", "not_a_return"}
HEADER = ["MajorText", "MinorText", "BoroughName", "202003", "202004", "202005"]
MEBIBYTE = 1024 * 1024


def sound(delimiter: str = ",", line_end: str = "\r\n", count: int = 1_000) -> str:
    """A sound extract of every borough, as text."""
    text = io.StringIO(newline="")
    rows = [["THEFT", "OTHER THEFT", borough, *[str(count)] * 3] for borough in BOROUGHS]
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows([HEADER, *rows])
    return text.getvalue()


SOUND = sound().encode()


def take(context: Context, *paths: Path) -> Round:
    return pipeline.receive(context, paths, Handover())


def verdicts(done: Round) -> dict[str, str]:
    return {receipt.file_name: receipt.verdict for receipt in done.receipts}


def raw_bytes(context: Context) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in context.home.raw.rglob("*") if path.is_file()}


def receive_bytes(context: Context, folder: Path, data: bytes, name: str = "crime.csv") -> FileReceipt:
    """Hand one file in; its bytes must be kept, whatever it is."""
    path = folder / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    receipt = next(each for each in take(context, path).receipts if each.archive is None)
    assert receipt.sha256 == hashlib.sha256(data).hexdigest()
    assert raw_bytes(context)[receipt.sha256] == data
    assert path.read_bytes() == data
    return receipt


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def packed_lying(declared: int | None = None, flag: int = 0, content: bytes = SOUND) -> bytes:
    """An archive whose directory says of its one file what is not so."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
        info = archive.infolist()[0]
        info.file_size = info.file_size if declared is None else declared
        info.flag_bits |= flag
    return data.getvalue()


def workbook() -> bytes:
    """The smallest workbook that Excel opens."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    office = "http://schemas.openxmlformats.org"
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/></Types>'.encode(),
            "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships"/>'.encode(),
            "xl/workbook.xml": f'<workbook xmlns="{office}/spreadsheetml/2006/main"/>'.encode(),
        }
    )


# One file


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(sound(";").encode(), id="semicolons"),
        pytest.param(sound("\t").encode(), id="tabs"),
        pytest.param(sound("|").encode(), id="bars"),
        pytest.param(sound(line_end="\r").encode(), id="CR"),
        pytest.param(sound(line_end="\n").encode(), id="LF"),
        pytest.param(sound().encode("utf-8-sig"), id="BOM"),
        pytest.param(sound().encode("utf-16"), id="UTF-16"),
        pytest.param(sound("\t").encode("utf-16-le"), id="UTF-16 without BOM, tabs"),
        pytest.param(("Crime – £\r\n\r\n" + sound()).encode("cp1252"), id="cp1252 with a title"),
        pytest.param((sound() + ",,,,,\r\n\r\n").encode(), id="blank rows at the end"),
    ],
)
def test_a_sound_file_is_accepted_however_it_was_saved_d23(context: Context, tmp_path: Path, data: bytes) -> None:
    assert receive_bytes(context, tmp_path, data).verdict == "accepted"


@pytest.mark.parametrize(
    ("data", "verdict", "words"),
    [
        pytest.param(b"", "rejected", ["It cannot be read", "empty (0 bytes)"], id="empty"),
        pytest.param(
            ",".join(HEADER).encode() + b"\r\n", "quarantined", ["header and no figures", "Send the whole"], id="header"
        ),
        pytest.param(b"\r\n\r\n", "unidentified", ["No contract resembles this file"], id="blank lines"),
        pytest.param(sound(":").encode(), "unidentified", ["one column", "semicolons"], id="wrong delimiter"),
        pytest.param(b"Dear all,\nfigures to follow.\n", "unidentified", ["No contract resembles"], id="a letter"),
        pytest.param(b"a,b\n\x00\x00", "rejected", ["not text", "NUL"], id="NUL bytes"),
        pytest.param(b"a,b\n\x81\x8d", "rejected", ["not text", "byte 5"], id="no text"),
        pytest.param(b'"' + SOUND, "rejected", ["Row 1", "quotation mark", "Export it again"], id="quote in row 1"),
        pytest.param(workbook(), "unidentified", ["is an Excel workbook", ".csv", "comma separated"], id="xlsx"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "unidentified", ["Excel 97-2003", "(CSV)"], id="xls"
        ),
        pytest.param(b"%PDF-1.7\n", "unidentified", ["a PDF document"], id="PDF"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "unidentified", ["a picture"], id="PNG"),
        pytest.param(gzip.compress(SOUND), "unidentified", ["a gzip archive"], id="gzip"),
        pytest.param(b"7z\xbc\xaf\x27\x1c", "unidentified", ["a 7-Zip archive"], id="7z"),
        pytest.param(
            packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}),
            "unidentified",
            ["an OpenDocument spreadsheet"],
            id="ods",
        ),
        pytest.param(
            packed({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
            "unidentified",
            ["an office document"],
            id="docx",
        ),
    ],
)
def test_what_cannot_be_taken_is_told_in_plain_words(
    context: Context, tmp_path: Path, data: bytes, verdict: str, words: list[str]
) -> None:
    receipt = receive_bytes(context, tmp_path, data)
    assert receipt.verdict == verdict, receipt.reason
    for each in words:
        assert each in receipt.reason
    assert receipt.reason.endswith(".")


def test_a_file_cut_off_inside_a_row_is_quarantined_with_the_row(context: Context, tmp_path: Path) -> None:
    for number, cut in enumerate(range(SOUND.index(b"\n") + 15, len(SOUND) - 40, 173)):
        data = SOUND[:cut]
        row = data.count(b"\n") + 1
        cells = data.rsplit(b"\n", 1)[1].count(b",") + 1
        if cells == len(HEADER) or not data.rsplit(b"\n", 1)[1]:
            continue
        receipt = receive_bytes(context, tmp_path, data, f"{number}.csv")
        assert receipt.verdict == "quarantined"
        found = f"Row {row}: found {'1 cell' if cells == 1 else f'{cells} cells'} where the header has 6"
        # What caused the rest is said first.
        assert receipt.reason.startswith(f"Kept out: all its months. {found}")


def test_a_file_cut_off_in_its_last_figure_is_kept_out(context: Context, tmp_path: Path) -> None:
    receipt = receive_bytes(context, tmp_path, SOUND.rstrip(b"\r\n")[:-1])
    assert receipt.verdict == "quarantined"
    with context.ledger.look() as session:
        result = session.scalars(select(CheckResult).where(CheckResult.check_code == "last_line_ended")).one()
    assert (result.severity, result.status) == ("block", "failed")
    assert result.message.startswith("Row 33: found a last line that is not ended")


def test_a_row_whose_quotation_mark_is_not_closed_is_named(context: Context, tmp_path: Path) -> None:
    receipt = receive_bytes(context, tmp_path, SOUND.replace(b"THEFT,OTHER THEFT,Brent", b'"THEFT,OTHER THEFT,Brent'))
    row = list(BOROUGHS).index("Brent") + 2
    assert receipt.verdict == "quarantined"
    assert f"Row {row}: found a row that breaks the rules of quotation marks" in receipt.reason
    assert "Export it again" in receipt.reason


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_file_gets_a_verdict_and_stops_nothing(damaged_home: Context, data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from([SOUND, sound().encode("utf-16"), STRENGTH])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        chunk = data.draw(st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b",", b"\r\n", b"-9", b"202004"])))
        damaged[place : place + data.draw(st.integers(0, 40))] = chunk
    path = damaged_home.home.root / "damaged.csv"
    path.write_bytes(damaged)
    done = take(damaged_home, path)
    assert {receipt.verdict for receipt in done.receipts} <= VERDICTS
    assert bytes(damaged) in [
        damaged_home.home.raw_file(receipt.sha256 or "").read_bytes() for receipt in done.receipts
    ]


STRENGTH = b"Date,Police Officer Strength,Police Staff Strength,PCSO Strength\n" + b"".join(
    f"{month}-13,30000,9000,1300\n".encode() for month in ("May", "Jun", "Jul", "Aug", "Sep")
)


@pytest.fixture(scope="module")
def damaged_home(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context.open(Settings(home=tmp_path_factory.mktemp("damaged") / "home", settle_seconds=0.0))


def test_300_megabytes_of_text_are_kept_and_not_read(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "in" / "large.csv"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(300 * MEBIBYTE)
    receipt = take(context, path).receipts[0]
    assert receipt.verdict == "rejected"
    assert "It has 314,572,800 bytes of text" in receipt.reason
    assert context.home.raw_file(receipt.sha256 or "").stat().st_size == 300 * MEBIBYTE


def test_the_most_bytes_of_text_can_be_set(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(SOUND)
    (tmp_path / "in" / "b.csv").write_bytes(SOUND[:999])
    monkeypatch.setenv("METSTATS_MAX_DELIMITED_BYTES", "1000")
    done = run_cli(home, "receive", tmp_path / "in")
    assert done.returncode == 4
    assert f"It has {len(SOUND):,} bytes of text; 1,000 are allowed." in done.stdout
    assert "quarantined  b.csv" in done.stdout


def test_a_file_beyond_all_measure_is_refused_and_stays_where_it_is(home: Path) -> None:
    context = Context.open(Settings(home=home, settle_seconds=SETTLE_SECONDS, max_file_bytes=1_000))
    path = context.home.landing / "a.csv"
    path.write_bytes(SOUND)
    receipt = pipeline.take_landing(context).receipts[0]
    assert (receipt.verdict, receipt.sha256) == ("rejected", None)
    assert f"It has {len(SOUND):,} bytes, more than the 1,000 allowed." in receipt.reason
    assert path.read_bytes() == SOUND


def test_a_row_of_very_many_cells_is_told_soon(context: Context, tmp_path: Path) -> None:
    header = ["MajorTxt", "MinorTxt", "BoroughNam", *(f"column {number}" for number in range(60_000))]
    started = time.monotonic()
    receipt = receive_bytes(context, tmp_path, (",".join(header) + "\n").encode() * 20)
    assert receipt.verdict == "unidentified"
    assert time.monotonic() - started < 20


# Archives


@pytest.mark.parametrize(
    "name",
    [
        "../a.csv",
        "x/../../a.csv",
        "/etc/a.csv",
        "..\\a.csv",
        "x\\..\\..\\a.csv",
        "C:\\a.csv",
        "c:a.csv",
        "\\\\pc\\a.csv",
    ],
)
def test_an_archive_that_names_a_place_outside_itself_is_not_unpacked(
    context: Context, tmp_path: Path, name: str
) -> None:
    before = _everything_under(tmp_path)
    receipt = receive_bytes(context, tmp_path, packed({"good.csv": SOUND, name: b"x"}), "a.zip")
    assert receipt.verdict == "rejected"
    assert f"it names a file outside itself ('{name}')" in receipt.reason
    assert "Send the files themselves" in receipt.reason
    new = _everything_under(tmp_path) - before - {tmp_path / "in", tmp_path / "in" / "a.zip"}
    assert all(path.is_relative_to(context.home.root) for path in new)


def test_dots_and_colons_that_lead_nowhere_are_no_harm(context: Context, tmp_path: Path) -> None:
    names = ["a..b.csv", "...csv", "x/..y/c.csv", "Crime: May.csv", "./d.csv", "e//f.csv"]
    members = {name: sound(count=1_000 + count).encode() for count, name in enumerate(names)}
    path = tmp_path / "a.zip"
    path.write_bytes(packed(members))
    done = take(context, path)
    assert Counter(receipt.verdict for receipt in done.receipts) == {"not_a_return": 1, "accepted": len(names)}


def test_an_archive_under_a_password_is_told(context: Context, tmp_path: Path) -> None:
    receipt = receive_bytes(context, tmp_path, packed_lying(flag=1), "a.zip")
    assert receipt.verdict == "rejected"
    assert "'a.csv' is protected by a password" in receipt.reason


def test_an_archive_without_a_file_is_told(context: Context, tmp_path: Path) -> None:
    for members in ({}, {"folder/": b""}):
        receipt = receive_bytes(context, tmp_path, packed(members), "a.zip")
        assert receipt.verdict == "rejected"
        assert "it holds no file" in receipt.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_cut_off_anywhere_is_kept_and_not_unpacked(damaged_home: Context, method: int) -> None:
    whole = packed({"a.csv": SOUND, "b/c.csv": sound(count=1_001).encode()}, method)
    for length in [*range(4, 64, 7), *range(64, len(whole), max(1, len(whole) // 40))]:
        receipt = _receive_quickly(damaged_home, whole[:length], "cut.zip")
        assert receipt.verdict == "rejected"
        assert "archive was not unpacked" in receipt.reason


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_damaged_archive_gets_a_verdict_and_stops_nothing(
    damaged_home: Context, method: int, damage: list[tuple[float, int]]
) -> None:
    members = {"a.csv": SOUND, "mimetype": b"text/csv", "x/b.csv": b"x,y\n1,2\n"}
    whole = bytearray(packed(members, method))
    for place, byte in damage:
        whole[int(place * len(whole))] = byte
    assert _receive_quickly(damaged_home, bytes(whole), "damaged.zip").verdict in {*VERDICTS, "received"}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_a_file_that_was_damaged_inside_its_archive_is_named(context: Context, tmp_path: Path, method: int) -> None:
    letters = os.urandom(4_000).hex().encode()
    whole = bytearray(packed({"a.csv": letters}, method))
    middle = len(whole) // 2
    whole[middle : middle + 200] = b"\xff" * 200
    receipt = receive_bytes(context, tmp_path, bytes(whole), "a.zip")
    assert receipt.verdict == "rejected"
    assert "'a.csv' cannot be unpacked" in receipt.reason


def test_a_bomb_is_not_unpacked(context: Context, tmp_path: Path) -> None:
    bomb = packed({"a.csv": bytes(40 * MEBIBYTE)})
    assert len(bomb) < 100_000
    receipt = receive_bytes(context, tmp_path, bomb, "bomb.zip")
    assert receipt.verdict == "rejected"
    assert re.search(r"it unpacks to 1,0\d\d times its size \(41,943,040 bytes from ", receipt.reason)
    assert sum(map(len, raw_bytes(context).values())) == len(bomb)


def test_10_gigabytes_declared_in_a_megabyte_are_not_unpacked(context: Context, tmp_path: Path) -> None:
    small = packed_lying(10 * 1024 * MEBIBYTE, content=os.urandom(MEBIBYTE))
    assert MEBIBYTE < len(small) < 1.1 * MEBIBYTE
    receipt = receive_bytes(context, tmp_path, small, "a.zip")
    assert receipt.verdict == "rejected"
    assert "10,737,418,240 bytes" in receipt.reason
    assert sum(map(len, raw_bytes(context).values())) == len(small)


@pytest.mark.parametrize("declared", [0, 10, len(SOUND) - 1, len(SOUND) + 1, 2 * len(SOUND)])
def test_an_archive_that_declares_another_size_than_it_holds_is_rejected(
    context: Context, tmp_path: Path, declared: int
) -> None:
    receipt = receive_bytes(context, tmp_path, packed_lying(declared), "a.zip")
    assert receipt.verdict == "rejected", receipt.reason
    assert "'a.csv'" in receipt.reason


def test_an_archive_of_too_many_files_is_not_unpacked(home: Path, tmp_path: Path) -> None:
    context = Context.open(Settings(home=home, settle_seconds=SETTLE_SECONDS, max_archive_members=3))
    three = {f"{number}.csv": b"x,y\n" for number in range(3)}
    assert receive_bytes(context, tmp_path, packed(three), "three.zip").verdict == "not_a_return"
    receipt = receive_bytes(context, tmp_path, packed(three | {"more.csv": b""}), "four.zip")
    assert receipt.verdict == "rejected"
    assert "it holds 4 files, more than the 3 that are taken at once" in receipt.reason


def test_looking_what_an_archive_is_does_not_unpack_it(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed({"mimetype": bytes(200 * MEBIBYTE)}))
    tracemalloc.start()
    assert kind_of(path) == "a zip archive"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * MEBIBYTE


def test_files_of_one_name_in_an_archive_have_a_verdict_each(context: Context, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.csv", SOUND)
        archive.writestr("a.csv", b"x,y\n1,2\n")
        archive.writestr("a.csv", SOUND)
    path = tmp_path / "a.zip"
    path.write_bytes(data.getvalue())
    done = take(context, path)
    inside = [(receipt.file_name, receipt.verdict) for receipt in done.receipts if receipt.archive]
    assert inside == [("a.csv", "accepted"), ("a.csv", "unidentified"), ("a.csv", "duplicate")]
    assert set(raw_bytes(context).values()) == {data.getvalue(), SOUND, b"x,y\n1,2\n"}


def test_one_hostile_file_keeps_the_whole_archive_out(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed({"a.csv": SOUND, "../b.csv": b"x"}))
    assert verdicts(take(context, path)) == {"a.zip": "rejected"}


# Folders


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: waiting for a disk ten thousand times takes minutes."""
    if not Path("/dev/shm").is_dir():  # noqa: S108
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="metstats-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_a_folder_of_10000_files_gives_a_verdict_each_and_a_screen_that_can_be_read(fast_folder: Path) -> None:
    folder, home = fast_folder / "in", fast_folder / "home"
    for number in range(10_000):
        path = folder / f"{number % 10}" / f"{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if number % 100 == 0 else f"x,y\n{number},2\n".encode())
    (folder / "good.csv").write_bytes(SOUND)
    done = run_cli(home, "receive", folder)
    assert done.returncode == 4, done.stderr
    assert "Received: 1 accepted, 100 rejected, 9,900 unidentified." in done.stdout
    assert len(done.stdout.splitlines()) < 100
    assert "more like these" in done.stdout
    status = run_cli(home, "status")
    assert len(status.stdout.splitlines()) < 60
    context = open_context(home)
    with context.ledger.look() as session:
        receipts = session.scalars(select(FileReceipt)).all()
    assert Counter(receipt.verdict for receipt in receipts) == {"accepted": 1, "rejected": 100, "unidentified": 9_900}
    assert len(list(context.home.raw.glob("??/*"))) == 1 + 1 + 9_900


def test_folders_may_be_nested_deeply(context: Context, tmp_path: Path) -> None:
    top = deep = tmp_path / "in"
    for _ in range(1_200):
        deep.mkdir()
        deep /= "d"
    deep.write_bytes(SOUND)
    try:
        assert verdicts(take(context, top)) == {"d": "accepted"}
        top.rename(context.home.landing / "in")
        assert verdicts(pipeline.take_landing(context)) == {"d": "duplicate"}
    finally:
        # Python 3.11 itself cannot remove what is so deep.
        subprocess.run(["rm", "-rf", top, context.home.landing / "in"], check=True)


# Names

HOSTILE_NAMES = [
    "new\nline.csv",
    "carriage\rreturn.csv",
    "tab\there.csv",
    "\x1b[31mred\x1b[0m.csv",
    "\x1b]0;title\x07.csv",
    "\x1b[2J\x1b[1;1Hcleared.csv",
    "\x9b31mone byte.csv",
    "back\x08\x08\x08space.csv",
    "[red]red.csv",
    "[bold].csv",
    "[link=file]here.csv",
    ":smile:.csv",
    "right\u202eto left\u2066.csv",
    "zero\u200bwidth\ufeff.csv",
    "line\u2028separator.csv",
    "back\\slash\\.csv",
    "-starts with a dash.csv",
    "'quotes\" and %s %n {0} $HOME `id`.csv",
    "…" + "long" * 60 + ".csv",
    " spaces \u00a0.csv",
    "no.suffix\x7f",
]


def test_a_screen_shows_names_and_obeys_none(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _folder_of_hostile_names(tmp_path / "in")
    received = run_cli(home, "receive", folder)
    assert received.returncode == 4, received.stderr
    assert f"Received: {len(HOSTILE_NAMES) + 3} unidentified." in received.stdout
    _shows_hostile_names_and_obeys_none(received.stdout)
    facts = status_of(open_context(home))
    waiting = facts["needs_attention"]
    assert len(waiting) == len(HOSTILE_NAMES) + 3
    # One screen shows ten; each name has its turn.
    for start in range(0, len(waiting), 10):
        print_status({**facts, "needs_attention": waiting[start : start + 10]})
    _shows_hostile_names_and_obeys_none(capsys.readouterr().out)


def _shows_hostile_names_and_obeys_none(shown: str) -> None:
    assert _obeyed(shown) == []
    for words in ("new\\nline.csv", "\\x1b[31mred\\x1b[0m.csv", "[red]red.csv", "[bold].csv", ":smile:.csv"):
        assert words in shown
    for words in ("\\x9b31mone byte.csv", "right\\u202eto left\\u2066.csv", "caf\\xe9.csv"):
        assert words in shown


def test_a_coloured_screen_shows_names_and_obeys_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _folder_of_hostile_names(tmp_path / "in")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    done = run_cli(home, "receive", folder)
    assert "\x1b[33munidentified\x1b[0m" in done.stdout
    its_own = re.compile(r"\x1b\[[0-9;?]*[mKAGhlJ]")
    assert _obeyed(its_own.sub("", done.stdout)) == []
    for sequence in ("\x1b]0;", "\x1b[2J", "\x1b[1;1H"):
        assert sequence not in done.stdout
    # The bars of progress name the files too.
    for sequence in ("\x1b]0;", "\x1b[1;1H", "\x07"):
        assert sequence not in done.stderr


def test_json_has_names_as_they_are_and_a_terminal_obeys_none(home: Path, tmp_path: Path) -> None:
    folder = _folder_of_hostile_names(tmp_path / "in")
    (folder / "\x1b[31mlater\x9b.csv.part").write_bytes(b"x")
    done = run_cli(home, "receive", folder, "--json")
    facts = json.loads(done.stdout)
    found = {receipt["file_name"] for receipt in facts["receipts"]}
    assert found == {*HOSTILE_NAMES, "caf\\xe9.csv", "in folder.csv", "lines.csv"}
    assert facts["left"] == [str(folder / "\x1b[31mlater\x9b.csv.part")]
    assert _obeyed(done.stdout) == []


def test_names_inside_an_archive_are_shown_and_not_obeyed(home: Path, tmp_path: Path) -> None:
    names = ["\x1b[31mred.csv", "new\nline.csv", "[/red].csv", "x" * 60_000 + ".csv", "\u202eright.csv"]
    (tmp_path / "a.zip").write_bytes(packed({name: b"x,y\n1,2\n" for name in names}))
    (tmp_path / "b.zip").write_bytes(packed({"../\x1b]0;t\x07[/red]" + "y" * 60_000: b"x"}))
    done = run_cli(home, "receive", tmp_path / "a.zip", tmp_path / "b.zip")
    assert done.returncode == 4, done.stderr
    assert _obeyed(done.stdout) == []
    assert max(map(len, done.stdout.splitlines())) < 3_000
    assert "\\x1b[31mred.csv" in done.stdout
    assert "Received: 1 not_a_return, 1 rejected, 5 unidentified." in done.stdout


def test_what_stands_in_a_file_is_shown_and_not_obeyed(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    header = ["MajorTxt\x1b[31m", "Minor\x1b]0;t\x07Text", "Borough[/red]Name", *HEADER[3:]]
    (folder / "a.csv").write_bytes(SOUND.replace(",".join(HEADER).encode(), ",".join(header).encode()))
    (folder / "b.csv").write_bytes(SOUND.replace(b"Brent,1000", b"Brent\x1b[2J,1\x1b[31m[/red]000"))
    (folder / "c.csv").write_bytes(SOUND.replace(b"MajorText", b"Major" + b"x" * 100_000))
    (folder / "delivery-note.csv").write_bytes(b"file,as_at_on,sender\nz.csv,\x1b[31m[/red]" + b"y" * 100_000 + b",\n")
    for command in (["receive", folder], ["status"]):
        shown = run_cli(home, *command).stdout
        assert _obeyed(shown) == []
        assert "MajorTxt\\x1b[31m" in shown
        assert "1\\x1b[31m[/red]000" in shown
        assert max(map(len, shown.splitlines())) < 3_000


def test_an_unknown_path_is_said_and_not_obeyed(cli: Cli) -> None:
    done = cli("receive", "\x1b[31m[/red]nothing")
    assert done.returncode == 2
    assert "\x1b[31m" not in done.stdout + done.stderr


def test_the_whole_of_the_published_data_gets_verdicts_from_one_call(real_data: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = [path for path in real_data.rglob("*") if path.is_file()]
    done = run_cli(home, "receive", real_data, "--json")
    assert done.returncode == 4, done.stderr
    receipts = json.loads(done.stdout)["receipts"]
    assert len(receipts) == len(files)
    assert {receipt["sha256"] for receipt in receipts} == {hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    taken = {Path(r["folder"], r["file_name"]) for r in receipts if r["verdict"] == "accepted"}
    ours = ("mps_recorded_crime_borough", "mps_force_strength")
    assert taken == {
        path for path in files if any(name in path.parts for name in ours) and path.name != "delivery-note.csv"
    }
    assert len(taken) == 10
    assert max(len(receipt["reason"]) for receipt in receipts) < 1_500


def _receive_quickly(context: Context, data: bytes, name: str) -> FileReceipt:
    """Hand one file in without judging it."""
    path = context.home.root / name
    path.write_bytes(data)
    done = context.receiver.receive([path], Handover())
    assert context.home.raw_file(done.receipts[0].sha256 or "").read_bytes() == data
    return done.receipts[0]


def _folder_of_hostile_names(folder: Path) -> Path:
    folder.mkdir()
    for count, name in enumerate(HOSTILE_NAMES):
        (folder / name).write_bytes(f"x,y\n{count},2\n".encode())
    # A name in another encoding: bytes that are no UTF-8.
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.csv")).write_bytes(b"x,y\ncaf,2\n")
    inner = Path(os.fsdecode(bytes(folder) + b"/\x1b[31m[red]\xff"))
    inner.mkdir()
    (inner / "in folder.csv").write_bytes(b"x,y\nfolder,2\n")
    (folder / "lines.csv").write_bytes(b"x,y\nlines,2\n")
    return folder


def _obeyed(shown: str) -> list[str]:
    """Characters that a terminal would act upon."""
    return [c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def _everything_under(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
