"""A type evaluation's record with every kind of table, written with ``Run`` and without a bench."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from meterbench.bench.record import Budget, Condition, Contribution
from meterbench.bench.run import Run, Subject
from meterbench.bench.traces import Traces
from meterbench.bench.verdict import Verdict, worst
from meterbench.instruments.capabilities import OperatorAnswer, OperatorTask
from meterbench.instruments.operator import tasks
from meterbench.procedures import edition
from meterbench.world.clock import VirtualClock
from tests.reports.sample_run import _opening

SERIALS = ("10000001", "10000002", "10000003")
FLOWS = {"Q4": 3047.0, "Q3": 2375.0, "0.7(Q2+Q3)": 1752.0, "0.35(Q2+Q3)": 876.0, "Q2": 2.62, "Q1": 1.64}


class SampleEvaluation:
    """Writes the tests one after the other; meter 10000002 swims out of its fault limit under a discharge."""

    def __init__(self, folder: Path, *, title: str = "Type evaluation", simulated: bool = True) -> None:
        self.clock = VirtualClock(lambda _: True, datetime(2026, 3, 4, 9, 0, tzinfo=UTC))
        self.edition = edition.load()
        opened = _opening("type-approval", SERIALS, simulated, False, 1)
        opened |= {"title": title, "edition": self.edition.header(""), "settings": {}, "reference": {}}
        self.run = Run.open(folder, self.clock, opened)
        self.traces = Traces(folder, self.clock, self.run.trace)
        self.chance = random.Random(1)

    def write(self, tests: Sequence[str] = ()) -> None:
        """All tests or only these, conclusions and closing."""
        for clause, (title, reason) in self.edition.not_applicable().items():
            self.run.not_applicable(clause, title, reason)
        for test in self.edition.tests():
            if not tests or test.key in tests:
                getattr(self, f"_{test.key}", self._plain)(test)
        for serial in SERIALS:
            found = {clause: verdict for (clause, meter), verdict in self.run.clauses.items() if meter == serial}
            reasons = [f"{clause}: {each}" for clause, each in found.items() if each is not Verdict.PASS]
            self.run.conclude_meter(serial, worst(found.values()), reasons)
        self.traces.flush()
        self.run.close()

    def ask(self, task: OperatorTask, answer: str) -> None:
        """One act of the operator, who takes five minutes."""
        self.clock.sleep(300.0)
        self.run.act(task, OperatorAnswer(answer, "A. Tester", False, 300.0))

    def error(
        self,
        test: edition.Test,
        meters: Sequence[str],
        point: str,
        condition: str = "",
        repeat: int = 1,
        bias_percent: float = 0.0,
        fault_percent: float | None = None,
        invalid: Sequence[str] = (),
    ) -> list[Verdict]:
        """One collection: readings, conditions, a budget, a row each meter."""
        parts = [test.name, condition, point]
        step = "/".join(part for part in parts if part) + (f", repeat {repeat}" if repeat > 1 else "")
        flow_l_h, limit, verdicts = FLOWS[point], 5.0 if point == "Q1" else 2.0, []
        volume_l = max(1.0, flow_l_h / 30.0)
        with self.run.step(step):
            self.clock.sleep(volume_l / flow_l_h * 3600.0)
            self.run.reading("balance", "weighed_mass", volume_l * 998.2, "g")
            self.run.reading("rig", "ambient_temperature", 21.3, "°C")
            self.run.condition(
                Condition("", "mean flow", "L/h", flow_l_h * 0.999, flow_l_h, flow_l_h * 0.95, flow_l_h * 1.05,
                          not invalid, "7.4.4", f"window of {point}")
            )  # fmt: skip
            for place, serial in enumerate(meters):
                error = self.chance.gauss(0.3, 0.05) + bias_percent + (1.0 if point == "Q1" else 0.0)
                readings = {
                    "actual_flow": (flow_l_h, "L/h"), "line_pressure": (300.0 - place, "kPa"),
                    "water_temperature": (20.0 + 0.02 * place, "°C"), "actual_volume": (volume_l, "L"),
                    "indicated_volume": (volume_l * (1 + error / 100), "L"),
                }  # fmt: skip
                for quantity, (number, unit) in readings.items():
                    self.run.reading("rig", quantity, number, unit, meter=serial)
                self.run.budget(_budget(step, serial, 0.9 if point == "Q1" else 0.25))
                where = self._subject(test, serial, condition, point, repeat)
                if fault_percent is None:
                    verdicts.append(
                        self.run.measure(
                            "error_of_indication", error, "%", where, expanded_uncertainty=0.25,
                            uncertainty_limit=limit / 5, lower=-limit, upper=limit, invalid=invalid,
                        )
                    )  # fmt: skip
                    continue
                self.run.report("error_of_indication", error, "%", where, expanded_uncertainty=0.25)
                verdicts.append(
                    self.run.measure(
                        "fault", fault_percent, "%", where, expanded_uncertainty=0.35, lower=-1.0, upper=1.0
                    )
                )
        return verdicts

    def conclude(self, test: edition.Test, meters: Sequence[str], verdicts: Sequence[Verdict] = ()) -> None:
        """The same of all its samples."""
        found = worst(verdicts) if verdicts else Verdict.PASS
        reasons = [] if found is Verdict.PASS else ["see the rows"]
        for serial in meters:
            self.run.conclude_clause(test.clause, test.title, serial, found, reasons, test.requirements)

    def _subject(
        self, test: edition.Test, serial: str, condition: str = "", point: str = "", repeat: int = 1
    ) -> Subject:
        return Subject(test.name, test.clause, " ".join(test.requirements), serial, point, condition, repeat)

    def _plain(self, test: edition.Test) -> None:
        """A test of errors at one flow under two conditions."""
        meters = SERIALS[: test.samples or 3]
        verdicts = [
            *self.error(test, meters, "Q2", "lowest"),
            *self.error(test, meters, "Q2", "highest, with words that take their room", bias_percent=0.1),
        ]
        self.conclude(test, meters, verdicts)

    def _static_pressure(self, test: edition.Test) -> None:
        verdicts = []
        for serial in SERIALS:
            for pressure_mpa in (2.56, 3.2):
                self.ask(tasks.pressurise(serial, pressure_mpa), f"{pressure_mpa}")
                with self.run.step(f"{test.name}/{pressure_mpa:g} MPa, {serial}"):
                    self.run.reading("operator", "pressure_before", pressure_mpa, "MPa", meter=serial)
                    self.run.reading("operator", "pressure_after", pressure_mpa - 0.01, "MPa", meter=serial)
                    where = self._subject(test, serial, f"{pressure_mpa:g} MPa")
                    verdicts.append(self.run.measure("pressure_fall", 0.3, "%", where, upper=2.0))
                    verdicts.append(self.run.measure("tight", 1.0, "", where, lower=1.0))
        self.conclude(test, SERIALS, verdicts)

    def _pressure_loss(self, test: edition.Test) -> None:
        self.ask(tasks.take_out(SERIALS[0]), tasks.DONE)
        names = ("at_rest", "differential_pressure", "scatter", "flow", "water_temperature", "mass_start", "mass_end")
        for condition in ("without", "with meter"):
            for point in ("Q3", "Q2"):
                with self.run.step(f"{test.name}/{condition}/{point}"):
                    for place, name in enumerate(names):
                        self.run.reading("rig", name, 10.0 + place, "kPa", meter=SERIALS[0])
        with self.run.step(f"{test.name}/conclusion"):
            where = self._subject(test, SERIALS[0], "2500 L/h", "Q3")
            verdict = self.run.measure(
                "pressure_loss", 31.2, "kPa", where, expanded_uncertainty=0.8, uncertainty_limit=1.6, upper=40.0
            )
        self.conclude(test, SERIALS[:1], [verdict])

    def _intrinsic_error(self, test: edition.Test) -> None:
        for serial, angle_deg in zip(SERIALS, (0.0, 90.0, 45.0), strict=True):
            self.ask(tasks.incline(serial, angle_deg), tasks.DONE)
        self.conclude(test, SERIALS, self._curve(test, ""))

    def _curve(self, test: edition.Test, condition: str, bias_percent: float = 0.0) -> list[Verdict]:
        verdicts = []
        for point in FLOWS:
            for repeat in range(1, 4 if point in ("Q1", "Q2", "Q3") else 3):
                verdicts += self.error(test, SERIALS, point, condition, repeat, bias_percent)
        with self.run.step(f"{test.name}/conclusion"):
            for serial in SERIALS:
                for point in ("Q1", "Q2", "Q3"):
                    where = self._subject(test, serial, condition, point)
                    upper = 5 / 3 if point == "Q1" else 2 / 3
                    verdicts.append(self.run.measure("repeatability", 0.05, "%", where, upper=upper))
                where = self._subject(test, serial)
                verdicts.append(self.run.measure("same_sign_rule", 0.15, "of the MPE", where, upper=0.5))
        return verdicts

    def _durability_discontinuous(self, test: edition.Test, bias_percent: float = 0.3) -> None:
        with self.run.step(f"{test.name}/cycles"):
            self.clock.sleep(3_200_000.0)
            for days in range(37):
                self.run.reading("rig", "cycles", 2700.0 * (days + 1), "1")
                self.run.reading("rig", "pressure_upstream", 300.0 + days % 3, "kPa")
        verdicts = self._curve(test, "after", bias_percent)
        with self.run.step(f"{test.name}/shift"):
            for serial in SERIALS:
                for point in FLOWS:
                    where, limit = self._subject(test, serial, "after", point), 6.0 if point == "Q1" else 2.5
                    mean = 0.3 + bias_percent
                    verdicts.append(self.run.measure("mean_error_after", mean, "%", where, lower=-limit, upper=limit))
                    where = self._subject(test, serial, "against 7.4", point)
                    upper = 3.0 if point == "Q1" else 1.5
                    verdicts.append(self.run.measure("curve_shift", bias_percent, "%", where, upper=upper))
        self.conclude(test, SERIALS, verdicts)

    def _durability_continuous(self, test: edition.Test) -> None:
        self._durability_discontinuous(test, 0.45)

    def _dry_heat(self, test: edition.Test) -> None:
        verdicts = self.error(test, SERIALS, "0.7(Q2+Q3)", "before")
        for temp_c in test.data("temps_c", "values"):
            self._air(20.0, temp_c, 2.0)
            verdicts += self.error(test, SERIALS, "0.7(Q2+Q3)", f"{temp_c:g} °C after 2 h")
        self._air(70.0, 20.0, 2.0)
        verdicts += self.error(test, SERIALS, "0.7(Q2+Q3)", "after recovery")
        self.conclude(test, SERIALS, verdicts)

    _cold = _dry_heat

    def _damp_heat(self, test: edition.Test) -> None:
        verdicts = self.error(test, SERIALS, "0.7(Q2+Q3)", "before")
        for _ in range(2):
            self._air(25.0, 55.0, 12.0, humidity_percent=94.0)
            self._air(55.0, 25.0, 12.0, humidity_percent=97.0)
        verdicts += self.error(test, SERIALS, "0.7(Q2+Q3)", "after recovery", fault_percent=0.2)
        self.conclude(test, SERIALS, verdicts)

    def _air(self, start_c: float, end_c: float, hours: float, humidity_percent: float = math.nan) -> None:
        for minute in range(0, int(60 * hours), 10):
            temp_c = start_c + (end_c - start_c) * min(1.0, minute / 60.0)
            values = {"air_temp_c": temp_c + self.chance.gauss(0, 0.2), "setpoint_c": end_c, "running": 1.0}
            if not math.isnan(humidity_percent):
                values["humidity_percent"] = humidity_percent + self.chance.gauss(0, 0.5)
            self.traces.keep("chamber", values)
            self.clock.sleep(600.0)

    def _electrostatic_discharge(self, test: edition.Test) -> None:
        meters = SERIALS[1:2]
        verdicts = self.error(test, meters, "0.7(Q2+Q3)", "before")
        for level_kv in (6.0, -6.0):
            task = tasks.electrostatic_discharge(meters[0], level_kv, "screw of the case", contact=True)
            self.ask(task, tasks.DONE)
            condition = f"{level_kv:+g} kV contact, screw of the case"
            fault_percent = 1.2 if level_kv < 0 else 0.1
            verdicts += self.error(test, meters, "0.7(Q2+Q3)", condition, fault_percent=fault_percent)
        self.conclude(test, meters, verdicts)

    def _radiated_field(self, test: edition.Test) -> None:
        """The operator cannot do it: INVALID."""
        self.ask(tasks.field_on(SERIALS[0], 26.0, 10.0, "vertical"), tasks.NOT_DONE)
        self.conclude(test, SERIALS[:1], [Verdict.INVALID])

    def _water_pressure(self, test: edition.Test) -> None:
        """A window that was not kept."""
        unkept = ["mean flow 2.6 L/h, allowed 2.5 … 2.55 L/h"]
        self.conclude(test, SERIALS, self.error(test, SERIALS, "Q2", "MAP", invalid=unkept))

    def _absence_of_flow(self, test: edition.Test) -> None:
        verdicts = []
        for condition in ("full of water", "drained"):
            with self.run.step(f"{test.name}/{condition}"):
                self.clock.sleep(900.0)
                for serial in SERIALS:
                    self.run.reading("display", "volume_before", 1234.567, "L", meter=serial)
                    self.run.reading("display", "volume_after", 1234.567, "L", meter=serial)
                    where = self._subject(test, serial, condition)
                    verdicts.append(self.run.measure("change_of_volume", 0.0, "mL", where, lower=-1.0, upper=1.0))
        self.conclude(test, SERIALS, verdicts)

    def _software_examination(self, test: edition.Test) -> None:
        verdicts = []
        for serial in SERIALS:
            self.ask(tasks.read_software(serial), "1.0.0 A1B2C3D4")
            self.ask(tasks.segment_test(serial), tasks.YES)
            where = self._subject(test, serial)
            verdicts.append(self.run.measure("software_as_certified", 1.0, "", where, lower=1.0))
            verdicts.append(self.run.measure("all_segments_show", 1.0, "", where, lower=1.0))
        self.conclude(test, SERIALS, verdicts)


def _budget(step: str, serial: str, expanded_percent: float) -> Budget:
    names = ("balance", "evaporation", "water density", "diverter timing", "one pulse of the meter")
    part = expanded_percent / 2 / math.sqrt(len(names))
    contributions = tuple(Contribution(name, 1.0, "g", part, "normal", 1.0, part, "certificate V-1") for name in names)
    return Budget(step, "error_of_indication", serial, contributions, expanded_percent / 2, 2.0, expanded_percent)


def write_sample_evaluation(
    folder: Path, *, tests: Sequence[str] = (), title: str = "Type evaluation", simulated: bool = True
) -> Path:
    """Write a record to ``folder`` and return it; ``tests`` are keys of the edition, none: all."""
    SampleEvaluation(folder, title=title, simulated=simulated).write(tests)
    return folder
