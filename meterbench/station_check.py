"""``meterbench check``: who answers at a station, what its certificates are worth today, and what it can measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from meterbench.bench.bench import Bench, Standard
from meterbench.bench.capability import ROOM_L, Capability, ProcedureCapability, Reference, capability, procedures
from meterbench.bench.certificate import complaint
from meterbench.bench.witnesses import MASTER_OF_LINE
from meterbench.errors import BenchError, ConfigError
from meterbench.instruments.roles import ROLES
from meterbench.procedures import draw_profile, initial_verification
from meterbench.procedures.collecting import RESTS_ON
from meterbench.procedures.demands import demands
from meterbench.procedures.edition import Edition

WARN_DAYS = 30
"""Fewer days left than these are worth a word."""
WEIGHT_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class StationCheck:
    """What was found; ``document`` is what ``--json`` prints."""

    instruments: list[dict[str, Any]]
    capability: list[Capability]
    procedures: list[ProcedureCapability]
    reasons: list[str]
    """Why some procedure cannot run so that something may be PASS; empty if all can."""
    warnings: list[str]
    """What does not stop any of them."""

    @property
    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "instruments": self.instruments,
            "capability": [asdict(row) for row in self.capability],
            "procedures": [asdict(each) for each in self.procedures],
            "reasons": self.reasons,
        }


def check_station(bench: Bench, edition: Edition) -> StationCheck:
    """Look at an open station; nothing moves, the balance is read once."""
    instruments = [_instrument_line(bench, standard) for standard in bench.standards]
    out_of_use = bench.uncalibrated(RESTS_ON)
    readability_g, unreadable = _readability_g(bench)
    certificates = {role: bench.certificate(role) for role in RESTS_ON}
    station = Reference(bench.reference, certificates, readability_g)
    rows = [capability(demand, station) for demand in demands(edition, bench.batch)]
    found = procedures(
        rows,
        {
            initial_verification.NAME: [*out_of_use, *unreadable, *_mixed(bench)],
            draw_profile.NAME: [*out_of_use, *unreadable],
        },
    )
    reasons = list(dict.fromkeys(reason for each in found for reason in each.reasons))
    warnings = [line["warning"] for line in instruments if line["warning"] and line["warning"] not in reasons]
    doubts = bench.doubts()
    warnings = [each for each in warnings if not any(sentence.startswith(each) for sentence in doubts)]
    warnings += [*doubts, *_unwatched(bench, rows), *_points_too_few(bench)]
    return StationCheck(instruments, rows, found, reasons, list(dict.fromkeys(warnings)))


def _instrument_line(bench: Bench, standard: Standard) -> dict[str, Any]:
    today = bench.clock.utc().date()
    certificate = standard.certificate
    days_left = certificate.days_left(today) if certificate else None
    warning = complaint(standard.role, certificate, today) if ROLES[standard.role].unit else ""
    if not warning and certificate is not None and days_left is not None and days_left < WARN_DAYS:
        checked = certificate.next_check is not None and certificate.next_check < certificate.due
        due = "its intermediate check" if checked else f"certificate {certificate.number}"
        warning = f"{standard.role}: {due} is due in {days_left} days"
    return {
        "role": standard.instrument.role,
        "driver": standard.driver,
        "address": standard.address,
        **asdict(standard.instrument.identity),
        "certificate": certificate.number if certificate else None,
        "expanded_uncertainty": certificate.as_written if certificate else None,
        "due": certificate.due.isoformat() if certificate else None,
        "next_check": certificate.next_check.isoformat() if certificate and certificate.next_check else None,
        "days_left": days_left,
        "calibration": standard.calibration.value,
        "latency_ms": _latency_ms(standard),
        "warning": warning or None,
    }


def _unwatched(bench: Bench, rows: Sequence[Capability]) -> list[str]:
    """Lines that a verification uses, and in which nothing would notice a balance that drifts."""
    flows: dict[str, list[float]] = {}
    for row in rows:
        if row.procedure and row.line is not None and bench.certificate(MASTER_OF_LINE[row.line]) is None:
            flows.setdefault(row.line, []).append(row.flow_l_h)
    return [
        f"line {line}: no flow meter with a certificate witnesses there, at "
        f"{', '.join(f'{flow:.5g}' for flow in of_line)} L/h; a balance that drifts may go unnoticed"
        for line, of_line in sorted(flows.items())
    ]


def _points_too_few(bench: Bench) -> list[str]:
    """A balance whose certificate ends before the tank is full: some collection will be INVALID."""
    certificate = bench.certificate("balance")
    points = certificate.points if certificate else ()
    if not points or points[-1].at >= 1000.0 * ROOM_L:
        return []
    return [
        f"the balance's certificate covers {points[0].at / 1000.0:.3g} to {points[-1].at / 1000.0:.3g} kg, and the "
        f"weighing tank is filled with up to {ROOM_L:g} L before it is drained: what is beyond is INVALID"
    ]


def _latency_ms(standard: Standard) -> float | None:
    """Mean duration of the exchanges that opened the instrument."""
    durations = [exchange.duration_s for exchange in standard.instrument.trace()]
    return round(1000.0 * sum(durations) / len(durations), 3) if durations else None


def _readability_g(bench: Bench) -> tuple[float, Sequence[str]]:
    """The step that the balance shows; it tells it with a stable reading."""
    try:
        bench.balance.weigh_stable_g(WEIGHT_DEADLINE_S)
    except BenchError as error:
        return math.nan, [f"the balance gave no stable reading: {error}"]
    return bench.balance.readability_g, []


def _mixed(bench: Bench) -> list[str]:
    try:
        initial_verification.batch_rating(bench.batch)
    except ConfigError as error:
        return [str(error)]
    return []
