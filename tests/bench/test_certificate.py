"""Certificates: units as written, and the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.bench import station
from meterbench.bench.certificate import (
    CORRECTED,
    LARGEST_U,
    SMALLEST_U,
    CalibrationPoint,
    CalibrationState,
    Certificate,
    IntermediateCheck,
    complaint,
    gate,
    read_shown,
    read_uncertainty,
    state_of,
)
from meterbench.bench.corrections import Corrections
from meterbench.bench.opening import open_station
from meterbench.bench.verdict import Verdict
from meterbench.errors import CalibrationError, ConfigError, ConnectionLost
from meterbench.instruments.roles import ROLES
from tests.conftest import station_content, verify

BALANCE = Certificate(
    "D-1235", date(2027, 6, 30), 0.6, "0.3 … 0.6 g", "g",
    points=(
        CalibrationPoint(0.0, 0.0, 0.3),
        CalibrationPoint(20_000.0, 0.8, 0.4),
        CalibrationPoint(60_000.0, -0.4, 0.6),
    ),
)  # fmt: skip
MASTER = Certificate("D-9", date(2027, 6, 30), 0.2, "0.2 %", "%",
                     points=(CalibrationPoint(20.0, -1.0, 0.2), CalibrationPoint(2000.0, 1.0, 0.1)))  # fmt: skip


@pytest.mark.parametrize(
    ("role", "text", "expanded"),
    [("balance", "0.3 g", 0.3), ("balance", "300 mg", 0.3), ("balance", "1e-3kg", 1.0), ("thermometer", "0.05 K", 0.05),
     ("thermometer", "50 mK", 0.05), ("thermometer", " .05 °C ", 0.05), ("rig", "5 ms", 0.005),
     ("rig", "5e-3 s", 0.005), ("counter", "1 ppm", 1e-4), ("counter", "0.01 %", 0.01)],
)  # fmt: skip
def test_units_as_written(role: str, text: str, expanded: float) -> None:
    """An uncertainty is read in any unit of its kind and computed in the role's own."""
    assert read_uncertainty(role, text) == pytest.approx(expanded)


@pytest.mark.parametrize("text", ["", "g", "0.3", "0.3 K", "0.3 g g", "0,3 g", "0 g", "-0.3 g", "nan g", "inf g",
                                  "1e400 g", "0.3 G", "± 0.3 g", "0.3 % g"])  # fmt: skip
def test_an_uncertainty_that_cannot_be_meant_is_refused(text: str) -> None:
    """No unit, another quantity's unit, zero, negative, NaN or infinite: none is an uncertainty of a balance."""
    with pytest.raises(CalibrationError):
        read_uncertainty("balance", text)


def test_a_refusal_names_the_allowed_units() -> None:
    """The sentence lists the units of the role, and only those."""
    with pytest.raises(CalibrationError, match=r"'5 g' is not a number with one of the units s, ms$"):
        read_uncertainty("rig", "5 g")


@pytest.mark.parametrize(
    ("on", "state"),
    [
        (date(2027, 6, 29), "valid"),
        (date(2027, 6, 30), "valid"),
        (date(2027, 7, 1), "expired"),
        (date(2030, 1, 1), "expired"),
    ],
)
def test_the_due_date_is_the_last_good_day(on: date, state: str) -> None:
    """A certificate holds through its due date; the day after it is expired."""
    assert gate(Certificate("V-1", date(2027, 6, 30), 0.3, "0.3 g"), on) == CalibrationState(state)


@pytest.mark.parametrize(
    ("role", "text"),
    [("balance", "0.3 mg"), ("balance", "0.3 kg"), ("thermometer", "5 K"), ("counter", "5 %"), ("rig", "2 s"),
     ("master_a", "30 %"), ("master_a", "0.3 ppm"), ("pressure", "1.5 bar"), ("chamber_probe", "0.05 mK")],
)  # fmt: skip
def test_an_uncertainty_beyond_reason_is_a_slip_of_the_pen(role: str, text: str) -> None:
    """mg for g would be the best balance there is; a flow meter known to 30 % would never disagree with anything."""
    with pytest.raises(CalibrationError, match=f"beyond reason for a {role}; from "):
        read_uncertainty(role, text)


def test_every_role_with_a_certificate_has_credible_uncertainties() -> None:
    """Smallest and largest, for those roles and no others."""
    with_unit = {name for name, role in ROLES.items() if role.unit}
    assert set(SMALLEST_U) == set(LARGEST_U) == with_unit
    assert all(SMALLEST_U[role] < LARGEST_U[role] for role in with_unit)


def test_no_certificate_is_missing() -> None:
    """An instrument without a certificate is never valid."""
    assert gate(None, date(2026, 1, 1)) is CalibrationState.MISSING


def test_who_needs_no_certificate_misses_none() -> None:
    """No result rests on a barcode reader: the record does not call its certificate missing."""
    assert state_of("scanner", None, date(2026, 1, 1)) is CalibrationState.NOT_NEEDED
    assert state_of("balance", None, date(2026, 1, 1)) is CalibrationState.MISSING


@pytest.mark.parametrize(
    ("named", "answered", "words"),
    [
        ((), "B1", ""),
        ((), "", ""),
        (("B1",), "B1", ""),
        (("B1",), " B1 ", ""),
        (("B1", "B2"), "B2", ""),
        (("B1",), "B2", "certificate D-1235 is of the serial number B1, and B2 answered"),
        (("B1",), "B10", "B10 answered"),
        (("B1",), "", "this instrument tells none"),
    ],
)
def test_a_certificate_is_of_one_instrument(named: tuple[str, ...], answered: str, words: str) -> None:
    """Another serial number, or none, is not the instrument that was calibrated."""
    refusal = replace(BALANCE, serials=named).refusal(answered)
    assert words in refusal
    assert bool(refusal) == bool(words)


# Points.


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        (0.0, 0.0),
        (10_000.0, 0.4),
        (20_000.0, 0.8),
        (30_000.0, 0.5),
        (60_000.0, -0.4),
        (-1_200.0, 0.0),
        (61_200.0, -0.4),
    ],
)
def test_the_error_lies_on_a_straight_line_between_points(shown: float, error: float) -> None:
    """By hand; a little beyond the ends (2 % of the span) the end's error holds."""
    assert BALANCE.error_at(shown) == pytest.approx(error)
    assert BALANCE.corrected(shown) == pytest.approx(shown - error)


@pytest.mark.parametrize("shown", [-1_201.0, 61_201.0, 1e9, float("nan"), float("inf")])
def test_nothing_is_extrapolated(shown: float) -> None:
    """Beyond its points a certificate says nothing, and the refusal names its range."""
    with pytest.raises(CalibrationError, match="D-1235 covers 0 to 60000"):
        BALANCE.corrected(shown)


@pytest.mark.parametrize(
    ("shown", "u"), [(0.0, 0.3), (1.0, 0.4), (20_000.0, 0.4), (20_001.0, 0.6), (60_000.0, 0.6), (99_999.0, 0.6)]
)
def test_the_uncertainty_is_the_larger_of_the_neighbours(shown: float, u: float) -> None:
    """Never interpolated downwards; beyond the points the largest of all."""
    assert BALANCE.uncertainty_at(shown) == u


@given(st.floats(-1_200.0, 61_200.0))
def test_a_correction_is_never_larger_than_the_largest_error(shown: float) -> None:
    """Interpolation stays between its points."""
    assert -0.4 - 1e-9 <= shown - BALANCE.corrected(shown) <= 0.8 + 1e-9


def test_a_relative_error_is_of_the_truth() -> None:
    """A flow meter that reads 1 % high counted 101 L when 100 L had passed; the flow says where on its curve it was."""
    assert MASTER.corrected(101.0, at=2000.0) == pytest.approx(100.0)
    assert MASTER.corrected(99.0, at=20.0) == pytest.approx(100.0)


@pytest.mark.parametrize("flow_l_h", [0.0, 5.0, 19.5, 2041.0])
def test_a_flow_meter_is_not_extrapolated_downwards(flow_l_h: float) -> None:
    """The margin of a relative error is a part of the point, not of the span: 19.6 L/h is covered, 19.5 is not."""
    assert MASTER.error_at(19.6) == -1.0
    with pytest.raises(CalibrationError):
        MASTER.error_at(flow_l_h)


def test_without_points_nothing_is_corrected() -> None:
    """A certificate of an adjusted instrument states an uncertainty alone."""
    plain = Certificate("V-1", date(2027, 6, 30), 0.3, "0.3 g", "g")
    assert plain.corrected(1e6) == 1e6
    assert plain.uncertainty_at(1e6) == 0.3


def test_what_cannot_be_corrected_is_remembered_once_a_role() -> None:
    """The reading comes back as it was, and the phrase says of whom, where, and what is covered."""
    corrections = Corrections({"balance": BALANCE, "thermometer": None}.get)
    assert corrections("balance", 20_000.0) == pytest.approx(19_999.2)
    assert corrections("thermometer", 20.0) == 20.0
    assert corrections.refused == ()
    assert (corrections("balance", 70_000.0), corrections("balance", 80_000.0)) == (70_000.0, 80_000.0)
    assert corrections.refused == (
        "correction of the balance (certificate D-1235 covers 0 to 60000, and 70000 was read)",
    )


@pytest.mark.parametrize(
    ("role", "text", "shown"),
    [
        ("balance", "20 kg", 20_000.0),
        ("balance", 5, 5.0),
        ("thermometer", "20 °C", 20.0),
        ("master_c", "2.5 m3/h", 2500.0),
    ],
)
def test_what_an_instrument_shows_in_its_units(role: str, text: float | str, shown: float) -> None:
    """A number is in the role's unit; text says its own."""
    assert read_shown(role, text) == pytest.approx(shown)


@pytest.mark.parametrize("text", ["293 K", "20", "20 kg", ""])
def test_a_temperature_is_no_difference(text: str) -> None:
    """20 degC is not 20 K."""
    with pytest.raises(CalibrationError):
        read_shown("thermometer", text)


def test_every_corrected_role_has_a_unit() -> None:
    """Only what results rest on is corrected."""
    assert all(ROLES[role].unit for role in CORRECTED)


# Intermediate checks.

CHECKED = replace(BALANCE, issued=date(2026, 6, 30), check_every_days=30, check_limit=0.5)


@pytest.mark.parametrize(
    ("checks", "on", "state"),
    [
        ((), date(2026, 7, 30), "valid"),
        ((), date(2026, 7, 31), "check overdue"),
        (((date(2026, 7, 25), 0.1),), date(2026, 8, 24), "valid"),
        (((date(2026, 7, 25), 0.1),), date(2026, 8, 25), "check overdue"),
        (((date(2026, 7, 25), 0.5),), date(2026, 7, 26), "valid"),
        (((date(2026, 7, 25), -0.51),), date(2026, 7, 26), "check failed"),
        (((date(2026, 7, 25), 0.51), (date(2026, 7, 26), 0.0)), date(2026, 7, 27), "check failed"),
        (((date(2027, 6, 25), 0.1),), date(2027, 7, 1), "expired"),
    ],
)
def test_intermediate_checks(checks: tuple[tuple[date, float], ...], on: date, state: str) -> None:
    """Overdue the day after the last good one; a check that failed is made good by a calibration alone."""
    certificate = replace(CHECKED, checks=tuple(IntermediateCheck(day, error) for day, error in checks))
    assert gate(certificate, on) == CalibrationState(state)
    assert bool(complaint("balance", certificate, on)) == (state != "valid")


def test_complaints_name_role_date_and_limit() -> None:
    """One sentence for a person: what is wrong, since when, and how far."""
    failed = replace(CHECKED, checks=(IntermediateCheck(date(2026, 7, 25), 0.7),))
    assert complaint("balance", failed, date(2026, 7, 26)) == (
        "balance failed its intermediate check on 2026-07-25: its error was 0.7 g, allowed ±0.5 g; have it calibrated"
    )
    assert "balance is overdue for its intermediate check: the last was on 2026-06-30" in complaint(
        "balance", CHECKED, date(2026, 9, 1)
    )
    assert complaint("balance", None, date(2026, 9, 1)) == "balance has no calibration certificate"


def test_days_left_run_to_what_comes_first() -> None:
    """The next check, or the due date; 0 on the last good day."""
    assert CHECKED.days_left(date(2026, 7, 30)) == 0
    assert BALANCE.days_left(date(2027, 6, 29)) == 1
    assert BALANCE.days_left(date(2027, 7, 1)) == -1


# In the station file.

TODAY = datetime.now(UTC).date()
POINTS = [{"at": 0, "error": 0.0, "expanded_uncertainty": 0.3},
          {"at": "120 kg", "error": "200 mg", "expanded_uncertainty": "0.4 g"}]  # fmt: skip


def with_calibration(role: str = "balance", **keys: Any) -> dict[str, Any]:
    content = station_content()
    calibration = {"certificate": "D-1", "due": "2099-06-30", **keys}
    content["instruments"][role]["calibration"] = {
        key: value for key, value in calibration.items() if value is not None
    }
    return content


def test_points_in_the_station_file() -> None:
    """Numbers in the role's unit or text with one; k other than 2 is brought to 2."""
    read = station.parse(with_calibration(points=POINTS, coverage_factor=3.0, date="2026-03-01"), "t").certificate(
        "balance"
    )
    assert read is not None
    assert [(point.at, point.error) for point in read.points] == [(0.0, 0.0), (120_000.0, 0.2)]
    assert [point.expanded_uncertainty for point in read.points] == pytest.approx([0.2, 0.8 / 3.0])
    assert (read.expanded_uncertainty, read.issued) == (pytest.approx(0.8 / 3.0), date(2026, 3, 1))


def point(**keys: Any) -> list[dict[str, Any]]:
    return [POINTS[0], POINTS[1] | keys]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "balance.calibration.expanded_uncertainty: give it, or points"),
        ({"expanded_uncertainty": "0.3 g", "points": POINTS}, "balance.calibration.expanded_uncertainty: give it, or"),
        ({"points": POINTS[:1]}, "balance.calibration.points: one point covers no range"),
        ({"points": POINTS[::-1]}, "balance.calibration.points[1].at: 0 does not rise above the 120000 before it"),
        ({"points": [POINTS[0], POINTS[0]]}, "points[1].at: 0 does not rise"),
        ({"points": point(error="1 kg")}, "points[1].error: 1000 g is beyond reason for a balance; at most 100"),
        ({"points": point(error="1 K")}, "points[1].error: '1 K' is not a number with one of the units g, kg, mg"),
        ({"points": point(error=float("nan"))}, "points[1].error"),
        ({"points": point(expanded_uncertainty=0)}, "points[1].expanded_uncertainty: 0 g is not positive"),
        ({"points": point(expanded_uncertainty=-1)}, "points[1].expanded_uncertainty: -1 g is not positive"),
        ({"points": point(at="20 L/h")}, "points[1].at: '20 L/h' is not a number"),
        ({"points": point(u=1)}, "points[1].u: unknown key; allowed: at, error, expanded_uncertainty"),
        ({"points": point(expanded_uncertainty="0.3 mg")}, "points[1].expanded_uncertainty: 0.0003 g is beyond reason"),
        ({"expanded_uncertainty": "0.3 g", "serial": ""}, "balance.calibration.serial"),
        ({"expanded_uncertainty": "0.3 g", "serial": []}, "balance.calibration.serial"),
        ({"expanded_uncertainty": "0.3 g", "serial": ["B1", " "]}, "balance.calibration.serial"),
        ({"expanded_uncertainty": "0.3 g", "date": "2999-01-01"}, "calibration.date: 2999-01-01 is in the future"),
        ({"expanded_uncertainty": "0.3 g", "date": "2020-01-02", "due": "2020-01-01"}, "due: 2020-01-01 is before"),
        ({"expanded_uncertainty": "0.3 g", "coverage_factor": 0.5}, "calibration.coverage_factor: "),
        ({"expanded_uncertainty": "0.3 g", "check_every_days": 30}, "calibration.check_limit: missing"),
        ({"expanded_uncertainty": "0.3 g", "check_every_days": 30, "check_limit": 1}, "calibration.date: missing"),
        ({"expanded_uncertainty": "0.3 g", "check_limit": 0}, "calibration.check_limit: 0.0 is not positive"),
        ({"expanded_uncertainty": "0.3 g", "checks": [{"date": "2026-01-01", "error": 0}]}, "check_limit: missing"),
        ({"expanded_uncertainty": "0.3 g", "check_limit": 1, "checks": [{"date": "2999-01-01", "error": 0}]},
         "calibration.checks[0].date: 2999-01-01 is in the future"),
        ({"expanded_uncertainty": "0.3 g", "check_limit": 1, "date": "2026-02-01",
          "checks": [{"date": "2026-01-01", "error": 0}]}, "checks[0].date: 2026-01-01 is before 2026-02-01"),
        ({"expanded_uncertainty": "0.3 g", "check_limit": 1,
          "checks": [{"date": "2026-01-01", "error": "0.1 K"}]}, "calibration.checks[0].error: '0.1 K' is not"),
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_be_meant_is_refused(keys: dict[str, Any], message: str) -> None:
    """At load, with the path of the key."""
    with pytest.raises(ConfigError) as refused:
        station.parse(with_calibration(**keys), "bench.toml")
    assert message in str(refused.value)
    assert "instruments" in str(refused.value)


@pytest.mark.parametrize("role", ["rig", "counter"])
def test_points_that_would_correct_nothing_are_refused(role: str) -> None:
    """No reading of these is corrected: points would only look as if."""
    with pytest.raises(ConfigError, match=f"{role}.calibration.points: nothing that the {role} says is corrected"):
        station.parse(with_calibration(role, points=POINTS), "bench.toml")


# At a station. Kind: plant.


@pytest.mark.parametrize(
    ("role", "serial", "words"),
    [
        ("balance", "B207696838", ""),
        ("counter", ["MY50000002", "MY50000001"], ""),
        (
            "balance",
            "B207696839",
            "balance: certificate D-1 is of the serial number B207696839, and B207696838 answered",
        ),
        ("counter", "MY50000007", "counter 1: certificate D-1 is of the serial number MY50000007, and MY50000001"),
        ("rig", "4711", "rig: certificate D-1 names the serial number 4711, and this instrument tells none"),
    ],
)
def test_an_instrument_that_its_certificate_is_not_of_is_refused(role: str, serial: Any, words: str) -> None:
    """At opening, like one that does not answer: what was swapped for another of its model measures nothing here."""
    units = {"balance": "0.3 g", "counter": "1 ppm", "rig": "5 ms"}
    loaded = station.parse(with_calibration(role, expanded_uncertainty=units[role], serial=serial), "test")
    if not words:
        with open_station(loaded) as bench:
            assert bench.uncalibrated() == []
        return
    with pytest.raises(ConnectionLost) as refused, open_station(loaded):
        pass
    assert words in str(refused.value)


# In a run. Kind: plant.


def errors(record: Any) -> dict[str, float]:
    return {row.flow_point: row.value for row in record.rows if row.quantity == "error_of_indication"}


def test_corrections_move_the_error_by_what_the_certificate_says(tmp_path: Path) -> None:
    """A balance said to read 10 g high at 120 kg, straight from zero: 83 ppm of every volume, and every error with it.

    Raw readings stay as they were; the correction and the corrected mass stand beside them.
    """
    before = verify(station_content(), tmp_path / "before")
    points = [{"at": 0, "error": 0, "expanded_uncertainty": "0.3 g"},
              {"at": "120 kg", "error": "10 g", "expanded_uncertainty": "0.3 g"}]  # fmt: skip
    after = verify(with_calibration(points=points), tmp_path / "after")
    for name, error in errors(before).items():
        assert errors(after)[name] - error == pytest.approx(10.0 / 120_000.0 * 100.0, rel=0.02)

    def masses(record: Any, quantity: str) -> list[float]:
        return [line["value"] for line in record.readings if line["quantity"] == quantity]

    assert masses(after, "mass_start") == masses(before, "mass_start")
    assert masses(after, "mass_end") == masses(before, "mass_end")
    for start, end, correction, weighed in zip(
        *(masses(after, name) for name in ("mass_start", "mass_end", "mass_correction", "weighed_mass")), strict=True
    ):
        assert correction == pytest.approx(-(end - start) / 12_000.0)
        assert weighed == pytest.approx(end - start + correction)
    assert after.opened["instruments"][1]["points"][1] == {"at": 120_000.0, "error": 10.0, "expanded_uncertainty": 0.3}


def test_a_corrected_thermometer(tmp_path: Path) -> None:
    """Said to read 0.1 K high, after the probe's own curve: the water is 0.1 K colder."""
    points = [{"at": at, "error": 0.1, "expanded_uncertainty": 0.05} for at in (5.0, 50.0)]
    record = verify(with_calibration("thermometer", points=points), tmp_path / "run")
    temps = [line for line in record.readings if line["quantity"] == "water_temperature" and not line["meter"]]
    assert temps[0]["value"] == pytest.approx(19.9, abs=0.05)
    corrections = [line["value"] for line in record.readings if line["quantity"] == "water_temperature_correction"]
    assert corrections == pytest.approx([-0.1] * 3)


@pytest.mark.parametrize(("role", "top"), [("balance", "1 kg"), ("thermometer", 15.0)])
def test_a_reading_beyond_the_points_is_invalid(role: str, top: Any, tmp_path: Path) -> None:
    """Never extrapolated: INVALID, with the range and the reading; the run goes on to its end."""
    points = [{"at": at, "error": 0.0, "expanded_uncertainty": 0.05} for at in (0, top)]
    record = verify(with_calibration(role, points=points), tmp_path / "run")
    assert record.verdict is Verdict.INVALID
    assert {row.verdict for row in record.rows} == {"INVALID"}
    reason = next(row.reason for row in record.rows if row.quantity == "error_of_indication")
    assert f"correction of the {role} (certificate D-1 covers 0 to " in reason


def test_the_budget_takes_u_at_the_reading(tmp_path: Path) -> None:
    """A balance that is a hundred times worse above 99 kg: U is the larger only where it was read there."""
    points = [{"at": at, "error": 0, "expanded_uncertainty": u} for at, u in
              ((0, 0.3), ("99 kg", 0.3), ("100 kg", 30.0), ("120 kg", 30.0))]  # fmt: skip
    record = verify(with_calibration(points=points), tmp_path / "run")
    for budget in record.budgets:
        weighing = budget.contributions[0].standard_uncertainty
        ends = [line["value"] for line in record.readings
                if line["step"] == budget.step and line["quantity"] in ("mass_start", "mass_end")]  # fmt: skip
        expected = sum((30.0 if end > 99_000.0 else 0.3) ** 2 for end in ends) ** 0.5 / 2.0
        assert weighing == pytest.approx(expected)


@pytest.mark.parametrize("keys", [
    {"checks": [{"date": str(TODAY - timedelta(days=1)), "error": "0.6 g"}], "check_limit": "0.5 g"},
    {"date": str(TODAY - timedelta(days=40)), "check_every_days": 30, "check_limit": "0.5 g"},
])  # fmt: skip
def test_a_check_that_failed_or_is_overdue_is_as_bad_as_an_expired_certificate(
    keys: dict[str, Any], tmp_path: Path
) -> None:
    """The same gate: INVALID, with the reason."""
    record = verify(with_calibration(expanded_uncertainty="0.3 g", **keys), tmp_path / "run")
    assert record.verdict is Verdict.INVALID
    assert {row.verdict for row in record.rows} == {"INVALID"}
    assert all("intermediate check" in row.reason for row in record.rows if row.quantity == "error_of_indication")
    assert record.opened["instruments"][1]["calibration"] in ("check failed", "check overdue")
