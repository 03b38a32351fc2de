"""What can be read of the measuring itself: volumes, flow, water, and how well it hears."""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring has found after one cycle."""

    forward_nl: int
    reverse_nl: int
    flow_l_h: float
    """Signed mean of the last 4 s; zero below the sensitivity threshold."""
    water_temp_c: float
    """From the PT1000 where one is fitted, else from the speed of sound; NaN while none is heard and believed."""
    dry: bool
    """No water: nothing was heard of eight shots in a row (ADR-040)."""
    disturbed: bool
    """Air or a fault: more than a quarter of the last four seconds' shots are lost."""
    measurable: bool
    """False while no flow can be told and nothing is registered: more than half of the shots are lost, or no water."""
    weak_signal: bool
    """The bursts have lost more than a quarter of their amplitude since the calibration."""
    measuring_cycles: int
    """Shots fired since the meter was made."""
    lost_shots: int
    """Of these, without a usable echo in both directions; silent shots of an empty pipe do not count."""
    refused_shots: int
    """Heard, but not believed: a cycle slip, times that no water has, a first shot that waits for a second."""
    suspected_slips: int
    """Jumps of t_up + t_dn by whole periods."""
    sensor_fault: SensorFault | None
    """Of the PT1000 or the pressure sensor, where one is fitted."""
    zero_refused_ps: float
    """What zero tracking found too large to be an offset: the valve leaks. NaN if there was nothing of the kind."""
    zero_correction_ps: float
    """What zero tracking has found on top of the sealed zero."""

    @property
    def forward_l(self) -> float:
        return self.forward_nl * 1e-9

    @property
    def reverse_l(self) -> float:
        return self.reverse_nl * 1e-9
