"""Instruments that see the same thing: what drifts is found by what does not. Kinds: unit, plant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import opening, virtual_lab
from meterbench.bench.bench import Bench, Standard
from meterbench.bench.certificate import CalibrationPoint, CalibrationState, Certificate
from meterbench.bench.cross_check import (
    Allowances,
    Comparison,
    MasterVolume,
    chamber_probe_against_chamber,
    master_corrected,
    pressure_against_rig,
    probe_against_rig,
    weighed_against_master,
)
from meterbench.bench.record import RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.bench.station import parse
from meterbench.bench.verdict import Verdict
from meterbench.errors import DeadlineExceeded
from meterbench.instruments.capabilities import ChamberStatus, Exchange, Identity, MasterReading
from meterbench.procedures import edition
from meterbench.procedures.conditions import unmet
from meterbench.procedures.draw_profile import NAME as DRAWS
from meterbench.procedures.draw_profile import draw_profile
from meterbench.procedures.flow_trace import Draw, Stretch
from meterbench.world.segment import InLine, Segment
from tests.conftest import QUICK_METER, station_content, verify

LONG_METER = QUICK_METER | {"ratio": 1600}
"""At its Q1, 3.9 L/h, a litre takes a quarter of an hour, in a tank that is full."""
ALLOWANCES = Allowances(master_percent=0.3, master_step_l=0.05, water_temp_k=0.3, pressure_kpa=10.0, chamber_k=1.0)
CERTIFICATE = Certificate("D-9", date(2099, 6, 30), 0.2, "0.2 %", "%")


# By hand.


def test_a_flying_collection_is_compared_by_its_mean_flow() -> None:
    """3600 L/h are 100 L in the 100 s of the gate; the totaliser counted longer, in steps, and is not asked."""
    master = MasterVolume("master_c", 102.0, 3600.0, 0.3)
    found = weighed_against_master(100.5, 0.4, 100.0, master, ALLOWANCES)
    assert found.differences == (pytest.approx(0.5),)
    assert found.allowed == pytest.approx(0.5 + 0.3)
    assert found.condition().met
    assert "balance" in found.quantity
    assert "master_c" in found.quantity


def test_a_standing_collection_is_compared_by_its_volume() -> None:
    """All that ran was counted and weighed, to a step of the totaliser."""
    found = weighed_against_master(101.0, 0.4, 300.0, MasterVolume("master_c", 100.0, None, 0.3), ALLOWANCES)
    assert found.differences == (pytest.approx(1.0),)
    assert found.allowed == pytest.approx(0.5 + 0.3 + 0.05)
    assert not found.condition().met


@pytest.mark.parametrize("counted_l", [0.0, -1.0, math.nan])
def test_a_flow_meter_that_counted_nothing_agrees_with_nobody(counted_l: float) -> None:
    """No volume or flow, or one that is not a number: not met, and the sentence says that it is not known."""
    for master in (MasterVolume("master_a", counted_l, None, 0.3), MasterVolume("master_a", 1.0, counted_l, 0.3)):
        condition = weighed_against_master(1.0, 0.4, 100.0, master, ALLOWANCES).condition()
        assert not condition.met
        assert unmet([condition]) == ["volume weighed by the balance against master_a: not known"]


@pytest.mark.parametrize(("difference", "met"), [(0.35, True), (-0.35, True), (0.351, False), (-0.351, False)])
def test_the_limit_belongs_to_agreement(difference: float, met: bool) -> None:
    """U of the certificates, and the allowance, added."""
    assert Comparison("a against b", "K", (0.0, difference), 0.05, 0.3).condition().met == met


@pytest.mark.parametrize("place", range(2))
def test_one_unknown_difference_is_enough(place: int) -> None:
    """NaN at either end is not met."""
    differences = [0.0, 0.0]
    differences[place] = math.nan
    assert not Comparison("a against b", "K", tuple(differences), 0.05, 0.3).condition().met


def test_each_pair_in_its_unit() -> None:
    """Probe against rig, gauge against rig, chamber's probe against chamber: first less second."""
    assert probe_against_rig([(20.0, 20.1), (20.5, 20.1)], 0.05, ALLOWANCES).differences == pytest.approx((-0.1, 0.4))
    assert pressure_against_rig([(400.0, 388.0)], 1.0, ALLOWANCES).condition().met is False
    assert chamber_probe_against_chamber(55.0, 54.0, 0.1, ALLOWANCES).condition().met
    assert "chamber_probe" in chamber_probe_against_chamber(55.0, 54.0, 0.1, ALLOWANCES).quantity


def test_a_flow_meter_is_corrected_where_its_certificate_reaches() -> None:
    """Beyond its points it witnesses uncorrected, with its largest error as uncertainty."""
    known = replace(CERTIFICATE, points=(CalibrationPoint(20.0, -1.0, 0.2), CalibrationPoint(2000.0, 1.0, 0.1)))
    assert master_corrected(101.0, 2000.0, known) == (pytest.approx(100.0), 0.1)
    assert master_corrected(101.0, 5.0, known) == (101.0, pytest.approx(1.2))


# On the virtual lab, with hand-made witnesses that see the plant.


class _Seen:
    """What every instrument has."""

    identity = Identity("made", "by hand", "1", "0")

    def __init__(self, role: str) -> None:
        self.role = role

    def trace(self) -> Sequence[Exchange]:
        return ()

    def close(self) -> None:
        pass


class Totaliser(InLine):
    """Stands in a slot around what is clamped there, and counts by line what passes."""

    def __init__(self, inner: InLine, lab: virtual_lab.VirtualLab) -> None:
        self._inner, self._lab, self.plant = inner, lab, lab.plant
        self.volume_l = dict.fromkeys("ABC", 0.0)

    def advance(self, segment: Segment) -> None:
        if self._lab.plant.line is not None:
            self.volume_l[self._lab.plant.line] += segment.volume_l
        self._inner.advance(segment)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Master(_Seen):
    """A flow meter with a gain of its own."""

    def __init__(self, line: str, total: Totaliser, gain: float) -> None:
        super().__init__(f"master_{line.lower()}")
        self._line, self._total, self._gain = line, total, gain

    def read(self) -> MasterReading:
        """The totaliser in steps of 30 mL, as a float of 32 bits gives them."""
        plant = self._total.plant
        flow_l_h = self._gain * plant.flow_l_h if plant.line == self._line else 0.0
        counted_l = 0.03 * round(self._gain * self._total.volume_l[self._line] / 0.03)
        return MasterReading(flow_l_h, 5000.0 + counted_l, math.nan, math.nan)


class Gauge(_Seen):
    """A reference gauge before the meters."""

    def __init__(self, lab: virtual_lab.VirtualLab, offset_kpa: float) -> None:
        super().__init__("pressure")
        self._lab, self._offset_kpa = lab, offset_kpa

    def pressure_kpa(self) -> float:
        return self._lab._loop.call(lambda: self._lab.plant.pressure_upstream_kpa) + self._offset_kpa


class Chamber(_Seen):
    """A climate chamber that believes that it is as warm as it was told."""

    limits_c = (-70.0, 180.0)

    def __init__(self, temp_c: float, running: bool) -> None:
        super().__init__("chamber")
        self._status = ChamberStatus(running, temp_c, temp_c, ())

    def status(self) -> ChamberStatus:
        return self._status

    def make_safe(self) -> None:
        pass


class ChamberProbe(_Seen):
    """A platinum probe at 20 degC."""

    def resistance_ohm(self) -> float:
        return 107.7935


Witnesses = Callable[..., None]


@pytest.fixture
def witnesses(monkeypatch: pytest.MonkeyPatch) -> Witnesses:
    """Puts instruments into the next stations: flow meters in ``lines``, a gauge, a chamber."""

    def install(
        lines: str = "ABC",
        gain: float = 1.001,
        gauge_offset_kpa: float | None = None,
        chamber: Chamber | None = None,
        certificate: Certificate | None = CERTIFICATE,
    ) -> None:
        labs: list[virtual_lab.VirtualLab] = []
        totals: list[Totaliser] = []

        class KnownLab(virtual_lab.VirtualLab):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given)
                slot = self.plant.slots[-1]
                totals.append(Totaliser(slot.device, self))
                slot.device = totals[-1]
                labs.append(self)

        def more(clock: Any, standards: Sequence[Standard], *rest: Any, **named: Any) -> Bench:
            extra: list[Any] = [Master(line, totals[-1], gain) for line in lines]
            if gauge_offset_kpa is not None:
                extra.append(Gauge(labs[-1], gauge_offset_kpa))
            if chamber is not None:
                extra += [chamber, ChamberProbe("chamber_probe")]
            made = [Standard(each.role, "", "", each, certificate, CalibrationState.VALID) for each in extra]
            bench = Bench(clock, [*standards, *made], *rest, **named)
            bench._witnesses._chamber_probe = bench._probe
            return bench

        monkeypatch.setattr(virtual_lab, "VirtualLab", KnownLab)
        monkeypatch.setattr(opening, "Bench", more)

    return install


def seen(record: RunRecord, words: str) -> list[bool]:
    return [condition.met for condition in record.conditions if words in condition.quantity]


def drifting(percent_h: float, role: str = "balance", meter: dict[str, Any] = QUICK_METER) -> dict[str, Any]:
    fault = {"kind": "drift", "drift_percent_h": percent_h}
    return station_content(meter, faults={role: [fault]})


def test_good_witnesses_agree(witnesses: Witnesses, tmp_path: Path) -> None:
    """A flow meter 0.1 % off, a gauge 1 kPa off: PASS as without them; each comparison is a condition of the record."""
    witnesses(gauge_offset_kpa=1.0, chamber=Chamber(20.3, running=True))
    record = verify(station_content(), tmp_path / "run")
    assert record.verdict is Verdict.PASS
    assert seen(record, "against master_") == [True] * 3
    assert seen(record, "reference gauge") == [True] * 3
    assert seen(record, "chamber_probe") == [True] * 3
    assert seen(record, "rig's own sensors") == [True] * 3
    kept = {(line["instrument"], line["quantity"]) for line in record.readings}
    assert {("master_c", "totaliser_start"), ("master_b", "counted_volume_corrected"), ("pressure", "pressure_end"),
            ("chamber_probe", "air_temperature_corrected")} <= kept  # fmt: skip


@pytest.mark.parametrize("percent_h", [0.1, -0.1])
@pytest.mark.parametrize("gain_percent", [0.0, -6.0], ids=["good unit", "bad unit"])
def test_a_drifting_balance_is_invalid_never_pass_never_fail(
    percent_h: float, gain_percent: float, witnesses: Witnesses, tmp_path: Path
) -> None:
    """0.1 % an hour is 28 mg a second on 100 kg: the balance calls it stable, and at Q1 it makes 2.5 % of a litre.

    Nothing on the wire tells; the flow meter of the line does: INVALID, and the sentence names both.
    """
    witnesses()
    record = verify(drifting(percent_h, meter=LONG_METER | {"truth": {"gain_percent": gain_percent}}), tmp_path / "run")
    (at_q1,) = (row for row in record.rows if (row.quantity, row.flow_point) == ("error_of_indication", "Q1"))
    assert at_q1.verdict == "INVALID"
    assert "volume weighed by the balance against master_a" in at_q1.reason
    assert {conclusion.verdict for conclusion in record.meter_verdicts} <= {"INVALID", "FAIL" if gain_percent else ""}


def test_without_witnesses_such_a_drift_would_count(tmp_path: Path) -> None:
    """What the comparison is for: 0.05 % an hour is 1.2 % of the volume at Q1, and the rig's own flow meter agrees."""
    record = verify(drifting(0.05, meter=LONG_METER), tmp_path / "run")
    assert record.verdict is Verdict.PASS


@pytest.mark.parametrize("percent_h", [0.03, 0.05, -0.05, 0.3, 1.0, -10.0])
def test_no_drift_is_a_pass_that_is_wrong(percent_h: float, witnesses: Witnesses, tmp_path: Path) -> None:
    """Fast ones the balance itself calls unstable: the run ends in an error. Of others what still counts is good."""
    witnesses()
    good = verify(station_content(LONG_METER), tmp_path / "good")
    try:
        record = verify(drifting(percent_h, meter=LONG_METER), tmp_path / "run")
    except DeadlineExceeded:
        assert "balance" in load(tmp_path / "run").closed["reasons"][0]  # type: ignore[index]
        return
    errors = {row.flow_point: row.value for row in good.rows if row.quantity == "error_of_indication"}
    for row in record.rows:
        if row.quantity == "error_of_indication" and row.verdict != "INVALID":
            assert row.value == pytest.approx(errors[row.flow_point], abs=0.7)
    if abs(percent_h) >= 0.05:
        assert record.verdict is Verdict.INVALID


@pytest.mark.parametrize(("installed", "words"), [
    ({"gain": 1.02}, "against master_"),
    ({"lines": "C", "gain": 0.98}, "against master_c"),
    ({"lines": "", "gauge_offset_kpa": 30.0}, "reference gauge"),
    ({"lines": "", "chamber": Chamber(22.0, running=True)}, "chamber_probe"),
])  # fmt: skip
def test_two_that_disagree_void_the_result(
    installed: dict[str, Any], words: str, witnesses: Witnesses, tmp_path: Path
) -> None:
    """Nobody knows which of the two is wrong: INVALID."""
    witnesses(**installed)
    record = verify(station_content(), tmp_path / "run")
    assert record.verdict is Verdict.INVALID
    assert False in seen(record, words)
    assert any(words in row.reason for row in record.rows)


def test_a_probe_that_reads_high_is_found_by_the_rigs_sensors(tmp_path: Path) -> None:
    """No extra instrument is needed: 0.5 % of the resistance is 1.3 K."""
    content = station_content()
    content["instruments"]["thermometer"]["probe"] = {"r0_ohm": 99.5}
    record = verify(content, tmp_path / "run")
    assert record.verdict is Verdict.INVALID
    words = "water temperature of the thermometer against the rig's own sensors"
    assert seen(record, words) == [False] * 3
    assert all(words in row.reason for row in record.rows if row.quantity == "error_of_indication")


@pytest.mark.parametrize(
    "installed", [{"lines": "A"}, {"certificate": None}, {"chamber": Chamber(50.0, running=False)}]
)
def test_who_cannot_witness_is_not_asked(installed: dict[str, Any], witnesses: Witnesses, tmp_path: Path) -> None:
    """A flow meter in another line, one without a certificate, a chamber that is off."""
    witnesses(**installed)
    record = verify(station_content(), tmp_path / "run")
    assert record.verdict is Verdict.PASS
    words = "chamber_probe" if "chamber" in installed else "against master"
    assert seen(record, words) == []


def test_who_does_not_witness_is_named(witnesses: Witnesses, tmp_path: Path) -> None:
    """A flow meter without a certificate is a comparison that nobody makes: a warning before a drop runs."""
    witnesses(lines="AC", certificate=None)
    record = verify(station_content(), tmp_path / "run")
    warnings = [event["text"] for event in record.events if event["level"] == "warning"]
    assert warnings == [f"master_{line} has no calibration certificate: it does not witness" for line in "ac"]


def test_one_whose_certificate_has_expired_may_still_take_a_pass_away(witnesses: Witnesses, tmp_path: Path) -> None:
    """It is compared, and the warning says what it is worth."""
    witnesses(certificate=replace(CERTIFICATE, due=date(2020, 1, 1)), gain=1.02)
    record = verify(station_content(), tmp_path / "run")
    assert record.verdict is Verdict.INVALID
    assert any(
        "master_c is out of calibration: certificate D-9 was due on 2020-01-01: it may only take a PASS away"
        in event["text"]
        for event in record.events
    )


def draws(folder: Path, content: dict[str, Any]) -> RunRecord:
    tables = edition.load()
    parts = [Draw((Stretch(20.0, 300.0), Stretch(30.0, 500.0))), Draw((Stretch(40.0, 2000.0),))]
    with session(parse(content, "test"), Programme(DRAWS, "Draws", tables.header("")), folder) as (run, bench):
        draw_profile(run, bench, tables, parts)
    return load(folder)


@pytest.mark.parametrize(("gain", "verdict"), [(1.001, Verdict.PASS), (1.03, Verdict.INVALID)])
def test_draws_over_two_lines_are_counted_by_both_flow_meters(
    gain: float, verdict: Verdict, witnesses: Witnesses, tmp_path: Path
) -> None:
    """Standing start and finish: the volumes themselves are compared, summed over the lines that carried them."""
    witnesses(gain=gain)
    record = draws(tmp_path / "run", station_content())
    assert record.verdict is verdict
    assert seen(record, "against master_a and master_b and master_c") == [verdict is Verdict.PASS]


@pytest.mark.parametrize(
    ("faults", "verdict"),
    [({}, Verdict.PASS), ({"balance": [{"kind": "drift", "drift_percent_h": 0.1}]}, Verdict.INVALID)],
    ids=["steady balance", "drifting balance"],
)
def test_with_real_drivers_of_flow_meters(faults: dict[str, Any], verdict: Verdict, tmp_path: Path) -> None:
    """Coriolis meters on Modbus in lines A and C: a whole verification, from the station file to the conclusion."""
    content = station_content(LONG_METER, faults=faults)
    calibration = {"certificate": "D-9", "due": "2099-06-30", "expanded_uncertainty": "0.6 %"}
    for role in ("master_a", "master_c"):
        content["instruments"][role] = {"driver": "krohne_mfc400", "calibration": calibration}
    record = verify(content, tmp_path / "run")
    assert record.verdict is verdict
    assert all(seen(record, "against master_")) == (verdict is Verdict.PASS)


def test_defaults_that_nobody_measured_are_a_doubt() -> None:
    """Of a real station; of a simulated one they are true."""
    with opening.open_station(parse(station_content(), "test")) as bench:
        assert bench.doubts() == []
        bench.assumed = ("air_pressure_hpa",)
        assert bench.doubts() == [
            "the station file does not say air_pressure_hpa: a default counts, measured by nobody"
        ]
