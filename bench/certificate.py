"""Calibration certificates and the gate: what is not covered by a valid certificate can never be PASS."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from meterbench.errors import CalibrationError
from meterbench.instruments.roles import ROLES

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S+)\s*")

# Unit as written -> (unit in which the bench computes, factor).
_UNITS = {
    "g": ("g", 1.0),
    "kg": ("g", 1000.0),
    "mg": ("g", 0.001),
    "K": ("K", 1.0),
    "mK": ("K", 0.001),
    "degC": ("K", 1.0),
    "°C": ("K", 1.0),
    "s": ("s", 1.0),
    "ms": ("s", 0.001),
    "%": ("%", 1.0),
    "ppm": ("%", 1e-4),
    "kPa": ("kPa", 1.0),
    "bar": ("kPa", 100.0),
    "ohm": ("ohm", 1.0),
    "mohm": ("ohm", 0.001),
    "dB": ("dB", 1.0),
}
# The same for what an instrument shows: a temperature is no difference of temperatures.
_SHOWN_UNITS = {
    "g": ("g", 1.0),
    "kg": ("g", 1000.0),
    "degC": ("degC", 1.0),
    "°C": ("degC", 1.0),
    "L/h": ("L/h", 1.0),
    "m3/h": ("L/h", 1000.0),
    "kPa": ("kPa", 1.0),
    "bar": ("kPa", 100.0),
    "mA": ("mA", 1.0),
    "uA": ("mA", 0.001),
    "ohm": ("ohm", 1.0),
    "dBm": ("dBm", 1.0),
}

RANGE_MARGIN = 0.02
"""So far beyond the first and the last point the error of that point still holds: a part of the span, or of the point
itself where errors are relative and points lie closer the lower they are."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a certificate with points says of a role."""

    shown: str
    """Unit of what the instrument shows: of ``at``."""
    largest_error: float
    """In the unit of the role. An error beyond it is no calibration but a fault, or a slip of the pen."""


CORRECTED = {
    "balance": Corrected("g", 100.0),
    "thermometer": Corrected("degC", 2.0),
    "master_a": Corrected("L/h", 5.0),
    "master_b": Corrected("L/h", 5.0),
    "master_c": Corrected("L/h", 5.0),
    "pressure": Corrected("kPa", 50.0),
    "chamber_probe": Corrected("degC", 2.0),
    "supply": Corrected("mA", 10.0),
    "rtd": Corrected("ohm", 5.0),
    "analyser": Corrected("dBm", 10.0),
}
"""The roles whose readings the bench corrects. Of the others (the rig's diverter, the counter's time base) a
certificate states the uncertainty alone: what is left after they were adjusted is part of it."""


SMALLEST_U = {
    "rig": 1e-4,
    "balance": 1e-3,
    "thermometer": 1e-3,
    "counter": 1e-9,
    "master_a": 0.01,
    "master_b": 0.01,
    "master_c": 0.01,
    "pressure": 1e-3,
    "chamber_probe": 1e-3,
    "supply": 1e-3,
    "rtd": 1e-4,
    "analyser": 0.05,
}
LARGEST_U = {"rig": 1.0, "counter": 1.0} | {role: corrected.largest_error for role, corrected in CORRECTED.items()}
"""In the unit of the role. An expanded uncertainty outside these is a slip of the pen: mg for g, or per cent of
something else. Below, it would pass for the best calibration there is; above, nothing could ever disagree with it."""


class CalibrationState(StrEnum):
    """What the gate found."""

    VALID = "valid"
    NOT_NEEDED = "none needed"
    """No result rests on an instrument of this role."""
    EXPIRED = "expired"
    MISSING = "missing"
    CHECK_OVERDUE = "check overdue"
    CHECK_FAILED = "check failed"


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """One line of a certificate, in the units of the role."""

    at: float
    """What the instrument showed."""
    error: float
    """What it showed less what was true; in per cent of the truth where the role's unit is per cent."""
    expanded_uncertainty: float
    """k = 2."""


@dataclass(frozen=True, slots=True)
class IntermediateCheck:
    """What the laboratory found with its check standard between two calibrations."""

    on: date
    error: float
    """Of the corrected reading, in the unit of the role."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """An instrument's certificate as the bench uses it."""

    number: str
    due: date
    expanded_uncertainty: float
    """k = 2, in the unit of the role (``ROLES``); with points the largest of them."""
    as_written: str
    unit: str = ""
    """Of errors and uncertainties."""
    issued_by: str = ""
    issued: date | None = None
    serials: tuple[str, ...] = ()
    """Of the instruments that it covers; empty: it does not say."""
    points: tuple[CalibrationPoint, ...] = ()
    """Rising; empty: nothing is corrected."""
    checks: tuple[IntermediateCheck, ...] = ()
    """Rising by date."""
    check_every_days: int | None = None
    check_limit: float | None = None

    def error_at(self, shown: float) -> float:
        """Error where the instrument shows ``shown``, on the straight line between two points; 0 without points.

        ``CalibrationError`` beyond the points (and for NaN): a certificate says nothing there.
        """
        if not self.points:
            return 0.0
        first, last = self.points[0], self.points[-1]
        span = last.at - first.at
        below_first, above_last = (abs(first.at), abs(last.at)) if self.unit == "%" else (span, span)
        if not first.at - RANGE_MARGIN * below_first <= shown <= last.at + RANGE_MARGIN * above_last:
            raise CalibrationError(
                f"certificate {self.number} covers {first.at:g} to {last.at:g}, and {shown:g} was read"
            )
        if shown <= first.at:
            return first.error
        for below, above in itertools.pairwise(self.points):
            if shown <= above.at:
                return below.error + (above.error - below.error) * (shown - below.at) / (above.at - below.at)
        return last.error

    def corrected(self, reading: float, at: float | None = None) -> float:
        """``reading`` without the instrument's error; ``CalibrationError`` beyond the points.

        ``at`` is what it showed where that is not the reading itself: the flow while a totaliser counted.
        """
        error = self.error_at(reading if at is None else at)
        return reading / (1.0 + error / 100.0) if self.unit == "%" else reading - error

    def uncertainty_at(self, shown: float) -> float:
        """Expanded uncertainty (k = 2) where the instrument shows ``shown``: the larger of the neighbouring points'.

        Beyond the points the largest of all; what is shown there is never corrected, and no result rests on it.
        """
        for point in self.points:
            if point.at == shown:
                return point.expanded_uncertainty
        for below, above in itertools.pairwise(self.points):
            if below.at < shown < above.at:
                return max(below.expanded_uncertainty, above.expanded_uncertainty)
        return self.expanded_uncertainty

    def refusal(self, serial: str) -> str:
        """Why it is not the certificate of the instrument that answers with ``serial``; empty if it may be."""
        named = ", ".join(self.serials)
        if not self.serials or serial.strip() in self.serials:
            return ""
        if not serial.strip():
            return (
                f"certificate {self.number} names the serial number {named}, and this instrument tells none: leave "
                "calibration.serial out, and compare the nameplate"
            )
        return f"certificate {self.number} is of the serial number {named}, and {serial.strip()} answered"

    @property
    def last_checked(self) -> date | None:
        """Day of the last intermediate check, or of the calibration if none was made since; None: not known."""
        return self.checks[-1].on if self.checks else self.issued

    @property
    def next_check(self) -> date | None:
        """The last day on which it may be used without another intermediate check; None if none are asked for."""
        if self.check_every_days is None or self.last_checked is None:
            return None
        return self.last_checked + timedelta(days=self.check_every_days)

    def failed_check(self) -> IntermediateCheck | None:
        """The first intermediate check that was beyond the limit: only a new calibration makes up for it."""
        limit = self.check_limit
        return next((check for check in self.checks if limit is not None and not abs(check.error) <= limit), None)

    def days_left(self, on: date) -> int:
        """Days until it is due, or until its next intermediate check if that comes first; 0 on the last good day."""
        last_days = [day for day in (self.due, self.next_check) if day is not None]
        return (min(last_days) - on).days


def read_uncertainty(role: str, text: str) -> float:
    """``"0.3 g"`` in the unit in which the bench computes for ``role``; ``CalibrationError`` if it cannot be meant."""
    value = read_error(role, text)
    if not value > 0.0:
        raise CalibrationError(f"{text!r}: an expanded uncertainty is positive")
    check_credible(role, value)
    return value


def check_credible(role: str, expanded_uncertainty: float) -> None:
    """``CalibrationError`` for an expanded uncertainty that no certificate of ``role`` states."""
    smallest, largest, unit = SMALLEST_U[role], LARGEST_U[role], ROLES[role].unit
    if not smallest <= expanded_uncertainty <= largest:
        raise CalibrationError(
            f"{expanded_uncertainty:g} {unit} is beyond reason for a {role}; from {smallest:g} to {largest:g} {unit}"
        )


def read_error(role: str, written: float | str) -> float:
    """An error or uncertainty of ``role``: a number in the role's unit, or text with a unit."""
    unit = ROLES[role].unit
    if not unit:
        raise CalibrationError(f"no result rests on the {role}: it takes no certificate")
    return _quantity(written, unit, _UNITS)


def read_shown(role: str, written: float | str) -> float:
    """What an instrument shows: a number in its unit (``CORRECTED``), or text with a unit."""
    return _quantity(written, CORRECTED[role].shown, _SHOWN_UNITS)


def _quantity(written: float | str, unit: str, units: dict[str, tuple[str, float]]) -> float:
    allowed = ", ".join(name for name, (base, _) in units.items() if base == unit)
    if isinstance(written, str):
        match = _QUANTITY.fullmatch(written)
        if match is None or match[2] not in units or units[match[2]][0] != unit:
            raise CalibrationError(f"{written!r} is not a number with one of the units {allowed}")
        value = float(match[1]) * units[match[2]][1]
    else:
        value = float(written)
    if not math.isfinite(value) or abs(value) >= 1e9:
        raise CalibrationError(f"{written!r} cannot be meant")
    return value


def state_of(role: str, certificate: Certificate | None, on: date) -> CalibrationState:
    """What an instrument's certificate is worth on that day, if its role needs one."""
    return gate(certificate, on) if ROLES[role].unit else CalibrationState.NOT_NEEDED


def gate(certificate: Certificate | None, on: date) -> CalibrationState:
    """May the instrument be used on that day? The due date itself is the last good day."""
    if certificate is None:
        return CalibrationState.MISSING
    if not on <= certificate.due:
        return CalibrationState.EXPIRED
    if certificate.failed_check() is not None:
        return CalibrationState.CHECK_FAILED
    if certificate.next_check is not None and not on <= certificate.next_check:
        return CalibrationState.CHECK_OVERDUE
    return CalibrationState.VALID


def complaint(role: str, certificate: Certificate | None, on: date) -> str:
    """Why no result may rest on the instrument on that day, in one sentence; empty if it may."""
    state = gate(certificate, on)
    if state is CalibrationState.VALID:
        return ""
    if certificate is None:
        return f"{role} has no calibration certificate"
    failed = certificate.failed_check()
    if state is CalibrationState.EXPIRED:
        return f"{role} is out of calibration: certificate {certificate.number} was due on {certificate.due}"
    if failed is not None:
        return (
            f"{role} failed its intermediate check on {failed.on}: its error was {failed.error:g} {certificate.unit}, "
            f"allowed ±{certificate.check_limit:g} {certificate.unit}; have it calibrated"
        )
    return (
        f"{role} is overdue for its intermediate check: the last was on {certificate.last_checked}, "
        f"one is due every {certificate.check_every_days} days"
    )
