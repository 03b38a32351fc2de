"""The parts of a station file that say what is clamped in the line, and what is true in a simulated world."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from meterbench.bench.station_section import Section
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import rating
from meterbench.errors import ConfigError
from meterbench.instruments.faults import Fault, FaultKind
from meterbench.instruments.roles import ROLES


class MeterSection(Section):
    """``[[meters]]``: a meter in the line, as its nameplate says."""

    serial: Annotated[str, Field(min_length=1, max_length=40)]
    designation: str
    q3_m3_h: Decimal
    ratio: int
    pulse_volume_ml: Annotated[float, Field(gt=0, le=1000)] = 0.1

    @model_validator(mode="after")
    def _exists(self) -> MeterSection:
        self.nameplate()
        return self

    def nameplate(self) -> Nameplate:
        """The meter as the bench knows it."""
        try:
            designation = Designation.parse(self.designation)
            made = rating(designation, self.q3_m3_h, self.ratio)
            return Nameplate(self.serial, designation, made, self.pulse_volume_ml)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class TruthSection(Section):
    """``[virtual.meters.truth]``: what the unit really is; the bench must find it out."""

    zero_offset_ps: Annotated[float, Field(ge=-1e5, le=1e5)] = 0.0
    gain_percent: Annotated[float, Field(gt=-100, le=100)] = 0.0
    noise_ps: Annotated[float, Field(ge=0, le=1e5)] = 35.0
    zero_slope_ps_k: Annotated[float, Field(ge=-100, le=100)] = 0.0
    amplitude_loss_percent: Annotated[float, Field(ge=0, le=90)] = 0.0
    mismatch_db: Annotated[float, Field(ge=-20, le=20)] = 0.0
    water_leak_l_h: Annotated[float, Field(ge=0, le=1000)] = 0.0
    gain_slope_percent_k: Annotated[float, Field(ge=-10, le=10)] = 0.0
    gain_percent_mpa: Annotated[float, Field(ge=-50, le=50)] = 0.0
    reverse_gain_percent: Annotated[float, Field(gt=-100, le=100)] = 0.0
    reverse_offset_l_h: Annotated[float, Field(ge=-1000, le=1000)] = 0.0
    swirl_percent: Annotated[float, Field(gt=-100, lt=100)] = 0.0
    wear_percent_1000_m3: Annotated[float, Field(ge=-50, le=50)] = 0.0
    magnet_percent: Annotated[float, Field(gt=-100, le=100)] = 0.0
    heat_percent_k: Annotated[float, Field(ge=-10, le=10)] = 0.0
    cold_percent_k: Annotated[float, Field(ge=-10, le=10)] = 0.0
    damp_percent: Annotated[float, Field(gt=-100, le=100)] = 0.0
    low_supply_percent_v: Annotated[float, Field(ge=-100, le=100)] = 0.0
    esd_upset_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    field_percent: Annotated[float, Field(ge=-100, le=100)] = 0.0
    creep: bool = False
    software_altered: bool = False
    loss_factor: Annotated[float, Field(gt=0, le=100)] = 1.0
    leak_above_mpa: Annotated[float, Field(ge=0, le=10)] | None = None


class VirtualMeterSection(MeterSection):
    """``[[virtual.meters]]``: a simulated meter."""

    sensor: Literal["none", "pt1000", "pressure"] = "none"
    truth: TruthSection = TruthSection()


class TypeSection(Section):
    """``[type]``: what the applicant's documents say of the type that is evaluated."""

    application: str = ""
    """Number of the application."""
    applicant: str = ""
    manufacturer: str = ""
    model: str = ""
    software: str = ""
    """Identifier and checksum of the legally relevant software, with a blank between, as displayed."""


class FaultSection(Section):
    """``[[virtual.faults.ROLE]]``: something that a simulator does wrong on the wire."""

    kind: FaultKind
    after: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=-1)] = 1
    delay_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    drift_percent_h: Annotated[float, Field(ge=-1000, le=1000)] = 1.0

    def fault(self) -> Fault:
        """For the simulator."""
        return Fault(self.kind, self.after, self.count, self.delay_s, self.drift_percent_h)


class VirtualSection(Section):
    """``[virtual]``: present only where the world is simulated."""

    seed: Annotated[int, Field(ge=0)] = 1
    water_temp_c: Annotated[float, Field(ge=0.1, le=60)] = 20.0
    ambient_temp_c: Annotated[float, Field(ge=-25, le=70)] = 20.0
    supply_pressure_mpa: Annotated[float, Field(ge=0.03, le=1.6)] = 0.4
    flow_noise_percent: Annotated[float, Field(ge=0, le=50)] = 0.15
    meters: Annotated[list[VirtualMeterSection], Field(min_length=1)]
    faults: dict[str, list[FaultSection]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _faults_have_roles(self) -> VirtualSection:
        for role in self.faults:
            if role not in ROLES:
                raise ValueError(f"faults.{role}: no such role; allowed: {', '.join(ROLES)}")
        return self
