"""What can break on the wire, the disk or at the desk: a clear sentence, a closed record, never a PASS by it.

Kind: fault. The simulators commit the faults over real sockets.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.record import RunRecord, load
from meterbench.bench.verdict import Verdict
from meterbench.errors import BenchError
from tests.conftest import station_content, verify

ROLES = ("rig", "balance", "thermometer", "counter")
KINDS = ("silence", "late", "garble", "refuse", "close", "die")
AFTER = {"rig": 150, "balance": 6, "thermometer": 3, "counter": 8}
"""Requests that go well before the fault: in the middle of the first flow point."""


def faulty(role: str, kind: str, count: int = 1) -> dict[str, Any]:
    fault = {"kind": kind, "after": AFTER[role], "count": count, "delay_s": 1.3}
    return station_content(faults={role: [fault]})


def run_to_its_end(content: dict[str, Any], folder: Path) -> tuple[RunRecord, BenchError | None]:
    """The record, and the error that ended the run early."""
    try:
        return verify(content, folder), None
    except BenchError as error:
        return load(folder), error


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return verify(station_content(), tmp_path_factory.mktemp("undisturbed") / "run")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_a_fault_once_ends_in_a_named_error_or_changes_nothing(
    role: str, kind: str, tmp_path: Path, undisturbed: RunRecord
) -> None:
    """One fault in mid-run: the run is ERROR with the instrument named, or its results are what they are without."""
    record, error = run_to_its_end(faulty(role, kind), tmp_path / "run")
    assert record.closed is not None
    if error is None:
        assert record.verdict is undisturbed.verdict
        for row, expected in zip(record.rows, undisturbed.rows, strict=True):
            # A repeated exchange draws other noise; the error of indication stays the same within its uncertainty.
            assert row.verdict == expected.verdict
            assert row.value == pytest.approx(expected.value, abs=0.1)
    else:
        assert record.verdict is Verdict.ERROR
        assert role in str(error)
        assert record.closed["reasons"][0] == str(error)
        assert not record.meter_verdicts


@pytest.mark.parametrize("role", ROLES)
def test_an_instrument_that_stays_silent_ends_the_run(role: str, tmp_path: Path) -> None:
    """Silence for good: ERROR, the sentence says who, what was asked and how long it took; the record is closed."""
    record, error = run_to_its_end(faulty(role, "silence", count=-1), tmp_path / "run")
    assert error is not None
    assert record.verdict is Verdict.ERROR
    assert role in str(error)
    assert re.search(r"\d(\.\d+)? m?s\b", str(error)), error


@pytest.mark.parametrize("role", ROLES)
def test_an_instrument_that_is_missing_is_named_with_all_others(role: str, tmp_path: Path) -> None:
    """A station that does not open leaves a closed record whose reason names the instrument and its address."""
    content = station_content()
    address = "TCPIP::127.0.0.1::1::SOCKET" if role in ("thermometer", "counter") else "tcp://127.0.0.1:1"
    content["instruments"][role]["address"] = "socket://127.0.0.1:1" if role == "balance" else address
    record, error = run_to_its_end(content, tmp_path / "run")
    assert record.verdict is Verdict.ERROR
    assert error is not None
    assert role in str(error)
    assert "127.0.0.1" in str(error)
    assert not record.rows


def test_all_missing_instruments_are_named_in_one_error(tmp_path: Path) -> None:
    """One sentence names every instrument that did not open."""
    content = station_content()
    content["instruments"]["rig"]["address"] = "tcp://127.0.0.1:1"
    content["instruments"]["balance"]["address"] = "socket://127.0.0.1:1"
    _, error = run_to_its_end(content, tmp_path / "run")
    assert "2 instruments of 4" in str(error)
    assert "rig" in str(error)
    assert "balance" in str(error)
