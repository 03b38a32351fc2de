"""Makes a unit: hardware as chance will have it, the firmware of its type, calibrated on the rig, and sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.board import Board, draw_board
from meterbench.dut.reference_meter.hardware.influences import Influences, draw_susceptibility
from meterbench.dut.reference_meter.hardware.sensor import Sensor, draw_sensor
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.metrology.made import Made, Programme
from meterbench.dut.reference_meter.metrology.measuring.measurement import Measurement
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.records.memory_map import MEMORY_MAP
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.reference_meter.metrology.type_data import type_calibration
from meterbench.dut.reference_meter.production.calibrate import calibrate
from meterbench.dut.reference_meter.water_probe import WaterProbe
from meterbench.dut.reference_meter.waveform import WaveformStage

ALTERATION = 0x2545F491
"""What a change of the programme does to its checksum: any will do."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A finished meter: its hardware, and what production has written into it."""

    sensor: Sensor
    board: Board
    probe: WaterProbe
    made: Made
    measurement: Measurement
    """The measuring part alone, as the end of the line used it: for studies over units."""
    _fresh: Sensor
    """As it was when it was calibrated."""

    def waveform_stage(self) -> WaveformStage:
        """Its front end and receiver, with the reference burst of the calibration."""
        return WaveformStage(self.sensor, self._fresh, self.made.parameters.calibration)


def build(
    nameplate: Nameplate, truth: Truth, seed: int, *, calibrated: bool = True, fitted: Fitted = Fitted.NONE
) -> Unit:
    """The unit with this serial in the world of this seed, calibrated before ``truth`` befell it, or not at all."""
    serial = int.from_bytes(nameplate.serial.encode(), "big")
    unit_rng, factory_rng, noise_rng, probe_rng, probe_noise_rng, board_rng, influence_rng = (
        np.random.Generator(np.random.SFC64(stream)) for stream in np.random.SeedSequence((seed, serial)).spawn(7)
    )
    dn, rating = nameplate.designation.dn, nameplate.rating
    fresh = draw_sensor(dn, unit_rng, factory_rng)
    parameters = Parameters(type_calibration(dn))
    programme = Programme()
    if truth.software_altered:
        programme = replace(programme, checksum=f"{int(programme.checksum, 16) ^ ALTERATION:08X}")
    made = Made(
        parameters,
        rating.q1_l_h,
        rating.q3_l_h,
        rating.q4_l_h,
        nameplate.pulse_volume_nl,
        programme,
        has_threshold=not truth.creep,
    )
    measurement = Measurement(parameters, made.q4_l_h, made.pulse_volume_nl)
    if calibrated:
        calibrate(measurement, fresh, dn, factory_rng, by="end of line")
    return Unit(
        sensor=replace(
            fresh, truth=truth, rng=noise_rng, influences=Influences(draw_susceptibility(influence_rng), truth)
        ),
        board=draw_board(board_rng, float(unit_rng.random()), MEMORY_MAP.part_bytes),
        probe=WaterProbe(fitted, probe_rng, probe_noise_rng),
        made=made,
        measurement=measurement,
        _fresh=fresh,
    )
