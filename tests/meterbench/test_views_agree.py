"""Report, pytest-html, Allure, JUnit, ``results --json`` and the store are views of one journal. Kind: report."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from meterbench.bench.pytest_plugin import row_name
from meterbench.bench.record import ResultRow, RunRecord, load
from meterbench.bench.store import Store, store_url
from tests.conftest import QUICK_METER, station_content, to_toml


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a good unit and one that fails at one point (so with attempts 2 and 3)."""
    base = tmp_path_factory.mktemp("views")
    bad = QUICK_METER | {"serial": "20000002", "truth": {"gain_percent": -2.2, "zero_offset_ps": 150.0}}
    station = base / "station.toml"
    station.write_text(to_toml(station_content(QUICK_METER, bad)), encoding="utf-8")
    command = [sys.executable, "-m", "meterbench", "run", "initial-verification", "--station", str(station)]
    done = subprocess.run([*command, "--out", str(base / "run")], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return base / "run"


@pytest.fixture(scope="module")
def record(folder: Path) -> RunRecord:
    return load(folder)


def test_the_run_holds_what_this_comparison_needs(record: RunRecord) -> None:
    """Errors of two meters, repeated attempts, both verdicts."""
    assert {row.attempt for row in record.rows} == {1, 2, 3}
    assert {row.verdict for row in record.rows} == {"PASS", "FAIL"}


def test_results_json_is_the_journal(folder: Path, record: RunRecord) -> None:
    """Every field of every row."""
    done = subprocess.run(
        [sys.executable, "-m", "meterbench", "results", str(folder), "--json"], capture_output=True, check=True
    )
    assert [ResultRow(**row) for row in json.loads(done.stdout)] == list(record.rows)


def test_the_store_is_the_journal(folder: Path, record: RunRecord) -> None:
    """Every field of every row, floats to the last bit."""
    store = Store(store_url(folder.parent, {}))
    assert [ResultRow(**row) for row in store.results(record.name)] == list(record.rows)
    assert store.runs()[0].verdict == record.verdict.name
    store.close()


def test_the_report_holds_every_value(folder: Path, record: RunRecord) -> None:
    """Each error and each uncertainty stands in a cell with its full precision and as every view prints it."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    cells = dict(re.findall(r'data-value="([^"]+)"[^>]*>\s*([^<]*?)\s*<', page))
    for row in record.rows:
        if row.quantity == "error_of_indication":
            assert repr(row.value) in cells
            assert html.unescape(cells[repr(row.value)]).replace("\N{MINUS SIGN}", "-") == row.value_text
            assert repr(row.expanded_uncertainty) in cells


def test_junit_holds_every_value(folder: Path, record: RunRecord) -> None:
    """Properties of the meter's test case, at full precision; the case fails if the meter fails."""
    cases = ElementTree.parse(folder / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == len(record.batch)
    for case in cases:
        serial = next(meter["serial"] for meter in record.batch if meter["serial"] in case.attrib["name"])
        properties = {each.attrib["name"]: each.attrib["value"] for each in case.findall(".//property")}
        assert properties == {row_name(row): repr(row.value) for row in record.rows if row.meter == serial}
        verdict = next(each.verdict for each in record.meter_verdicts if each.meter == serial)
        assert (case.find("failure") is not None) == (verdict == "FAIL")


def test_allure_holds_every_value(folder: Path, record: RunRecord) -> None:
    """One result a meter; one step a row with the row attached whole: repeats are never merged."""
    results = [json.loads(path.read_text()) for path in (folder / "allure-results").glob("*-result.json")]
    assert len(results) == len(record.batch)
    for result in results:
        serial = next(each["value"] for each in result["parameters"] if each["name"] == "serial").strip("'")
        attached = [
            json.loads((folder / "allure-results" / attachment["source"]).read_text())
            for step in result["steps"]
            for attachment in step["attachments"]
        ]
        assert [ResultRow(**row) for row in attached] == [row for row in record.rows if row.meter == serial]


def test_pytest_html_holds_every_value(folder: Path, record: RunRecord) -> None:
    """The test's log shows each row at full precision."""
    page = html.unescape(html.unescape((folder / "pytest.html").read_text(encoding="utf-8")))
    for row in record.rows:
        assert f"{row_name(row)} = {row.value!r} {row.unit}" in page
