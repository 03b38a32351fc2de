"""The received burst: the resonator's own equation, causality, size, and what temperature does to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.burst import DRIVE_HZ, RESONATOR_Q, received_burst

STEP_S = 2e-9
TIMES_S = np.arange(0.0, 45e-6, STEP_S)


def integrated(resonance_hz: float, first_cycle: int = 0, last_cycle: int = 20) -> np.ndarray:
    """The resonator's equation y'' + w/Q y' + w^2 y = w/Q x' solved step by step (Runge-Kutta), not yet scaled."""
    w, drive = 2 * math.pi * resonance_hz, 2 * math.pi * DRIVE_HZ

    def rate(at_s: float, y: complex) -> complex:
        on = first_cycle / DRIVE_HZ <= at_s < last_cycle / DRIVE_HZ
        force = drive * math.cos(drive * at_s) if on else 0.0
        return complex(y.imag, w / RESONATOR_Q * (force - y.imag) - w * w * y.real)

    found, y = [], 0j  # real: y, imaginary: y'
    for at_s in TIMES_S:
        found.append(y.real)
        # The drive is switched on whole steps: the last stage looks at the end of this step, not at the next one.
        a = rate(at_s, y)
        b = rate(at_s + STEP_S / 2, y + a * STEP_S / 2)
        c = rate(at_s + STEP_S / 2, y + b * STEP_S / 2)
        d = rate(at_s + STEP_S * (1 - 1e-6), y + c * STEP_S)
        y += (a + 2 * b + 2 * c + d) * STEP_S / 6
    return np.array(found)


@pytest.mark.parametrize(
    ("water_temp_c", "resonance_hz", "cycles"),
    [(20.0, 1e6, (0, 20)), (50.0, 0.997e6, (0, 20)), (0.1, 1.00199e6, (3, 17))],
)
def test_closed_form_solves_the_resonators_equation(
    water_temp_c: float, resonance_hz: float, cycles: tuple[int, int]
) -> None:
    """Against numerical integration in steps of 2 ns: within 1e-5 of the amplitude, with one factor for the scale."""
    closed = received_burst(TIMES_S, water_temp_c, *cycles)
    numeric = integrated(resonance_hz, *cycles)
    numeric *= (closed @ numeric) / (numeric @ numeric)
    assert closed == pytest.approx(numeric, abs=1e-5)


@pytest.mark.parametrize("water_temp_c", [0.1, 20.0, 50.0])
def test_nothing_comes_before_the_arrival_and_the_peak_is_1(water_temp_c: float) -> None:
    """Exactly 0 until the arrival; peak within 0.2 % of 1; after 40 us less than 0.1 % rings on."""
    assert not received_burst(np.array([-1e-3, -1e-9, 0.0]), water_temp_c).any()
    burst = received_burst(TIMES_S, water_temp_c)
    assert abs(burst).max() == pytest.approx(1.0, abs=2e-3)
    assert abs(burst[TIMES_S > 40e-6]).max() < 1e-3


def test_any_shape_of_times_gives_that_shape() -> None:
    """A table of times gives the table of the same values; the times are left as they were."""
    table_s = np.linspace(-5e-6, 40e-6, 60).reshape(3, 20)
    kept_s = table_s.copy()
    assert received_burst(table_s, 20.0) == pytest.approx(received_burst(kept_s.ravel(), 20.0).reshape(3, 20), abs=0)
    assert (table_s == kept_s).all()


def test_shape_changes_with_temperature() -> None:
    """50 degC, 0.3 % lower resonance: less than 0.02 % of the likeness is lost, but no less than 0.005 %."""
    cold, warm = received_burst(TIMES_S, 20.0), received_burst(TIMES_S, 50.0)
    shifts = range(-10, 11)
    likeness = max(float(np.roll(cold, shift) @ warm) for shift in shifts) / math.sqrt((cold @ cold) * (warm @ warm))
    assert 0.9998 < likeness < 0.99995
