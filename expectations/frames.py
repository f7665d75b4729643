"""Asking Great Expectations of a frame: which of its rows break which check."""

import os
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import pandas as pd

# It would send a message about each use to its makers; nothing here may need, or use, the network.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations import Expectation

_BATCHES = count()


@dataclass(frozen=True)
class Answer:
    """What one expectation found: whether it is met, and the index labels of the rows that break it."""

    code: str
    is_met: bool
    failing_labels: tuple[Any, ...] = ()
    error: str | None = None


@lru_cache(maxsize=1)
def _source() -> Any:
    """One in-memory context a process: no files, no network."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("deliveries")


def ask(frame: pd.DataFrame, expectations: dict[str, Expectation]) -> list[Answer]:
    """Ask expectations, by the code of their check, of a frame. One that raises is answered with its error."""
    name = f"frame-{next(_BATCHES)}"
    asset = _source().add_dataframe_asset(name)
    try:
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name)
        for code, expectation in expectations.items():
            expectation.meta = {"code": code}
            suite.add_expectation(expectation)
        result = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    finally:
        _source().delete_asset(name)
    return [_answer(each) for each in result.results]


def _answer(each: Any) -> Answer:
    code = each.expectation_config.meta["code"]
    raised = each.exception_info or {}
    # An exception is told for the whole expectation, or for each of its metrics.
    details = [raised, *(value for value in raised.values() if isinstance(value, dict))]
    error = next((str(detail["exception_message"]) for detail in details if detail.get("raised_exception")), None)
    if error:
        return Answer(code, False, error=error)
    return Answer(code, bool(each.success), tuple(each.result.get("unexpected_index_list") or ()))
