"""The landing folder: files leave it once their bytes are kept, notes with the last file that they list."""

import json
import os
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from conftest import SETTLE_SECONDS, Cli, crime_file

from ingest.receive import Receiver, Round
from orchestration import pipeline, show
from orchestration.pipeline import Context
from samples.vocabulary import BOROUGHS
from samples.write import write_sample

NOTE = "delivery-note.csv"


def extract(path: Path, more: int = 0) -> Path:
    """A sound extract of every borough; with a few offences more, other bytes and still a likely restatement."""
    rows = [("THEFT", "OTHER THEFT", borough, 1_000 + more, 1_000 + more) for borough in BOROUGHS]
    return crime_file(path, ("202004", "202005"), rows, ("MajorText", "MinorText", "BoroughName"))


def note(folder: Path, *names: str, as_at: str = "2020-07-01") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f'"{name}",{as_at},Desk\n' for name in names)
    (folder / NOTE).write_text(f"file,as_at_on,sender\n{lines}")
    return folder / NOTE


def take(context: Context) -> Round:
    """A round, some time after the last file was put there."""
    time.sleep(3 * SETTLE_SECONDS)
    return pipeline.take_landing(context)


def verdicts(done: Round) -> dict[str, str]:
    return {receipt.file_name: receipt.verdict for receipt in done.receipts}


def dates(done: Round) -> dict[str, date | None]:
    return {receipt.file_name: receipt.declared_as_at_on for receipt in done.receipts if receipt.file_name != NOTE}


def left_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def kept_bytes(context: Context) -> set[bytes]:
    return {path.read_bytes() for path in context.home.raw.glob("??/*")}


def test_an_empty_landing_folder_gives_nothing(context: Context) -> None:
    done = take(context)
    assert (done.receipts, done.left) == ([], [])


def test_files_leave_once_they_are_kept_whatever_their_verdict(context: Context) -> None:
    landing = context.home.landing
    good = extract(landing / "a.csv").read_bytes()
    (landing / "deep" / "er").mkdir(parents=True)
    (landing / "deep" / "er" / "unknown.csv").write_bytes(b"x,y\n1,2\n")
    (landing / "empty.csv").write_bytes(b"")
    (landing / "scan.pdf").write_bytes(b"%PDF-1.4")
    done = take(context)
    assert verdicts(done) == {
        "a.csv": "received",
        "unknown.csv": "unidentified",
        "empty.csv": "rejected",
        "scan.pdf": "unidentified",
    }
    assert left_in(landing) == []
    assert kept_bytes(context) == {good, b"x,y\n1,2\n", b"", b"%PDF-1.4"}
    assert take(context).receipts == []


def test_the_whole_sample_is_taken_from_landing_and_nothing_is_lost(context: Context, sample_folder: Path) -> None:
    write_sample(context.home.landing)
    done = take(context)
    sources = {path.read_bytes() for path in sample_folder.rglob("*") if path.is_file()}
    assert kept_bytes(context) == sources
    assert left_in(context.home.landing) == []
    assert len(done.receipts) == len([path for path in sample_folder.rglob("*") if path.is_file()])
    assert done.left == []


def test_a_file_that_grows_stays_until_it_is_whole(context: Context) -> None:
    path = extract(context.home.landing / "a.csv")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.wait(SETTLE_SECONDS / 10):
                file.write(b"0")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        done = pipeline.take_landing(context)
    finally:
        stop.set()
        thread.join()
    assert (done.receipts, done.left, left_in(context.home.landing)) == ([], [path], ["a.csv"])
    path.write_bytes(whole)
    assert verdicts(take(context)) == {"a.csv": "received"}
    assert kept_bytes(context) == {whole}


def test_a_file_that_is_replaced_before_it_is_removed_is_not_removed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = extract(context.home.landing / "a.csv", 10)
    first = path.read_bytes()
    receive = Receiver.receive

    def receive_and_replace(self: Receiver, *arguments: object, **options: object) -> Round:
        done = receive(self, *arguments, **options)  # type: ignore[arg-type]
        if path.read_bytes() == first:
            extract(path, 11)
        return done

    monkeypatch.setattr(Receiver, "receive", receive_and_replace)
    assert verdicts(take(context)) == {"a.csv": "received"}
    second = path.read_bytes()
    assert second != first
    assert verdicts(take(context)) == {"a.csv": "received"}
    assert kept_bytes(context) == {first, second}
    assert left_in(context.home.landing) == []


def test_a_note_dates_what_has_come_and_waits_for_the_files_that_have_not(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "a.csv", 10)
    note(landing, "a.csv", "b.csv", "c.csv")
    first = take(context)
    assert dates(first) == {"a.csv": date(2020, 7, 1)}
    assert left_in(landing) == [NOTE]
    assert first.waiting == {landing / NOTE: ["b.csv", "c.csv"]}
    extract(landing / "b.csv", 11)
    second = take(context)
    assert dates(second) == {"b.csv": date(2020, 7, 1)}
    assert second.waiting == {landing / NOTE: ["c.csv"]}
    extract(landing / "c.csv", 12)
    third = take(context)
    assert dates(third) == {"c.csv": date(2020, 7, 1)}
    assert left_in(landing) == []
    assert third.waiting == {}


def test_a_note_that_comes_first_waits_for_its_files(context: Context) -> None:
    note(context.home.landing, "a.csv")
    assert (take(context).receipts, left_in(context.home.landing)) == ([], [NOTE])
    extract(context.home.landing / "a.csv")
    assert dates(take(context)) == {"a.csv": date(2020, 7, 1)}
    assert left_in(context.home.landing) == []


def test_next_months_note_waits_for_next_months_file_of_the_same_name(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "a.csv", 10)
    note(landing, "a.csv", as_at="2020-07-01")
    assert dates(take(context)) == {"a.csv": date(2020, 7, 1)}
    note(landing, "a.csv", as_at="2020-08-01")
    assert (take(context).receipts, left_in(landing)) == ([], [NOTE])
    extract(landing / "a.csv", 11)
    assert dates(take(context)) == {"a.csv": date(2020, 8, 1)}
    assert left_in(landing) == []


def test_a_note_stays_beside_a_file_that_is_still_being_written(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "a.csv", 10)
    unfinished = extract(landing / "b.csv.part", 11)
    note(landing, "a.csv")
    assert take(context).left == [unfinished]
    assert left_in(landing) == ["b.csv.part", NOTE]
    unfinished.rename(landing / "b.csv")
    assert verdicts(take(context)) == {"b.csv": "received", NOTE: "not_a_return"}
    assert left_in(landing) == []


def test_a_note_in_another_folder_is_not_waited_for(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "one" / "a.csv", 10)
    note(landing / "two", "z.csv")
    assert dates(take(context)) == {"a.csv": None}
    assert left_in(landing) == [f"two/{NOTE}"]


def test_a_note_that_cannot_be_read_waits_for_nothing_and_is_told(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "a.csv")
    (landing / NOTE).write_text("file,when\na.csv,2020-07-01\n")
    assert verdicts(take(context)) == {"a.csv": "rejected", NOTE: "rejected"}
    assert left_in(landing) == []
    extract(landing / "a.csv")
    note(landing, "a.csv")
    assert dates(take(context)) == {"a.csv": date(2020, 7, 1)}


@pytest.mark.parametrize(
    "name",
    [pytest.param("x" * 5_000, id="long"), "../../a.csv", "/etc/passwd", ".", "..", "", "a\0b", "a\nb.csv", "[red]"],
)
def test_whatever_a_note_lists_the_round_goes_on(context: Context, name: str) -> None:
    extract(context.home.landing / "in" / "a.csv")
    note(context.home.landing / "in", name)
    assert verdicts(take(context)).get("a.csv") in ("received", "rejected")


def test_a_pipe_in_landing_neither_stops_a_round_nor_is_taken(context: Context) -> None:
    landing = context.home.landing
    extract(landing / "in" / "a.csv")
    os.mkfifo(landing / "in" / "pipe.csv")
    os.mkfifo(landing / NOTE)
    done = _within_seconds(10, lambda: take(context))
    assert verdicts(done) == {"a.csv": "received", "pipe.csv": "rejected", NOTE: "rejected"}
    assert left_in(landing) == [NOTE, "in/pipe.csv"]


def test_links_in_landing_are_not_followed_and_nothing_outside_is_removed(context: Context, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    files = [extract(outside / "a.csv", 10), extract(outside / "deep" / "b.csv", 11), note(outside, "a.csv")]
    landing = context.home.landing
    (landing / "folder").symlink_to(outside)
    (landing / "file.csv").symlink_to(outside / "a.csv")
    (landing / NOTE).symlink_to(outside / NOTE)
    (landing / "nowhere.csv").symlink_to(tmp_path / "nothing")
    done = take(context)
    assert verdicts(done) == dict.fromkeys(["folder", "file.csv", NOTE, "nowhere.csv"], "rejected")
    assert all("It is a link" in receipt.reason for receipt in done.receipts)
    assert all(path.is_file() for path in files)
    assert kept_bytes(context) == set()


def test_a_run_says_what_was_taken_left_and_waited_for(cli: Cli, home: Path) -> None:
    landing = home / "landing"
    extract(landing / "a.csv", 10)
    (landing / "b.csv").write_text("x,y\n1,2\n")
    extract(landing / "late" / "c.csv.part")
    note(landing / "late", "d.csv")
    done = cli("run", "--json")
    assert done.returncode in (3, 4), done.stderr
    facts = json.loads(done.stdout)
    assert {each["file_name"]: each["verdict"] for each in facts["receipts"]} == {
        "a.csv": "accepted",
        "b.csv": "unidentified",
    }
    assert facts["left"] == [str(landing / "late" / "c.csv.part")]
    assert facts["waiting"] == {str(landing / "late" / NOTE): ["d.csv"]}
    assert left_in(landing) == ["late/c.csv.part", f"late/{NOTE}"]


def test_what_is_left_and_what_is_waited_for_is_said(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    landing = context.home.landing
    extract(landing / "c.csv.part")
    note(landing / "late", "d.csv", "[red]e.csv")
    done = take(context)
    show.print_receipts(done.receipts, done.left, done.waiting)
    said = capsys.readouterr().out
    assert "left for the next round: c.csv.part" in said
    assert f"waiting in landing: {NOTE} lists d.csv, [red]e.csv, not yet come" in said


def _within_seconds(seconds: float, work: object) -> Round:
    """What some work gives; fails where it hangs (its thread is then left behind)."""
    result: list[Round] = []
    thread = threading.Thread(target=lambda: result.append(work()), daemon=True)  # type: ignore[operator]
    thread.start()
    thread.join(seconds)
    assert result, "it hangs"
    return result[0]
