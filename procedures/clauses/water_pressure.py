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
    low_kpa, high_kpa = _windows(trial)
    for window_kpa in (low_kpa, high_kpa):
        _vouch(trial, window_kpa)
    trial.check_tightness("before")
    try:
        for condition, window_kpa in (("minimum pressure", low_kpa), ("MAP", high_kpa)):
            if not trial.run.finished(f"{trial.test.name}/{condition}/{trial.point('Q2').name}"):
                _hold(trial, window_kpa)
                trial.errors("Q2", condition, inlet_kpa=window_kpa)
    finally:
        trial.bench.rig.hold_pressure(None)
    trial.check_tightness("after")
    trial.conclude()


def _windows(trial: Trial) -> tuple[Window, Window]:
    test, map_kpa = trial.test, 1000.0 * trial.meters[0].rating.max_pressure_mpa
    low_kpa = test.value("low_kpa")
    return (
        (low_kpa, low_kpa * (1.0 + test.value("low_tolerance_percent") / 100.0)),
        (map_kpa * (1.0 - test.value("high_tolerance_percent") / 100.0), map_kpa),
    )


def _target_kpa(trial: Trial, window_kpa: Window) -> float:
    """The middle of the window; near its upper end where it is wide: more is the stricter test."""
    lower, upper = window_kpa
    share = trial.test.value("target_part_of_window")
    return lower + share * (upper - lower)


def _vouch(trial: Trial, window_kpa: Window) -> None:
    """``NotDone`` unless the pressure is known well enough: by the gauge and its certificate, or by what the laboratory
    allows the rig's own transmitter."""
    bench, target_kpa = trial.bench, _target_kpa(trial, window_kpa)
    gauge = bench.certificate("pressure") is not None
    u_kpa = expanded(bench, "pressure", target_kpa) if gauge else bench.allowances.pressure_kpa
    limit = trial.edition.of_type_evaluation("inlet_pressure_uncertainty_percent").value
    complaints = bench.uncalibrated(("pressure",)) if gauge else []
    if not 100.0 * u_kpa / target_kpa <= limit:
        who = "the gauge before the meters" if gauge else "the rig's own transmitter (there is no certified gauge)"
        complaints.append(
            f"{who} knows {target_kpa:g} kPa to {u_kpa:g} kPa only; allowed are {limit:g} % of it"
        )
    if complaints:
        raise NotDone("; ".join(complaints))


def _hold(trial: Trial, window_kpa: Window) -> None:
    """Water of this pressure at Q2; the rig holds it by its own transmitter, and the gauge says how far that is off."""
    bench, target_kpa, flow_l_h = trial.bench, _target_kpa(trial, window_kpa), trial.point("Q2").target_l_h
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
    bench.rig.hold_pressure(target_kpa + target_kpa - sum(shown_kpa) / READINGS)
