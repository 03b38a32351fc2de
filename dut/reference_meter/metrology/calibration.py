"""What the end of the line writes into a meter: its geometry, delay, zero offset and correction over Re."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """One unit's calibration.

    ``factors[i]`` is true over uncorrected flow at the Reynolds number ``re_knots[i]`` that the firmware finds from its
    uncorrected path velocity; linear in Re in between, constant beyond. A table over flow alone would leave 1 to 3 %
    in cold and warm water, because the transition sits at a Reynolds number (metering.md 2.4).
    """

    throat_m: float
    axial_m: float
    legs_m: float
    delay_s: float
    zero_offset_ps: float
    re_knots: tuple[float, ...] = (1.0,)
    factors: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if len(self.re_knots) != len(self.factors) or not self.re_knots:
            raise ValueError(
                f"{len(self.re_knots)} knots need as many factors, not {len(self.factors)}, and at least one"
            )
        if any(b <= a for a, b in zip(self.re_knots, self.re_knots[1:], strict=False)):
            raise ValueError(f"the knots must rise: {self.re_knots}")
