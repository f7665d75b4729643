"""dbt's own unit tests of the models. A run leaves them out, because they prove the models and not the data."""

import shutil
from typing import Any

import pytest
from sample_release import build_of, sample_release

from publication.warehouse import Artifacts, run_dbt

# Models whose rules are too easily broken to go without.
PROVEN = {"fct_coverage", "fct_recorded_crime_version", "fct_measure_value_version", "crime_summary", "dim_month"}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """What dbt said of its unit tests, run on a copy of the sample's warehouse."""
    build = build_of(sample_release(tmp_path_factory))
    folder = tmp_path_factory.mktemp("unit_tests")
    shutil.copytree(build / "inputs", folder / "inputs")
    shutil.copyfile(build / "warehouse.duckdb", folder / "warehouse.duckdb")
    run_dbt(["test", "--select", "test_type:unit"], folder, lambda _, __: None)
    return Artifacts(folder / "target")


def test_every_unit_test_of_the_models_passes(artifacts: Artifacts, capsys: pytest.CaptureFixture[str]) -> None:
    written = set(artifacts.manifest["unit_tests"])
    said = {result["unique_id"]: result["status"] for result in artifacts.results if _kind(result) == "unit_test"}
    with capsys.disabled():
        print(f"\n    {len(said)} unit tests of dbt", end=" ")  # noqa: T201
    assert said == dict.fromkeys(written, "pass")
    assert len(written) > 10


def test_the_models_that_hold_the_rules_have_unit_tests(artifacts: Artifacts) -> None:
    assert {test["model"] for test in artifacts.manifest["unit_tests"].values()} >= PROVEN


def test_a_run_leaves_unit_tests_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    build = Artifacts(build_of(sample_release(tmp_path_factory)) / "target")
    kinds = {_kind(result) for result in build.results}
    assert {"model", "seed", "test"} <= kinds
    assert "unit_test" not in kinds


def _kind(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".")[0]
