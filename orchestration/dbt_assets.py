"""The models of the warehouse as Dagster sees them: from dbt's manifest, parsed ahead of time."""

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_specs

from ledger.home import PROJECT_ROOT, Home, Settings
from ledger.version import code_version


class _Translator(DagsterDbtTranslator):
    """Groups by folder; sources and seeds hang below the stage that writes their Parquet."""

    def get_group_name(self, dbt_resource_props: dict[str, Any]) -> str | None:  # type: ignore[override]
        return str(dbt_resource_props["fqn"][1]) if len(dbt_resource_props["fqn"]) > 2 else "reference"  # noqa: PLR2004


@lru_cache(maxsize=1)
def manifest() -> dict[str, Any]:
    """dbt's manifest for this very code; made once for each version of it, because parsing takes seconds."""
    home = Home.at(Settings().home)
    target = home.dagster / f"dbt-{code_version('dbt_project')}"
    path = target / "manifest.json"
    if not path.exists():
        _parse(target)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _parse(target: Path) -> None:
    command = [str(Path(sys.executable).parent / "dbt"), "parse", "--quiet", "--no-version-check"]
    folders = ["--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT), "--target", "lint"]
    places = ["--target-path", str(target), "--log-path", str(target)]
    subprocess.run([*command, *folders, *places], check=True)  # noqa: S603 (our own command)


def model_specs() -> list[dg.AssetSpec]:
    """A spec a model, with its upstream models."""
    return list(build_dbt_asset_specs(manifest=manifest(), dagster_dbt_translator=_Translator()))


def model_keys() -> dict[str, dg.AssetKey]:
    """dbt's unique id → asset key."""
    return {spec.metadata["dagster_dbt/unique_id"]: spec.key for spec in model_specs()}


def test_specs() -> dict[str, dg.AssetCheckSpec]:
    """dbt's unique id of a test → the asset check that shows its result, on the first model that it is about."""
    keys = model_keys()
    specs = {}
    for node_id, node in manifest()["nodes"].items():
        about = next((keys[each] for each in node["depends_on"].get("nodes", []) if each in keys), None)
        if node["resource_type"] == "test" and about:
            specs[node_id] = dg.AssetCheckSpec(name=node["name"], asset=about, description=node.get("description"))
    return specs
