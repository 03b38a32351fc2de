"""The type evaluation under pytest as its users run it: selection, workers, JUnit and Allure. Kind: plant, report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

import meterbench.procedures
from meterbench.bench.record import load
from meterbench.bench.station import load as load_station
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum
from tests.conftest import to_toml
from tests.procedures.test_mutation_matrix import line

PROCEDURES = Path(meterbench.procedures.__file__).parent
UNITS = {"20000001": {}, "20000002": {"software_altered": True}}


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """Two units, one of them with other software than the certified one."""
    path = tmp_path / "station.toml"
    content = line(UNITS).model_dump(mode="json", by_alias=True, exclude_none=True)
    path.write_text(to_toml(content), encoding="utf-8")
    return path


def run_pytest(station: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """``pytest procedures`` in a process of its own, beside the station file."""
    command: Sequence[str | Path] = [
        *(sys.executable, "-m", "pytest", PROCEDURES / "test_type_approval.py", "-c", "/dev/null"),
        *(f"--rootdir={PROCEDURES}", "--import-mode=importlib", "-p", "no:cacheprovider", f"--station={station}"),
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=station.parent)


def test_each_test_and_sample_is_an_item(station: Path, tmp_path: Path) -> None:
    """A selection by name, with JUnit and Allure: one result an item, verdict and rows in it."""
    done = run_pytest(station, "-k", "software", f"--out={tmp_path / 'run'}", f"--junitxml={tmp_path / 'j.xml'}",
                      f"--alluredir={tmp_path / 'allure'}")  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    record = load(tmp_path / "run")
    assert {(each.clause, each.meter): each.verdict for each in record.clause_verdicts} == {
        ("software", "20000001"): "PASS",
        ("software", "20000002"): "FAIL",
    }
    assert record.opened["title"] == "Type evaluation, only software"
    cases = ElementTree.parse(tmp_path / "j.xml").findall(".//testcase")
    assert [case.find("failure") is None for case in cases] == [True, False]
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    assert len({result["historyId"] for result in results}) == len(results) == 2
    assert all("software_as_certified" in json.dumps(result["steps"]) for result in results)


def test_workers_have_stations_and_records_of_their_own(station: Path, tmp_path: Path) -> None:
    """pytest-xdist: two workers, two records, every item once."""
    done = run_pytest(station, "-k", "software or static-pressure", "-n", "2", f"--out={tmp_path / 'both'}")
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    records = [load(folder) for folder in sorted((tmp_path / "both").iterdir()) if (folder / "journal.jsonl").is_file()]
    assert {record.folder.name for record in records} == {"gw0", "gw1"}
    judged = [(each.clause, each.meter) for record in records for each in record.clause_verdicts]
    assert set(judged) == {(clause, meter) for clause in ("7.3", "software") for meter in UNITS}


@pytest.mark.parametrize("name", ["virtual.toml", "lab-dn20.toml"])
def test_the_certified_software_is_the_one_in_the_meters(name: str) -> None:
    """Whoever changes the legally relevant software changes what the type's documents say of it."""
    path = Path(meterbench.procedures.__file__).parents[1] / "stations" / name
    assert load_station(path).type.software == f"{SOFTWARE_ID} {software_checksum()}"
