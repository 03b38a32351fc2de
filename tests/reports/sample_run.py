"""A run's record as the bench would leave it, made without a bench; for tests of everything that reads records."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meterbench.bench.journal import Journal

Q_L_H = {"Q1": 1.5625, "Q2": 2.5, "Q3": 2500.0, "Q4": 3125.0}
RUNS = {"Q3": (2410.0, 100.0, 2.0), "Q2": (2.62, 3.75, 2.0), "Q1": (1.64, 2.35, 5.0), "profile": (412.0, 60.0, 2.0)}
"""Flow point -> flow in L/h, volume in L, MPE in %."""


def write_sample_run(
    folder: Path,
    *,
    serials: Sequence[str] = ("10000001", "10000002", "10000003", "10000004"),
    flow_points: Sequence[str] = ("Q3", "Q2", "Q1"),
    repeats: int = 1,
    bias_percent: Mapping[str, float] | None = None,
    water_temp_c: float = 20.0,
    simulated: bool = True,
    expired: bool = False,
    closed: bool = True,
    verdict: str = "",
    reasons: Sequence[str] = (),
    seed: int = 1,
) -> Path:
    """Write a record to ``folder`` and return it; every option departs from a PASS of four meters.

    ``bias_percent`` adds to the errors of a serial number (5 makes it fail). ``water_temp_c`` beyond 10 ... 30 makes
    the condition unmet and the rows INVALID. ``expired`` spoils two certificates. ``flow_points=["profile"]`` is a draw
    profile, ``[]`` a run aborted before it measured. ``closed=False`` leaves out conclusions and closing. ``verdict``
    and ``reasons`` are the run's; without them the worst of the meters.
    """
    programme = "draw-profile" if "profile" in flow_points else "initial-verification"
    journal = Journal.create(folder)
    lines = _Lines(journal)
    lines.add("run_opened", **_opening(programme, serials, simulated, expired, seed))
    chance = random.Random(seed)
    bias = dict(bias_percent or {})
    verdicts = dict.fromkeys(serials, "PASS")
    met = 10.0 <= water_temp_c <= 30.0
    if flow_points:
        _tightness(lines, programme, serials)
    for point in flow_points:
        step = f"{programme}/{point}"
        lines.add("step_started", step=step)
        for repeat in range(1, repeats + 1):
            for row in _measure(lines, step, repeat, serials, bias, water_temp_c, chance):
                verdict_here = "INVALID" if not met else "PASS" if abs(row["value"]) <= row["upper"] else "FAIL"
                reason = "" if met else "water temperature outside 10 … 30 °C"
                lines.add("measurement", **row, verdict=verdict_here, reason=reason)
                if verdict_here != "PASS" and verdicts[row["meter"]] != "FAIL":
                    verdicts[row["meter"]] = verdict_here
        lines.add(
            "condition", step=step, quantity="water_temperature", unit="degC", lowest=water_temp_c - 0.04,
            highest=water_temp_c + 0.06, lower=10.0, upper=30.0, met=met, clause="10.1.3", note="",
        )  # fmt: skip
        flow_l_h = RUNS[point][0]
        if point in Q_L_H:
            low, high = (0.9, 1.0) if point == "Q3" else (1.0, 1.1)
            lines.add(
                "condition", step=step, quantity="flow_mean", unit="L/h", lowest=flow_l_h * 0.998,
                highest=flow_l_h * 1.002, lower=Q_L_H[point] * low, upper=Q_L_H[point] * high, met=True,
                clause="10.1.3", note="mean over the run",
            )  # fmt: skip
        lines.add("budget", **_budget(step))
        worst = next((v for v in ("FAIL", "INVALID") if v in verdicts.values()), "PASS")
        lines.add("step_finished", step=step, verdict=worst)
    lines.add("event", level="info", text="safe state reached: valve closed, pump off")
    if closed:
        _close(lines, programme, verdicts if flow_points else {}, verdict, reasons)
    journal.close()
    return folder


class _Lines:
    """Appends lines with a clock that goes on by a while for each."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._t_s = 0.0

    def add(self, kind: str, **body: object) -> None:
        minute, second = divmod(int(self._t_s), 60)
        utc = f"2026-03-04T{9 + minute // 60:02d}:{minute % 60:02d}:{second:02d}.250000+00:00"
        self._journal.append(kind, self._t_s, utc, body)
        self._t_s += 7.125


def _opening(programme: str, serials: Sequence[str], simulated: bool, expired: bool, seed: int) -> dict[str, object]:
    def instrument(
        role: str, maker: str, model: str, certificate: str | None, due: str | None, uncertainty: str, calibration: str
    ) -> dict[str, object]:
        return {
            "role": role, "driver": f"{maker}_{model}".lower(), "address": "127.0.0.1:4001", "manufacturer": maker,
            "model": model, "serial": f"S-{len(role):04d}", "firmware": "1.4", "certificate": certificate, "due": due,
            "expanded_uncertainty": uncertainty, "calibration": calibration,
        }  # fmt: skip

    return {
        "programme": programme,
        "title": {"draw-profile": "Draw profile"}.get(programme, "Initial verification"),
        "edition": {
            "id": "2014",
            "title": "ISO 4064-2:2014 | OIML R 49-2:2013",
            "clause": "10",
            "not_covered": ["static pressure: 1.6 times the maximum pressure for 1 min"],
            "unconfirmed": [
                "flow windows of initial verification (clause 10.1)",
                "uncertainty of the reference at most MPE/3 (clause 7.4.2)",
                "same-sign rule: one error within MPE/2 (Part 1, 7.3)",
            ],
        },
        "software": {"name": "meterbench", "version": "0.1.0", "commit": "abc1234", "python": "3.11.7"},
        "station": {
            "name": "virtual" if simulated else "rig-2", "clock": "virtual" if simulated else "wall",
            "simulated": simulated, "seed": seed, "air_pressure_hpa": 1013.25, "relative_humidity_percent": 50.0,
        },
        "batch": [
            {
                "slot": slot, "serial": serial, "designation": "ADR15-1-1", "dn": 15, "q3_m3_h": "2.5", "ratio": 1600,
                **{f"{name.lower()}_l_h": flow_l_h for name, flow_l_h in Q_L_H.items()}, "accuracy_class": "2",
                "temperature_class": "T50", "pulse_volume_ml": 0.1,
            }
            for slot, serial in enumerate(serials, 1)
        ],
        "instruments": [
            instrument("balance", "Mettler", "XPE64", "V-2026-014", "2025-12-31" if expired else "2027-06-30", "0.3 g",
                       "expired" if expired else "valid"),
            instrument("inlet_thermometer", "Fluke", "1524", "V-2026-021", "2027-02-28", "0.02 degC", "valid"),
            instrument("line_pressure", "Keller", "33X", "V-2026-030", "2027-01-31", "0.5 kPa", "valid"),
            instrument("counter", "Keysight", "53230A", None, None, "", "missing")
            if expired
            else instrument("counter", "Keysight", "53230A", "V-2026-035", "2027-05-31", "2e-7", "valid"),
        ],
    }  # fmt: skip


def _tightness(lines: _Lines, programme: str, serials: Sequence[str]) -> None:
    step = f"{programme}/tightness"
    lines.add("step_started", step=step)
    for serial in serials:
        lines.add(
            "measurement", procedure=programme, clause="7.3", requirement="ADR-014", meter=serial, flow_point="",
            condition="", repeat=1, attempt=1,
            quantity="leak_flow", value=0.01234567890123, unit="L/h", expanded_uncertainty=0.004,
            lower=None, upper=0.05, verdict="PASS", reason="", step=step, uncertainty_limit=None,
        )  # fmt: skip
    lines.add("step_finished", step=step, verdict="PASS")


def _measure(
    lines: _Lines,
    step: str,
    repeat: int,
    serials: Sequence[str],
    bias: Mapping[str, float],
    water_temp_c: float,
    chance: random.Random,
) -> Iterator[dict[str, Any]]:
    programme, _, point = step.partition("/")
    flow_l_h, volume_l, mpe_percent = RUNS[point]
    volume_l *= 1 + chance.gauss(0.0, 0.002)
    mass_start_g = chance.uniform(900, 1100)
    bench = {
        "mass_start": (mass_start_g, "g"), "mass_end": (mass_start_g + volume_l * 997.153, "g"),
        "flow_mean": (flow_l_h, "L/h"),
        "gate_time": (volume_l / flow_l_h * 3600, "s"), "air_density": (1.19929, "kg/m3"),
    }  # fmt: skip
    for quantity, (number, unit) in bench.items():
        lines.add("reading", step=step, meter="", instrument="balance", quantity=quantity, value=number, unit=unit)
    for place, serial in enumerate(serials):
        actual_l = volume_l * (1 + 1e-5 * place)
        wanted = chance.gauss(0.35, 0.25) + (1.1 if point == "Q1" else 0.0) + bias.get(serial, 0.0)
        indicated_l = round(actual_l * (1 + wanted / 100), 4)
        readings = {
            "line_pressure": (300.0 - 1.5 * place, "kPa"), "water_temperature": (water_temp_c + 0.02 * place, "degC"),
            "indicated_volume": (indicated_l, "L"), "actual_volume": (actual_l, "L"),
        }  # fmt: skip
        for quantity, (number, unit) in readings.items():
            lines.add(
                "reading", step=step, meter=serial, instrument="counter", quantity=quantity, value=number, unit=unit
            )
        yield {
            "procedure": programme, "clause": "10.1.3", "requirement": "ADR-001", "meter": serial, "flow_point": point,
            "condition": "", "repeat": repeat, "attempt": 1, "quantity": "error_of_indication",
            "value": (indicated_l - actual_l) / actual_l * 100, "unit": "%",
            "expanded_uncertainty": 0.42 if point == "Q1" else 0.118, "lower": -mpe_percent, "upper": mpe_percent,
            "step": step, "uncertainty_limit": mpe_percent / 3,
        }  # fmt: skip


def _budget(step: str) -> dict[str, object]:
    small = step.endswith("Q1")
    sources = [
        ("balance", 2350.12 if small else 99700.0, "g", 0.15, "normal", 0.0426 if small else 0.001, "V-2026-014"),
        ("evaporation", 0.0, "g", 4.1 if small else 0.4, "rectangular", 0.0426 if small else 0.001, "ISO 4185, annex"),
        ("water density", 998.2073, "kg/m3", 0.05, "rectangular", 0.1002, "formula of R 49-2"),
        ("air density", 1.19929, "kg/m3", 0.012, "rectangular", 0.088, "OIML R 111, simplified"),
        ("water temperature at the meter", 20.02, "degC", 0.03, "normal", 0.0207, "V-2026-021"),
        ("valve timing", 0.0, "s", 0.05, "triangular", 0.02, "rig characterisation 2026"),
    ]
    parts = [
        {
            "name": name, "estimate": estimate, "unit": unit, "standard_uncertainty": u, "distribution": distribution,
            "sensitivity": sensitivity, "percent": u * sensitivity, "source": source,
        }
        for name, estimate, unit, u, distribution, sensitivity, source in sources
    ]  # fmt: skip
    combined = sum((u * sensitivity) ** 2 for _, _, _, u, _, sensitivity, _ in sources) ** 0.5
    return {
        "step": step, "quantity": "actual_volume", "meter": "", "contributions": parts,
        "standard_uncertainty_percent": combined, "coverage_factor": 2.0, "expanded_uncertainty_percent": 2 * combined,
    }  # fmt: skip


def _close(
    lines: _Lines, programme: str, verdicts: Mapping[str, str], run_verdict: str, reasons: Sequence[str]
) -> None:
    for serial in verdicts:
        lines.add(
            "measurement", step=f"{programme}/conclusion", uncertainty_limit=None, procedure=programme, clause="10.1.4",
            requirement="", meter=serial, flow_point="", condition="", repeat=1,
            attempt=1, quantity="same_sign_rule", value=0.4375, unit="of MPE", expanded_uncertainty=None, lower=None,
            upper=0.5, verdict="PASS", reason="",
        )  # fmt: skip
    for serial, verdict in verdicts.items():
        why = {"PASS": [], "FAIL": ["error of indication beyond the MPE"]}.get(verdict, ["a condition was not met"])
        lines.add("meter_verdict", meter=serial, verdict=verdict, reasons=why)
    worst = next((found for found in ("FAIL", "INVALID") if found in verdicts.values()), "PASS")
    final = run_verdict or (worst if verdicts else "ABORTED")
    status = {"PASS": 0, "FAIL": 1, "ABORTED": 130}.get(final, 3)
    lines.add("run_closed", verdict=final, exit_status=status, reasons=list(reasons), bench_seconds=4321.0)
