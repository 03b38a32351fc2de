"""What goes wrong in the world while a batch is verified: never a PASS by it, never a FAIL by it. Kind: plant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from meterbench.bench import virtual_lab
from meterbench.bench.record import RunRecord, load
from meterbench.bench.verdict import Verdict
from meterbench.errors import BenchError
from tests.conftest import QUICK_METER, station_content, verify

Disturb = Callable[[virtual_lab.VirtualLab], None]
BAD = QUICK_METER | {"truth": {"gain_percent": -6.0}}


@pytest.fixture
def disturbed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[dict[str, object], float, Disturb], RunRecord]:
    """Verifies one meter; at a time of the world ``disturb`` gets hold of the lab."""

    def run(meter: dict[str, object], at_s: float, disturb: Disturb) -> RunRecord:
        original = virtual_lab.VirtualLab._advance
        done: list[bool] = []

        def advance(self: virtual_lab.VirtualLab, duration_s: float) -> bool:
            if not done and self.plant.now_s >= at_s:
                done.append(True)
                disturb(self)
            return original(self, duration_s)

        monkeypatch.setattr(virtual_lab.VirtualLab, "_advance", advance)
        try:
            return verify(station_content(meter), tmp_path / "run")
        except BenchError:
            return load(tmp_path / "run")
        finally:
            assert done, "the disturbance never came"

    return run


@pytest.mark.parametrize("meter", [QUICK_METER, BAD], ids=["good unit", "bad unit"])
def test_a_leak_that_opens_after_the_first_test_is_found(
    disturbed: Callable[..., RunRecord], meter: dict[str, object]
) -> None:
    """The line is tested again at the end: what was measured meanwhile is INVALID, good or bad."""

    def open_leak(lab: virtual_lab.VirtualLab) -> None:
        lab.plant.slots[0].leak_l_h = 1.5

    record = disturbed(meter, 60.0, open_leak)
    assert {conclusion.verdict for conclusion in record.meter_verdicts} == {"INVALID"}
    assert record.verdict is Verdict.INVALID


def test_a_line_without_pressure_is_not_tight(disturbed: Callable[..., RunRecord]) -> None:
    """A pump that did not start: nothing leaks from a line without pressure, and nothing can be concluded."""

    def no_pressure(lab: virtual_lab.VirtualLab) -> None:
        lab.plant.trapped_kpa = 3.0

    record = disturbed(QUICK_METER, 1.0, no_pressure)
    assert record.verdict is Verdict.INVALID
    assert any("pressure in the closed line" in event["text"] for event in record.events)


def test_a_meter_that_never_gave_a_pulse_is_not_judged(disturbed: Callable[..., RunRecord]) -> None:
    """A loose head and a dead meter look the same: INVALID, and the reason says where to look."""

    def loosen_head(lab: virtual_lab.VirtualLab) -> None:
        lab.meters[0].pulse_count = lambda _: 0  # type: ignore[method-assign]

    record = disturbed(QUICK_METER, 0.0, loosen_head)
    assert record.verdict is Verdict.INVALID
    assert all("no test pulse" in row.reason for row in record.rows if row.quantity == "error_of_indication")


def test_a_meter_that_stands_still_at_low_flow_fails(disturbed: Callable[..., RunRecord]) -> None:
    """Pulses at Q3, none at Q1: the cable works, the meter does not."""

    def stop_counting(lab: virtual_lab.VirtualLab) -> None:
        last = lab.meters[0].pulse_count(lab.plant.now_s)
        lab.meters[0].pulse_count = lambda _: last  # type: ignore[method-assign]

    record = disturbed(QUICK_METER, 250.0, stop_counting)
    assert record.verdict is Verdict.FAIL
    assert any(row.value == pytest.approx(-100.0) for row in record.rows)


@pytest.mark.parametrize("alarm", ["ESTOP", "PC_WATCHDOG"])
def test_a_trip_in_mid_run_voids_it(disturbed: Callable[..., RunRecord], alarm: str) -> None:
    """ERROR with the alarm's name, no verdict on any meter, water at rest."""
    record = disturbed(QUICK_METER, 100.0, lambda lab: lab.plc.trip(alarm))
    assert record.verdict is Verdict.ERROR
    assert record.closed is not None
    assert alarm in record.closed["reasons"][0]
    assert not record.meter_verdicts
    assert any("safe state reached" in event["text"] for event in record.events)


def test_a_rig_that_cannot_be_stopped_is_an_error(disturbed: Callable[..., RunRecord]) -> None:
    """The pump keeps running after the controlled stop: whatever the errors were, the run is ERROR."""

    def jam(lab: virtual_lab.VirtualLab) -> None:
        lab.plc._stop_everything = lambda: None  # type: ignore[method-assign]

    record = disturbed(QUICK_METER, 100.0, jam)
    assert record.verdict is Verdict.ERROR
    assert record.closed is not None
    assert "safe state not reached" in " ".join(record.closed["reasons"])
