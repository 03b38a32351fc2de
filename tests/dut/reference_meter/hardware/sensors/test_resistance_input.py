"""The two-wire resistance input: leads, noise, reference, range, broken wires (metering.md 4.1)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element
from meterbench.dut.reference_meter.hardware.sensors.resistance_input import (
    NOISE_OHM,
    ResistanceInput,
    WireFault,
    draw_resistance_input,
)


def quiet(reference_error: float = 0.0) -> ResistanceInput:
    return ResistanceInput(Element(), reference_error, np.random.default_rng(1), noise_ohm=0.0, lead_loop_ohm=0.0)


@pytest.mark.parametrize(
    ("lead_loop_ohm", "contact_ohm", "error_k"), [(0.025, 0.0, 0.006), (0.245, 0.0, 0.063), (0.0, 1.0, 0.26)]
)
def test_leads_read_warm(lead_loop_ohm: float, contact_ohm: float, error_k: float) -> None:
    """0.1 m and 1 m of cable, and a bad contact, in kelvin at 3.9 ohm/K (metering.md 4.1)."""
    wires = quiet()
    bare_ohm = wires.measured_ohm(20.0)
    wires.lead_loop_ohm, wires.contact_ohm = lead_loop_ohm, contact_ohm
    assert (wires.measured_ohm(20.0) - bare_ohm) / 3.9 == pytest.approx(error_k, abs=0.004)


def test_reference_resistor_scales_the_reading() -> None:
    """A reference resistor that is 0.01 % off reads 0.127 ohm more at 70 degC."""
    assert quiet(1e-4).measured_ohm(70.0) - quiet().measured_ohm(70.0) == pytest.approx(0.12708, abs=1e-5)


def test_broken_wires_read_the_ends_of_the_range() -> None:
    """An open circuit saturates at 2000 ohm, a short circuit leaves the leads; mended, the element is back."""
    wires = quiet()
    wires.lead_loop_ohm = 0.025
    wires.fault = WireFault.OPEN
    assert wires.measured_ohm(20.0) == 2000.0
    wires.fault = WireFault.SHORT
    assert wires.measured_ohm(20.0) == pytest.approx(0.025)
    wires.fault = None
    assert wires.measured_ohm(20.0) == pytest.approx(1077.960, abs=1e-3)


def test_a_reading_is_never_negative() -> None:
    """Noise about a short circuit without leads is cut at 0."""
    wires = quiet()
    wires.noise_ohm, wires.fault = 0.01, WireFault.SHORT
    readings_ohm = [wires.measured_ohm(20.0) for _ in range(50)]
    assert min(readings_ohm) == 0.0
    assert max(readings_ohm) > 0.0


def test_noise_has_its_standard_deviation() -> None:
    """1000 readings scatter by ``NOISE_OHM`` within 10 % (four standard deviations of theirs)."""
    wires = draw_resistance_input(np.random.default_rng(2), np.random.default_rng(3))
    readings_ohm = [wires.measured_ohm(20.0) for _ in range(1000)]
    assert np.std(readings_ohm) == pytest.approx(NOISE_OHM, rel=0.1)


def test_units_differ_and_are_repeatable() -> None:
    """The seed decides the unit; its reference stays within 0.01 %."""
    units = [draw_resistance_input(np.random.default_rng(seed), np.random.default_rng(0)) for seed in range(200)]
    again = draw_resistance_input(np.random.default_rng(7), np.random.default_rng(0))
    assert (again.element, again.reference_error) == (units[7].element, units[7].reference_error)
    errors = [unit.reference_error for unit in units]
    assert max(map(abs, errors)) <= 1e-4
    assert max(errors) > 0.9e-4
    assert min(errors) < -0.9e-4
