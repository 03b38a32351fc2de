"""Calibration certificates and the gate: what is not covered by a valid certificate can never be PASS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
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


class CalibrationState(StrEnum):
    """What the gate found."""

    VALID = "valid"
    EXPIRED = "expired"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Certificate:
    """An instrument's certificate as the bench uses it."""

    number: str
    due: date
    expanded_uncertainty: float
    """k = 2, in the unit of the role (``ROLES``)."""
    as_written: str


def read_uncertainty(role: str, text: str) -> float:
    """``"0.3 g"`` in the unit in which the bench computes for ``role``; ``CalibrationError`` if it cannot be meant."""
    unit = ROLES[role].unit
    if not unit:
        raise CalibrationError(f"no result rests on the {role}: it takes no certificate")
    allowed = ", ".join(name for name, (base, _) in _UNITS.items() if base == unit)
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _UNITS or _UNITS[match[2]][0] != unit:
        raise CalibrationError(f"{text!r} is not a number with one of the units {allowed}")
    value = float(match[1]) * _UNITS[match[2]][1]
    if not 0.0 < value < 1e9:
        raise CalibrationError(f"{text!r}: an expanded uncertainty is positive")
    return value


def gate(certificate: Certificate | None, on: date) -> CalibrationState:
    """May the instrument be used on that day? The due date itself is the last good day."""
    if certificate is None:
        return CalibrationState.MISSING
    return CalibrationState.VALID if on <= certificate.due else CalibrationState.EXPIRED
