"""The accelerometer's registers, byte by byte, and the case frame (metering.md 4.3, ADR-024)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.accelerometer import (
    Accelerometer,
    draw_accelerometer,
    gravity_in_case,
)

HIGH_RESOLUTION = {0x20: 0x17, 0x23: 0x88}


def chip(control: dict[int, int], noise_g: float = 0.0) -> Accelerometer:
    made = Accelerometer((0.0, 0.0, 0.0), np.random.default_rng(1), noise_g)
    for register, value in control.items():
        made.write(register, bytes([value]))
    return made


@pytest.mark.parametrize(
    ("inclination_deg", "roll_deg", "gravity"),
    [
        (0.0, 0.0, (0, 0, -1)),
        (0.0, 180.0, (0, 0, 1)),
        (0.0, 90.0, (0, -1, 0)),
        (90.0, 0.0, (-1, 0, 0)),
        (-90.0, 77.0, (1, 0, 0)),
        (-30.0, 0.0, (0.5, 0, -math.sqrt(0.75))),
    ],
)
def test_gravity_in_the_case_frame(inclination_deg: float, roll_deg: float, gravity: tuple[float, ...]) -> None:
    """Gravity points down: along the arrow (+x) if that points down, away from the display (-z) if that is up."""
    assert gravity_in_case(inclination_deg, roll_deg) == pytest.approx(gravity, abs=1e-12)


@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
def test_gravity_is_a_unit_vector(inclination_deg: float, roll_deg: float) -> None:
    """And its part along the arrow is -sin(inclination), whatever the roll (metering.md 4.3)."""
    gravity = gravity_in_case(inclination_deg, roll_deg)
    assert math.hypot(*gravity) == pytest.approx(1.0, abs=1e-12)
    assert gravity[0] == pytest.approx(-math.sin(math.radians(inclination_deg)), abs=1e-12)


@pytest.mark.parametrize(
    ("inclination_deg", "roll_deg", "sample"),
    [
        (90.0, 0.0, "80 3e 00 00 00 00"),
        (-90.0, 0.0, "80 c1 00 00 00 00"),
        (0.0, 0.0, "00 00 00 00 80 3e"),
        (0.0, 180.0, "00 00 00 00 80 c1"),
        (0.0, 90.0, "00 00 80 3e 00 00"),
        (30.0, 0.0, "40 1f 00 00 20 36"),
    ],
)
def test_sample_bytes(inclination_deg: float, roll_deg: float, sample: str) -> None:
    """+1 g on the axis that points up: 1000 digits of 12 bits, left-justified, low byte first."""
    made = chip(HIGH_RESOLUTION)
    made.place(gravity_in_case(inclination_deg, roll_deg))
    assert made.read(0xA8, 6).hex(" ") == sample


@pytest.mark.parametrize(
    ("control", "sample"),
    [
        ({0x20: 0x17, 0x23: 0x00}, "80 3e"),  # normal: 10 bits, 250 digits of 4 mg
        ({0x20: 0x1F, 0x23: 0x00}, "00 3e"),  # low power: 8 bits, 62 digits of 16 mg
        ({0x20: 0x17, 0x23: 0x98}, "40 1f"),  # +-4 g
        ({0x20: 0x17, 0x23: 0xA8}, "a0 0f"),  # +-8 g
        ({0x20: 0x17, 0x23: 0xB8}, "30 05"),  # +-16 g: 83 digits of 12 mg
        ({0x20: 0x16, 0x23: 0x88}, "00 00"),  # x axis off
        ({0x20: 0x07, 0x23: 0x88}, "00 00"),  # power-down
        ({}, "00 00"),  # as after power-on
    ],
)
def test_modes(control: dict[int, int], sample: str) -> None:
    """x of an arrow that points up, in the other modes and ranges."""
    made = chip(control)
    made.place(gravity_in_case(90.0, 0.0))
    assert made.read(0xA8, 2).hex(" ") == sample


@pytest.mark.parametrize(("offset_g", "sample"), [(2.0, "f0 7f"), (-4.0, "00 80")])
def test_words_saturate(offset_g: float, sample: str) -> None:
    """Beyond the range stands the highest or the lowest word of twelve bits."""
    made = Accelerometer((offset_g, 0.0, 0.0), np.random.default_rng(1), 0.0)
    made.write(0x80 | 0x23, b"\x88")
    made.write(0x20, b"\x17")
    made.place(gravity_in_case(90.0, 0.0))
    assert made.read(0xA8, 2).hex(" ") == sample


def test_power_down_keeps_the_last_sample() -> None:
    """A meter that is turned over after that does not show."""
    made = chip(HIGH_RESOLUTION)
    made.place(gravity_in_case(90.0, 0.0))
    assert made.read(0xA8, 2).hex(" ") == "80 3e"
    made.write(0x20, b"\x07")
    made.place(gravity_in_case(-90.0, 0.0))
    assert made.read(0xA8, 2).hex(" ") == "80 3e"


def test_identity_and_auto_increment() -> None:
    """WHO_AM_I is 0x33 and read-only; without bit 0x80 all bytes come from, and go to, the same register."""
    made = chip({0x0F: 0x55})
    assert made.read(0x0F, 1) == b"\x33"
    assert made.read(0x0F, 3) == b"\x33\x33\x33"
    assert made.read(0x8F, 3) == b"\x33\x00\x00"
    made.write(0xA0, b"\x17\x01\x02\x88")
    assert made.read(0xA0, 4) == b"\x17\x00\x00\x88"
    made.write(0x20, b"\x27\x37")
    assert made.read(0x20, 1) == b"\x37"


def test_power_on_forgets() -> None:
    """A chip whose supply came back is in power-down, with no sample."""
    made = chip(HIGH_RESOLUTION)
    assert made.read(0xA8, 6) != bytes(6)
    made.power_on()
    assert made.read(0xA0, 4) == b"\x07\x00\x00\x00"
    assert made.read(0xA8, 6) == bytes(6)


def test_units_have_offset_and_noise() -> None:
    """Offsets of 200 units fill +-40 mg; 500 samples scatter by 2 mg within 15 %."""
    rng = np.random.default_rng(3)
    offsets_g = np.array([draw_accelerometer(rng, rng).offset_g for _ in range(200)])
    assert np.abs(offsets_g).max() <= 0.040
    assert offsets_g.max() > 0.038
    assert offsets_g.min() < -0.038
    made = chip(HIGH_RESOLUTION, noise_g=0.002)
    x_digits = [int.from_bytes(made.read(0xA8, 2), "little", signed=True) / 16 for _ in range(500)]
    assert np.std(x_digits) == pytest.approx(2.0, rel=0.15)
