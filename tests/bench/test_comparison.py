"""The comparison with the reference meter: it finds what differs, and is quiet about what does not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station, virtual_lab
from meterbench.bench.comparison import ERROR_DIFFERENCE, REGISTER_DIFFERENCE, Comparison
from meterbench.bench.measured_water import MeasuredWater
from meterbench.bench.meter_beside import MeterBeside
from meterbench.bench.opening import Wires
from meterbench.bench.record import RunRecord, load
from meterbench.bench.run import Run, Subject
from meterbench.bench.session import Programme, opening_line, session
from meterbench.bench.traces import NoTraces
from meterbench.dut.reference_meter.hardware.lcd import Glass
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.errors import Cancelled, RecordError
from meterbench.instruments.capabilities import OperatorAnswer
from meterbench.instruments.operator import tasks
from meterbench.procedures import edition, type_evaluation
from meterbench.procedures.initial_verification import NAME, initial_verification
from meterbench.reports.write import write_reports
from meterbench.world.clock import VirtualClock
from tests.conftest import QUICK_METER, station_content, verify

SERIAL = QUICK_METER["serial"]
OPERATOR = {"operator": {"driver": "operator_panel", "address": "virtual"}}


def content(truth: dict[str, Any] | None = None) -> dict[str, Any]:
    """A station with an operator and one quick meter."""
    found = station_content(QUICK_METER | {"truth": truth or {}})
    found["instruments"] |= OPERATOR
    return found


def compare_verification(folder: Path, *, resume: bool = False, stop_after: str = "") -> RunRecord:
    """An initial verification; it is broken off after a step."""
    tables = edition.load()
    programme = Programme(NAME, "Initial verification", tables.header(tables.verification_clause))

    def stop(kind: str, body: Any) -> None:
        if kind == "step_finished" and body["step"] == stop_after:
            raise Cancelled("enough")

    try:
        parsed = station.parse(station_content(), "test")
        with session(parsed, programme, folder, resume=resume, observers=[stop], compare=True) as (run, bench):
            initial_verification(run, bench, tables)
    except Cancelled:
        pass
    return load(folder)


def compare_test(key: str, folder: Path, truth: dict[str, Any] | None = None) -> RunRecord:
    """One test of a type evaluation."""
    tables = edition.load()
    programme = Programme(type_evaluation.NAME, "Type evaluation", tables.header("7"))
    with session(station.parse(content(truth), "test"), programme, folder, compare=True) as (run, bench):
        type_evaluation.suite(tables).carry_out_all(run, bench, [key])
    return load(folder)


def events(record: RunRecord, level: str, part: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (record.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["kind"] == "event" and line["level"] == level and part in line["text"]]


def differences(record: RunRecord) -> list[dict[str, Any]]:
    return [event["difference"] for event in events(record, "warning", "differs from the reference meter")]


def errors(record: RunRecord) -> list[tuple[str, float | None]]:
    return [(row.flow_point, row.value) for row in record.rows if row.quantity == "error_of_indication"]


class TestOnTheVirtualStation:
    """Whole tests, with what is true in the world unknown to the comparison."""

    def test_a_good_unit_shows_no_difference_and_the_run_is_the_same(self, tmp_path: Path) -> None:
        """Another unit of the kind predicts its errors; nothing that is measured changes, nor any verdict."""
        record = compare_verification(tmp_path / "compared")
        rows = [row for row in record.rows if row.quantity == ERROR_DIFFERENCE]
        assert [row.flow_point for row in rows] == ["Q3", "Q2", "Q1"]
        assert all(row.verdict == "NOT_RUN" and abs(row.value) < 0.3 for row in rows if row.value is not None)
        assert all(row.expanded_uncertainty and row.procedure == "comparison" and row.step for row in rows)
        assert differences(record) == []
        (told,) = events(record, "info", "compared with the reference meters")
        assert told["comparison"] == {"errors": 3, "registers": 0, "icons": 0, "hands": 0, "differences": 0}
        alone = verify(station_content(), tmp_path / "alone")
        assert errors(record) == errors(alone)
        assert record.verdict == alone.verdict
        assert [each.suffix for each in write_reports(record, record.folder)]

    def test_a_unit_that_reads_high_is_told_though_it_passes(self, tmp_path: Path) -> None:
        """A gain of 1.5 % is within the MPE of 2 %."""
        record = compare_test("magnetic_field", tmp_path / "run", {"gain_percent": 1.5})
        assert [conclusion.verdict for conclusion in record.clause_verdicts] == ["PASS"]
        found = differences(record)
        assert {each["quantity"] for each in found} == {ERROR_DIFFERENCE}
        assert all(each["found"] - each["predicted"] == pytest.approx(1.5, abs=0.2) for each in found)
        assert [each["meter"] for each in found] == [SERIAL] * 3

    def test_a_display_without_an_icon_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The magnet is felt, the pulses are right, and the glass has lost one segment."""
        make = virtual_lab._meter

        def make_with_broken_glass(*given: Any) -> ReferenceMeter:
            meter = make(*given)
            meter.lcd = Glass(frozenset({"icon.TAMPER"}))
            meter.lcd.supply(True)
            return meter

        monkeypatch.setattr(virtual_lab, "_meter", make_with_broken_glass)
        found = differences(compare_test("magnetic_field", tmp_path / "run"))
        assert [(each["quantity"], each["found"], each["predicted"]) for each in found] == [("icons", [], ["tamper"])]

    @pytest.mark.parametrize("key", ["flow_reversal", "absence_of_flow"])
    def test_it_follows_the_hands(self, tmp_path: Path, key: str) -> None:
        """Turned round, in TEST mode, drained: registers and icons of a good unit are as predicted."""
        record = compare_test(key, tmp_path / "run")
        assert differences(record) == []
        rows = [row for row in record.rows if row.quantity == REGISTER_DIFFERENCE]
        assert len(rows) >= 6
        (told,) = events(record, "info", "compared with the reference meters")
        assert told["comparison"]["hands"] >= 4

    def test_a_reference_meter_that_fails_harms_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One warning; results and verdict are those of a run without it."""

        def fail(*_: object) -> None:
            raise ArithmeticError("no water like this")

        monkeypatch.setattr(MeterBeside, "live", fail)
        record = compare_verification(tmp_path / "compared")
        (told,) = events(record, "warning", "the comparison")
        assert "ArithmeticError: no water like this; the run goes on" in told["text"]
        assert not [row for row in record.rows if row.procedure == "comparison"]
        monkeypatch.undo()
        alone = verify(station_content(), tmp_path / "alone")
        assert (errors(record), record.verdict) == (errors(alone), alone.verdict)

    def test_a_resumed_run_has_new_reference_meters(self, tmp_path: Path) -> None:
        """It says so, and compares what is measured from then on."""
        folder = tmp_path / "run"
        compare_verification(folder, stop_after=f"{NAME}/Q3")
        record = compare_verification(folder, resume=True)
        assert len(events(record, "info", "begins to live beside each of 1 meters: now")) == 1
        assert len(events(record, "info", "anew with the resumption, and knows nothing of what came before")) == 1
        rows = [row.flow_point for row in record.rows if row.quantity == ERROR_DIFFERENCE]
        assert rows == ["Q3", "Q2", "Q1"]
        assert differences(record) == []


class Beside:
    """A comparison alone, fed by hand: a run, a clock and looks at a rig."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(lambda _: True, datetime(2026, 11, 22, 7, tzinfo=UTC))
        parsed = station.parse(station_content(), "test")
        line = opening_line(parsed, Programme("p", "t", {}), None, Wires())
        self.run = Run.open(folder, self.clock, line)
        self.comparison = Comparison(self.run, self.clock, parsed.batch(), 1013.25)
        self.run.observe(self.comparison.heed)
        self.sink = self.comparison.beside(NoTraces())

    def flow(self, flow_l_h: float, seconds: float, every_s: float = 0.5, **more: Any) -> None:
        for _ in range(round(seconds / every_s)):
            self.clock.sleep(every_s)
            self.sink.keep("rig", look(flow_l_h) | more)

    def collect(self, flow_l_h: float, seconds: float) -> None:
        self.flow(flow_l_h, seconds, state="DIVERTING")
        self.flow(flow_l_h, 5.0)

    def read(self, answer: str, screen: str = "volume") -> None:
        self.run.act(tasks.read_display(SERIAL, screen), OperatorAnswer(answer, "R. Maier", False, 1.0))

    def error(self, value: float | None) -> None:
        self.run.measure("error_of_indication", value, "%", Subject("p", "", "", SERIAL, "Q3"), upper=5.0)

    @property
    def rows(self) -> list[Any]:
        return [row for row in self.run.rows if row.procedure == "comparison"]


def look(flow_l_h: float) -> dict[str, Any]:
    """A row of the trace of a rig that regulates in line C."""
    return {
        "state": "RUNNING" if flow_l_h else "IDLE",
        "flow_line_a_l_h": 0.0,
        "flow_line_b_l_h": 0.1,
        "flow_line_c_l_h": flow_l_h,
        "pressure_upstream_kpa": 400.0,
        "pressure_downstream_kpa": 390.0,
        "water_temp_upstream_c": 20.0,
        "water_temp_downstream_c": 20.1,
        "ambient_temp_c": 21.0,
    }


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    made = Beside(tmp_path / "run")
    yield made
    made.run.close()


class TestFedByHand:
    """What is compared with what, and what is not."""

    def test_a_display_that_runs_ahead_is_told(self, beside: Beside) -> None:
        """It has gained 5 L more than the 100 L that flowed."""
        beside.flow(0.0, 10.0)
        beside.read("000012.000 m³")
        beside.flow(1000.0, 360.0)
        beside.flow(0.0, 10.0)
        beside.read("000012.101 m³")
        beside.read("000012.105 m³")
        assert [row.value for row in beside.rows] == [pytest.approx(1.0, abs=0.5), pytest.approx(5.0, abs=0.5)]
        (told,) = differences(load(beside.run.folder))
        assert (told["quantity"], told["unit"]) == (REGISTER_DIFFERENCE, "L")
        assert told["found"] == pytest.approx(105.0)

    def test_registers_count_anew_after_a_gap_in_which_nobody_looked(self, beside: Beside) -> None:
        """The flow was another one after it; so it is after cycles that the rig alone saw."""
        beside.flow(0.0, 10.0)
        beside.read("000012.000 m³")
        beside.flow(1000.0, 60.0, every_s=60.0)
        beside.read("000099.000 m³")
        assert beside.rows == []
        beside.run.trace("traces/cycles/0001.parquet", 1, "00")
        beside.read("000199.000 m³")
        beside.flow(1000.0, 5.0)
        beside.read("000199.001 m³")
        assert len(beside.rows) == 1

    @pytest.mark.parametrize("answer", ["nothing to be seen", "12", "000012.000 L", ""])
    def test_what_is_no_volume_is_not_compared(self, beside: Beside, answer: str) -> None:
        """Nor does it count as the first reading."""
        beside.flow(0.0, 10.0)
        beside.read(answer)
        beside.read("000012.000 m³")
        assert beside.rows == []

    def test_an_error_needs_a_collection_of_its_step(self, beside: Beside) -> None:
        """One of another step, or no value, is compared with nothing."""
        beside.flow(1000.0, 5.0)
        with beside.run.step("p/one"):
            beside.collect(1000.0, 60.0)
            beside.error(None)
            assert beside.rows == []
            beside.error(0.0)
        assert [row.value for row in beside.rows] == [pytest.approx(0.0, abs=0.3)]
        with beside.run.step("p/two"):
            beside.error(0.0)
        assert len(beside.rows) == 1

    def test_a_hand_that_a_good_unit_refuses_is_told(self, beside: Beside) -> None:
        """A battery where there is one already."""
        beside.flow(0.0, 10.0)
        beside.run.act(tasks.insert_source(SERIAL, "C1"), OperatorAnswer("done", "R. Maier", False, 1.0))
        (told,) = differences(load(beside.run.folder))
        assert (told["quantity"], told["where"]) == ("hands", "insert_source")
        beside.flow(0.0, 10.0)
        beside.comparison.finish()
        assert events(load(beside.run.folder), "info", "1 hands; 1 of them differ")

    def test_batteries_beside_a_supply_are_not_predicted(self, beside: Beside) -> None:
        """The supply is looked at now and then only; while none stands there, an icon of a battery is told."""
        beside.flow(0.0, 10.0)
        answer = OperatorAnswer("LOW_BATTERY_INTERNAL", "R. Maier", False, 1.0)
        beside.run.act(tasks.read_icons(SERIAL), answer)
        assert [each["found"] for each in differences(load(beside.run.folder))] == [["low_battery_internal"]]
        beside.sink.keep("supply_1", {"voltage_v": 3.6, "current_ma": 0.1})
        beside.run.act(tasks.read_icons(SERIAL), answer)
        assert len(differences(load(beside.run.folder))) == 1

    def test_registers_count_anew_when_the_supply_may_have_switched_the_meter_off(self, beside: Beside) -> None:
        """Nobody knows for how long it counted."""
        beside.flow(0.0, 10.0)
        beside.sink.keep("supply_1", {"voltage_v": 3.6})
        beside.read("000012.000 m³")
        beside.sink.keep("supply_1", {"voltage_v": 2.0})
        beside.read("000012.000 m³")
        assert beside.rows == []

    def test_a_record_that_takes_no_line_is_the_fault_of_the_bench(
        self, beside: Beside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full disk is not hidden as a fault of the comparison."""
        beside.flow(1000.0, 5.0)

        def full(*_: object, **__: object) -> None:
            raise RecordError("no space left")

        with beside.run.step("p/one"):
            beside.collect(1000.0, 60.0)
            monkeypatch.setattr(beside.run, "report", full)
            with pytest.raises(RecordError, match="no space left"):
                beside.error(0.0)

    def test_no_meter_of_a_line_can_be_the_same_unit(self, beside: Beside) -> None:
        """Chance is drawn from seed and serial number; its serial number is longer than a station file allows."""
        (each,) = beside.comparison._beside.values()
        assert len(each._meter.nameplate.serial) > 40


class TestMeasuredWater:
    """The rig's looks as stretches."""

    def test_no_volume_is_lost(self) -> None:
        """A ramp, noise and a stop: what is lived through is the integral of the looks."""
        water = MeasuredWater()
        flows = [0.0, 100.0, 500.0, 1000.0, 1001.0, 999.0, 1000.0, 300.0, 0.0, 0.0]
        assert all(water.look(0.5 * number, look(flow)) for number, flow in enumerate(flows))
        stretches = water.take()
        assert len(stretches) < len(flows) - 1
        assert [one.end_s for one in stretches[:-1]] == [one.start_s for one in stretches[1:]]
        expected_l = sum(flows) * 0.5 / 3600.0
        assert math.fsum(one.volume_l for one in stretches) == pytest.approx(expected_l)
        assert water.passed_l == pytest.approx(expected_l)

    def test_the_line_in_use_is_the_one_that_carries_most_of_its_scale(self) -> None:
        """The zero of the large flow meter shows more L/h than the small line carries."""
        water = MeasuredWater()
        row = look(0.0) | {"state": "RUNNING", "flow_line_a_l_h": 4.0, "flow_line_c_l_h": 5.0}
        water.look(0.0, row)
        water.look(3600.0, row)
        assert water.passed_l == pytest.approx(4.0)

    def test_the_zero_of_a_flow_meter_is_no_flow(self) -> None:
        """Unless the rig regulates one."""
        water = MeasuredWater()
        for at_s in (0.0, 3600.0):
            water.look(at_s, look(0.0) | {"flow_line_b_l_h": 0.5, "flow_line_c_l_h": 3.0})
        assert water.passed_l == 0.0

    def test_a_look_without_a_number_is_passed_over(self) -> None:
        """What is held is what was seen before and after it."""
        water = MeasuredWater()
        water.look(0.0, look(360.0))
        water.look(0.5, look(math.nan))
        water.look(1.0, look(360.0) | {"pressure_upstream_kpa": math.nan})
        water.look(2.0, look(360.0))
        assert water.passed_l == pytest.approx(0.2)
