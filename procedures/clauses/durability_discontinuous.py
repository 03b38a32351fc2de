"""ISO 4064-2, 7.11.2: a hundred thousand starts and stops at Q3, and what they did to the error curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from meterbench.bench.bench import Bench
from meterbench.bench.cycle_log import NAMES, CycleLog, Cycles
from meterbench.bench.record import Condition
from meterbench.errors import DeadlineExceeded, InstrumentError
from meterbench.instruments.capabilities import CyclePlan, CycleState, CycleSummary
from meterbench.procedures import conditions, durability_rules
from meterbench.procedures.clauses.durability_curves import before_wear, conclude_wear, measure_after
from meterbench.procedures.clauses.durability_worn import Counted, LineMeter, read_displays, tell_of_new_meters
from meterbench.procedures.durability_rules import Tolerances
from meterbench.procedures.trial import Trial

FIRST_CHUNK = 10
"""Looked at at once: whoever has set it up is still there, and after a break-off the first cycles on record tell whose
log the PLC still holds."""
PIECE = 60
"""So many summaries are read before the heart beats again."""
START_S = 300.0
"""The PLC may prepare so long before the first cycle."""
FORGET_S = 600.0
"""The watch's samples are dropped so often: the traces have them."""


def durability_discontinuous(trial: Trial) -> None:
    """1. The curve before, unless 7.4 of this run gave it. 2. The PLC lets the water at Q3 go and stop; its log of the
    cycles is read before it runs over, and each chunk of it is a step; the displays are read. Flow, phases, temperature
    of every cycle; number, time, volume of all. 3. The curve after. 4. Its shift and its mean errors.
    """
    wear = _Wear(trial)
    trial.check_tightness("before")
    before = before_wear(trial, worn=wear.done > 0)
    wear.carry_out()
    invalid = wear.conclude()
    measure_after(trial)
    conclude_wear(trial, before, invalid)


class _Wear:
    """The cycles: those on record, and those to come."""

    def __init__(self, trial: Trial) -> None:
        self._trial, self._bench, self._run = trial, trial.bench, trial.run
        self._plan, self._allowed = _plan(trial), _tolerances(trial)
        self._log = CycleLog(trial.run)
        if self.done:
            tell_of_new_meters(trial, f"the {self.done} cycles")
        if self._run.previous is not None:
            self._recover()

    @property
    def done(self) -> int:
        """Number of the last cycle of finished steps."""
        mine = f"{self._trial.test.name}/"
        return max(
            (
                int(line["value"])
                for line in self._run.readings
                if line["quantity"] == "cycles_done" and line["step"].startswith(mine)
            ),
            default=0,
        )

    def carry_out(self) -> None:
        """Until all are done."""
        rig, plan = self._bench.rig, self._plan
        if self.done >= plan.cycles:
            return
        witness = LineMeter(self._trial, plan.line, plan.flow_l_h)
        session_first = self.done + 1
        rig.start_cycles(replace(plan, first=session_first))
        forgetting = self._bench.clock.every(FORGET_S, self._bench.watch.forget, steady_period_s=6.0 * FORGET_S)
        try:
            while self.done < plan.cycles:
                first = self.done + 1
                state = rig.cycle_state()
                length = durability_rules.chunk(
                    state.log_depth, plan.period_s, self._trial.test.value("longest_chunk_s")
                )
                last = min(first + (FIRST_CHUNK if first == 1 else length) - 1, plan.cycles)
                with self._run.step(self._step(first, last)):
                    state = self._wait_for(last)
                    counted = witness.counted()
                    chunk = self._keep(first, last, state)
                    if counted is not None:
                        logged = self._log.cycles(session_first, last)
                        self._judge(_against_line_meter(counted, witness.role, logged, state.done, self._trial))
                    self._look_at(chunk)
                read_displays(self._trial, f"{self._trial.test.name}/displays after {last} cycles")
        finally:
            forgetting.cancel()
        self._bench.stop_flow()

    def conclude(self) -> list[str]:
        """Conditions of all cycles together; why the wear was not what the standard asks for, one sentence each."""
        run, name = self._run, self._trial.test.name
        cycles = self._log.cycles(1, self.done)
        together = durability_rules.all_cycles(cycles, self._plan, self._allowed)
        with run.step(f"{name}/all cycles"):
            for condition in together:
                run.condition(condition)
        seen = [*durability_rules.each_cycle(cycles, self._plan, self._allowed), *together]
        reasons = [f"{sentence}: {condition.note}" for condition in seen for sentence in conditions.unmet([condition])]
        steps = [
            step
            for step, verdict in run.finished_steps.items()
            if step.startswith(f"{name}/cycles ") and verdict != "PASS"
        ]
        return reasons or [f"{step} was {run.finished_steps[step]}" for step in steps]

    def _step(self, first: int, last: int) -> str:
        return f"{self._trial.test.name}/cycles {first} to {last}"

    def _recover(self) -> None:
        """Record what the PLC did after the last cycle on record, if its log shows that it went on from that very one;
        otherwise those do not count."""
        run, rig, done = self._run, self._bench.rig, self.done
        if done >= self._plan.cycles:
            return
        state = rig.cycle_state()
        if state.running:
            self._bench.stop_flow()
            state = rig.cycle_state()
        if not done or not state.oldest <= done <= state.done or not self._is_on_record(rig.read_cycles(done, 1)[0]):
            run.event(
                "warning",
                f"{self._trial.test.name}: it goes on from cycle {done}. The PLC has counted to {state.done}, but its "
                "log does not go on from what is on record: whatever cycles there were meanwhile do not count",
            )
            return
        last = min(state.done, self._plan.cycles)
        length = max(1, state.log_depth // 2)
        for first in range(done + 1, last + 1, length):
            end = min(first + length - 1, last)
            with run.step(self._step(first, end)):
                self._look_at(self._keep(first, end, state))
        if last > done:
            text = f"cycles {done + 1} to {last} were done before the resumption, and are read from the PLC's log now"
            run.event("info", f"{self._trial.test.name}: {text}")

    def _is_on_record(self, shown: CycleSummary) -> bool:
        """The noise of its sums tells one cycle from any other."""
        kept = self._log.cycles(shown.number, shown.number)
        return all(float(getattr(shown, name)) == kept[name][0] for name in NAMES)

    def _wait_for(self, last: int) -> CycleState:
        """Until that cycle is done; ``InstrumentError`` if the PLC stops before."""
        rig, clock, period_s = self._bench.rig, self._bench.clock, self._plan.period_s
        state = rig.cycle_state()
        slack = 1.0 + self._allowed.total_time_percent / 100.0
        end_s = clock.now_s() + START_S + slack * period_s * (last - state.done)
        while state.done < last:
            if not state.running:
                raise InstrumentError(
                    f"{rig.role}: it stopped after cycle {state.done} of {last}; find out why, then resume the run"
                )
            if clock.now_s() > end_s:
                raise DeadlineExceeded(
                    f"{rig.role}: cycle {last} should be over by now, but it is at {state.done}; does its programme "
                    "keep the times that it was given?"
                )
            clock.sleep(period_s * (last - state.done))
            state = rig.cycle_state()
        return state

    def _keep(self, first: int, last: int, state: CycleState) -> Cycles:
        """Read them from the PLC's log into the record."""
        clock, period_s = self._bench.clock, self._plan.period_s
        last_ended = clock.utc() - timedelta(seconds=period_s * (state.done - last))
        self._log.keep(_read(self._bench, first, last), last_ended, period_s)
        return self._log.cycles(first, last)

    def _look_at(self, chunk: Cycles) -> None:
        """Sums and conditions of a chunk."""
        run, last = self._run, int(chunk["number"][-1])
        run.reading("rig", "cycles_done", last, "1")
        run.reading("rig", "volume_of_cycles", float(chunk["volume_l"].sum()), "L")
        for name in NAMES:
            if name not in ("number", "volume_l"):
                quantity, unit = _QUANTITIES[name]
                run.reading("rig", quantity, float(chunk[name].mean()), unit)
        for condition in durability_rules.each_cycle(chunk, self._plan, self._allowed):
            self._judge(condition)

    def _judge(self, condition: Condition) -> None:
        """Keep it, and tell at once if a month more of this is for nothing."""
        self._run.condition(condition)
        for sentence in conditions.unmet([condition]):
            text = f"{sentence}: {condition.note}; {self._trial.test.name} can be no PASS any more"
            self._run.event("warning", text)


_QUANTITIES = {
    "rise_s": ("rise_time_mean", "s"),
    "on_s": ("on_time_mean", "s"),
    "fall_s": ("fall_time_mean", "s"),
    "off_s": ("off_time_mean", "s"),
    "flow_l_h": ("flow_mean", "L/h"),
    "pressure_upstream_kpa": ("pressure_upstream", "kPa"),
    "pressure_downstream_kpa": ("pressure_downstream", "kPa"),
    "water_temp_c": ("water_temperature", "°C"),
}
"""Readings of a chunk: means of its cycles."""


def _against_line_meter(counted: Counted, role: str, logged: Cycles, done: int, trial: Trial) -> Condition:
    """The log's volume against what the flow meter of the line counted since the cycles were started. It was read when
    cycle ``done`` was over, and a part of the next: one cycle of all is in doubt."""
    cycles = done - int(logged["number"][0]) + 1
    logged_l = float(logged["volume_l"].mean()) * cycles
    allowed = trial.edition.plan("reference_agreement_percent") + counted.expanded_percent + 100.0 / cycles
    off = 100.0 * (logged_l / counted.volume_l - 1.0) if counted.volume_l > 0.0 else math.nan
    return durability_rules.window(f"volume of the cycles against {role}", "%", (off, off), (-allowed, allowed), "",
                                   "bench; since the cycles were started")  # fmt: skip


def _plan(trial: Trial) -> CyclePlan:
    test, flow_l_h = trial.test, trial.meters[0].rating.q3_l_h
    ramp_s = durability_rules.ramp_s(flow_l_h, test.value("ramp_s_per_m3_h"), test.value("shortest_ramp_s"))
    line = trial.bench.line_for(flow_l_h)
    return CyclePlan(line, flow_l_h, ramp_s, test.value("on_s"), ramp_s, test.value("off_s"), int(test.value("cycles")))


def _tolerances(trial: Trial) -> Tolerances:
    value = trial.test.value
    return Tolerances(
        trial.test.clause,
        value("flow_tolerance_percent"),
        value("phase_tolerance_percent"),
        value("total_time_tolerance_percent"),
        value("volume_tolerance_percent"),
        value("cycles_over_percent"),
        trial.reference_water_c,
        trial.edition.condition("outlet_pressure_kpa").value,
    )


def _read(bench: Bench, first: int, last: int) -> Sequence[CycleSummary]:
    """In pieces, with the heart beating between them."""
    cycles: list[CycleSummary] = []
    for start in range(first, last + 1, PIECE):
        cycles += bench.rig.read_cycles(start, min(PIECE, last + 1 - start))
        bench.clock.run_vital_jobs()
    return cycles
