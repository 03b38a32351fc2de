"""The metrology itself: takes the sensor's records in turn and keeps the registers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import FlowAlarms
from meterbench.dut.reference_meter.metrology.audit import AuditRecord
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.measuring.cycle_guard import CycleGuard
from meterbench.dut.reference_meter.metrology.measuring.flow import Environment, FlowComputer, Water
from meterbench.dut.reference_meter.metrology.measuring.measured import Measured
from meterbench.dut.reference_meter.metrology.measuring.presence import WaterPresence
from meterbench.dut.reference_meter.metrology.measuring.registration import Registration, TotalsAfter
from meterbench.dut.reference_meter.metrology.measuring.stretches import Kind, kinds_of
from meterbench.dut.reference_meter.metrology.measuring.transit import CYCLES_PER_S, Echo, Stretches, TransitTimes
from meterbench.dut.reference_meter.metrology.measuring.zero_tracking import ZeroTracker
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.state import State
from meterbench.dut.reference_meter.metrology.status import Alarm

DRY_STRIDE = 4
"""An empty pipe is looked at every fourth time, twice a second (ADR-014, OPEN-9)."""
PLAUSIBLE_Q4 = 1.25
"""[design] A shot that shows more than this times Q4 is not believed; up to there the meter counts on."""
TOO_WEAK_DB = -12.0
"""[design] Three quarters of the amplitude lost: noise of 140 ps would be taken for flow. Nothing is measured then."""
WEAK_DB = -2.5
"""A quarter of the amplitude lost: seen before the 30 % at which a threshold detector would slip (metering.md 2.3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Means over stretches of cycles, each of the shape (stretches,)."""

    dt_ps: Array
    t_up_s: Array
    t_dn_s: Array
    flow_l_h: Array
    reynolds: Array
    """As the firmware finds it from the uncorrected path velocity."""


class Measurement:
    """The measuring of one meter.

    ``parameters`` hold the type's calibration, as the programme is loaded; the unit's own is written by ``calibrate``,
    after which ``seal`` closes the meter for good.
    """

    def __init__(
        self,
        parameters: Parameters,
        q4_l_h: float,
        pulse_volume_nl: int,
        alarms: FlowAlarms | None = None,
        *,
        has_threshold: bool = True,
    ) -> None:
        self._parameters = parameters
        self._flow = FlowComputer(parameters.calibration)
        self._guard = CycleGuard(parameters.calibration)
        self._largest_l_h = PLAUSIBLE_Q4 * q4_l_h
        self._presence = WaterPresence()
        self._tracker = ZeroTracker()
        self._registration = Registration(pulse_volume_nl, alarms or FlowAlarms(()), has_threshold=has_threshold)
        self._tracked_on_record_ps = 0.0
        self._water_temp_c = math.nan
        self._level_db = 0.0
        self._unusable = False
        self._contradicted = False
        self._last_good_l_h = 0.0
        self._measuring_cycles = 0
        self._missed = 0
        self._lost_shots = 0
        self._refused_shots = 0
        self.full_rate = False
        """Eight shots a second whether there is water or not (TEST, ADR-063)."""
        self.environment = Environment()
        """What the other sensors say of the water."""
        self._valve_closed = False

    # The legally relevant parameters.

    @property
    def calibration(self) -> Calibration:
        return self._parameters.calibration

    @property
    def audit_records(self) -> tuple[AuditRecord, ...]:
        """Every change of the parameters, from the first on."""
        return self._parameters.records

    def calibrate(self, calibration: Calibration, by: str) -> None:
        """Put a calibration into force; ``Refused`` once the meter is sealed."""
        self._parameters.put(calibration, by)
        self._flow = FlowComputer(calibration)
        self._guard = CycleGuard(calibration)
        self._tracker = ZeroTracker()
        self._tracked_on_record_ps = 0.0

    def seal(self, by: str) -> None:
        """Close the meter for good; ``Refused`` if it was never calibrated or is sealed already."""
        self._parameters.seal(by)

    def average(self, stretches: Stretches) -> Averages:
        """What the calibration interface reads out after each of several stretches: means over all its cycles."""
        dt_ps = stretches.mean_dt_ps + stretches.sd_dt_ps / np.sqrt(stretches.cycles) * stretches.chance[0]
        water = self._flow.water(stretches.t_up_s, stretches.t_dn_s, self.environment)
        flow_l_h, _ = self._flow.noisy_flow_l_h(dt_ps, stretches.sd_dt_ps, water)
        return Averages(
            dt_ps, stretches.t_up_s, stretches.t_dn_s, flow_l_h, np.abs(dt_ps - water.zero_ps) * water.re_per_ps
        )

    # Measuring.

    @property
    def alarms(self) -> FlowAlarms:
        """The alarms over flow and water; they count the cycles."""
        return self._registration.alarms

    def valve_switch(self, closed: bool) -> None:
        """The end switch of the shut-off valve: while it says closed, zero flow is certain.

        What the zero was moved by meanwhile is on record when it opens.
        """
        tracked_ps = self._tracker.correction_ps
        if self._valve_closed and not closed and tracked_ps != self._tracked_on_record_ps:
            self._tracked_on_record_ps = tracked_ps
            self._parameters.note(f"zero tracked to {tracked_ps:+.2f} ps beside the sealed one", "zero tracking")
        self._valve_closed = closed
        self._tracker.stop()

    @property
    def valve_closed(self) -> bool:
        """True while zero flow is certain."""
        return self._valve_closed

    @property
    def clear(self) -> bool:
        """True if nothing disturbs: every shot of the last seconds was good and believed."""
        return self._presence.clear and not self._guard.doubting

    @property
    def doubting(self) -> bool:
        """True while each shot must be re-armed for itself, because the times have jumped by whole periods."""
        return self._guard.doubting

    @property
    def wants_rearm(self) -> bool:
        """True if the capture must be re-armed before the next shot: one was unusable, or not believed."""
        return self._unusable or self._guard.wants_rearm

    def rearmed(self) -> None:
        """The capture has been re-armed."""
        self._unusable = False
        self._guard.rearmed()

    def measure(self, times: TransitTimes) -> None:
        """Take in a block of measuring cycles; it is not kept."""
        if times.echoes is not None and (shots := self._presence.shots_until_dry(times.echoes)) is not None:
            times, later = times.cut(shots)
            self._measure_block(times)
            if len(later.dt_ps):
                self.measure(later)
            return
        self._measure_block(times)

    def _measure_block(self, times: TransitTimes) -> None:
        """A block in which the pipe is not found empty before its end."""
        self._measuring_cycles += len(times.dt_ps)
        if self._presence.silent:
            self._missed += len(times.dt_ps)
        self._level_db = times.level_db
        if times.level_db < TOO_WEAK_DB:
            times = _unheard(times)
        refused = self._guard.refuse(times)
        good = times.echoes is None or bool((times.echoes == Echo.GOOD).all())
        if good and refused is None and self._presence.clear:
            water = self._flow.water(times.t_up_s, times.t_dn_s, self.environment)
            self._contradicted = water.contradicted
            alike = isinstance(times.t_up_s, float)
            if self._measure_alike(times.dt_ps, water) if alike else self._measure_changing(times.dt_ps, water):
                self._last_good_l_h = self._registration.newest_l_h
                return
        self._measure_each(times, refused)

    def _measure_changing(self, dt_ps: Array, water: Water) -> bool:
        """The quick way for good shots in water that changes; False if one shows more than can be."""
        flow_l_h = self._flow.flow_l_h(dt_ps, water)
        if np.abs(flow_l_h).max() > self._largest_l_h:
            return False
        self._water_temp_c = float(np.ravel(water.temp_c)[-1])  # one number if a thermometer tells it
        if self._valve_closed:
            moved_ps = dt_ps - water.zero_ps
            self._track_zero(len(dt_ps), float(moved_ps.mean()), float(moved_ps.std()))
        self._registration.add_each(flow_l_h)
        return True

    def _measure_alike(self, dt_ps: Array, water: Water) -> bool:
        """The quickest way, for good shots in water that does not change; False if one shows more than can be."""
        zero_ps = float(water.zero_ps)
        low_ps, high_ps = float(dt_ps.min()) - zero_ps, float(dt_ps.max()) - zero_ps
        if max(-low_ps, high_ps) * float(water.l_h_per_ps) * self._flow.largest_factor > self._largest_l_h:
            return False
        self._water_temp_c = float(water.temp_c)
        if self._valve_closed:
            self._track_zero(len(dt_ps), float(dt_ps.mean()) - zero_ps, float(dt_ps.std()))
        parabola = self._flow.parabola(low_ps, high_ps, water)
        if parabola is None or not self._registration.add_parabola(
            dt_ps, zero_ps, parabola, parabola.flow_l_h(low_ps), parabola.flow_l_h(high_ps)
        ):
            self._registration.add_each(self._flow.flow_l_h(dt_ps, water))
        return True

    def _measure_each(self, times: TransitTimes, refused: NDArray[np.bool_] | None) -> None:
        """The careful way: shots that are lost, refused, or of changing water."""
        shots = len(times.dt_ps)
        echoes = np.full(shots, Echo.GOOD, dtype=np.int8) if times.echoes is None else times.echoes.copy()
        heard = echoes == Echo.GOOD
        flow_l_h = np.zeros(shots)
        if heard.any():
            up_s, dn_s = (t if isinstance(t, float) else t[heard] for t in (times.t_up_s, times.t_dn_s))
            water = self._flow.water(up_s, dn_s, self.environment)
            self._contradicted = water.contradicted
            dt_ps = times.dt_ps[heard]
            flow_l_h[heard] = self._flow.flow_l_h(dt_ps, water)
            doubtful = heard & (np.abs(flow_l_h) > self._largest_l_h)
            if refused is not None:
                doubtful |= refused
            self._refused_shots += int(doubtful.sum())
            echoes[doubtful] = Echo.UNSURE
            believed = ~doubtful[heard]
            if believed.any():
                self._water_temp_c = float(np.broadcast_to(water.temp_c, believed.shape)[believed].mean())
            if self._valve_closed and believed.all():
                moved_ps = dt_ps - water.zero_ps
                self._track_zero(len(dt_ps), float(moved_ps.mean()), float(moved_ps.std()))
        self._unusable |= bool((echoes != Echo.GOOD).any())
        was_dry = self._presence.dry
        use = self._presence.judge(echoes)
        self._registration.alarms.see_dry(np.append(use.into_dry[1:], self._presence.dry), was_dry)
        self._lost_shots += int((~heard & ~((echoes == Echo.NONE) & use.into_dry)).sum())
        newest = np.maximum.accumulate(np.where(echoes == Echo.GOOD, np.arange(shots), -1))
        good_l_h = np.where(newest >= 0, flow_l_h[newest], self._last_good_l_h)
        self._registration.add_each(good_l_h * (use.measured | use.bridged))
        self._last_good_l_h = float(good_l_h[-1])
        if self._presence.dry and not was_dry:
            self._guard.forget()
            self._registration.forget_flow()
            self._last_good_l_h = 0.0
        if self._presence.dry:
            self._water_temp_c = math.nan

    def _track_zero(self, shots: int, moved_ps: float, sd_ps: float) -> None:
        self._tracker.see(shots, moved_ps + self._flow.tracked_ps, sd_ps)
        self._flow.tracked_ps = self._tracker.correction_ps

    def miss(self, cycles: int) -> None:
        """Let cycles of an eighth of a second go by without an echo: the pipe is empty (DRY). Nothing is registered,
        nothing is caught up later."""
        noticed = min(cycles, self._presence.silent_shots_to_dry)
        if noticed:
            nothing = np.full(noticed, math.nan)
            silence = np.full(noticed, Echo.NONE, dtype=np.int8)
            self.measure(TransitTimes(nothing, nothing, nothing, silence, self._level_db))
        self.idle(cycles - noticed)

    @property
    def shots_per_s(self) -> float:
        """Eight; two while nothing is heard of an empty pipe, but not in TEST (ADR-014)."""
        return CYCLES_PER_S / (DRY_STRIDE if self.silent and not self.full_rate else 1)

    @property
    def idle_cycles(self) -> int:
        """Cycles until the next shot: an empty pipe is looked at twice a second, but always eight times in TEST."""
        waits = self.silent and not self.full_rate
        return -(self._missed + 1) % DRY_STRIDE if waits else 0

    def idle(self, cycles: int) -> None:
        """Let cycles of a dry pipe go by: at each that is due a shot is fired, and nothing is heard."""
        self._registration.stand_still(cycles)
        stride = 1 if self.full_rate else DRY_STRIDE
        self._measuring_cycles += (self._missed + cycles) // stride - self._missed // stride
        self._missed += cycles

    # Many cycles in one piece, with the same statistics.

    def settled(self, steady: Stretches) -> bool:
        """True if a stretch like this, after ``WINDOW_CYCLES`` of the same, cannot cross the sensitivity threshold."""
        return self.clear and not self._valve_closed and self._registration.settled(*self._flows_of(steady))

    def measure_steady(self, steady: Stretches) -> TotalsAfter:
        """Take in a ``settled`` stretch, between ``WINDOW_CYCLES`` single cycles of the same."""
        self._measuring_cycles += int(steady.cycles.sum())
        return self._registration.add_steady(steady, *self._flows_of(steady))

    def kinds(self, stretches: Stretches) -> NDArray[np.int8]:
        """``Kind`` of each stretch; one that shows more than can be is left to its single shots."""
        mean_l_h, sd_l_h = self._flows_of(stretches)
        kinds = kinds_of(mean_l_h, sd_l_h)
        kinds[(np.abs(mean_l_h) > self._largest_l_h) | self._registration.unclear(mean_l_h, sd_l_h)] = Kind.UNCLEAR
        return kinds

    def measure_stretches(self, stretches: Stretches) -> TotalsAfter:
        """Take in stretches that are clear or quiet. Single cycles must follow after ``recall``."""
        self._measuring_cycles += int(stretches.cycles.sum())
        return self._registration.add_stretches(stretches, *self._flows_of(stretches))

    def water_temp_c(self, stretches: Stretches) -> Array:
        """What the water's temperature is taken for in each stretch, shape (stretches,)."""
        water = self._flow.water(stretches.t_up_s, stretches.t_dn_s, self.environment)
        return np.broadcast_to(water.temp_c, stretches.cycles.shape)

    def recall(self, times: TransitTimes) -> None:
        """Catch up after stretches in one piece: shots as their last ``WINDOW_CYCLES`` may have been fill the moving
        means, and tell what the water has become."""
        self._guard.follow(float(np.ravel(times.t_up_s + times.t_dn_s)[-1]))
        water = self._flow.water(times.t_up_s, times.t_dn_s, self.environment)
        self._registration.recall(self._flow.flow_l_h(times.dt_ps, water))

    def _flows_of(self, stretches: Stretches) -> tuple[Array, Array]:
        """Mean and standard deviation of a single cycle's flow in each stretch."""
        water = self._flow.water(stretches.t_up_s, stretches.t_dn_s, self.environment)
        return self._flow.noisy_flow_l_h(stretches.mean_dt_ps, stretches.sd_dt_ps, water)

    # After a loss of supply.

    def restore(self, state: State) -> None:
        """Go on from totals and counters that were saved."""
        self._registration.restore(state)
        self._presence.restart(dry=bool(state.present & Alarm.DRY))
        self._measuring_cycles = state.measuring_cycles
        self._lost_shots, self._refused_shots = state.lost_shots, state.refused_shots
        self._guard.suspected_slips = state.suspected_slips
        self._tracker.correction_ps = self._flow.tracked_ps = state.zero_correction_ps
        self._valve_closed = state.valve_closed
        # What is on record of a zero that was being tracked is not known: it goes on record when the valve opens.
        tracking = state.valve_closed and state.zero_correction_ps != 0.0
        self._tracked_on_record_ps = math.nan if tracking else state.zero_correction_ps

    # Reading.

    @property
    def silent(self) -> bool:
        """True while nothing is heard of an empty pipe."""
        return self._presence.silent

    @property
    def registering(self) -> bool:
        """True while flow is registered, in either direction."""
        return self._registration.flow_l_h != 0.0

    @property
    def totals_nl(self) -> tuple[int, int]:
        """Forward and reverse."""
        return self._registration.forward.total_nl, self._registration.reverse.total_nl

    def totals_before_nl(self, cycles_ago: int) -> tuple[tuple[int, int], tuple[float, float]]:
        """Forward and reverse totals so many cycles ago, and what is pending beside them now."""
        forward, reverse = self._registration.forward, self._registration.reverse
        totals_nl = (forward.before_nl(cycles_ago), reverse.before_nl(cycles_ago))
        return totals_nl, ((0.0, 0.0) if cycles_ago else (forward.pending_nl, reverse.pending_nl))

    def measured(self) -> Measured:
        """All that measuring has found, now."""
        return Measured(
            forward_nl=self._registration.forward.total_nl,
            reverse_nl=self._registration.reverse.total_nl,
            flow_l_h=self._registration.flow_l_h,
            water_temp_c=self._water_temp_c,
            dry=self._presence.dry,
            disturbed=self._presence.disturbed,
            measurable=self._presence.measurable,
            weak_signal=self._level_db < WEAK_DB,
            measuring_cycles=self._measuring_cycles,
            lost_shots=self._lost_shots,
            refused_shots=self._refused_shots,
            suspected_slips=self._guard.suspected_slips,
            sensor_fault=self.environment.fault or (SensorFault.CONTRADICTED if self._contradicted else None),
            zero_refused_ps=self._tracker.refused_ps,
            zero_correction_ps=self._tracker.correction_ps,
        )

    def pulse_count(self, cycles_ago: int, cycle_fraction: float) -> int:
        """Pulses of the test output emitted until ``cycle_fraction`` after the measurement ``cycles_ago``."""
        return self._registration.pulse_count(cycles_ago, cycle_fraction)


def _unheard(times: TransitTimes) -> TransitTimes:
    """The same shots, none of them usable."""
    nothing = np.full(len(times.dt_ps), math.nan)
    echoes = np.full(len(nothing), Echo.UNSURE, dtype=np.int8) if times.echoes is None else times.echoes.copy()
    echoes[echoes == Echo.GOOD] = Echo.UNSURE
    return TransitTimes(nothing, nothing, nothing, echoes, times.level_db)
