"""``--compare``: a reference meter lives beside each meter in the line, and the bench reports where they differ.

It lives on what the bench measured and recorded, sample for sample, and on nothing else. Its readings are no standard:
no verdict rests on them. What goes wrong in it ends the comparison with a warning; the run goes on.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meterbench.bench import cycle_log
from meterbench.bench.measured_water import MeasuredWater
from meterbench.bench.meter_beside import MeterBeside
from meterbench.bench.run import Run, Subject
from meterbench.bench.traces import Sink, Values
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.metrology.interface import Refused
from meterbench.errors import RecordError
from meterbench.instruments.capabilities import RigState
from meterbench.instruments.operator.tasks import DONE
from meterbench.world.clock import Clock

PROCEDURE = "comparison"
ERROR_DIFFERENCE = "difference_from_reference_meter"
REGISTER_DIFFERENCE = "register_difference_from_reference_meter"

UNITS_PERCENT = 0.4
"""Two good units may differ by so much, beside the uncertainty. Of 30 pairs in initial verifications the difference had
a standard deviation of 0.015 % at Q3, and of 0.15 % at Q1 of R1600, where the zero wanders most; what heat, damp, swirl
or wear does to good units spreads by 0.1 % at the most."""
REGISTER_PERCENT = 2.0
"""Of what both have registered: the rig's own flow meter (0.15 %), ramps between two looks 2 s apart, two units."""
PIECES = 200
"""So many stretches are lived through at the latest: no look is held up."""
PREDICTED_ICONS = frozenset(
    {
        "tamper",
        "low_battery_external",
        "low_battery_internal",
        "dry",
        "leak",
        "burst",
        "transportation",
        "valve_closed",
        "supply_limited",
        "reverse",
    }
)
"""Not ``flow``, which blinks, nor what radio and prepayment tell."""
REGISTERS = {"volume": False, "reverse volume": True}
"""Screens that show a total, and whether it is the reverse one."""
OF_HISTORY = frozenset({"leak", "burst"})
"""They tell of hours of flow."""
OF_SUPPLY = frozenset({"low_battery_external", "low_battery_internal", "supply_limited"})
"""Of a meter on a laboratory supply they are not predicted: the bench looks at that now and then only."""

_VOLUME = re.compile(r"(\d{1,9})[.,](\d{1,6})\s*m(?:3|³)")


@dataclass(frozen=True, slots=True)
class _Gate:
    """One collection, as the reference meters saw it: what passed the line, and what each of them indicated."""

    step: str
    passed_l: float
    indicated_l: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A display's reading, and the reference meter's register at the same time."""

    shown_l: float
    step_l: float
    predicted_l: float


class Comparison:
    """A sink of the traces beside the one that keeps them, and an observer of the run. Touched by the procedure's
    thread only."""

    def __init__(self, run: Run, clock: Clock, batch: Sequence[Nameplate], air_pressure_hpa: float) -> None:
        self._run = run
        self._clock = clock
        self._works = True
        self._water = MeasuredWater()
        self._gates: list[_Gate] = []
        self._opened: tuple[float, dict[str, float]] | None = None
        """What had passed, and what each had indicated, when the gate opened."""
        self._step = ""
        self._first: dict[tuple[str, str], _Shown] = {}
        """By serial and screen: what registers are counted from."""
        self._history_known = True
        self._chamber = False
        self._compared = {"errors": 0, "registers": 0, "icons": 0, "hands": 0, "differences": 0}
        self._beside: dict[str, MeterBeside] = {}
        with self._harmless():
            count = len(batch)
            self._beside = {
                nameplate.serial: MeterBeside(nameplate, (slot + 0.5) / count, air_pressure_hpa)
                for slot, nameplate in enumerate(batch)
            }
            began = "anew with the resumption, and knows nothing of what came before" if run.previous else "now"
            run.event(
                "info",
                f"a reference meter begins to live beside each of {count} meters: {began}",
                comparison={"units_percent": UNITS_PERCENT, "register_percent": REGISTER_PERCENT},
            )

    # What it hears.

    def beside(self, sink: Sink) -> Sink:
        """Keeps what ``sink`` keeps, and hears it."""
        return _Tee(sink, self._look)

    def _look(self, source: str, values: Values) -> None:
        if not self._works:
            return
        with self._harmless():
            if source == "rig":
                self._look_at_rig(values)
            elif source == "chamber":
                self._chamber = True
                self._surround(_number(values, "air_temp_c"), _number(values, "humidity_percent"))
            elif source.startswith("supply_"):
                self._feed(int(source.removeprefix("supply_")) - 1, _number(values, "voltage_v"))

    def _look_at_rig(self, values: Values) -> None:
        if not self._water.look(self._clock.now_s(), values):
            self._lose_sight()
        diverted = values.get("state") == RigState.DIVERTING.value
        if diverted != (self._opened is not None):
            self._catch_up()
            indicated_l = {serial: each.indicated_l() for serial, each in self._beside.items()}
            if self._opened is None:
                self._opened = self._water.passed_l, indicated_l
            else:
                passed_l, before_l = self._opened
                self._opened = None
                gained_l = {serial: now_l - before_l[serial] for serial, now_l in indicated_l.items()}
                self._gates.append(_Gate(self._step, self._water.passed_l - passed_l, gained_l))
        elif self._water.waiting >= PIECES:
            self._catch_up()
        if not self._chamber:
            self._surround(_number(values, "ambient_temp_c"), math.nan)

    def _surround(self, temp_c: float, humidity_percent: float) -> None:
        if any(each.feels_air(temp_c, humidity_percent) for each in self._beside.values()):
            self._catch_up()
            for each in self._beside.values():
                each.surround(temp_c, humidity_percent)

    def _feed(self, slot: int, voltage_v: float) -> None:
        each = list(self._beside.values())[slot]
        if each.feels_supply(voltage_v):
            self._catch_up()
            if each.feed(voltage_v):
                self._forget_registers(each.nameplate.serial)

    def _catch_up(self) -> None:
        """Let all of them live until the last look."""
        stretches = self._water.take()
        for each in self._beside.values():
            each.live(stretches)

    def _lose_sight(self) -> None:
        """What flowed meanwhile is not known: what counts from before says nothing any more."""
        self._first.clear()
        self._history_known = False

    def _forget_registers(self, serial: str) -> None:
        self._first = {key: shown for key, shown in self._first.items() if key[0] != serial}

    def heed(self, kind: str, body: Mapping[str, Any]) -> None:
        """An observer of the run."""
        if not self._works:
            return
        with self._harmless():
            match kind:
                case "step_started":
                    self._step = body["step"]
                    self._gates = [gate for gate in self._gates if gate.step != self._step]
                case "step_finished":
                    self._step = ""
                case "act":
                    self._heed_act(body["name"], body["details"], body["answer"])
                case "measurement" if body["quantity"] == "error_of_indication":
                    self._compare_error(body)
                case "trace" if Path(body["file"]).parent.name == cycle_log.SOURCE:
                    self._lose_sight()  # the rig opened and closed its valve unseen, and logged it

    def _heed_act(self, task: str, details: Mapping[str, str | float], answer: str) -> None:
        self._catch_up()
        serial = str(details.get("meter", ""))
        of_task = [self._beside[serial]] if serial in self._beside else [] if serial else list(self._beside.values())
        if answer == DONE:
            for each in of_task:
                self._follow(each, task, details)
        elif task == "read_display" and details["screen"] in REGISTERS and serial in self._beside:
            self._compare_register(serial, str(details["screen"]), answer)
        elif task == "read_icons" and serial in self._beside:
            self._compare_icons(serial, answer)

    def _follow(self, beside: MeterBeside, task: str, details: Mapping[str, str | float]) -> None:
        """A hand that a good unit refuses, and the meter in the line did not, is a difference, too."""
        self._compared["hands"] += 1
        try:
            beside.follow(task, details)
        except (Refused, ValueError) as refusal:
            serial = beside.nameplate.serial
            self._differs(
                f"meter {serial} differs from the reference meter beside it: {task} was done, which the reference "
                f"meter refuses ({refusal})",
                {"meter": serial, "quantity": "hands", "where": task, "unit": "", "found": "done",
                 "predicted": "refused"},
            )  # fmt: skip

    # What it compares.

    def _compare_error(self, row: Mapping[str, Any]) -> None:
        """Indicated over actual of both, in per cent. Each has its own actual volume: the meter what was weighed, the
        reference meter what it was told had passed; so the rig's own flow meter need not be right."""
        serial, error_percent, u_percent = row["meter"], row["value"], row["expanded_uncertainty"]
        whole_run = not row["step"]  # of all collections together: then those of before a resumption are missing
        gates = [gate for gate in self._gates if whole_run or gate.step == row["step"]]
        passed_l = math.fsum(gate.passed_l for gate in gates)
        if error_percent is None or serial not in self._beside or passed_l <= 0.0 or (whole_run and self._run.previous):
            return
        indicated_l = math.fsum(gate.indicated_l[serial] for gate in gates)
        predicted_percent = 100.0 * (indicated_l / passed_l - 1.0)
        difference_percent = error_percent - predicted_percent
        if not math.isfinite(difference_percent):
            return
        # Once for the meter; and once for samples of the water, which tell the reference meter no more than that.
        both_percent = None if u_percent is None else math.sqrt(2.0) * u_percent
        condition, point = row["condition"], row["flow_point"]
        subject = Subject(PROCEDURE, "", "", serial, point, condition, row["repeat"], row["attempt"])
        self._run.report(ERROR_DIFFERENCE, difference_percent, "%", subject, expanded_uncertainty=both_percent)
        allowed_percent = (both_percent or 0.0) + UNITS_PERCENT
        differs = abs(difference_percent) > allowed_percent
        where = " ".join(part for part in (row["procedure"], condition, point) if part)
        self._tell(
            "errors",
            differs,
            f"meter {serial} differs from the reference meter beside it: {where}: error {error_percent:+.3f} %, "
            f"predicted {predicted_percent:+.3f} %; they may differ by {allowed_percent:.3f} %",
            {"meter": serial, "quantity": ERROR_DIFFERENCE, "where": where, "unit": "%",
             "found": error_percent, "predicted": predicted_percent, "allowed": allowed_percent},
        )  # fmt: skip

    def _compare_register(self, serial: str, screen: str, answer: str) -> None:
        """What a display has gained since it was first read."""
        read = _VOLUME.fullmatch(answer.strip())
        predicted_l = self._beside[serial].register_l(reverse=REGISTERS[screen])
        if read is None or math.isnan(predicted_l):
            return
        step_l = 10.0 ** (3 - len(read[2]))
        shown = _Shown(int(read[1] + read[2]) * step_l, step_l, predicted_l)
        first = self._first.setdefault((serial, screen), shown)
        if first is shown:
            return
        gained_l, expected_l = shown.shown_l - first.shown_l, shown.predicted_l - first.predicted_l
        subject = Subject(PROCEDURE, "", "", serial, condition=f"{screen} on the display, {self._step}".rstrip(", "))
        self._run.report(REGISTER_DIFFERENCE, gained_l - expected_l, "L", subject)
        # Digits that are not shown are cut off, both times: that never makes more than one step.
        allowed_l = max(first.step_l, shown.step_l) + REGISTER_PERCENT / 100.0 * abs(expected_l)
        self._tell(
            "registers",
            abs(gained_l - expected_l) > allowed_l,
            f"meter {serial} differs from the reference meter beside it: since it was first read its {screen} has "
            f"gained {gained_l:.3f} L, predicted are {expected_l:.3f} L; they may differ by {allowed_l:.3f} L",
            {"meter": serial, "quantity": REGISTER_DIFFERENCE, "where": screen, "unit": "L",
             "found": gained_l, "predicted": expected_l, "allowed": allowed_l},
        )  # fmt: skip

    def _compare_icons(self, serial: str, answer: str) -> None:
        known = PREDICTED_ICONS if self._history_known else PREDICTED_ICONS - OF_HISTORY
        if self._beside[serial].fed:
            known -= OF_SUPPLY
        shown = known & {part.strip().casefold() for part in answer.split(",")}
        predicted = known & self._beside[serial].icons()
        missing, extra = sorted(predicted - shown), sorted(shown - predicted)
        parts = [
            *([f"{', '.join(missing)} should be lit and is not"] if missing else []),
            *([f"{', '.join(extra)} is lit and should not be"] if extra else []),
        ]
        self._tell(
            "icons",
            bool(parts),
            f"meter {serial} differs from the reference meter beside it: on its display {'; '.join(parts)}",
            {"meter": serial, "quantity": "icons", "where": self._step, "unit": "",
             "found": sorted(shown), "predicted": sorted(predicted)},
        )  # fmt: skip

    def _tell(self, of: str, differs: bool, text: str, difference: Mapping[str, Any]) -> None:
        self._compared[of] += 1
        if differs:
            self._differs(text, difference)

    def _differs(self, text: str, difference: Mapping[str, Any]) -> None:
        self._compared["differences"] += 1
        self._run.event("warning", text, difference=difference)

    # The end.

    def finish(self) -> None:
        """Tell what was compared; ``RecordError`` if it cannot be recorded."""
        if self._works:
            done = self._compared
            self._run.event(
                "info",
                f"compared with the reference meters: {done['errors']} errors of indication, {done['registers']} "
                f"registers, {done['icons']} looks at icons, {done['hands']} hands; {done['differences']} of them "
                "differ",
                comparison=dict(done),
            )

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        """What goes wrong in a reference meter ends the comparison; what the record does not take is the bench's."""
        try:
            yield
        except RecordError:
            raise
        except Exception as error:
            self._works = False
            self._run.event(
                "warning",
                f"the comparison with reference meters has ended: {type(error).__name__}: {error}; the run goes on",
            )


class _Tee:
    """A ``Sink`` that tells somebody else, too, once it is kept."""

    def __init__(self, sink: Sink, tell: Callable[[str, Values], None]) -> None:
        self._sink = sink
        self._tell = tell

    def keep(self, source: str, values: Values) -> None:
        """Keep it, then tell."""
        self._sink.keep(source, values)
        self._tell(source, values)


def _number(values: Values, name: str) -> float:
    return float(values.get(name, math.nan))
