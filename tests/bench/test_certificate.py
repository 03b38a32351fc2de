"""Certificates: units as written, and the gate."""

from __future__ import annotations

from datetime import date

import pytest

from meterbench.bench.certificate import CalibrationState, Certificate, gate, read_uncertainty
from meterbench.errors import CalibrationError


@pytest.mark.parametrize(
    ("role", "text", "expanded"),
    [("balance", "0.3 g", 0.3), ("balance", "300 mg", 0.3), ("balance", "1e-3kg", 1.0), ("thermometer", "0.05 K", 0.05),
     ("thermometer", "50 mK", 0.05), ("thermometer", " .05 °C ", 0.05), ("rig", "5 ms", 0.005),
     ("rig", "5e-3 s", 0.005), ("counter", "1 ppm", 1e-4), ("counter", "0.01 %", 0.01)],
)  # fmt: skip
def test_units_as_written(role: str, text: str, expanded: float) -> None:
    """An uncertainty is read in any unit of its kind and computed in the role's own."""
    assert read_uncertainty(role, text) == pytest.approx(expanded)


@pytest.mark.parametrize("text", ["", "g", "0.3", "0.3 K", "0.3 g g", "0,3 g", "0 g", "-0.3 g", "nan g", "inf g",
                                  "1e400 g", "0.3 G", "± 0.3 g", "0.3 % g"])  # fmt: skip
def test_an_uncertainty_that_cannot_be_meant_is_refused(text: str) -> None:
    """No unit, another quantity's unit, zero, negative, NaN or infinite: none is an uncertainty of a balance."""
    with pytest.raises(CalibrationError):
        read_uncertainty("balance", text)


def test_a_refusal_names_the_allowed_units() -> None:
    """The sentence lists the units of the role, and only those."""
    with pytest.raises(CalibrationError, match=r"'5 g' is not a number with one of the units s, ms$"):
        read_uncertainty("rig", "5 g")


@pytest.mark.parametrize(
    ("on", "state"),
    [
        (date(2027, 6, 29), "valid"),
        (date(2027, 6, 30), "valid"),
        (date(2027, 7, 1), "expired"),
        (date(2030, 1, 1), "expired"),
    ],
)
def test_the_due_date_is_the_last_good_day(on: date, state: str) -> None:
    """A certificate holds through its due date; the day after it is expired."""
    assert gate(Certificate("V-1", date(2027, 6, 30), 0.3, "0.3 g"), on) == CalibrationState(state)


def test_no_certificate_is_missing() -> None:
    """An instrument without a certificate is never valid."""
    assert gate(None, date(2026, 1, 1)) is CalibrationState.MISSING
