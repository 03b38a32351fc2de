"""What is on a unit's board besides the flow sensor: crystal, contacts, chips, memory, supply (seed 11, 13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meterbench.dut.reference_meter.hardware.memory import Fram
from meterbench.dut.reference_meter.hardware.oscillator import Oscillator, draw_oscillator
from meterbench.dut.reference_meter.hardware.power.loads import Loads, draw_loads
from meterbench.dut.reference_meter.hardware.power.supply import Supply, draw_supply
from meterbench.dut.reference_meter.hardware.sensors import accelerometer
from meterbench.dut.reference_meter.hardware.sensors.accelerometer import Accelerometer, draw_accelerometer
from meterbench.dut.reference_meter.hardware.sensors.case_switch import CaseSwitch
from meterbench.dut.reference_meter.hardware.sensors.chip_thermometer import ChipThermometer, draw_chip_thermometer
from meterbench.dut.reference_meter.hardware.sensors.hall_switch import HallSwitch, draw_hall_switch
from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus


@dataclass(slots=True)
class Board:
    """One unit's; ambient temperature and end switch are what others do to it."""

    oscillator: Oscillator
    case_switch: CaseSwitch
    hall_switch: HallSwitch
    accelerometer: Accelerometer
    bus: Bus
    thermometer: ChipThermometer
    memory: Fram
    supply: Supply
    loads: Loads
    ambient_temp_c: float = 20.0
    valve_closed: bool = False
    """The end switch of the shut-off valve behind the meter."""


def draw_board(rng: np.random.Generator, cycle_phase: float, memory_bytes: int) -> Board:
    """The board of a unit, with C1 and the backup cell in place and the pulse capacitor charged."""
    unit_rng, noise_rng, bounce_rng = rng.spawn(3)
    bus = Bus()
    chip = draw_accelerometer(unit_rng, noise_rng)
    bus.attach(accelerometer.ADDRESS, chip)
    return Board(
        oscillator=draw_oscillator(unit_rng, cycle_phase),
        case_switch=CaseSwitch(bounce_rng),
        hall_switch=draw_hall_switch(unit_rng),
        accelerometer=chip,
        bus=bus,
        thermometer=draw_chip_thermometer(unit_rng),
        memory=Fram(memory_bytes),
        supply=draw_supply(unit_rng),
        loads=draw_loads(unit_rng),
    )
