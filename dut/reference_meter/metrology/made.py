"""What the firmware finds where it starts: what production has made of the unit, and the pins it can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from meterbench.dut.reference_meter.metrology.alarms.tamper import TamperInputs
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum
from meterbench.dut.reference_meter.metrology.parameters import Parameters
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted


class Inputs(TamperInputs, Protocol):
    """What the firmware can read of the hardware besides the bursts."""

    @property
    def fitted(self) -> Fitted:
        """Which sensor is in the water."""
        ...

    def valve_closed(self) -> bool:
        """The end switch of the shut-off valve behind the meter."""
        ...

    def ambient_temp_c(self) -> float:
        """The processor's own thermometer."""
        ...


@dataclass(frozen=True, slots=True)
class Programme:
    """What is loaded into a meter, as it says itself; by default the programme that is approved."""

    identifier: str = SOFTWARE_ID
    checksum: str = field(default_factory=software_checksum)


@dataclass(frozen=True, slots=True)
class Made:
    """What production has written into a unit's program memory, where no loss of supply can reach it."""

    parameters: Parameters
    q1_l_h: float
    q3_l_h: float
    q4_l_h: float
    pulse_volume_nl: int
    programme: Programme = field(default_factory=Programme)
    has_threshold: bool = True
    """Nothing is registered below the sensitivity threshold: always so, unless production makes a mistake."""
