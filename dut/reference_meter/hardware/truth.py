"""What a unit really is beyond a good calibration: nothing, or faults that were put into it for the bench to find."""

from __future__ import annotations

from dataclasses import dataclass

from meterbench.dut.reference_meter.array_types import Numbers

SHOT_NOISE_PS = 35.0
"""Standard deviation of one shot's dt at a signal-to-noise ratio of 60 dB (metering.md 2.2, 2.3)."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is wrong with a unit beyond its calibration: the bench must find it out. By default it is a good one.

    Percentages are gain: positive reads high. What depends on the surroundings comes on top of what a good unit shows
    of the same (``influences``).
    """

    zero_offset_ps: float = 0.0
    """Residual of the differential time; positive reads high."""
    gain_percent: float = 0.0
    """On the path velocity; positive reads high."""
    noise_ps: float = SHOT_NOISE_PS
    """Standard deviation of one shot's dt at full amplitude."""
    zero_slope_ps_k: float = 0.0
    """Change of the zero offset with temperature, about 20 degC."""
    amplitude_loss_percent: float = 0.0
    """Of the received bursts, in both directions (scale, ageing)."""
    mismatch_db: float = 0.0
    """Burst against the flow over burst with it."""
    gain_slope_percent_k: float = 0.0
    """Over the water's temperature, about 20 degC."""
    gain_percent_mpa: float = 0.0
    """Over the gauge pressure, above 0.3 MPa."""
    reverse_gain_percent: float = 0.0
    """While water flows against the arrow."""
    reverse_offset_l_h: float = 0.0
    """Measured too much of whatever flows against the arrow."""
    swirl_percent: float = 0.0
    """With a flow disturber directly upstream; a third of it with one directly downstream."""
    wear_percent_1000_m3: float = 0.0
    """For each 1000 m3 that has passed."""
    magnet_percent: float = 0.0
    """While the field at the Hall switch is 20 mT or more."""
    heat_percent_k: float = 0.0
    """For each K of the air around the meter above 45 degC."""
    cold_percent_k: float = 0.0
    """For each K of the air around the meter below 0 degC."""
    damp_percent: float = 0.0
    """Once damp has got in, until it has dried."""
    low_supply_percent_v: float = 0.0
    """For each V by which the source that feeds the meter lies below 3.2 V."""
    esd_upset_s: float = 0.0
    """How long nothing is measured after an electrostatic discharge of 4 kV or more."""
    field_percent: float = 0.0
    """In a radio-frequency field of 10 V/m between 350 and 500 MHz; with the square of the field."""
    creep: bool = False
    """Production has left the sensitivity threshold out."""
    software_altered: bool = False
    """The programme is not the one of the type."""
    loss_factor: float = 1.0
    """Pressure loss of the body over that of a good one."""
    leak_above_mpa: float | None = None
    """Gauge pressure above which the body seeps; None: at none."""

    @property
    def amplitudes(self) -> tuple[float, float]:
        """Of the bursts against the flow and with it, relative to a good unit's."""
        left, ratio = 1.0 - self.amplitude_loss_percent / 100.0, 10.0 ** (self.mismatch_db / 40.0)
        return left * ratio, left / ratio

    def pair_noise_ps(self, up: Numbers = 1.0, dn: Numbers = 1.0) -> Numbers:
        """Noise of dt where the bursts' amplitudes are these, relative to their own."""
        own_up, own_dn = self.amplitudes
        noise_ps: Numbers = self.noise_ps * (0.5 / (own_up * up) ** 2 + 0.5 / (own_dn * dn) ** 2) ** 0.5
        return noise_ps
