"""Building the warehouse with dbt, and writing every result of the build into the ledger.

dbt runs as a process of its own in a folder of its own: a build that was killed can never write into the next one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contracts.model import all_contracts
from expectations.gate import standing_fingerprint
from ledger.home import PROJECT_ROOT, Home
from ledger.store import Ledger, now
from ledger.tables import Build, CheckResult
from publication import inputs

Progress = Callable[[int, int], None]
_STATUSES = {"success": "passed", "pass": "passed", "fail": "failed", "warn": "failed", "skipped": "not_run"}
_CHECKED_TYPES = ("model", "seed", "test")


class WarehouseError(Exception):
    """dbt could not even begin; the message is its own."""


@dataclass(frozen=True)
class Artifacts:
    """What a dbt invocation leaves behind: `manifest.json` (what there is) and `run_results.json` (how it went)."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return _read_json(self.folder / "manifest.json")

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        return dict(self.manifest["nodes"])

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        return list(_read_json(self.folder / "run_results.json")["results"])

    def published_models(self) -> list[dict[str, Any]]:
        """Models that a release carries: those whose `meta.subject` says to which subject they belong."""
        return [node for node in self.nodes.values() if subject_of(node)]


def subject_of(node: dict[str, Any]) -> str | None:
    """The subject of a published model: a subject's name, `shared`, or `by_return`; None for what is not published."""
    return (node.get("config", {}).get("meta") or {}).get("subject") if node["resource_type"] == "model" else None


def subjects() -> list[str]:
    """The subjects by which the warehouse is gated."""
    return sorted({contract.subject for contract in all_contracts().values()})


def build_folder(home: Home, build_id: str) -> Path:
    """Where a build lies: `inputs/`, `target/`, `warehouse.duckdb`."""
    return home.build / build_id


def build(home: Home, ledger: Ledger, run_id: str, progress: Progress) -> Build:
    """Compose the inputs, run `dbt build` on them, and record what every node and test said.

    The state of the deliveries is digested before anything is linked: should they change meanwhile, the gate sees it.
    """
    build_id = run_id
    folder = build_folder(home, build_id)
    shutil.rmtree(home.build, ignore_errors=True)
    folder.mkdir(parents=True)
    with ledger.look() as session:
        fingerprint = standing_fingerprint(session)
    inputs.compose(folder / "inputs", home, ledger)
    # Unit tests prove the models, not the data: `make test` runs them.
    run_dbt(["build", "--exclude-resource-type", "unit_test"], folder, progress)
    artifacts = Artifacts(folder / "target")
    record = Build(
        build_id=build_id,
        run_id=run_id,
        built_at=now(),
        inputs_fingerprint=fingerprint,
        expected_checks=guards(artifacts),
    )
    with ledger.write() as session:
        session.merge(record)
        session.add_all(_check_result(result, artifacts, record) for result in artifacts.results)
    return record


def run_dbt(arguments: list[str], folder: Path, progress: Progress, known_on: str = "") -> None:
    """Run dbt on the inputs in a folder, into `warehouse.duckdb` there. Failing nodes are in the artifacts.

    Raises :class:`WarehouseError` where dbt stopped before it ran anything.
    """
    environment = {
        **os.environ,
        "METSTATS_INPUTS": str(folder / "inputs"),
        "METSTATS_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [
        str(Path(sys.executable).parent / "dbt"),
        *arguments,
        *("--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT), "--target", "build"),
        *("--vars", json.dumps({"as_known_on": known_on})),
        *("--no-version-check", "--log-format", "json", "--log-level", "info"),
    ]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for message, data in _events(process.stdout or ()):
            said.append(message)
            if "index" in data and "total" in data:
                progress(int(data["index"]), int(data["total"]))
    if not (folder / "target" / "run_results.json").exists():
        raise WarehouseError("dbt could not run:\n" + "\n".join(said[-20:]))


def _events(lines: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lines:
        try:
            event = json.loads(line)
            yield str(event["info"]["msg"]), event.get("data", {})
        except (ValueError, KeyError, TypeError):
            yield line.rstrip(), {}


def guards(artifacts: Artifacts) -> dict[str, list[str]]:
    """Every node and test of the build → the subjects that it guards: those with a table made from what it checks."""
    guarded: dict[str, set[str]] = {}
    for model in artifacts.published_models():
        subject = str(subject_of(model))
        names = subjects() if subject in ("shared", "by_return") else [subject]
        for node_id in _ancestors(str(model["unique_id"]), artifacts.nodes):
            guarded.setdefault(node_id, set()).update(names)
    return {
        node_id: sorted(touched)
        for node_id, node in artifacts.nodes.items()
        if node["resource_type"] in _CHECKED_TYPES and (touched := _guarded_by(node_id, node, guarded))
    }


def _guarded_by(node_id: str, node: dict[str, Any], guarded: dict[str, set[str]]) -> set[str]:
    """A test guards what all that it looks at have in common: one of crime against the shared months guards crime.

    Where they have nothing in common it guards them all, and where it looks at nothing that is published, everything.
    """
    if node["resource_type"] != "test":
        return guarded.get(node_id, set())
    looked_at = [guarded[parent] for parent in node["depends_on"].get("nodes", []) if parent in guarded]
    return (set.intersection(*looked_at) or set.union(*looked_at)) if looked_at else set(subjects())


def _ancestors(node_id: str, nodes: dict[str, dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    ahead = [node_id]
    while ahead:
        each = ahead.pop()
        if each in nodes and each not in found:
            found.add(each)
            ahead += nodes[each]["depends_on"].get("nodes", [])
    return found


def _check_result(result: dict[str, Any], artifacts: Artifacts, record: Build) -> CheckResult:
    node = artifacts.nodes[result["unique_id"]]
    status = _STATUSES.get(result["status"], "errored")
    is_warning = str(node.get("config", {}).get("severity", "error")).casefold() == "warn"
    return CheckResult(
        run_id=record.run_id,
        build_id=record.build_id,
        node=result["unique_id"],
        check_code=node["name"],
        family="model",
        severity="warn" if is_warning else "block",
        reach="model",
        mended_by=(node.get("config", {}).get("meta") or {}).get("mended_by", "engineer"),
        status=status,
        failing_count=int(result.get("failures") or (status != "passed")),
        message=_message(result, node, status),
        judged_at=now(),
    )


def _message(result: dict[str, Any], node: dict[str, Any], status: str) -> str:
    what = (node.get("description") or node["name"]).strip()
    if status == "passed":
        return what
    said = (result.get("message") or result["status"]).strip()
    return f"{what} — dbt says: {said}"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
