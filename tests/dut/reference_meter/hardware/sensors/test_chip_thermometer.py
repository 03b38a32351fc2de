"""The processor's thermometer: an offset, and a tenth of a degree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.chip_thermometer import ChipThermometer, draw_chip_thermometer


@given(st.floats(-40.0, 85.0), st.floats(-3.0, 3.0))
def test_it_reads_tenths_of_the_temperature_and_its_offset(ambient_c: float, offset_k: float) -> None:
    """Never more than half a step off, and on the grid."""
    measured_c = ChipThermometer(offset_k).measured_c(ambient_c)
    assert measured_c == pytest.approx(ambient_c + offset_k, abs=0.05 + 1e-9)
    assert 10.0 * measured_c == pytest.approx(round(10.0 * measured_c), abs=1e-9)


@pytest.mark.parametrize(("ambient_c", "measured_c"), [(-25.0, -24.7), (0.02, 0.3), (0.07, 0.4), (70.0, 70.3)])
def test_worked_examples(ambient_c: float, measured_c: float) -> None:
    """With an offset of 0.3 K."""
    assert ChipThermometer(0.3).measured_c(ambient_c) == pytest.approx(measured_c, abs=1e-9)


def test_offsets_of_units() -> None:
    """A thousand of them: 0.7 K about zero."""
    offsets_k = np.array([draw_chip_thermometer(np.random.default_rng(seed)).offset_k for seed in range(1000)])
    assert abs(offsets_k.mean()) < 3 * 0.7 / 1000.0**0.5
    assert offsets_k.std() == pytest.approx(0.7, rel=0.1)
