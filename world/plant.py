"""The plant: one body of water behind every instrument, advanced in segments.

Transients go in steps of a controller scan, steady stretches in one piece; whatever happens at an instant (the
diverter's gate, the end of a motion) cuts a segment there. Pressures kPa gauge, flows L/h, temperatures degC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from meterbench.world.air import Air, apparent_mass_g
from meterbench.world.cycling import LEVELS, CycleTimes, Cycling, Listener, Stretch
from meterbench.world.hydraulics import (
    BOOSTER_DROOP_KPA,
    BOOSTER_KPA,
    LINES,
    PUMP_DROOP_KPA,
    FlowNoise,
    Valve,
    settled_flow_l_h,
)
from meterbench.world.segment import Array, Course, InLine, LivesCourses, Segment
from meterbench.world.water import ATMOSPHERE_MPA, density_kg_m3
from meterbench.world.weighing import Diverter, WeighTank

SCAN_S = 0.1
"""Controllers run every 100 ms while anything moves."""
TEMPERATURE_STEP_K = 0.02
"""A segment ends when the water at the meters has changed by this much."""
PRESSURE_RATE_KPA_S = 100.0
"""How fast the drives of the pumps change the pressure that they hold: no meter is to feel a blow."""
FEW_SEGMENTS = 20
"""Up to so many, two cycles, a device lives through them one by one: a course has a price of its own."""
WATER_HEAT_J_L_K = 4180.0
COVER_OPENING_M2 = 8e-5
"""The weighing tank is covered but for a hole of 10 mm for the jet's pipe."""


class Controller(Protocol):
    """Acts on the plant from outside of nature (a PLC)."""

    @property
    def idle(self) -> bool:
        """True when leaving out scans would change nothing."""

    def scan(self, now_s: float) -> None: ...


class PressureLoss(Protocol):
    """What a body in the line takes of the pressure, in kPa, at a flow in L/h of water of a temperature in degC."""

    def __call__(self, flow_l_h: float, water_temp_c: float, /) -> float: ...


@dataclass(slots=True)
class Slot:
    """A place in the line: what is clamped there, its pressure loss, and a leak between it and the reference."""

    device: InLine
    loss_kpa: PressureLoss
    leak_l_h: float = 0.0
    reversed: bool = False
    """Clamped against the flow: the water goes through the device backwards, and loses as much."""
    taken_out: bool = False
    """A straight pipe without loss is in the place of the device, which stands in the room, full of still water."""


@dataclass(frozen=True, slots=True)
class PlantSpec:
    """What the station file says of the simulated world."""

    water_temp_c: float = 20.0
    supply_pressure_kpa: float = 400.0
    flow_noise: float = 0.0015
    """Relative standard deviation of the flow behind the pressure vessel."""
    feed_volume_l: float = 0.5
    """Pipe between the tank and the meters."""
    feed_loss_w_k: float = 0.02
    """Heat lost from the traced feed pipe."""
    line_loss_w_k: float = 0.01
    """Heat lost along the meters."""
    dead_volume_l: float = 0.6
    """Between the meters and the diverter."""
    compliance_l_kpa: float = 1e-4
    """What the closed line gives for a drop of 1 kPa: hoses and the last bubbles."""


class Plant:
    """The simulated rig's water, metal and air. Touched only in the lab's loop."""

    def __init__(self, spec: PlantSpec, air: Air, slots: Sequence[Slot], rng: np.random.Generator) -> None:
        self.spec = spec
        self.air = air
        self.slots = list(slots)
        self.controllers: list[Controller] = []
        self.taps: list[InLine] = []
        """What else the water passes before the first slot, in the direction of the flow: the rig's own meters."""
        self.diverter = Diverter()
        self.weigh_tank = WeighTank()
        self.valves = {name: Valve(line) for name, line in LINES.items()}
        self.now_s = 0.0
        self.line: str | None = None
        self.pump_percent = 0.0
        self.line_blocked = False
        self.hold_kpa: float | None = None
        self.tank_temp_c = spec.water_temp_c
        self.heater_setpoint_c = spec.water_temp_c
        self.heater_k_s = 0.0036
        """3 kW on 200 L."""
        self.water_temp_c = spec.water_temp_c
        """At the first meter."""
        self.trapped_kpa = 0.0
        """Pressure in the blocked line."""
        self.cycling: Cycling | None = None
        """What the quick valve behind the meters does; None: it stands open."""
        self._full_l_h = 0.0
        """Flow of the cycles while they are on, the pump's unrest left out."""
        self._drained = False
        self._held_kpa: float | None = None
        """What the drives hold now, on its way to ``hold_kpa``; None: they run at the speed that is set."""
        self._settled_part_l_h = 0.0
        self._noise = FlowNoise(spec.flow_noise, rng)

    # What a sensor of the best kind would show.

    @property
    def source_kpa(self) -> float:
        """Pressure of the main pump at no flow, at the speed that is set."""
        return self.spec.supply_pressure_kpa * (self.pump_percent / 100.0) ** 2

    @property
    def flow_l_h(self) -> float:
        """Flow at the diverter at this instant."""
        return self._settled_part_l_h * (1.0 + self._noise.now)

    @property
    def meters_dp_kpa(self) -> float:
        """What all bodies in the line take at this instant."""
        return self.meters_loss_kpa(self.flow_l_h)

    @property
    def pressure_upstream_kpa(self) -> float:
        if self._drained:
            return 0.0
        if self.line_blocked:
            return self.trapped_kpa
        return max(0.0, self.given_kpa(self.flow_l_h))

    @property
    def pressure_downstream_kpa(self) -> float:
        return max(0.0, self.pressure_upstream_kpa - self.meters_dp_kpa)

    @property
    def water_temp_downstream_c(self) -> float:
        """After the last meter."""
        return self._along_line_c(1.0)

    @property
    def water_temp_middle_c(self) -> float:
        """Half-way along the meters, where the probe is."""
        return self._along_line_c(0.5)

    @property
    def leak_l_h(self) -> float:
        """All leaks of the line together; they run while there is pressure."""
        return sum(slot.leak_l_h for slot in self.slots) if self.pressure_upstream_kpa > 1.0 else 0.0

    @property
    def leak_rate_kpa_min(self) -> float:
        """How fast the pressure of the blocked line falls."""
        return self.leak_l_h / 60.0 / self.spec.compliance_l_kpa if self.line_blocked else 0.0

    def meters_loss_kpa(self, flow_l_h: float) -> float:
        """What all bodies in the line would take at a flow, in the water that is there now.

        At the temperature of the first meter: where water cools along the line, the loss is a few pascals.
        """
        return sum(slot.loss_kpa(flow_l_h, self.water_temp_c) for slot in self.slots if not slot.taken_out)

    def given_kpa(self, flow_l_h: float) -> float:
        """Pressure before the meters at a flow: what the pumps give at the most, or less where their drives hold it."""
        square = (flow_l_h / 1000.0) ** 2
        pump_kpa = self.source_kpa - PUMP_DROOP_KPA * square
        if self._held_kpa is None or not self.pump_percent:
            return pump_kpa
        return min(self._held_kpa, max(pump_kpa, BOOSTER_KPA - BOOSTER_DROOP_KPA * square))

    @property
    def pump_speed_percent(self) -> float:
        """Speed of the main pump; full where the booster helps it."""
        if self._held_kpa is None or not self.pump_percent:
            return self.pump_percent
        needed_kpa = self._held_kpa + PUMP_DROOP_KPA * (self.flow_l_h / 1000.0) ** 2
        return 100.0 * math.sqrt(min(1.0, needed_kpa / max(needed_kpa, self.spec.supply_pressure_kpa)))

    def pan_mass_g(self) -> float:
        """What the balance under the weighing tank feels, as a mass against steel weights."""
        density = density_kg_m3(self.water_temp_c)
        return apparent_mass_g(self.weigh_tank.mass_g, density, self.air.density_kg_m3)

    # What an actuator does.

    def block_line(self, blocked: bool) -> None:
        """Close (or open) the valves at both ends of the meters' line; what is inside keeps its pressure."""
        if blocked and not self.line_blocked:
            self.trapped_kpa = self.pressure_upstream_kpa
        self.line_blocked = blocked

    def hold_pressure(self, pressure_kpa: float | None) -> None:
        """Let the drives of the running pumps hold a gauge pressure before the meters, whatever flows.

        From what is there now, at ``PRESSURE_RATE_KPA_S``. None: the main pump at its speed again, at once.
        """
        if pressure_kpa is None:
            self._held_kpa = None
        elif self._held_kpa is None:
            self._held_kpa = self.pressure_upstream_kpa
        self.hold_kpa = pressure_kpa

    def start_cycling(self, line: str, times: CycleTimes, cycles: int, listener: Listener | None = None) -> None:
        """Let the quick valve begin the first of so many cycles in a line, from water that stands still.

        ``listener`` is told of the cycles that have ended. After the last one the line is shut.
        """
        self.line = line
        self.cycling = Cycling(times, self.now_s, cycles, self._noise, listener)

    def stop_cycling(self) -> None:
        """Shut the line, wherever the cycle is; safe to call at any time."""
        self.cycling = None
        self.line = None

    @property
    def drained(self) -> bool:
        """No water stands in the line and the meters; filling it takes the air out."""
        return self._drained

    @drained.setter
    def drained(self, drained: bool) -> None:
        self._drained = drained
        if drained:
            self._settled_part_l_h = self.trapped_kpa = 0.0
            if self._held_kpa is not None:
                self._held_kpa = 0.0

    # Time.

    def advance(self, duration_s: float) -> bool:
        """Let time pass; True if the plant was steady from beginning to end."""
        end_s = self.now_s + duration_s
        steady = True
        while end_s - self.now_s > 1e-9:
            for controller in self.controllers:
                controller.scan(self.now_s)
            target_l_h = self._target_flow_l_h()
            if self.cycling is not None:
                idle = all(controller.idle for controller in self.controllers)
                steady = self._cycle(self.cycling, end_s, target_l_h, undisturbed=idle) and steady
                continue
            step_s = min(end_s - self.now_s, self.diverter.next_event_s(self.now_s) - self.now_s)
            if self._at_rest(target_l_h) and all(controller.idle for controller in self.controllers):
                step_s = min(step_s, self._temperature_limit_s(), self.weigh_tank.drained_in_s)
            else:
                steady = False
                step_s = min(step_s, SCAN_S)
            self._step(max(step_s, 1e-9), target_l_h)
        return steady

    def _target_flow_l_h(self) -> float:
        if self.line is None or self.line_blocked or self._drained:
            return 0.0
        kv_m3_h = self.valves[self.line].kv_m3_h
        if self._held_kpa is None or not self.pump_percent:
            return settled_flow_l_h(self.source_kpa, self.meters_loss_kpa, kv_m3_h)
        held_l_h = settled_flow_l_h(self._held_kpa, self.meters_loss_kpa, kv_m3_h, 0.0)
        if self.given_kpa(held_l_h) == self._held_kpa:
            return held_l_h
        # More than the pumps can hold that pressure for: as much as the stronger of them gives.
        return max(
            settled_flow_l_h(self.source_kpa, self.meters_loss_kpa, kv_m3_h),
            settled_flow_l_h(BOOSTER_KPA, self.meters_loss_kpa, kv_m3_h, BOOSTER_DROOP_KPA),
        )

    def _at_rest(self, target_l_h: float) -> bool:
        return (
            abs(self._settled_part_l_h - target_l_h) <= 1e-5 * target_l_h
            and not (self.line_blocked and self.leak_l_h > 0.0)
            and self.actuators_still
        )

    @property
    def actuators_still(self) -> bool:
        """No valve travels, the diverter stands, and the drives have come to the pressure that they are to hold."""
        return (
            all(valve.still for valve in self.valves.values())
            and self.diverter.still
            and (self._held_kpa == self.hold_kpa or not self._builds_pressure)
        )

    @property
    def _builds_pressure(self) -> bool:
        """There is water for the drives to put under pressure, and a pump that runs."""
        return self.pump_percent > 0.0 and not self._drained

    def _along_line_c(self, part: float) -> float:
        """Water temperature at a part (0..1) of the way along the meters: it goes towards the air's."""
        flow = max(self._flow_for_heat_l_h, 0.1)
        decay = math.exp(-part * self.spec.line_loss_w_k / (flow / 3600.0 * WATER_HEAT_J_L_K))
        return self.air.temp_c + (self.water_temp_c - self.air.temp_c) * decay

    @property
    def _flow_for_heat_l_h(self) -> float:
        """Water and metal are too heavy to follow a cycle: for them the mean of one flows."""
        return self._settled_part_l_h if self.cycling is None else self._full_l_h * self.cycling.times.mean_part

    def _mixing(self, flow_l_h: float) -> tuple[float, float]:
        """Where the water temperature at the meters is going, and how fast (degC, 1/s)."""
        exchange = flow_l_h / 3600.0 / self.spec.feed_volume_l
        loss = self.spec.feed_loss_w_k / (self.spec.feed_volume_l * WATER_HEAT_J_L_K)
        rate = exchange + loss
        return (exchange * self.tank_temp_c + loss * self.air.temp_c) / rate, rate

    def _temperature_limit_s(self) -> float:
        heating_s = math.inf if self.tank_temp_c == self.heater_setpoint_c else TEMPERATURE_STEP_K / self.heater_k_s
        goal, rate = self._mixing(self._flow_for_heat_l_h)
        gap = abs(goal - self.water_temp_c)
        if gap <= TEMPERATURE_STEP_K:
            return heating_s
        return min(heating_s, -math.log1p(-TEMPERATURE_STEP_K / gap) / rate)

    def _step(self, step_s: float, target_l_h: float) -> None:
        """One segment: constant mean flow for everything in the line."""
        lag_s = LINES[self.line].lag_s if self.line else 0.2
        decay = math.exp(-step_s / lag_s)
        gap = self._settled_part_l_h - target_l_h
        mean = target_l_h + gap * lag_s / step_s * -math.expm1(-step_s / lag_s)
        mean *= 1.0 + self._noise.advance(step_s)
        self._settled_part_l_h = target_l_h + gap * decay
        arrived = abs(self._settled_part_l_h - target_l_h) <= 1e-5 * target_l_h
        if arrived or (target_l_h == 0.0 and self._settled_part_l_h < 0.01):
            self._settled_part_l_h = target_l_h

        temp_before_c = self.water_temp_c
        self._change_temperatures(mean, step_s)
        temp_shift_c = 0.5 * (temp_before_c - self.water_temp_c)  # from the end of the step to its middle

        outlet_mpa = ATMOSPHERE_MPA + self.pressure_downstream_kpa / 1000.0
        mass_g_s = mean / 3600.0 * density_kg_m3(self.water_temp_downstream_c + temp_shift_c, outlet_mpa)
        self._advance_meters(step_s, mass_g_s, temp_shift_c)

        in_tank = self.diverter.advance(self.now_s, step_s)
        swelling_g = self.spec.dead_volume_l * (density_kg_m3(temp_before_c) - density_kg_m3(self.water_temp_c))
        out_g = mass_g_s * step_s + (swelling_g if mean > 0.0 else 0.0)
        evaporation = self.air.evaporation_g_s(self.water_temp_c, COVER_OPENING_M2)
        self.weigh_tank.advance(step_s, max(0.0, out_g) * in_tank, evaporation)

        if self.line_blocked:
            self.trapped_kpa = max(0.0, self.trapped_kpa - self.leak_rate_kpa_min / 60.0 * step_s)
        self._move_actuators(step_s)
        self.now_s += step_s

    def _move_actuators(self, step_s: float) -> None:
        if self._held_kpa is not None and self.hold_kpa is not None and self._builds_pressure:
            reach = PRESSURE_RATE_KPA_S * step_s
            gap = self.hold_kpa - self._held_kpa
            self._held_kpa = self.hold_kpa if abs(gap) <= reach else self._held_kpa + math.copysign(reach, gap)
        for valve in self.valves.values():
            valve.travel(step_s)

    def _change_temperatures(self, flow_l_h: float, step_s: float) -> None:
        reach = self.heater_k_s * step_s
        self.tank_temp_c += min(max(self.heater_setpoint_c - self.tank_temp_c, -reach), reach)
        goal, rate = self._mixing(flow_l_h)
        self.water_temp_c = goal + (self.water_temp_c - goal) * math.exp(-rate * step_s)

    def _advance_meters(self, step_s: float, mass_g_s: float, temp_shift_c: float) -> None:
        """Give each slot its segment: same mass, its own temperature and pressure, and the leaks after it.

        The pressure of a slot is that in the middle of its body. The taps see what comes to the first slot.
        """
        left_kpa, flow_now_l_h = self.pressure_upstream_kpa, self.flow_l_h
        leaking = left_kpa > 1.0 and not self.line_blocked
        slots = len(self.slots)
        leak_l_h = sum(slot.leak_l_h for slot in self.slots) if leaking else 0.0
        for number, slot in enumerate(self.slots):
            temp_c = self._along_line_c((number + 0.5) / slots) + temp_shift_c
            loss_kpa = 0.0 if slot.taken_out else slot.loss_kpa(flow_now_l_h, self.water_temp_c)
            pressure_mpa = ATMOSPHERE_MPA + max(0.0, left_kpa - 0.5 * loss_kpa) / 1000.0
            left_kpa -= loss_kpa
            flow_l_h = mass_g_s / density_kg_m3(temp_c, pressure_mpa) * 3600.0 + leak_l_h
            water = Segment(self.now_s, step_s, flow_l_h, temp_c, pressure_mpa, fill=0.0 if self._drained else 1.0)
            if number == 0:
                for tap in self.taps:
                    tap.advance(water)
            if slot.taken_out:
                water = Segment(self.now_s, step_s, 0.0, self.air.temp_c, ATMOSPHERE_MPA)
            elif slot.reversed:
                water = replace(water, flow_l_h=-flow_l_h)
            slot.device.advance(water)
            leak_l_h -= slot.leak_l_h if leaking else 0.0

    def _cycle(self, cycling: Cycling, end_s: float, full_l_h: float, *, undisturbed: bool) -> bool:
        """Live through as much of the cycles as nothing else changes in, in one piece; True if that was steady.

        ``undisturbed``: the controllers have nothing to do. Otherwise they look again after each cycle; so they do
        when no water comes.
        """
        self._full_l_h = full_l_h
        steady = undisturbed and self.actuators_still and full_l_h > 0.0
        until_s = min(end_s, cycling.ends_s)
        if not self.actuators_still:
            moved_s = min(self.now_s + SCAN_S, self.diverter.next_event_s(self.now_s))
            until_s = min(until_s, max(moved_s, self.now_s + 2e-9))
        elif not steady:
            until_s = min(until_s, cycling.cycle_ends_s)
        warming_s = self._temperature_limit_s()
        if warming_s < math.inf:
            until_s = min(until_s, cycling.whole_cycles_until_s(self.now_s + warming_s))
        step_s = until_s - self.now_s
        stretch = cycling.stretch(self.now_s, until_s)

        temp_before_c = self.water_temp_c
        self._change_temperatures(self._flow_for_heat_l_h, step_s)
        temp_shift_c = 0.5 * (temp_before_c - self.water_temp_c)
        flows_l_h = full_l_h * LEVELS
        upstream_kpa = np.array([0.0 if self._drained else max(0.0, self.given_kpa(flow)) for flow in flows_l_h])
        losses_kpa = np.array([self.meters_loss_kpa(flow) for flow in flows_l_h])
        downstream_kpa = np.maximum(0.0, upstream_kpa - losses_kpa)
        outlet_temp_c = self.water_temp_downstream_c + temp_shift_c
        outlet_mpa = ATMOSPHERE_MPA + downstream_kpa / 1000.0
        masses_g_s = flows_l_h / 3600.0 * [density_kg_m3(outlet_temp_c, each) for each in outlet_mpa]
        self._cycle_meters(stretch, flows_l_h, masses_g_s, upstream_kpa, temp_shift_c)

        flow_l_h = flows_l_h[stretch.level] * stretch.gain
        in_tank = self.diverter.advance(self.now_s, step_s)
        out_g = float((masses_g_s[stretch.level] * stretch.gain * np.diff(stretch.edges_s)).sum())
        evaporation = self.air.evaporation_g_s(self.water_temp_c, COVER_OPENING_M2)
        self.weigh_tank.advance(step_s, out_g * in_tank, evaporation)
        self._move_actuators(step_s)
        self.now_s = until_s
        self._noise.renew()

        temp_c = self.water_temp_c + temp_shift_c
        level = stretch.level
        passed = cycling.lived(stretch, flow_l_h, upstream_kpa[level], downstream_kpa[level], temp_c)
        self._settled_part_l_h = full_l_h * cycling.part_at(until_s)
        if cycling.over:
            self.stop_cycling()
        if passed is not None:
            cycling.tell(passed)
        return steady

    def _cycle_meters(
        self, stretch: Stretch, flows_l_h: Array, masses_g_s: Array, upstream_kpa: Array, temp_shift_c: float
    ) -> None:
        """What ``_advance_meters`` does, for a stretch of cycles; flows, masses and pressures are those of ``LEVELS``.

        The taps count litres: they get the mean of the stretch.
        """
        left_kpa = upstream_kpa.copy()
        slots, level, start_s = len(self.slots), stretch.level, float(stretch.edges_s[0])
        duration_s = float(stretch.edges_s[-1]) - start_s
        leaking = np.where(upstream_kpa > 1.0, 1.0, 0.0)[level]
        leak_l_h = sum(slot.leak_l_h for slot in self.slots)
        for number, slot in enumerate(self.slots):
            temp_c = self._along_line_c((number + 0.5) / slots) + temp_shift_c
            loss_kpa = np.array([0.0 if slot.taken_out else slot.loss_kpa(q, self.water_temp_c) for q in flows_l_h])
            pressure_mpa = ATMOSPHERE_MPA + np.maximum(0.0, left_kpa - 0.5 * loss_kpa) / 1000.0
            left_kpa -= loss_kpa
            own_l_h = masses_g_s / [density_kg_m3(temp_c, each) for each in pressure_mpa] * 3600.0
            flow_l_h = own_l_h[level] * stretch.gain + leak_l_h * leaking
            if number == 0:
                mean_l_h = float((flow_l_h * np.diff(stretch.edges_s)).sum()) / duration_s
                for tap in self.taps:
                    tap.advance(Segment(start_s, duration_s, mean_l_h, temp_c, float(pressure_mpa[0])))
            if slot.taken_out:
                slot.device.advance(Segment(start_s, duration_s, 0.0, self.air.temp_c, ATMOSPHERE_MPA))
            elif self._drained:
                slot.device.advance(Segment(start_s, duration_s, 0.0, temp_c, ATMOSPHERE_MPA, fill=0.0))
            else:
                flow_l_h = -flow_l_h if slot.reversed else flow_l_h
                temps_c = np.full(len(level), temp_c)
                _live(slot.device, Course(stretch.edges_s, flow_l_h, temps_c, pressure_mpa[level]))
            leak_l_h -= slot.leak_l_h


def _live(device: InLine, course: Course) -> None:
    """At once where the device can and it is worth it; else segment by segment."""
    count = len(course.flow_l_h)
    if count > FEW_SEGMENTS and isinstance(device, LivesCourses):
        device.live(course)
        return
    for index in range(count):
        device.advance(course.segment(index))
