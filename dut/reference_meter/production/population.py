"""Many units of one variant, and what each of them reads where its noise is averaged out: a study over units."""

from __future__ import annotations

import numpy as np

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.array_types import Array
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.metrology.measuring.transit import Stretches
from meterbench.dut.reference_meter.metrology.measuring.water import NOMINAL_PRESSURE_MPA
from meterbench.dut.reference_meter.production.factory import Unit, build
from meterbench.dut.variants import Rating, all_ratings


def flow_points_l_h(rating: Rating) -> Array:
    """Q1, Q2, 0.35 (Q2 + Q3), 0.7 (Q2 + Q3), Q3 and Q4, where intrinsic errors are determined (ISO 4064-2, 7.4.4)."""
    between = rating.q2_l_h + rating.q3_l_h
    return np.array([rating.q1_l_h, rating.q2_l_h, 0.35 * between, 0.7 * between, rating.q3_l_h, rating.q4_l_h])


def nameplates(rating: Rating, units: int) -> list[Nameplate]:
    """Of so many units of a variant. No two variants share a serial, so none shares a unit's hardware."""
    first = 1_000_000 * (1 + all_ratings().index(rating))
    designation = Designation(rating.dn, 1, 1)
    return [Nameplate(f"{serial:08d}", designation, rating) for serial in range(first, first + units)]


def draw_population(
    rating: Rating, units: int, seed: int, truth: Truth | None = None, *, calibrated: bool = True
) -> list[Unit]:
    """So many units of a variant, as the factory makes them; the first of many are the same as the first of few."""
    return [build(plate, truth or Truth(), seed, calibrated=calibrated) for plate in nameplates(rating, units)]


def intrinsic_errors_percent(
    unit: Unit, flow_l_h: Array, water_temp_c: Array, pressure_mpa: float = NOMINAL_PRESSURE_MPA
) -> Array:
    """Error of the flow that the unit's own firmware finds, its noise averaged out, on the day of its calibration.

    ``flow_l_h`` (negative: reverse) and ``water_temp_c`` have the shape (points,), as has the result; the pressure is
    absolute. Positive reads high in either direction (ISO 4064-1, formula 1). The sensitivity threshold has no part in
    it: below 1 L/h it is the error of a flow that is not registered.
    """
    seen = unit.sensor.flight(flow_l_h, water_temp_c, np.full(flow_l_h.shape, pressure_mpa))
    without_chance = Stretches(
        cycles=np.ones(flow_l_h.shape, dtype=np.int64),
        mean_dt_ps=np.asarray(seen.dt_ps),
        sd_dt_ps=float(unit.sensor.truth.pair_noise_ps()),
        t_up_s=np.asarray(seen.t_up_s),
        t_dn_s=np.asarray(seen.t_dn_s),
        chance=np.zeros((2, *flow_l_h.shape)),
    )
    errors_percent: Array = 100.0 * (unit.measurement.average(without_chance).flow_l_h / flow_l_h - 1.0)
    return errors_percent


def cpk(errors_percent: Array, mpe_percent: float) -> float:
    """Process capability of errors of shape (units,): from their mean to the nearer of +-MPE, over 3 sd (n - 1).

    Negative where the mean itself is beyond. ``ValueError`` for units that do not differ: they are no population.
    """
    if len(errors_percent) < 2 or np.ptp(errors_percent) == 0.0:
        raise ValueError(f"capability needs units that differ, not {len(errors_percent)} alike")
    to_limit_percent = mpe_percent - abs(float(errors_percent.mean()))
    return to_limit_percent / (3.0 * float(errors_percent.std(ddof=1)))
