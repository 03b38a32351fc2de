"""ISO 4064-2, 7.7: errors at the lowest and at the highest pressure that the meter is made for."""

from __future__ import annotations

from meterbench.procedures.collecting import expanded
from meterbench.procedures.error_runs import STEADY_DEADLINE_S, STEADY_WITHIN, Window
from meterbench.procedures.trial import NotDone, Trial

READINGS = 5
"""Of the gauge, one a second."""


def water_pressure(trial: Trial) -> None:
    """1. Hold the minimum pressure (30 kPa, +5 %) before the meters: error at Q2. 2. Hold the maximum one (MAP, -10 %):
    error at Q2. Each within the MPE. 3. Back to the pump's own pressure.
    """
    pressures = _pressures(trial)
    for _, target_kpa, _ in pressures:
        _vouch(trial, target_kpa)
    trial.check_tightness("before")
    try:
        for condition, target_kpa, window_kpa in pressures:
            if not trial.run.finished(f"{trial.test.name}/{condition}/{trial.point('Q2').name}"):
                _hold(trial, target_kpa)
                trial.errors("Q2", condition, inlet_kpa=window_kpa)
    finally:
        trial.bench.rig.hold_pressure(None)
    trial.check_tightness("after")
    trial.conclude()


def _pressures(trial: Trial) -> list[tuple[str, float, Window]]:
    """Condition, target and window, kPa, the lowest first."""
    percent = trial.test.value
    low_kpa, map_kpa = percent("low_kpa"), 1000.0 * trial.meters[0].rating.max_pressure_mpa
    return [
        (
            "minimum pressure",
            low_kpa * (1.0 + percent("low_target_percent") / 100.0),
            (low_kpa, low_kpa * (1.0 + percent("low_tolerance_percent") / 100.0)),
        ),
        (
            "MAP",
            map_kpa * (1.0 - percent("high_target_percent") / 100.0),
            (map_kpa * (1.0 - percent("high_tolerance_percent") / 100.0), map_kpa),
        ),
    ]


def _vouch(trial: Trial, target_kpa: float) -> None:
    """``NotDone`` unless the pressure is known well enough: by the gauge and its certificate, or by what the laboratory
    allows the rig's own transmitter."""
    bench = trial.bench
    gauge = bench.certificate("pressure") is not None
    u_kpa = expanded(bench, "pressure", target_kpa) if gauge else bench.allowances.pressure_kpa
    limit = trial.edition.of_type_evaluation("inlet_pressure_uncertainty_percent").value
    complaints = bench.uncalibrated(("pressure",)) if gauge else []
    if not 100.0 * u_kpa / target_kpa <= limit:
        who = "the gauge before the meters" if gauge else "the rig's own transmitter (there is no certified gauge)"
        complaints.append(f"{who} knows {target_kpa:g} kPa to {u_kpa:g} kPa only; allowed are {limit:g} % of it")
    if complaints:
        raise NotDone("; ".join(complaints))


def _hold(trial: Trial, target_kpa: float) -> None:
    """Water of this pressure at Q2; the rig holds it by its own transmitter, and the gauge says how far that is off."""
    bench, flow_l_h = trial.bench, trial.point("Q2").target_l_h
    bench.rig.hold_pressure(target_kpa)
    line = bench.start_flow(flow_l_h)
    bench.wait_until_steady(line, flow_l_h, STEADY_WITHIN, STEADY_DEADLINE_S)
    certificate = bench.certificate("pressure")
    if certificate is None:
        return
    shown_kpa = []
    for _ in range(READINGS):
        bench.clock.sleep(1.0)
        shown_kpa.append(certificate.corrected(bench.pressure_gauge.pressure_kpa()))
    bench.rig.hold_pressure(2.0 * target_kpa - sum(shown_kpa) / READINGS)
