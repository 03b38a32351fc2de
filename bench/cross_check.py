"""Instruments that see the same thing are compared: one that drifts tells nobody on the wire.

Two that disagree by more than their uncertainties (k = 2) and what the laboratory allows for stability leave nothing
that may be judged: nobody knows which of the two is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meterbench.bench.certificate import Certificate
from meterbench.bench.record import Condition
from meterbench.errors import CalibrationError


@dataclass(frozen=True, slots=True)
class Allowances:
    """What two good instruments may differ by beyond their certificates: stability, place, time constants."""

    master_percent: float = 0.3
    """A flow meter between two calibrations, installed elsewhere than in the calibration laboratory."""
    master_step_l: float = 0.05
    """Of a flow meter's totaliser: a float of 32 bits that has counted 500 m3 moves in steps of 0.03 L."""
    water_temp_k: float = 0.3
    """The rig's own water temperatures, which have no certificate."""
    pressure_kpa: float = 10.0
    """The rig's own pressures, which have no certificate."""
    chamber_k: float = 1.0
    """The chamber's own sensor against the air around the meter."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two instruments that saw the same thing."""

    quantity: str
    """Names both."""
    unit: str
    differences: tuple[float, ...]
    """First less second, each time they were compared; at least one."""
    expanded_uncertainty: float
    """Of the difference (k = 2), by the certificates."""
    allowance: float

    @property
    def allowed(self) -> float:
        """The largest difference that good instruments have."""
        return self.expanded_uncertainty + self.allowance

    def condition(self) -> Condition:
        """For the record; a difference that is not a number is not met."""
        lowest, highest = min(self.differences), max(self.differences)
        known = all(math.isfinite(each) for each in (*self.differences, self.allowed))
        return Condition(
            step="",
            quantity=self.quantity,
            unit=self.unit,
            lowest=lowest if known else None,
            highest=highest if known else None,
            lower=-self.allowed if known else None,
            upper=self.allowed if known else None,
            met=bool(known and -self.allowed <= lowest and highest <= self.allowed),
            clause="",
            note=f"cross-check: U {self.expanded_uncertainty:.3g} {self.unit} (k = 2) and {self.allowance:.3g} "
            f"{self.unit} for stability",
        )


@dataclass(frozen=True, slots=True)
class MasterVolume:
    """What the flow meters in the rig's lines counted around one collection."""

    roles: str
    volume_l: float
    """By their totalisers, corrected by their certificates."""
    flow_l_h: float | None
    """Mean of what they showed, corrected, where water ran before and after: then only the flow can be compared."""
    expanded_uncertainty_percent: float


def master_corrected(shown: float, flow_l_h: float, certificate: Certificate) -> tuple[float, float]:
    """Corrected volume or flow of a flow meter and its expanded uncertainty in per cent.

    Beyond the certificate's points nothing is corrected, and the largest error counts as uncertainty: no result rests
    on a flow meter of the line, so it may still witness, less well.
    """
    try:
        return certificate.corrected(shown, at=flow_l_h), certificate.uncertainty_at(flow_l_h)
    except CalibrationError:
        return shown, certificate.expanded_uncertainty + max(abs(point.error) for point in certificate.points)


def weighed_against_master(
    actual_l: float, actual_u_percent: float, gate_s: float, master: MasterVolume, allowances: Allowances
) -> Comparison:
    """The weighed volume against the flow meter of the line that carried it, in per cent of what the latter saw."""
    if master.flow_l_h is not None:
        seen_l, step_percent = master.flow_l_h * gate_s / 3600.0, 0.0
    else:
        seen_l = master.volume_l
        step_percent = 100.0 * allowances.master_step_l / seen_l if seen_l > 0.0 else math.nan
    return Comparison(
        quantity=f"volume weighed by the balance against {master.roles}",
        unit="%",
        differences=(100.0 * (actual_l - seen_l) / seen_l if seen_l > 0.0 else math.nan,),
        expanded_uncertainty=math.hypot(actual_u_percent, master.expanded_uncertainty_percent),
        allowance=allowances.master_percent + step_percent,
    )


def probe_against_rig(pairs_c: Sequence[tuple[float, float]], probe_u_k: float, allowances: Allowances) -> Comparison:
    """The line's platinum probe against the mean of the rig's sensors before and after the meters."""
    return Comparison(
        quantity="water temperature of the thermometer against the rig's own sensors",
        unit="K",
        differences=tuple(probe - rig for probe, rig in pairs_c),
        expanded_uncertainty=probe_u_k,
        allowance=allowances.water_temp_k,
    )


def pressure_against_rig(
    pairs_kpa: Sequence[tuple[float, float]], gauge_u_kpa: float, allowances: Allowances
) -> Comparison:
    """The reference gauge before the meters against the rig's own transmitter there."""
    return Comparison(
        quantity="pressure of the reference gauge (pressure) against the rig's own transmitter",
        unit="kPa",
        differences=tuple(gauge - rig for gauge, rig in pairs_kpa),
        expanded_uncertainty=gauge_u_kpa,
        allowance=allowances.pressure_kpa,
    )


def chamber_probe_against_chamber(
    probe_c: float, chamber_c: float, probe_u_k: float, allowances: Allowances
) -> Comparison:
    """The probe beside the meter against the chamber's own sensor."""
    return Comparison(
        quantity="air temperature of the chamber_probe against the chamber's own sensor",
        unit="K",
        differences=(probe_c - chamber_c,),
        expanded_uncertainty=probe_u_k,
        allowance=allowances.chamber_k,
    )
