"""ISO 4064-2, 7.11.3: a hundred hours of water at Q4, and what they did to the error curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from meterbench.bench.bench import Bench
from meterbench.bench.record import Condition
from meterbench.bench.rig_watch import Sample
from meterbench.procedures import conditions
from meterbench.procedures.clauses.durability_curves import before_wear, conclude_wear, measure_after
from meterbench.procedures.clauses.durability_worn import LineMeter, read_displays, tell_of_new_meters
from meterbench.procedures.durability_rules import Window, window
from meterbench.procedures.error_runs import STEADY_DEADLINE_S, STEADY_WITHIN
from meterbench.procedures.trial import Trial

TAKE_S = 60.0
"""Samples of the rig are summed up so often."""
SHORTEST_S = 60.0
"""Of a part."""
FLOWED, DISCHARGED = "flow_time", "discharged_volume_at_least"
"""Readings of a part."""


def durability_continuous(trial: Trial) -> None:
    """1. The curve before, unless 7.4 of this run gave it. 2. Water at Q4 for 100 h at least, and until the volume that
    belongs to them has certainly passed; flow, temperature and pressure all the while; the displays are read every day.
    3. The curve after. 4. Its shift and its mean errors.
    """
    worn = _so_far(trial)[0] > 0.0
    if worn:
        tell_of_new_meters(trial, f"the {_so_far(trial)[0] / 3600.0:.4g} h of water")
    trial.check_tightness("before")
    before = before_wear(trial, worn=worn)
    _let_it_flow(trial)
    invalid = _conclude_flow(trial)
    measure_after(trial)
    conclude_wear(trial, before, invalid)


def _let_it_flow(trial: Trial) -> None:
    """In parts of a day at most; each is a step, and those of before a resumption count."""
    bench, flow_l_h, longest_s = trial.bench, _flow_l_h(trial), trial.test.value("longest_chunk_s")
    if not _missing_s(trial):
        return
    line = bench.start_flow(flow_l_h)
    bench.wait_until_steady(line, flow_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
    while (missing_s := _missing_s(trial)) > 0.0:
        part = 1 + sum(step.startswith(_part(trial, "")) for step in trial.run.finished_steps)
        _flow_on(trial, _part(trial, str(part)), line, min(max(missing_s, SHORTEST_S), longest_s))
        read_displays(trial, f"{trial.test.name}/displays after part {part}")
    bench.stop_flow()


def _flow_on(trial: Trial, step: str, line: str, duration_s: float) -> None:
    run, bench, flow_l_h = trial.run, trial.bench, _flow_l_h(trial)
    agreement_percent = trial.edition.plan("reference_agreement_percent")
    with run.step(step):
        seen = _Seen(bench, line)
        witness = LineMeter(trial, line, flow_l_h)
        start_s = bench.clock.now_s()
        taking = bench.clock.every(TAKE_S, seen.take, steady_period_s=10.0 * TAKE_S)
        try:
            bench.clock.sleep(duration_s)
        finally:
            taking.cancel()
        counted, took_s = witness.counted(), bench.clock.now_s() - start_s
        seen.look()
        run.reading("rig", FLOWED, took_s, "s")
        run.reading("rig", "flow_mean", 3600.0 * seen.volume_l / took_s, "L/h")
        run.reading("rig", "pressure_upstream", seen.upstream_kpa[0], "kPa")
        run.reading("rig", "pressure_upstream", seen.upstream_kpa[1], "kPa")
        if counted is None:
            # The rig's own flow meter is compared with the balance whenever errors are measured.
            least_l = seen.volume_l * (1.0 - agreement_percent / 100.0)
        else:
            least_l = counted.volume_l * (1.0 - counted.expanded_percent / 100.0)
            off = 100.0 * (seen.volume_l / counted.volume_l - 1.0) if counted.volume_l > 0.0 else math.nan
            agreed = window(f"flow meter of the line against {witness.role}", "%", (off, off),
                            (-agreement_percent, agreement_percent), "", "bench")  # fmt: skip
            run.condition(agreed)
            _warn(trial, conditions.unmet([agreed]))
        run.reading("rig", DISCHARGED, least_l, "L")
        for condition in _conditions(trial, seen):
            run.condition(condition)
            _warn(trial, conditions.unmet([condition]))


def _conclude_flow(trial: Trial) -> list[str]:
    """Conditions of all parts together; why the wear was not what the standard asks for, one sentence each."""
    run, test = trial.run, trial.test
    flowed_s, least_l = _so_far(trial)
    together = [
        window("time of the flow", "s", (flowed_s, flowed_s), (test.value("duration_s"), None), test.clause, ""),
        window("discharged volume", "L", (least_l, least_l), (_due_l(trial), None), test.clause,
               "less its uncertainty; flow times time"),
    ]  # fmt: skip
    with run.step(f"{test.name}/all parts"):
        for condition in together:
            run.condition(condition)
    parts = [
        f"{step} was {verdict}: its conditions were not kept"
        for step, verdict in run.finished_steps.items()
        if step.startswith(_part(trial, "")) and verdict != "PASS"
    ]
    return [*conditions.unmet(together), *parts]


@dataclass(slots=True)
class _Seen:
    """What the rig's sensors showed in a part, summed up as it goes: a day has many samples."""

    bench: Bench
    line: str
    volume_l: float = field(default=0.0, init=False)
    """Of its flow meter's samples, over time."""
    flow_l_h: Window = field(default=(math.inf, -math.inf), init=False)
    """Lowest and highest; so are the others."""
    water_temp_c: Window = field(default=(math.inf, -math.inf), init=False)
    upstream_kpa: Window = field(default=(math.inf, -math.inf), init=False)
    downstream_kpa: Window = field(default=(math.inf, -math.inf), init=False)
    _last: Sample | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.bench.watch.forget()
        self.look()

    def look(self) -> None:
        """Now, too."""
        self.bench.watch.look()
        self.take()

    def take(self) -> None:
        """Sum up what the watch has seen since the last time."""
        for sample in self.bench.watch.since(-math.inf):
            status = sample.status
            flow_l_h = status.flow_l_h[self.line]
            if self._last is not None:
                mean_l_h = 0.5 * (flow_l_h + self._last.status.flow_l_h[self.line])
                self.volume_l += mean_l_h * (sample.at_s - self._last.at_s) / 3600.0
            self._last = sample
            self.flow_l_h = _wider(self.flow_l_h, flow_l_h)
            for temp_c in (status.water_temp_upstream_c, status.water_temp_downstream_c):
                self.water_temp_c = _wider(self.water_temp_c, temp_c)
            self.upstream_kpa = _wider(self.upstream_kpa, status.pressure_upstream_kpa)
            self.downstream_kpa = _wider(self.downstream_kpa, status.pressure_downstream_kpa)
        self.bench.watch.forget()


def _wider(extent: Window, value: float) -> Window:
    """NaN once a value was: it meets no condition."""
    if math.isnan(value) or math.isnan(extent[0]):
        return math.nan, math.nan
    return min(extent[0], value), max(extent[1], value)


def _conditions(trial: Trial, seen: _Seen) -> list[Condition]:
    flow_l_h, part, clause = _flow_l_h(trial), trial.test.value("flow_tolerance_percent") / 100.0, trial.test.clause
    flows = (flow_l_h * (1.0 - part), flow_l_h * (1.0 + part))
    outlet = trial.edition.condition("outlet_pressure_kpa")
    return [
        window("flow", "L/h", seen.flow_l_h, flows, clause, "all samples"),
        window("water temperature", "°C", seen.water_temp_c, trial.reference_water_c, clause, "all samples"),
        window("outlet pressure", "kPa", seen.downstream_kpa, (outlet.value, None), outlet.clause, "all samples"),
    ]


def _warn(trial: Trial, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        trial.run.event("warning", f"{sentence}; {trial.test.name} can be no PASS any more")


def _flow_l_h(trial: Trial) -> float:
    return trial.meters[0].rating.q4_l_h


def _due_l(trial: Trial) -> float:
    return _flow_l_h(trial) * trial.test.value("duration_s") / 3600.0


def _part(trial: Trial, number: str) -> str:
    return f"{trial.test.name}/part {number}"


def _so_far(trial: Trial) -> tuple[float, float]:
    """Seconds and litres that certainly flowed, of the finished parts."""
    found = {FLOWED: 0.0, DISCHARGED: 0.0}
    for line in trial.run.readings:
        if line["quantity"] in found and line["step"].startswith(_part(trial, "")):
            found[line["quantity"]] += line["value"]
    return found[FLOWED], found[DISCHARGED]


def _missing_s(trial: Trial) -> float:
    """How long the water has to run on; 0 once all has passed, or so much later that it never will."""
    flowed_s, least_l = _so_far(trial)
    duration_s = trial.test.value("duration_s")
    over_s = duration_s * (1.0 + trial.test.value("longest_over_percent") / 100.0) - flowed_s
    missing_s = max(duration_s - flowed_s, 3600.0 * (_due_l(trial) - least_l) / _flow_l_h(trial))
    return max(0.0, min(missing_s, over_s))
