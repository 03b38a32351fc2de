"""A sample run's record and its report, made once for all the tests that only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterbench.bench.record import RunRecord, load
from meterbench.reports.html import write_report
from tests.reports.sample_evaluation import write_sample_evaluation
from tests.reports.sample_run import write_sample_run


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Four meters, three flow points, two repeats; meter 10000002 reads far too high."""
    folder = tmp_path_factory.mktemp("runs") / "sample"
    return load(write_sample_run(folder, repeats=2, bias_percent={"10000002": 5.0}))


@pytest.fixture(scope="session")
def report(record: RunRecord) -> Path:
    """The report of ``record``."""
    return write_report(record, record.folder / "report.html")


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A type evaluation of three meters; 10000002 fails under a discharge, a window was not kept, an act not done."""
    return load(write_sample_evaluation(tmp_path_factory.mktemp("runs") / "type"))
