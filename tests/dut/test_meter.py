"""The nameplate."""

from __future__ import annotations

import pytest

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import rating
from meterbench.errors import ConfigError

DN15 = Designation.parse("ADR15-1-1")
DN20 = Designation.parse("ADR20-1-1")


def test_pulse_volume_is_whole_nanolitres() -> None:
    """A pulse of 0.1 mL is 100 000 nL exactly."""
    assert Nameplate("1", DN15, rating(DN15, 2.5, 1600), pulse_volume_ml=0.1).pulse_volume_nl == 100_000


@pytest.mark.parametrize("pulse_volume_ml", [0.0, -1.0, 1.5e-6, float("nan"), 1e-7])
def test_a_pulse_that_cannot_be_counted_is_refused(pulse_volume_ml: float) -> None:
    """Zero, negative, fractional and missing pulse volumes are refused."""
    with pytest.raises(ConfigError, match="pulse"):
        Nameplate("1", DN15, rating(DN15, 2.5, 1600), pulse_volume_ml=pulse_volume_ml)


def test_rating_and_designation_must_agree() -> None:
    """A DN15 meter is not rated as DN20."""
    with pytest.raises(ConfigError, match="DN"):
        Nameplate("1", DN15, rating(DN20, 4, 250))
