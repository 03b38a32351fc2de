"""A firmware that runs on a desk: its memory, inputs that are set by hand, and true times of any flow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from meterbench.dut.reference_meter.hardware.flow_tube import GEOMETRIES, flight
from meterbench.dut.reference_meter.hardware.memory import Fram
from meterbench.dut.reference_meter.hardware.sensors import accelerometer
from meterbench.dut.reference_meter.hardware.sensors.accelerometer import Accelerometer
from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.metrology.calibration import Calibration
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.made import Made
from meterbench.dut.reference_meter.metrology.measuring.transit import Echo, Stretches, TransitTimes
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.power.places import Place
from meterbench.dut.reference_meter.metrology.records.event_log import Event, EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.memory_map import MEMORY_MAP
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.world.water import sound_speed_m_s

Array = NDArray[np.float64]

TICKS_PER_S = 8
HOUR = 3600 * TICKS_PER_S
DAY = 24 * HOUR
EPOCH_2026 = 20_454 * DAY
"""2026-01-01 00:00 UTC, in ticks: 56 years of which 14 are leap years."""
CYCLE_NL_PER_L_H = 1e9 / 3600.0 / 8.0
"""What one cycle at 1 L/h is worth."""
TRUE_TEMP_C = 20.0


class Desk:
    """Inputs as they lie on the desk: lid closed, no magnet, upright, valve open, 21.34 degC."""

    def __init__(self, fitted: Fitted = Fitted.NONE) -> None:
        self.bus = Bus()
        self.chip = Accelerometer((0.0, 0.0, 0.0), np.random.default_rng(0), noise_g=0.0)
        self.bus.attach(accelerometer.ADDRESS, self.chip)
        self.fitted = fitted
        self.lid_open = self.magnet = self.valve = False
        self.ambient_c = 21.34

    def case_pressed(self, tick: int) -> bool:
        return not self.lid_open

    def hall_on(self, tick: int) -> bool:
        return self.magnet

    def valve_closed(self) -> bool:
        return self.valve

    def ambient_temp_c(self) -> float:
        return self.ambient_c


def made() -> Made:
    """A DN15 of Q3 2500 L/h, R1600, without any correction: 100 L/h of true times are 100 L/h, within 5e-6."""
    parameters = Parameters(Calibration(10.5e-3, 60e-3, 24e-3))
    parameters.put(parameters.calibration, "test")
    parameters.seal("test")
    return Made(parameters, 1.5625, 2500.0, 3125.0, 100_000)


def new_memory() -> Fram:
    """As the chip comes."""
    return Fram(MEMORY_MAP.part_bytes)


def start(
    memory: Fram | None = None, desk: Desk | None = None, unit: Made | None = None, *, clock_ticks: int = EPOCH_2026
) -> Firmware:
    """A firmware that has started, with a good C cell."""
    firmware = Firmware(unit or made(), memory or new_memory(), desk or Desk(), clock_ticks=clock_ticks)
    battery(firmware)
    firmware.started()
    return firmware


def battery(firmware: Firmware, c1_v: float | None = 3.6, backup_v: float | None = 3.6) -> None:
    """What the power manager is told of the places."""
    firmware.power.check({Place.C1: c1_v, Place.C2: None, Place.BACKUP: backup_v, Place.EXTERNAL: None})


def shots(flow_l_h: float, cycles: int, echo: Echo = Echo.GOOD) -> TransitTimes:
    """True times of so many cycles without noise, or bursts that are not good."""
    true = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(TRUE_TEMP_C, 0.5))
    if echo is Echo.GOOD:
        return TransitTimes(np.full(cycles, true.dt_ps), float(true.t_up_s), float(true.t_dn_s))
    nothing = np.full(cycles, math.nan)
    return TransitTimes(nothing, nothing, nothing, np.full(cycles, echo, dtype=np.int8))


def each_shot(flow_l_h: Array) -> TransitTimes:
    """True times of cycles of any flow."""
    true = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(TRUE_TEMP_C, 0.5))
    return TransitTimes(true.dt_ps, true.t_up_s, true.t_dn_s)


def stretches(flow_l_h: Array, cycles: NDArray[np.int64], sd_ps: float = 0.0) -> Stretches:
    """The same as stretches, each of steady flow; noise that did nothing to the means."""
    true = flight(GEOMETRIES[15], flow_l_h, sound_speed_m_s(TRUE_TEMP_C, 0.5))
    return Stretches(cycles, true.dt_ps, sd_ps, true.t_up_s, true.t_dn_s, np.zeros((2, len(cycles))))


def filled(firmware: Firmware, flow_l_h: float = 0.0, seconds: int = 5) -> Firmware:
    """A firmware that has found water: a first shot, one that agrees, and some seconds."""
    for cycles in (1, 1, seconds * TICKS_PER_S - 2):
        take(firmware, shots(flow_l_h, cycles))
    assert firmware.measurement.clear
    return firmware


def take(firmware: Firmware, times: TransitTimes) -> None:
    """As the sensor does: the capture is re-armed when the firmware asks for it."""
    firmware.measure(times)
    if firmware.measurement.wants_rearm:
        firmware.measurement.rearmed()


def at_once(firmware: Firmware, flow_l_h: float, cycles: int) -> None:
    """So many cycles of steady flow in one piece, cut at the hours; nothing else may be due meanwhile."""
    assert cycles < firmware.undisturbed_cycles
    pieces = np.diff(np.concatenate(([0], firmware.hours_within(cycles), [cycles])))
    firmware.measure_stretches(stretches(np.full(len(pieces), flow_l_h), pieces))


def events(firmware: Firmware, *codes: EventCode) -> list[Event]:
    """Of these codes, or all: by time, and by number within a log."""
    every = [event for log in LogType for event in firmware.kept.logs.events(log)]
    wanted = [event for event in every if not codes or event.code in codes]
    return sorted(wanted, key=lambda event: (event.clock_ticks, event.log, event.number))
