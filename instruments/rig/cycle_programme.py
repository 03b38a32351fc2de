"""What the PLC does while it lets the water go and stop by itself: prepares, counts, trims and logs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from meterbench.instruments.rig.cycle_log import CycleLog
from meterbench.instruments.rig.cycle_map import SUMMARY
from meterbench.instruments.rig.sensor_errors import SensorErrors
from meterbench.world.cycling import CycleTimes, PassedCycles
from meterbench.world.hydraulics import LINES
from meterbench.world.plant import Plant

TIMING_SD_S = 0.005
"""[design] How well the PLC times a phase by its flow meter: half a scan."""
MEAN_NOISE = 1e-4
"""[design] Noise of a mean over the time on, in parts of the value."""
TRIM_WITHIN = 0.002
RESUME_BEYOND = 0.01
"""The regulating valve is trimmed between cycles until their flow is within the first; again from the second on."""


class CycleProgramme:
    """From the command ``start_cycles`` until the last cycle has ended or somebody stops it.

    Before the first cycle the regulating valve goes to where it belongs, while no water flows.
    """

    def __init__(
        self,
        plant: Plant,
        sensors: SensorErrors,
        log: CycleLog,
        line: str,
        plan: Mapping[str, float | int],
        valve_position: float,
        ended: Callable[[bool], None],
    ) -> None:
        """``plan`` has the map's registers ``cycle_*`` and ``flow_setpoint``; ``ended`` is told whether all cycles
        were done (True) or no water came (False)."""
        self._plant, self._sensors, self._log, self._line = plant, sensors, log, line
        self._times = CycleTimes(*(float(plan[f"cycle_{phase}"]) for phase in ("rise", "on", "fall", "off")))
        self._goal_l_h = float(plan["flow_setpoint"])
        self._cycles = int(plan["cycle_last"]) - int(plan["cycle_first"]) + 1
        self._ended = ended
        self._valve = plant.valves[line]
        self._valve.target = valve_position
        self.settled = False
        """The flow is what it shall be: nothing to do but to count."""
        log.begin(int(plan["cycle_first"]))

    @property
    def started(self) -> bool:
        """The first cycle has begun."""
        return self._plant.cycling is not None

    def scan(self) -> None:
        """Begin once all actuators stand where they shall, and the water stands still."""
        if not self.started and self._plant.actuators_still and self._plant.flow_l_h <= 0.0:
            self._plant.start_cycling(self._line, self._times, self._cycles, self._passed)

    def _passed(self, passed: PassedCycles) -> None:
        flow_l_h = self._take_down(passed)
        if flow_l_h <= 0.0:
            self._ended(False)
            return
        ratio = flow_l_h / self._goal_l_h
        self.settled = abs(ratio - 1.0) < (RESUME_BEYOND if self.settled else TRIM_WITHIN)
        if not self.settled:
            change = -math.log(ratio) / math.log(LINES[self._line].rangeability)
            self._valve.target = min(max(self._valve.position + change, 0.02), 1.0)
        if not self.started:
            self._ended(True)

    def _take_down(self, passed: PassedCycles) -> float:
        """Log the cycles as the rig's own sensors saw them; the mean of their flow in L/h."""
        count, sensors = len(passed.volume_l), self._sensors
        noise = sensors.rng.standard_normal((8, count))
        gain = sensors.flow_gain[self._line]
        kpa_sd = MEAN_NOISE * np.maximum(100.0, passed.pressure_upstream_kpa)
        summaries = np.zeros(count, dtype=SUMMARY)
        for phase, deviation in zip(("rise_s", "on_s", "fall_s", "off_s"), noise[:4], strict=True):
            summaries[phase] = getattr(self._times, phase) + TIMING_SD_S * deviation
        summaries["flow_l_h"] = flow_l_h = passed.flow_l_h * gain * (1.0 + MEAN_NOISE * noise[4])
        summaries["volume_l"] = passed.volume_l * gain * (1.0 + MEAN_NOISE * noise[4])
        summaries["pressure_upstream_kpa"] = passed.pressure_upstream_kpa * sensors.pressure_gain + kpa_sd * noise[5]
        summaries["pressure_downstream_kpa"] = (
            passed.pressure_downstream_kpa * sensors.pressure_gain + kpa_sd * noise[6]
        )
        summaries["water_temp_c"] = passed.water_temp_c + sensors.temp_offset_c + 0.005 * noise[7]
        self._log.add(summaries)
        return float(flow_l_h.mean())
