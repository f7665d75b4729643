"""Receiving: bytes kept as they are, who sent what when, dates and who declared them, and the same file again."""

import csv
import ctypes
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import METSTATS, PROJECT, SETTLE_SECONDS, Cli, crime_file
from sqlalchemy import select

from ingest.receive import Handover, Round
from ledger.tables import Delivery, FileReceipt
from orchestration import pipeline
from orchestration.pipeline import Context
from samples.vocabulary import BOROUGHS

HEADER = ("MajorText", "MinorText", "BoroughName")
MONTHS = ("202003", "202004", "202005")
# The day after the last month of these files: what the contract's rule makes of it.
DAY_AFTER = date(2020, 6, 1)


def extract(path: Path, more: int = 0, months: tuple[str, ...] = MONTHS) -> Path:
    """A sound extract of every borough; with a few offences more, other bytes and still a likely restatement."""
    rows = [("THEFT", "OTHER THEFT", borough, *[1_000 + more] * len(months)) for borough in BOROUGHS]
    return crime_file(path, months, rows, HEADER)


def note(folder: Path, *lines: tuple[str, ...]) -> Path:
    """A delivery note beside files."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("file", "as_at_on", "sender"), *lines])
    path = folder / "delivery-note.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def take(context: Context, *paths: Path, as_at: date | None = None, sender: str | None = None) -> Round:
    return pipeline.receive(context, paths, Handover(as_at, sender))


def verdicts(done: Round) -> dict[str, str]:
    return {receipt.file_name: receipt.verdict for receipt in done.receipts}


def only(done: Round) -> FileReceipt:
    (receipt,) = done.receipts
    return receipt


def delivery_of(context: Context, receipt: FileReceipt) -> Delivery:
    with context.ledger.look() as session:
        return session.scalars(select(Delivery).where(Delivery.delivery_id == receipt.delivery_id)).one()


def raw_files(context: Context) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in context.home.raw.rglob("*") if path.is_file()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Bytes, and what is written down of them


def test_bytes_are_kept_under_their_hash_and_cannot_be_written_to(context: Context, sample_folder: Path) -> None:
    take(context, sample_folder)
    sources = [path.read_bytes() for path in sample_folder.rglob("*") if path.is_file()]
    assert raw_files(context) == {sha256(data): data for data in sources}
    for path in context.home.raw.rglob("*"):
        if path.is_file():
            assert path.parent.name == path.name[:2]
            assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_files_that_were_handed_in_stay_as_they_were(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "a.csv")
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
    take(context, path.parent)
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before


def test_a_receipt_has_name_folder_sender_size_hash_and_time(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "May from the desk" / "crime, final (2).csv")
    before = datetime.now(UTC)
    receipt = only(take(context, path, sender="Performance desk"))
    assert (receipt.file_name, receipt.folder) == ("crime, final (2).csv", str(tmp_path / "May from the desk"))
    assert (receipt.sender, receipt.archive) == ("Performance desk", None)
    assert (receipt.sha256, receipt.bytes) == (sha256(path.read_bytes()), path.stat().st_size)
    assert before <= receipt.received_at <= datetime.now(UTC)
    assert receipt.return_code == "crime_mps_borough"


def test_every_file_has_a_receipt_each_time_that_it_comes(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    for _ in range(3):
        take(context, path)
    with context.ledger.look() as session:
        receipts = session.scalars(select(FileReceipt).order_by(FileReceipt.receipt_id)).all()
    assert [receipt.verdict for receipt in receipts] == ["accepted", "duplicate", "duplicate"]
    assert len(raw_files(context)) == 1


def test_the_name_says_nothing_of_what_a_file_is(context: Context, tmp_path: Path) -> None:
    names = ("Police_Force_Strength.csv", "no suffix", "photo.png", "Readme crime.csv", "Licence figures.csv", "x.md")
    for count, name in enumerate(names, start=10):
        receipt = only(take(context, extract(tmp_path / name, count)))
        assert (receipt.verdict, receipt.return_code) == ("accepted", "crime_mps_borough"), name


def test_what_people_and_computers_leave_beside_returns_is_no_return(context: Context, tmp_path: Path) -> None:
    texts = {
        "README.txt": "About these files\n\nFigures, with commas",
        "readme.md": "# About",
        "LICENCE": "OGL",
        "desktop.ini": "[.ShellClassInfo]\n",
        ".DS_Store": "x",
        "empty.md": "",
        "SHA256SUMS": f"{'0' * 64}  a.csv\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        assert only(take(context, tmp_path / name)).verdict == "not_a_return", name


# Dates


def test_as_at_on_the_command_line_outranks_a_delivery_note(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    note(tmp_path, ("a.csv", "2020-07-01", "The desk"))
    receipt = only(take(context, path, as_at=date(2020, 8, 1)))
    delivery = delivery_of(context, receipt)
    assert (delivery.as_at_on, delivery.as_at_source) == (date(2020, 8, 1), "declared by --as-at")
    assert receipt.declared_as_at_on == date(2020, 8, 1)


def test_a_delivery_note_outranks_the_rule_of_the_contract(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    note(tmp_path, ("b.csv", "2020-09-01", "Another"), (" a.csv ", " 2020-07-01 ", "The desk"))
    receipt = only(take(context, path))
    delivery = delivery_of(context, receipt)
    assert (delivery.as_at_on, delivery.as_at_source) == (date(2020, 7, 1), "declared by delivery note")
    assert (receipt.sender, delivery.sender) == ("The desk", "The desk")


def test_the_rule_of_the_contract_dates_a_file_that_came_without_a_date(context: Context, tmp_path: Path) -> None:
    note(tmp_path, ("another.csv", "2020-09-01", "Another"))
    delivery = delivery_of(context, only(take(context, extract(tmp_path / "a.csv"))))
    assert (delivery.as_at_on, delivery.as_at_source) == (DAY_AFTER, "contract rule")


def test_the_day_of_receipt_dates_what_nothing_else_can(context: Context, tmp_path: Path) -> None:
    # No label names a month that the rule could start from.
    path = crime_file(tmp_path / "a.csv", (), [("THEFT", "OTHER THEFT", "Brent", 1)], (*HEADER, "202O05"))
    strength = tmp_path / "s.csv"
    strength.write_text("Date,Police Officer Strength,Police Staff Strength,PCSO Strength\nsoon,1,2,3\n")
    unidentified = only(take(context, path))
    assert unidentified.verdict == "unidentified"
    delivery = delivery_of(context, only(take(context, strength)))
    assert (delivery.as_at_on, delivery.as_at_source) == (_today_in_london(), "day of receipt")


def test_the_sender_on_the_command_line_outranks_the_note(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    note(tmp_path, ("a.csv", "2020-07-01", "The desk"))
    assert only(take(context, path, sender="Somebody else")).sender == "Somebody else"


def test_the_sender_is_the_contracts_where_nobody_is_named(context: Context, tmp_path: Path) -> None:
    receipt = only(take(context, extract(tmp_path / "a.csv")))
    assert receipt.sender is None
    assert delivery_of(context, receipt).sender == "Metropolitan Police Service"


# Notes


@pytest.mark.parametrize("written", ["2020-06-31", "01/06/2020", "June 2020", "", "2020-6-1"])
def test_an_impossible_date_in_a_note_is_refused_with_its_cell_until_it_is_mended(
    context: Context, tmp_path: Path, written: str
) -> None:
    extract(tmp_path / "in" / "a.csv", 10)
    extract(tmp_path / "in" / "b.csv", 11)
    note(tmp_path / "in", ("b.csv", "2020-06-01", "Desk"), ("a.csv", written, "Desk"))
    done = take(context, tmp_path / "in")
    assert verdicts(done) == {"a.csv": "rejected", "b.csv": "accepted", "delivery-note.csv": "rejected"}
    for receipt in done.receipts:
        if receipt.verdict == "rejected":
            assert f"row 3, column 2 (cell B3) says '{written}'; expected a date like 2020-06-01" in receipt.reason
            assert "Correct" in receipt.reason
    note(tmp_path / "in", ("b.csv", "2020-06-01", "Desk"), ("a.csv", "2020-06-02", "Desk"))
    again = take(context, tmp_path / "in")
    assert verdicts(again) == {"a.csv": "accepted", "b.csv": "duplicate", "delivery-note.csv": "not_a_return"}
    mended = next(receipt for receipt in again.receipts if receipt.file_name == "a.csv")
    assert delivery_of(context, mended).as_at_on == date(2020, 6, 2)


def test_as_at_on_the_command_line_takes_a_file_whose_note_is_damaged(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    note(tmp_path, ("a.csv", "31 June", "Desk"))
    assert only(take(context, path, as_at=DAY_AFTER)).verdict == "accepted"


def test_a_note_that_lists_a_file_twice_dates_it_not_at_all(context: Context, tmp_path: Path) -> None:
    extract(tmp_path / "in" / "a.csv")
    note(tmp_path / "in", ("a.csv", "2020-06-01", "Desk"), ("a.csv", "2020-07-01", "Desk"))
    done = take(context, tmp_path / "in")
    assert verdicts(done) == {"a.csv": "rejected", "delivery-note.csv": "rejected"}
    for receipt in done.receipts:
        assert "'a.csv' stands in the note twice (again in row 3)" in receipt.reason


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("filename;date\na.csv;2020-07-01\n", "row 1 says 'filename,date'; expected 'file,as_at_on,sender'"),
        ("", "empty"),
        ('file,as_at_on,sender\n"a.csv,2020-07-01,Desk\n', "row 2 cannot be read"),
        ("file,as_at_on,sender\n\x00\x00", "not text"),
    ],
)
def test_a_file_beside_a_note_that_cannot_be_read_is_not_dated_by_guess(
    context: Context, tmp_path: Path, text: str, problem: str
) -> None:
    extract(tmp_path / "in" / "a.csv")
    (tmp_path / "in" / "delivery-note.csv").write_text(text)
    done = take(context, tmp_path / "in")
    assert verdicts(done) == {"a.csv": "rejected", "delivery-note.csv": "rejected"}
    for receipt in done.receipts:
        assert problem in receipt.reason
    note(tmp_path / "in", ("a.csv", "2020-07-01", "Desk"))
    assert verdicts(take(context, tmp_path / "in"))["a.csv"] == "accepted"


def test_a_note_may_be_saved_by_a_spreadsheet_in_its_own_way_d23(context: Context, tmp_path: Path) -> None:
    extract(tmp_path / "in" / "crime £ – May.csv")
    text = "File;As_At_On;Sender\r\ncrime £ – May.csv;2020-07-01;Desk – 2\r\n;;\r\n"
    (tmp_path / "in" / "Delivery-Note.CSV").write_bytes(text.encode("cp1252"))
    done = take(context, tmp_path / "in")
    assert verdicts(done) == {"crime £ – May.csv": "accepted", "Delivery-Note.CSV": "not_a_return"}
    crime = next(receipt for receipt in done.receipts if receipt.verdict == "accepted")
    assert (crime.declared_as_at_on, crime.sender) == (date(2020, 7, 1), "Desk – 2")


def test_a_note_speaks_for_its_own_folder_alone(context: Context, tmp_path: Path) -> None:
    extract(tmp_path / "in" / "one" / "a.csv", 10)
    extract(tmp_path / "in" / "two" / "a.csv", 11)
    note(tmp_path / "in" / "one", ("a.csv", "2020-07-01", "Desk"))
    done = take(context, tmp_path / "in")
    files = [receipt for receipt in done.receipts if receipt.file_name == "a.csv"]
    declared = {Path(receipt.folder).name: receipt.declared_as_at_on for receipt in files}
    assert declared == {"one": date(2020, 7, 1), "two": None}


# The same file again


def test_the_same_bytes_under_another_name_are_a_duplicate(context: Context, tmp_path: Path) -> None:
    first = only(take(context, extract(tmp_path / "a.csv")))
    again = only(take(context, extract(tmp_path / "elsewhere" / "b.csv")))
    assert (again.verdict, again.delivery_id) == ("duplicate", first.delivery_id)
    assert str(first.delivery_id) in again.reason


def test_a_duplicate_of_what_is_quarantined_says_why_it_still_is(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "a.csv")
    path.write_bytes(path.read_bytes().replace(b"Brent,1000,", b"Brent,12x,"))
    first = only(take(context, path))
    assert first.verdict == "quarantined"
    again = only(take(context, path))
    assert (again.verdict, again.delivery_id) == ("duplicate", first.delivery_id)
    assert "quarantined still" in again.reason
    assert "found '12x'" in again.reason


def test_the_same_bytes_and_date_are_a_duplicate_and_another_date_another_delivery(
    context: Context, tmp_path: Path
) -> None:
    path = extract(tmp_path / "a.csv")
    first = only(take(context, path, as_at=date(2020, 6, 1)))
    assert only(take(context, path, as_at=date(2020, 6, 1))).verdict == "duplicate"
    later = only(take(context, path, as_at=date(2020, 7, 1)))
    assert later.verdict == "accepted"
    assert later.delivery_id != first.delivery_id
    # Without a date it adds nothing to what is known of these bytes.
    assert only(take(context, path)).verdict == "duplicate"


def test_a_then_b_then_a_without_a_date_is_a_question_and_with_a_later_date_speaks_again(
    context: Context, tmp_path: Path
) -> None:
    a, b = extract(tmp_path / "a.csv", 100), extract(tmp_path / "b.csv", 101)
    first = only(take(context, a, as_at=date(2020, 6, 1)))
    second = only(take(context, b, as_at=date(2020, 7, 1)))
    assert (first.verdict, second.verdict) == ("accepted", "accepted")
    question = only(take(context, a))
    assert question.verdict == "quarantined"
    for words in (str(first.delivery_id), str(second.delivery_id), "2020-06-01", "speak again?", "--as-at"):
        assert words in question.reason
    assert delivery_of(context, second).verdict == "accepted"
    answer = only(take(context, a, as_at=date(2020, 8, 1)))
    assert answer.verdict == "accepted"
    assert delivery_of(context, second).verdict == "superseded"
    assert delivery_of(context, second).superseded_by == answer.delivery_id


def test_a_then_b_then_a_is_a_question_where_none_was_ever_dated(context: Context, tmp_path: Path) -> None:
    a, b = extract(tmp_path / "a.csv", 100), extract(tmp_path / "b.csv", 101)
    assert [only(take(context, path)).verdict for path in (a, b, a, b)] == [
        "accepted",
        "accepted",
        "quarantined",
        "duplicate",
    ]


def test_undated_bytes_of_which_only_some_months_were_overtaken_are_a_question_too(
    context: Context, tmp_path: Path
) -> None:
    a = extract(tmp_path / "a.csv", 100)
    b = extract(tmp_path / "b.csv", 101, ("202004", "202005", "202006"))
    first = only(take(context, a, as_at=date(2020, 6, 1)))
    second = only(take(context, b, as_at=date(2020, 7, 1)))
    assert delivery_of(context, first).verdict == "accepted"
    question = only(take(context, a))
    assert question.verdict == "quarantined"
    assert str(second.delivery_id) in question.reason


def test_invented_figures_and_genuine_ones_never_share_a_home(context: Context, tmp_path: Path) -> None:
    genuine, invented = extract(tmp_path / "a.csv", 100), extract(tmp_path / "SAMPLE a.csv", 101)
    assert only(take(context, genuine)).verdict == "accepted"
    refused = only(take(context, invented))
    assert refused.verdict == "rejected" and "METSTATS_HOME" in refused.reason
    assert refused.sha256 in raw_files(context)


# Archives


def packed(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_files_of_an_archive_are_dated_by_the_notes_inside_it(context: Context, tmp_path: Path) -> None:
    one, two = extract(tmp_path / "1.csv", 10).read_bytes(), extract(tmp_path / "2.csv", 11).read_bytes()
    line = "file,as_at_on,sender\na.csv,{},Desk\n"
    path = packed(
        tmp_path / "in" / "all.zip",
        {
            "june/a.csv": one,
            "june/delivery-note.csv": line.format("2020-06-01").encode(),
            "july/a.csv": two,
            "july/delivery-note.csv": line.format("2020-07-01").encode(),
        },
    )
    done = take(context, path)
    taken = [r for r in done.receipts if r.verdict == "accepted"]
    assert {(r.archive, r.folder, r.declared_as_at_on, r.sender) for r in taken} == {
        ("all.zip", "june", date(2020, 6, 1), "Desk"),
        ("all.zip", "july", date(2020, 7, 1), "Desk"),
    }
    assert [r.verdict for r in done.receipts].count("not_a_return") == 3
    assert set(raw_files(context)) >= {sha256(one), sha256(two), sha256(path.read_bytes())}


def test_an_archive_inside_an_archive_is_kept_and_not_unpacked(context: Context, tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.zip", {"a.csv": extract(tmp_path / "a.csv").read_bytes()})
    outer = packed(tmp_path / "outer.zip", {"deep/inner.zip": inner.read_bytes(), "b.csv": b"x,y\n1,2\n"})
    done = take(context, outer)
    assert verdicts(done) == {"outer.zip": "not_a_return", "inner.zip": "rejected", "b.csv": "unidentified"}
    rejected = next(r for r in done.receipts if r.verdict == "rejected")
    assert "archive inside an archive" in rejected.reason
    assert "Send it by itself" in rejected.reason
    assert raw_files(context)[sha256(inner.read_bytes())] == inner.read_bytes()
    assert verdicts(take(context, inner))["a.csv"] == "accepted"


def test_an_archive_sent_twice_holds_duplicates(context: Context, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": extract(tmp_path / "a.csv").read_bytes()})
    assert verdicts(take(context, path))["a.csv"] == "accepted"
    assert verdicts(take(context, path))["a.csv"] == "duplicate"


# Folders and paths


def test_a_folder_is_taken_with_everything_in_it(context: Context, tmp_path: Path) -> None:
    for count, name in enumerate(("a.csv", "x/b.csv", "x/y/c.csv", ".hidden/d.csv"), start=10):
        extract(tmp_path / "in" / name, count)
    (tmp_path / "in" / "empty").mkdir()
    assert set(verdicts(take(context, tmp_path / "in")).values()) == {"accepted"}
    assert len(raw_files(context)) == 4


def test_a_file_that_two_paths_of_one_call_name_is_taken_once(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = extract(tmp_path / "in" / "a.csv")
    (tmp_path / "in" / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "way").symlink_to(tmp_path / "in")
    ways = [path, path.parent, Path("in/a.csv"), Path("in/x/../a.csv"), Path("in"), Path("way/a.csv"), Path("way")]
    assert verdicts(take(context, *ways)) == {"a.csv": "accepted"}
    assert len(only_receipts(context)) == 1


def only_receipts(context: Context) -> list[FileReceipt]:
    with context.ledger.look() as session:
        return list(session.scalars(select(FileReceipt)))


def test_links_inside_a_folder_are_not_followed_but_one_that_is_named_is(context: Context, tmp_path: Path) -> None:
    outside = extract(tmp_path / "outside" / "a.csv")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "file.csv").symlink_to(outside)
    (folder / "folder").symlink_to(outside.parent)
    (folder / "nowhere.csv").symlink_to(tmp_path / "nothing")
    (folder / "loop").symlink_to(folder)
    (folder / "itself.csv").symlink_to(folder / "itself.csv")
    done = take(context, folder)
    names = ("file.csv", "folder", "nowhere.csv", "loop", "itself.csv")
    assert verdicts(done) == dict.fromkeys(names, "rejected")
    assert all("link" in receipt.reason for receipt in done.receipts)
    assert raw_files(context) == {}
    assert verdicts(take(context, folder / "file.csv")) == {"file.csv": "accepted"}


def test_pipes_are_refused_and_do_not_stop_a_round(context: Context, tmp_path: Path) -> None:
    extract(tmp_path / "in" / "a.csv")
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    with _within_seconds(60):
        done = take(context, tmp_path / "in")
    assert verdicts(done) == {"a.csv": "accepted", "pipe.csv": "rejected"}
    refused = next(r for r in done.receipts if r.verdict == "rejected")
    assert "no ordinary file" in refused.reason
    assert (refused.sha256, refused.bytes) == (None, None)


def test_a_delivery_note_that_is_a_pipe_or_a_folder_does_not_stop_a_round(context: Context, tmp_path: Path) -> None:
    extract(tmp_path / "one" / "a.csv", 10)
    os.mkfifo(tmp_path / "one" / "delivery-note.csv")
    extract(tmp_path / "two" / "a.csv", 11)
    (tmp_path / "two" / "delivery-note.csv").mkdir()
    with _within_seconds(60):
        done = take(context, tmp_path / "one")
    assert verdicts(done) == {"a.csv": "rejected", "delivery-note.csv": "rejected"}
    assert verdicts(take(context, tmp_path / "two")) == {"a.csv": "accepted"}


def test_what_may_not_be_opened_is_refused_and_does_not_stop_a_round(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    extract(folder / "a.csv")
    extract(folder / "locked.csv", 11).chmod(0)
    extract(folder / "shut" / "b.csv", 12)
    (folder / "shut").chmod(0)
    extract(folder / "noted" / "c.csv", 13)
    note(folder / "noted", ("c.csv", "2020-06-01", "Desk")).chmod(0)
    done = _without_privileges(home, "receive", folder, "--json")
    for path in (folder / "locked.csv", folder / "shut", folder / "noted" / "delivery-note.csv"):
        path.chmod(0o755)
    assert done.returncode == 4, done.stderr
    receipts = {receipt["file_name"]: receipt for receipt in json.loads(done.stdout)["receipts"]}
    assert {name: receipt["verdict"] for name, receipt in receipts.items()} == {
        "a.csv": "accepted",
        "locked.csv": "rejected",
        "shut": "rejected",
        "c.csv": "rejected",
        "delivery-note.csv": "rejected",
    }
    for name in ("locked.csv", "shut", "delivery-note.csv"):
        assert "cannot be opened (Permission denied)" in receipts[name]["reason"]


def test_a_file_that_goes_away_while_it_is_taken_does_not_stop_a_round(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = extract(tmp_path / "in" / "a.csv", 10), extract(tmp_path / "in" / "b.csv", 11)
    done = context.receiver.receive([a.parent], Handover(), lambda name: a.unlink(missing_ok=True))
    assert verdicts(done) == {"b.csv": "received"}
    assert done.left == [a]
    assert [taken.path for taken in done.taken] == [b]


# Files that are still being written


def test_a_file_that_grows_is_left_and_taken_whole_when_it_has_stopped(context: Context, tmp_path: Path) -> None:
    whole = extract(tmp_path / "whole.csv").read_bytes()
    path = tmp_path / "in" / "a.csv"
    path.parent.mkdir()
    with _growing(path, whole):
        done = take(context, path.parent)
        assert (done.receipts, done.left) == ([], [path])
    assert raw_files(context) == {}
    assert verdicts(take(context, path.parent)) == {"a.csv": "accepted"}
    assert raw_files(context) == {sha256(whole): whole}


def test_files_beside_a_note_that_is_still_being_written_wait_for_it(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "a.csv")
    time.sleep(3 * SETTLE_SECONDS)
    text = b"file,as_at_on,sender\na.csv,2020-07-01,Desk\n"
    with _growing(path.parent / "delivery-note.csv", text):
        done = take(context, path.parent)
        assert (done.receipts, sorted(done.left)) == ([], [path, path.parent / "delivery-note.csv"])
    receipt = next(r for r in take(context, path.parent).receipts if r.file_name == "a.csv")
    assert receipt.declared_as_at_on == date(2020, 7, 1)


@pytest.mark.parametrize("name", ["x.csv.part", "x.csv.PARTIAL", "~$x.csv", ".~lock.x.csv#", "x.crdownload", "x.tmp"])
def test_what_is_named_as_unfinished_is_left(context: Context, tmp_path: Path, name: str) -> None:
    path = extract(tmp_path / "in" / name)
    done = take(context, path.parent)
    assert (done.receipts, done.left) == ([], [path])
    path.rename(path.parent / "x.csv")
    assert verdicts(take(context, path.parent)) == {"x.csv": "accepted"}


def test_a_file_that_changes_while_it_is_copied_is_left(context: Context, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "a.csv")

    def change(_: str) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    done = context.receiver.receive([path], Handover(), change)
    assert (done.receipts, done.left, done.taken) == ([], [path], [])


def test_what_is_left_is_said(cli: Cli, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "x.csv.part")
    done = cli("receive", path.parent)
    assert done.returncode == 0
    assert "left for the next round: x.csv.part" in done.stdout
    assert json.loads(cli("receive", path.parent, "--json").stdout) == {"receipts": [], "left": [str(path)]}


# The command line


def test_the_command_line_says_verdicts_and_ends_with_0_where_all_was_taken(cli: Cli, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "a.csv")
    done = cli("receive", path, "--as-at", "2020-06-03", "--sender", "Desk")
    assert done.returncode == 0, done.stderr
    assert "accepted  a.csv" in done.stdout
    assert "2020-06-03" in done.stdout
    assert "Received: 1 accepted." in done.stdout
    again = cli("receive", path)
    assert again.returncode == 0
    assert "duplicate  a.csv" in again.stdout


def test_the_command_line_ends_with_4_where_a_file_was_not_taken(cli: Cli, tmp_path: Path) -> None:
    extract(tmp_path / "in" / "a.csv")
    (tmp_path / "in" / "b.csv").write_text("x,y\n1,2\n")
    done = cli("receive", tmp_path / "in")
    assert done.returncode == 4
    assert "accepted  a.csv" in done.stdout
    assert "unidentified  b.csv" in done.stdout
    assert "Received: 1 accepted, 1 unidentified." in done.stdout


def test_files_of_one_name_are_told_apart_on_the_screen(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    extract(folder / "june" / "a.csv", 100)
    extract(folder / "july" / "a.csv", 101)
    extract(folder / "july" / "b.csv", 102)
    packed(folder / "c.zip", {"august/a.csv": extract(tmp_path / "a.csv", 103).read_bytes()})
    lines = cli("receive", folder).stdout.splitlines()
    named = [line for line in lines if line.startswith(("accepted", "not_a_return"))]
    assert named == [
        "not_a_return  c.zip",
        "accepted  c.zip: august/a.csv",
        "accepted  july/a.csv",
        "accepted  b.csv",
        "accepted  june/a.csv",
    ]


@pytest.mark.parametrize(
    "arguments", [["nothing-here.csv"], ["--as-at", "2020-13-01", "."], ["--as-at", "yesterday", "."], []]
)
def test_wrong_usage_ends_with_2_and_takes_nothing(cli: Cli, home: Path, arguments: list[str]) -> None:
    done = cli("receive", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(home.glob("raw/*/*"))


def test_json_has_every_fact_of_every_receipt(cli: Cli, tmp_path: Path) -> None:
    path = extract(tmp_path / "in" / "a.csv")
    (tmp_path / "in" / "b.csv").write_text("MajorText,MinorText,Borough Nam,202005\nx,y,z,1\n")
    done = cli("receive", path.parent, "--as-at", "2020-06-03", "--json")
    assert done.returncode == 4
    good, bad = json.loads(done.stdout)["receipts"]
    assert (good["file_name"], good["folder"], good["verdict"]) == ("a.csv", str(path.parent), "accepted")
    assert (good["sha256"], good["bytes"]) == (sha256(path.read_bytes()), path.stat().st_size)
    assert (good["declared_as_at_on"], good["return_code"]) == ("2020-06-03", "crime_mps_borough")
    assert datetime.fromisoformat(good["received_at"]) > datetime.now(UTC) - timedelta(minutes=1)
    assert (bad["verdict"], bad["nearest_return_code"]) == ("unidentified", "crime_mps_borough")
    assert bad["differences"] == ["row 1, column 3 (cell C1) says 'Borough Nam'; expected 'BoroughName'"]


def _without_privileges(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Call `metstats` as one to whom files can be closed, even where the tests run as root."""
    environment = {**os.environ, "METSTATS_HOME": str(home), "METSTATS_SETTLE_SECONDS": str(SETTLE_SECONDS)}
    command = [str(METSTATS), *map(str, arguments)]
    drop = _drop_privileges if os.geteuid() == 0 else None
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=PROJECT, preexec_fn=drop
    )


def _drop_privileges() -> None:
    """Give up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (Linux): what a file's mode says then holds for root too."""
    drop_from_bounding_set = 24
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


class _growing:  # noqa: N801
    """A file that another thread appends to, for as long as the block lasts; whole when it ends."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data = path, data
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._write)

    def __enter__(self) -> None:
        self.path.write_bytes(self.data[:1])
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        time.sleep(3 * SETTLE_SECONDS)

    def _write(self) -> None:
        written = 1
        with self.path.open("ab", buffering=0) as file:
            while not self.stop.wait(SETTLE_SECONDS / 10) and written < len(self.data) - 1:
                file.write(self.data[written : written + 1])
                written += 1
            file.write(self.data[written:])


@contextmanager
def _within_seconds(seconds: int) -> Iterator[None]:
    """Fails where the block hangs."""

    def fail(*_: object) -> None:
        pytest.fail(f"it hangs for more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _today_in_london() -> date:
    return datetime.now(ZoneInfo("Europe/London")).date()
