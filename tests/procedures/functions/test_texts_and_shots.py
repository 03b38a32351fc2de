"""What is typed of a display, and what a log shows of shots: both sides of each limit. Kind: unit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.procedures import functional
from meterbench.procedures.functions import texts
from meterbench.procedures.functions.shots import pulses_per_s
from meterbench.procedures.trial import NotDone


@pytest.mark.parametrize(
    ("screen", "is_one", "bare"),
    [
        ("000123.456 m³ TOTAL", True, False),
        ("000123.456 m³", True, False),
        ("000123.456 TOTAL", False, True),
        ("000004.567 m³ REVERSE", False, False),
        ("-15.7500 m³/h", False, False),
        ("15.7500", False, True),
        ("21.5 °C WATER", False, False),
        ("1.0.3 SW", False, False),
        ("2026.03.14", False, False),
        ("15:09:26", False, False),
        ("0014 INFO", False, False),
    ],
)
def test_screens_are_told_apart(screen: str, is_one: bool, bare: bool) -> None:
    """The volume, and values without a unit."""
    assert texts.is_volume(screen) is is_one
    assert texts.lacks_unit(screen) is bare


def test_numbers_are_read_strictly() -> None:
    """What is none raises."""
    assert texts.flow_l_h("-15.7500 m³/h") == pytest.approx(-15750.0)
    assert texts.temp_c("-25.0 °C") == -25.0
    assert texts.flags("0014") == 20
    for read, text in ((texts.flow_l_h, "15.75 m³"), (texts.temp_c, "---- °C"), (texts.flags, "nothing to be seen")):
        with pytest.raises(NotDone):
            read(text)


def test_dates_and_times() -> None:
    """Dashes are none; midnight is passed."""
    assert texts.is_date("2026.03.14")
    assert not texts.is_date("----.--.--")
    assert not texts.is_date("2026.13.01")
    assert texts.second_of_day("23:59:50") == 86_390
    assert texts.second_of_day("24:00:00") is None
    assert texts.second_of_day("--:--:--") is None
    assert texts.elapsed_s(86_390, 20) == 30.0


def test_decimals_of_a_volume() -> None:
    """Both sides of the point."""
    assert texts.decimals("000123.456 m³") == (6, 3)
    assert texts.decimals("123.456789 m3") == (3, 6)
    assert texts.decimals("----  m³") == (0, 0)


def log(rate_s: float, height_ma: float, noise_ma: float = 1e-4, seconds: int = 20) -> np.ndarray:
    """A thousand samples a second, with pulses of one sample."""
    current_ma = 0.018 + noise_ma * np.random.default_rng(1).standard_normal(1000 * seconds)
    if rate_s:
        current_ma[(np.arange(0.3, seconds, 1.0 / rate_s) * 1000).astype(int)] += height_ma
    return current_ma


@pytest.mark.parametrize("rate_s", [2.0, 8.0])
def test_regular_pulses_are_counted(rate_s: float) -> None:
    """13 µA on 18 µA."""
    assert pulses_per_s(log(rate_s, 0.013), 1e-3) == pytest.approx(rate_s, abs=0.02)


def test_a_pulse_that_two_samples_share_is_one() -> None:
    """A shot has no phase with the log."""
    current_ma = log(8.0, 0.0065)
    current_ma += np.roll(log(8.0, 0.0065) - 0.018, 1)
    assert pulses_per_s(current_ma, 1e-3) == pytest.approx(8.0, abs=0.02)


@pytest.mark.parametrize("height_ma", [0.0, 2e-4])
def test_pulses_in_the_noise_are_not_counted(height_ma: float) -> None:
    """No number rather than a wrong one."""
    assert math.isnan(pulses_per_s(log(8.0, height_ma), 1e-3))


def test_irregular_pulses_are_no_cycle() -> None:
    """One of them is missing."""
    current_ma = log(8.0, 0.013)
    current_ma[9_000:9_200] = 0.018
    assert math.isnan(pulses_per_s(current_ma, 1e-3))


def test_the_table_and_the_procedures_agree() -> None:
    """Each function has a procedure, and each procedure a function; names in reports are unique."""
    suite = functional.suite()
    assert [test.key for test in suite.tests] == list(functional.PROCEDURES)
    assert len({test.clause for test in suite.tests}) == len(suite.tests)


def test_other_figures_are_in_the_title() -> None:
    """A record says what it was judged by."""
    assert "leak" in functional.suite(leak={"period_s": {"value": 3600.0, "confirmed": False}}).edition.title
