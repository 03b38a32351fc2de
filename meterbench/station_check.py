"""``meterbench check``: who answers at a station, what its certificates are worth today, and what it can measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from meterbench.bench.bench import Bench, Standard
from meterbench.bench.capability import Capability, ProcedureCapability, Reference, capability, procedures
from meterbench.bench.certificate import complaint
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
    takes_none = certificate is None and not ROLES[standard.role].unit
    return {
        "role": standard.instrument.role,
        "driver": standard.driver,
        "address": standard.address,
        **asdict(standard.instrument.identity),
        "certificate": certificate.number if certificate else None,
        "due": certificate.due.isoformat() if certificate else None,
        "next_check": certificate.next_check.isoformat() if certificate and certificate.next_check else None,
        "days_left": days_left,
        "calibration": "none needed" if takes_none else standard.calibration.value,
        "latency_ms": _latency_ms(standard),
        "warning": warning or None,
    }


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
