"""What the budgets take from certificates and sensors. Kinds: unit, plant."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from meterbench.bench.bench import Bench
from meterbench.bench.certificate import CalibrationPoint, Certificate
from meterbench.bench.verdict import Verdict
from meterbench.instruments.capabilities import RigStatus
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.procedures.collecting import weighing_u_g
from meterbench.world.clock import VirtualClock
from tests.conftest import QUICK_METER, station_content, verify

BALANCE = Certificate("D-1", date(2099, 6, 30), 0.8, "0.6 … 0.8 g", "g",
                      points=(CalibrationPoint(0.0, 0.0, 0.6), CalibrationPoint(100_000.0, 0.0, 0.8)))  # fmt: skip


class _Station:
    """As much of a bench as a budget asks for its balance."""

    def certificate(self, role: str) -> Certificate | None:
        return BALANCE if role == "balance" else None


def test_two_readings_are_independent_and_parts_are_not() -> None:
    """0.6 g and 0.8 g make 1 g of a difference, as two readings of 1/sqrt2 g do; three such parts make 3 g."""
    station = cast(Bench, _Station())
    assert weighing_u_g(station, [(0.0, 100_000.0)]) * math.sqrt(2.0) == pytest.approx(1.0)
    assert weighing_u_g(station, [(0.0, 100_000.0)] * 3) * math.sqrt(2.0) == pytest.approx(3.0)


def test_sensors_without_a_certificate_open_no_wider_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Water of 29 °C, and the rig's sensors 10 K off, one down and one up: their mean is right.

    They put 34 °C to the second meter, where 3 % would be allowed. The probe says that it is 29 °C: 2 %, and the
    uncertainty knows of the 5 K.
    """
    true_status = ModbusPlcRig.status

    def status(self: Any) -> RigStatus:
        seen = true_status(self)
        return replace(
            seen,
            water_temp_upstream_c=seen.water_temp_upstream_c - 10.0,
            water_temp_downstream_c=seen.water_temp_downstream_c + 10.0,
        )

    monkeypatch.setattr(ModbusPlcRig, "status", status)
    batch = [QUICK_METER, QUICK_METER | {"serial": "20000002", "truth": {"gain_percent": 2.4}}]
    record = verify(station_content(*batch, water_temp_c=29.0, ambient_temp_c=29.0), tmp_path / "run")
    at_q3 = {row.meter: row for row in record.rows if (row.quantity, row.flow_point) == ("error_of_indication", "Q3")}
    assert {row.upper for row in at_q3.values()} == {2.0}
    assert at_q3["20000002"].verdict == "FAIL"
    parts = [part for budget in record.budgets for part in budget.contributions if "temperature at" in part.name]
    assert all(part.percent > 0.07 for part in parts)  # 5 K/sqrt3 of 250 ppm/K at 24 °C, the colder one


def test_a_certificate_that_ends_in_mid_run_ends_the_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Midnight comes after Q3: what was measured on the last good day stands, what comes after is INVALID."""
    midnight = datetime(2099, 7, 1, tzinfo=UTC)
    monkeypatch.setattr(VirtualClock, "utc", lambda self: midnight + timedelta(seconds=self.now_s() - 250.0))
    content = station_content()
    for section in content["instruments"].values():
        section["calibration"]["due"] = "2099-06-30"
    record = verify(content, tmp_path / "run")
    verdicts = {row.flow_point: row.verdict for row in record.rows if row.quantity == "error_of_indication"}
    assert verdicts == {"Q3": "PASS", "Q2": "INVALID", "Q1": "INVALID"}
    assert {each["calibration"] for each in record.opened["instruments"]} == {"valid"}
    assert record.verdict is Verdict.INVALID
