"""The house's order: what may not stand in any file, and what the documents promise of it."""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from conftest import PROJECT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from contracts.model import all_contracts
from orchestration import cli

LOCK = PROJECT / "requirements.lock"
README = PROJECT / "README.md"
LONGEST_ROOM = 350
# Written in two parts, so that this file does not find itself.
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME|XX" + "X\\b")
PLACE_ON_A_MACHINE = re.compile(
    r"(?<![\w./-])/(?:ro" + r"ot|ho" + r"me|wo" + r"rk|tm" + r"p|Us" + r"ers|op" + r"t|mn" + r"t)/\w"
)
REGISTRY = re.compile(
    "py" + r"pi\.org|python" + r"hosted|artifact" + r"ory|--(?:extra-)?index" + r"-url|--find" + r"-links"
)


@cache
def files() -> tuple[Path, ...]:
    """Every file that git keeps, or would."""
    if not (PROJECT / ".git").exists():
        pytest.skip("this is no checkout; git lists the project's files")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := PROJECT / name).is_file())


def lines() -> Iterator[tuple[str, str]]:
    """Every line of every file, with where it stands."""
    for path in files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield f"{path.relative_to(PROJECT)}:{number}", line


@pytest.mark.parametrize(
    "forbidden", [UNFINISHED, PLACE_ON_A_MACHINE, REGISTRY], ids=["unfinished", "machine", "registry"]
)
def test_no_file_holds_what_belongs_in_none(forbidden: re.Pattern[str]) -> None:
    assert [(where, line) for where, line in lines() if forbidden.search(line)] == []


def test_the_patterns_find_what_they_forbid() -> None:
    assert PLACE_ON_A_MACHINE.search("/".join(["see ", "home", "anna"]))
    assert not PLACE_ON_A_MACHINE.search("/".join(["releases", "current", "tmp", "x"]))
    assert REGISTRY.search("https://py" + "pi.org/simple")
    assert UNFINISHED.search("# TO" + "DO: later")


# What is installed.


@cache
def locked() -> dict[str, str]:
    """Requirement of the lock → everything that is written under it."""
    text = re.sub(r"(?m)^\s*#.*\n", "", LOCK.read_text(encoding="utf-8"))
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==([^\s;\\]+)([^\n]*(?:\n +[^\n]*)*)", text)
    return {canonicalize_name(name): f"{version} {rest}" for name, version, rest in found}


def test_the_lock_pins_and_hashes_everything_and_names_no_place() -> None:
    text = LOCK.read_text(encoding="utf-8")
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) > 100
    for line in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[^\]]+\])?==\S+", line), line
        assert canonicalize_name(re.split(r"[\[=]", line)[0]) in locked(), line
    for name, written in locked().items():
        assert "--hash=sha256:" in written, f"{name} has no hash"
    assert "://" not in text
    assert " @ " not in text


def test_the_lock_has_what_the_project_asks_for() -> None:
    project = _pyproject()["project"]
    for written in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(written)
        name = canonicalize_name(requirement.name)
        assert name in locked(), f"{name} is not in the lock"
        version = locked()[name].split()[0]
        assert requirement.specifier.contains(version, prereleases=True), f"{written}, locked at {version}"


def test_every_package_of_the_house_is_installed() -> None:
    packages = {
        ".".join(path.parent.relative_to(PROJECT).parts)
        for path in files()
        if path.name == "__init__.py" and path.relative_to(PROJECT).parts[0] != "tests"
    }
    assert packages == set(_pyproject()["tool"]["setuptools"]["packages"])


@cache
def _pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


# What the documents promise.


def test_every_make_command_of_the_documents_can_be_made() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    assert {"help", "setup", "run", "test", "check", "serve"} <= targets
    for document in (README, *(PROJECT / "docs").glob("*.md")):
        written = re.findall(r"(?m)(?:^|`)make ([a-z-]+)(?=`|\s+#|$)", document.read_text(encoding="utf-8"))
        assert set(written) <= targets, document.name
        assert document != README or {"run", "test", "serve"} <= set(written)


def test_ci_checks_and_tests() -> None:
    script = PROJECT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"make check", "make test"} <= set(script.read_text(encoding="utf-8").splitlines())


def test_every_metstats_command_of_the_readme_exists() -> None:
    app = typer.main.get_command(cli.app)
    written = re.findall(r"(?m)^metstats ([a-z]+)(?: ([a-z]+))?", README.read_text(encoding="utf-8"))
    assert len(written) > 8
    for first, second in written:
        command = getattr(app, "commands")[first]  # noqa: B009 (typer does not say that it has commands)
        if hasattr(command, "commands"):
            assert second in command.commands, f"metstats {first} {second}"


def test_the_readme_tells_the_exit_statuses_that_there_are() -> None:
    told = {int(status) for status in re.findall(r"(?m)^\| (\d) \|", README.read_text(encoding="utf-8"))}
    assert told == {cli.OK, cli.UNEXPECTED, cli.USAGE, cli.HELD, cli.NOT_TAKEN}


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in (README, *(PROJECT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} → {target}"


def test_paths_that_the_documents_name_are_there() -> None:
    for document in (README, *(PROJECT / "docs").glob("*.md")):
        named = re.findall(
            r"`((?:contracts|expectations|dbt_project|ledger|ingest|docs)/[\w/.*-]+)`", document.read_text("utf-8")
        )
        for name in named:
            assert list(PROJECT.glob(name.rstrip("/"))), f"{document.name} names {name}"


# How it is written.


def test_no_room_has_a_file_that_is_too_long_to_read() -> None:
    long = {
        str(path.relative_to(PROJECT)): count
        for path in files()
        if path.suffix == ".py"
        and path.relative_to(PROJECT).parts[0] != "tests"
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_ROOM
    }
    assert long == {}


MODELS = PROJECT / "dbt_project" / "models"


@cache
def _described_models() -> dict[str, dict[str, Any]]:
    """Model → its entry in the YAML beside it."""
    return {
        model["name"]: model | {"folder": path.parent.name}
        for path in MODELS.rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


def test_every_model_is_described_where_it_lies() -> None:
    lying = {path.stem: path.parent.name for path in MODELS.rglob("*.sql")}
    described = _described_models()
    assert lying == {name: model["folder"] for name, model in described.items()}
    assert [name for name, model in described.items() if not model.get("description", "").strip()] == []


def test_every_model_has_a_subject_or_is_not_published() -> None:
    subjects = {contract.subject for contract in all_contracts().values()} | {"shared", "by_return"}
    for name, model in _described_models().items():
        meta = model.get("config", {}).get("meta", {})
        if model["folder"] in ("staging", "intermediate", "quality"):
            assert "subject" not in meta, f"{name} is for the house alone"
        else:
            assert meta.get("subject") in subjects, f"{name} belongs to no subject that is gated"
            assert ("subject_column" in meta) == (meta["subject"] == "by_return"), name


def test_names_of_models_say_what_they_are() -> None:
    prefixes = {"staging": ("stg_",), "intermediate": ("int_",), "core": ("dim_", "fct_")}
    for name, model in _described_models().items():
        if model["folder"] in prefixes:
            assert name.startswith(prefixes[model["folder"]]), name
        assert re.fullmatch(r"[a-z0-9]+(_{1,2}[a-z0-9]+)*", name), name


def test_columns_are_named_by_what_they_hold() -> None:
    """Dates end in `_on` (or say from and to), instants in `_at`, flags begin with `is_` or `has_`."""
    for name, model in _described_models().items():
        for column in model.get("columns", []):
            kind, column_name = column.get("data_type"), column["name"]
            if kind == "date":
                assert re.search(r"_on$|_from$|_to$|^month$|_period$", column_name), f"{name}.{column_name}"
            if kind == "timestamp":
                assert column_name.endswith("_at"), f"{name}.{column_name}"
            if kind == "boolean":
                assert column_name.startswith(("is_", "has_")), f"{name}.{column_name}"
