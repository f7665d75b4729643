"""The command line: what each command prints, for people and as JSON, and the exit status that schedulers read."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import yaml
from conftest import METSTATS, PROJECT, Cli, read_rows, run_cli
from sample_release import sample_release
from typer.testing import CliRunner

from orchestration.cli import app

RECENT = "SAMPLE MPS Borough Level Crime (most recent 24 months).csv"
DONE, UNEXPECTED, USAGE, HELD, NOT_TAKEN = 0, 1, 2, 3, 4


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample released."""
    return sample_release(tmp_path_factory)


@pytest.fixture(scope="module")
def on_release(released: Path) -> Cli:
    """The command line on the home with the sample released."""
    return lambda *arguments: run_cli(released, *arguments)


def facts(done: subprocess.CompletedProcess[str], status: int = DONE) -> Any:
    """What a command printed as JSON."""
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group of commands, by the words that call it."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


# Help and wrong usage.

WORDS = sorted(commands(typer.main.get_command(app)))


def test_the_commands_are_those_of_the_design() -> None:
    promised = {"sample", "receive", "run", "status", "sql", "serve", "release list", "release show", "check list"}
    promised |= {"release rollback", "release unpin", "contract list", "contract show"}
    assert promised <= {" ".join(words) for words in WORDS}


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words) or "metstats")
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == DONE
    assert f"Usage: metstats {' '.join(words)}".strip() in " ".join(told.output.split())
    sentences = [line for line in told.output.splitlines() if re.search(r"[a-z]{3,} [a-z]{2,}.*[.:?]\s*│?$", line)]
    assert sentences, "no sentence says what it does"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["receive"], "Missing argument"),
        (["receive", "/no/such/file.csv"], "'/no/such/file.csv' does not exist"),
        (["receive", ".", "--as-at", "15/06/2020"], "'15/06/2020' is no date; write it as 2020-06-15"),
        (["receive", ".", "--as-at", "2020-02-30"], "'2020-02-30' is no date"),
        (["sql", "select 1", "--as-known-on", "yesterday"], "'yesterday' is no date"),
        (["sql", "select 1", "--format", "xml"], "'xml' is not one of"),
        (["sql", "select 1", "--release", "x"], "unable to parse string as an integer"),
        (["sql", "select 1", "--release", "9"], "There is no release 9"),
        (["sql", "select nothing from nowhere"], "Table with name nowhere does not exist"),
        (["sql", "selec 1"], "syntax error"),
        (["sql", ""], "That asks nothing"),
        (["release", "show", "9"], "There is no release 9"),
        (["release", "rollback", "9"], "There is no release 9"),
        (["release", "rollback"], "no earlier release"),
        (["release", "unpin", "--by", "A. Steward"], "No release is pinned"),
        (["release", "unpin"], "Missing option '--by'"),
        (["contract", "show", "hr_scorecard"], "there are crime_mps_borough, mps_force_strength"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_wrong_usage_is_told_and_ends_with_2(released: Path, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, arguments, env={"METSTATS_HOME": str(released)})
    assert done.exit_code == USAGE, done.output
    assert done.stdout == ""
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_setting_that_cannot_be_read_is_wrong_usage(released: Path) -> None:
    environment = {**os.environ, "METSTATS_HOME": str(released), "METSTATS_SETTLE_SECONDS": "soon"}
    done = subprocess.run([METSTATS, "status"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert len(done.stderr.splitlines()) == 1
    assert "METSTATS_SETTLE_SECONDS is set to 'soon'" in done.stderr


# What nobody foresaw.


def test_what_nobody_foresaw_ends_with_1_in_one_line_and_its_trace_is_kept(home: Path, cli: Cli) -> None:
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(b"this is no database, but it is long enough to be read as one" * 20)
    done = cli("status")
    assert done.returncode == UNEXPECTED
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("Something unexpected happened: ")
    assert "file is not a database" in first
    assert str(home / "unexpected.log") in second
    log = (home / "unexpected.log").read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in log
    assert "metstats status" in log.splitlines()[0]


def test_a_home_that_is_no_folder_is_told_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_cli(tmp_path / "file", "status")
    assert done.returncode == UNEXPECTED
    assert "METSTATS_HOME" in done.stderr
    assert "Traceback" not in done.stderr


# An empty home.


def test_an_empty_home_says_what_to_do(cli: Cli) -> None:
    asked = cli("sql", "select 1")
    assert (asked.returncode, asked.stdout) == (USAGE, "")
    assert "Nothing is published yet. Receive files and run `metstats run`." in asked.stderr
    assert cli("release", "show").returncode == USAGE
    told = cli("status")
    assert told.returncode == DONE
    assert "metstats receive" in told.stdout
    assert "Nothing is published yet." in told.stdout
    assert facts(cli("release", "list", "--json")) == []
    empty = facts(cli("status", "--json"))
    assert (empty["deliveries"], empty["current_release"], empty["last_run"]) == ([], None, None)


# Asking.

TOTALS = "select month, cast(sum(offences) as bigint) as n from core.fct_recorded_crime group by month order by month"


def test_every_format_gives_the_same_answer(released: Path, on_release: Cli) -> None:
    as_json = facts(on_release("sql", TOTALS, "--format", "json"))
    assert as_json == facts(on_release("sql", TOTALS, "--json"))
    assert len(as_json) == 118  # 2015 to October 2024

    (header, *rows) = csv.reader(io.StringIO(on_release("sql", TOTALS, "--format", "csv").stdout))
    assert header == ["month", "n"]
    assert [[row["month"], str(row["n"])] for row in as_json] == rows

    environment = {**os.environ, "METSTATS_HOME": str(released)}
    command = [METSTATS, "sql", TOTALS, "--format", "parquet"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    table = pq.read_table(pa.BufferReader(done.stdout))
    assert [{"month": str(row["month"]), "n": row["n"]} for row in table.to_pylist()] == as_json

    first, *lines = on_release("sql", TOTALS).stdout.splitlines()
    assert first.split() == ["month", "n"]
    assert [line.split() for line in lines] == rows


def test_json_is_json_whatever_is_asked(on_release: Cli) -> None:
    query = (
        "select sum(offences) as total, 1.5::decimal(4, 2) as part, 1 / 0 as endless, 'nan'::double as none, "
        "date '2020-05-01' as day, [1, 2] as both, null as nothing, chr(7) || ':smile: [red]' as text "
        "from core.fct_recorded_crime where month = '2020-05-01'"
    )
    (row,) = json.loads(on_release("sql", query, "--json").stdout, parse_constant=_no_constant)
    (total,) = facts(
        on_release("sql", "select n::varchar as n from (" + TOTALS + ") where month = '2020-05-01'", "--json")
    )
    assert row == {
        "total": int(total["n"]),
        "part": 1.5,
        "endless": None,
        "none": None,
        "day": "2020-05-01",
        "both": [1, 2],
        "nothing": None,
        "text": "\x07:smile: [red]",
    }


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_columns_of_one_name_stand_beside_each_other(on_release: Cli) -> None:
    """A join often has one name twice; no figure may slide under another heading."""
    query = "select 1 as a, 2 as a, 3 as b, 4 as a_2"
    assert [line.split() for line in on_release("sql", query).stdout.splitlines()] == [
        ["a", "a_2", "b", "a_2_2"],
        ["1", "2", "3", "4"],
    ]
    assert facts(on_release("sql", query, "--json")) == [{"a": 1, "a_2": 2, "b": 3, "a_2_2": 4}]


def test_a_table_shows_figures_whole_and_text_as_it_is(on_release: Cli) -> None:
    query = "select 1234567.0::double as a, 1234567.25::double as b, 'x :smile: [red]y[/red]' as c"
    assert on_release("sql", query).stdout.splitlines()[1].split(maxsplit=2) == [
        "1234567",
        "1234567.25",
        "x :smile: [red]y[/red]",
    ]


def test_csv_takes_lists_and_structures(on_release: Cli) -> None:
    done = on_release("sql", "select [1, 2] as a, {'x': 'y,z'} as b, interval 1 day as c", "--format", "csv")
    assert done.returncode == DONE, done.stderr
    _, (first, second, _) = csv.reader(io.StringIO(done.stdout))
    assert (json.loads(first), json.loads(second)) == ([1, 2], {"x": "y,z"})


def test_a_long_answer_says_that_it_is_cut(on_release: Cli) -> None:
    done = on_release("sql", "select * from range(1000)")
    assert len(done.stdout.splitlines()) == 201
    assert "The first 200 of 1,000 rows; --format csv gives them all." in done.stderr


def test_every_query_of_the_readme_is_answered(released: Path, on_release: Cli) -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    queries = [line for line in text.splitlines() if line.startswith("metstats sql ")]
    assert len(queries) >= 3
    for line in queries:
        words = shlex.split(line.split(" > ")[0], comments=True)
        done = on_release(*words[1:])
        assert done.returncode == DONE, line + done.stderr
        assert done.stdout.count("\n") > 1, line


def test_what_was_known_on_a_date_is_made_once(
    released: Path, on_release: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = facts(on_release("sql", _MAY, "--json"))
    begun = time.perf_counter()
    (first,) = facts(on_release("sql", _MAY, "--as-known-on", "2020-06-20", "--json"))
    made = time.perf_counter() - begun
    scratch = {path: path.stat().st_mtime_ns for path in (released / "scratch").rglob("warehouse.duckdb")}
    begun = time.perf_counter()
    (second,) = facts(on_release("sql", _MAY, "--as-known-on", "2020-06-20", "--json"))
    again = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\n    as known on a date: {made:.1f} s, then {again:.1f} s", end=" ")  # noqa: T201
    assert first == second == {"n": _total_of_june_extract(released), "as_at_on": "2020-06-01"}
    assert row["as_at_on"] == "2024-11-01"
    assert row["n"] != first["n"]
    assert {path: path.stat().st_mtime_ns for path in (released / "scratch").rglob("warehouse.duckdb")} == scratch


_MAY = (
    "select cast(sum(offences) as bigint) as n, max(as_at_on) as as_at_on from core.fct_recorded_crime "
    "where month = '2020-05-01'"
)


def _total_of_june_extract(released: Path) -> int:
    header, *rows = read_rows(released.parent / "sample" / "x2020-06" / RECENT)
    return sum(int(row[header.index("202005")]) for row in rows)


def test_before_the_first_extract_nothing_was_known(on_release: Cli) -> None:
    counted = "select count(*) as n from core.fct_recorded_crime_version"
    assert facts(on_release("sql", counted, "--as-known-on", "2010-01-01", "--json")) == [{"n": 0}]


def test_half_a_warehouse_answers_nothing(released: Path, tmp_path: Path) -> None:
    """A scratch warehouse of which a model could not be built is not kept: the next question must not meet it."""
    home = tmp_path / "home"
    shutil.copytree(released, home, symlinks=True, ignore=shutil.ignore_patterns("scratch"))
    slices = home / "releases" / "1" / "inputs" / "ledger" / "slice.parquet"
    whole = slices.read_bytes()
    slices.unlink()
    pq.write_table(pq.read_table(pa.BufferReader(whole)).drop_columns(["as_at_on"]), slices)
    done = run_cli(home, "sql", "select count(*) from core.dim_area", "--as-known-on", "2020-06-15")
    assert (done.returncode, done.stdout) == (UNEXPECTED, "")
    assert "What was known on 2020-06-15 could not be built" in done.stderr

    slices.unlink()
    slices.write_bytes(whole)
    assert facts(run_cli(home, "sql", _MAY, "--as-known-on", "2020-06-15", "--json")) == [
        {"n": _total_of_june_extract(released), "as_at_on": "2020-06-01"}
    ]


# JSON of the commands that print facts.


def test_release_commands_tell_as_json_what_they_print(released: Path, on_release: Cli) -> None:
    (listed,) = facts(on_release("release", "list", "--json"))
    assert (listed["release_number"], listed["is_current"], listed["is_pinned"]) == (1, True, False)
    assert listed["subjects"] == {"crime": "published", "measures": "published"}
    shown = facts(on_release("release", "show", "--json"))
    assert shown == json.loads((released / "releases" / "1" / "receipt.json").read_text(encoding="utf-8"))
    assert shown == facts(on_release("release", "show", "1", "--json"))
    told = on_release("release", "show").stdout
    for table in shown["tables"]:
        assert re.search(rf"{re.escape(table['table'])} +{table['rows']:,}$", told, re.MULTILINE)
    assert all(delivery["file_name"] in told for delivery in shown["deliveries"])
    assert "1 ←" in on_release("release", "list").stdout


def test_status_tells_as_json_what_it_prints(on_release: Cli) -> None:
    told = facts(on_release("status", "--json"))
    assert {(d["return_code"], d["verdict"], d["count"], d["latest_as_at_on"]) for d in told["deliveries"]} == {
        ("crime_mps_borough", "accepted", 4, "2024-11-01"),
        ("crime_mps_borough", "superseded", 2, "2020-07-01"),
        ("mps_force_strength", "accepted", 1, "2024-11-01"),
    }
    assert told["current_release"] == 1
    assert told["needs_attention"] == told["quarantined"] == []
    assert [(each["subject"], each["decision"]) for each in told["gate"]] == [
        ("crime", "published"),
        ("measures", "published"),
    ]
    assert [each["check_code"] for each in told["warnings"]] == ["as_at_declared"]
    assert told["last_run"]["outcome"] == "finished"
    printed = on_release("status").stdout
    assert "Readers meet release 1." in printed
    assert re.search(r"crime_mps_borough +superseded +2 +2020-07-01", printed)


def test_catalogues_tell_as_json_what_stands_in_their_files(on_release: Cli) -> None:
    written = yaml.safe_load((PROJECT / "expectations" / "checks.yaml").read_text(encoding="utf-8"))
    listed = facts(on_release("check", "list", "--json"))
    assert [(c["code"], c["severity"], c["reach"], c["mended_by"]) for c in listed] == [
        (c["code"], c["severity"], c["reach"], c["mended_by"]) for c in written
    ]
    printed = on_release("check", "list").stdout
    assert all(check["code"] in printed for check in written)

    files = sorted((PROJECT / "contracts" / "returns").glob("*.yaml"))
    contracts = facts(on_release("contract", "list", "--json"))
    assert [contract["return_code"] for contract in contracts] == [path.stem for path in files]
    for path, contract in zip(files, contracts, strict=True):
        assert facts(on_release("contract", "show", path.stem, "--json")) == contract
        assert on_release("contract", "show", path.stem).stdout.strip() == path.read_text(encoding="utf-8").strip()
        assert yaml.safe_load(path.read_text(encoding="utf-8")).items() <= _without_defaults(contract, path).items()
    assert all(path.stem in on_release("contract", "list").stdout for path in files)


def _without_defaults(contract: dict[str, Any], path: Path) -> dict[str, Any]:
    """A contract as its file has it: what the file does not say is left out, at every depth."""
    return _cut(contract, yaml.safe_load(path.read_text(encoding="utf-8")))


def _cut(told: Any, written: Any) -> Any:
    if isinstance(written, dict):
        return {key: _cut(told[key], value) for key, value in written.items()}
    if isinstance(written, list):
        return [_cut(each, value) for each, value in zip(told, written, strict=True)]
    return told


def test_sample_says_what_to_do_next(cli: Cli, tmp_path: Path) -> None:
    done = cli("sample", tmp_path / "new" / "sample")
    assert done.returncode == DONE
    written = [path for path in (tmp_path / "new" / "sample").rglob("*") if path.is_file()]
    assert f"Wrote {len(written)} sample files" in done.stdout
    assert f"metstats receive {tmp_path / 'new' / 'sample'}" in done.stdout


# Files at fault: exit statuses 4 and 3, and what a steward reads.


@pytest.fixture(scope="module")
def troubled(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A home where one cell of the June extract says '12x', and a file came that nobody knows; received, then run."""
    folder = tmp_path_factory.mktemp("troubled")
    shutil.copytree(sample_folder / "x2020-06", folder / "x2020-06")
    path = folder / "x2020-06" / RECENT
    rows = read_rows(path)
    rows[17 - 1][8 - 1] = "12x"
    _write(path, rows)
    (folder / "strange.csv").write_text("colour,shape\nred,round\n")
    home = folder / "home"
    received = run_cli(home, "receive", path.parent, folder / "strange.csv")
    shutil.copytree(sample_folder / "strength", home / "landing" / "strength")
    (home / "landing" / "stranger.csv").write_text("taste,smell\nsweet,none\n")
    run = run_cli(home, "run", "--json")
    return {"home": home, "file": path, "received": received, "run": run, "column": rows[0][8 - 1]}


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)


def test_a_file_at_fault_ends_receive_with_4_and_names_the_cell(troubled: dict[str, Any]) -> None:
    done = troubled["received"]
    assert done.returncode == NOT_TAKEN
    assert troubled["column"] == "201810"
    (reason,) = [line for line in done.stdout.splitlines() if "12x" in line]
    for part in ("Row 17, column 8 (cell H17), October 2018: found '12x'", "expected a whole number", "Kept out: 1 of"):
        assert part in reason
    assert "quarantined" in done.stdout
    assert "unidentified  strange.csv" in done.stdout


def test_a_held_publication_ends_the_run_with_3_and_the_others_are_published(troubled: dict[str, Any]) -> None:
    told = facts(troubled["run"], HELD)
    decisions = {each["subject"]: each for each in told["decisions"]}
    assert (decisions["crime"]["decision"], decisions["measures"]["decision"]) == ("held", "published")
    (reason,) = decisions["crime"]["reasons"]
    assert RECENT in reason
    assert "H17" in reason
    assert (told["release_number"], told["is_new"], told["is_served"]) == (1, True, True)
    assert {each["file_name"]: each["verdict"] for each in told["receipts"]} == {
        "SAMPLE Police_Force_Strength.csv": "accepted",
        "stranger.csv": "unidentified",
    }
    strength = "select count(*) as n from core.fct_measure_value"
    assert facts(run_cli(troubled["home"], "sql", strength, "--json")) == [{"n": 72}]
    crime = "select count(*) as n from core.fct_recorded_crime"
    assert facts(run_cli(troubled["home"], "sql", crime, "--json")) == [{"n": 0}]


def test_status_tells_what_needs_attention_until_it_is_mended(
    troubled: dict[str, Any], sample_folder: Path, tmp_path: Path
) -> None:
    """The last test of this home: it mends the file."""
    home = tmp_path / "home"
    shutil.copytree(troubled["home"], home, symlinks=True)
    printed = run_cli(home, "status")
    assert printed.returncode == DONE
    assert "cell H17" in printed.stdout
    assert re.search(r"held +warehouse, crime", printed.stdout)
    told = facts(run_cli(home, "status", "--json"))
    assert [each["file_name"] for each in told["quarantined"]] == [RECENT]
    assert {each["file_name"] for each in told["needs_attention"]} == {RECENT, "strange.csv", "stranger.csv"}

    mended = run_cli(home, "receive", sample_folder / "x2020-06")
    assert mended.returncode == DONE, mended.stdout
    told = facts(run_cli(home, "status", "--json"))
    assert told["quarantined"] == []
    assert RECENT not in {each["file_name"] for each in told["needs_attention"]}


def test_a_file_that_was_not_taken_ends_an_otherwise_good_run_with_4(cli: Cli, home: Path, sample_folder: Path) -> None:
    shutil.copytree(sample_folder / "strength", home / "landing" / "strength")
    (home / "landing" / "strange.csv").write_text("colour,shape\nred,round\n")
    done = cli("run")
    assert done.returncode == NOT_TAKEN, done.stdout + done.stderr
    assert "unidentified  strange.csv" in done.stdout
    assert re.search(r"published +warehouse, measures", done.stdout)
    assert "Release 1 is new" in done.stdout
    assert list((home / "landing").rglob("*.csv")) == []


def test_receive_tells_as_json_what_became_of_each_file(cli: Cli, sample_folder: Path) -> None:
    told = facts(cli("receive", sample_folder / "x2020-06", "--sender", "A. Clerk", "--json"))
    assert told["left"] == []
    by_name = {each["file_name"]: each for each in told["receipts"]}
    assert {name: each["verdict"] for name, each in by_name.items()} == {
        RECENT: "accepted",
        "delivery-note.csv": "not_a_return",
    }
    receipt = by_name[RECENT]
    assert (receipt["declared_as_at_on"], receipt["sender"]) == ("2020-06-01", "A. Clerk")
    assert receipt["bytes"] == (sample_folder / "x2020-06" / RECENT).stat().st_size
    (again,) = facts(cli("receive", sample_folder / "x2020-06" / RECENT, "--json"))["receipts"]
    assert (again["verdict"], again["delivery_id"]) == ("duplicate", receipt["delivery_id"])


def test_facts_go_to_standard_output_and_remarks_to_standard_error(on_release: Cli) -> None:
    asked: Callable[..., subprocess.CompletedProcess[str]] = on_release
    done = asked("sql", "select * from range(300)", "--format", "table")
    assert done.stdout.splitlines()[-1].strip() == "199"
    assert "rows" in done.stderr
