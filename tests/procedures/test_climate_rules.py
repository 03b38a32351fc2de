"""Figures of the climatic tests, by hand. Kind: unit."""

from __future__ import annotations

import math

import pytest

from meterbench.procedures.conditions import of_samples
from meterbench.procedures.rules import absolute_humidity_g_m3, damp_heat_c, steepest_k_min


def test_the_steepest_five_minutes_count() -> None:
    """5 K in 300 s are 1 K/min; a jump within a minute is averaged over five."""
    assert steepest_k_min([0.0, 300.0, 600.0], [20.0, 25.0, 26.0], 300.0) == pytest.approx(1.0)
    minutes = [60.0 * minute for minute in range(11)]
    assert steepest_k_min(minutes, [20.0] * 5 + [23.0] * 6, 300.0) == pytest.approx(0.6)
    assert steepest_k_min([0.0, 300.0], [25.0, 20.0], 300.0) == pytest.approx(1.0), "down as up"


@pytest.mark.parametrize(("at_s", "temp_c"), [([], []), ([0.0], [20.0]), ([0.0, 299.0], [20.0, 80.0]),
                                              ([0.0, 300.0, 600.0], [20.0, math.nan, 20.0])])  # fmt: skip
def test_a_rate_that_was_not_seen_is_not_known(at_s: list[float], temp_c: list[float]) -> None:
    assert math.isnan(steepest_k_min(at_s, temp_c, 300.0))


@pytest.mark.parametrize(("temp_c", "percent", "g_m3"), [(20.0, 50.0, 8.65), (55.0, 19.2, 20.0), (30.0, 100.0, 30.4)])
def test_absolute_humidity(temp_c: float, percent: float, g_m3: float) -> None:
    """Tables of moist air: saturated 17.3 g/m3 at 20, 30.4 at 30, 104 at 55 degC."""
    assert absolute_humidity_g_m3(temp_c, percent) == pytest.approx(g_m3, rel=0.01)


def test_a_cycle_of_damp_heat() -> None:
    """25 to 55 degC in 3 h, until hour 12, back in 3 h."""
    hours = {0: 25.0, 1.5: 40.0, 3: 55.0, 12: 55.0, 13.5: 40.0, 15: 25.0, 24: 25.0}
    for hour, temp_c in hours.items():
        assert damp_heat_c(3600.0 * hour, 25.0, 55.0, 10_800.0, 43_200.0, 10_800.0) == pytest.approx(temp_c)


def test_samples_must_all_be_inside() -> None:
    """The limits belong to the window; no sample, or one that is no number, keeps nothing."""
    window = (53.0, 57.0)
    for samples, met in (
        ([53.0, 57.0], True),
        ([52.999, 55.0], False),
        ([55.0, 57.001], False),
        ([], False),
        ([55.0, math.nan, 55.0], False),
    ):
        assert of_samples("air", "°C", samples, window, "8.2", "").met is met
