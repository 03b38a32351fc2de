"""The driver's exact exchange, the sign, and the rule for the arrow (metering.md 4.3, ADR-019, ADR-024)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.accelerometer import (
    Accelerometer,
    draw_accelerometer,
    gravity_in_case,
)
from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus
from meterbench.dut.reference_meter.metrology.sensors.orientation import Orientation, inclination_deg

SET_UP = [(0x19, "0f read 1", "33"), (0x19, "23 88", None), (0x19, "20 17", None)]
UP, DOWN, LEVEL = "80 3e 00 00 00 00", "80 c1 00 00 00 00", "00 00 00 00 80 3e"
Script = Callable[[list[tuple[int, str, str | None]]], I2cBus]


def perfect() -> Accelerometer:
    return Accelerometer((0.0, 0.0, 0.0), np.random.default_rng(1), noise_g=0.0)


def fitted(chip: Accelerometer) -> tuple[Bus, Orientation]:
    bus = Bus()
    bus.attach(0x19, chip)
    return bus, Orientation(bus)


def alarm_after_61_s(chip: Accelerometer, angle_deg: float, roll_deg: float) -> bool:
    chip.place(gravity_in_case(angle_deg, roll_deg))
    _, orientation = fitted(chip)
    for now_s in (0.0, 61.0):
        assert not isinstance(orientation.update(now_s), SensorFault)
    return orientation.alarm


def test_exchange(scripted: Script) -> None:
    """Identity and set-up once, then six bytes a reading: arrow up, arrow down, level."""
    data = [(0x19, "a8 read 6", sample) for sample in (UP, DOWN, LEVEL)]
    orientation = Orientation(scripted([*SET_UP, *data]))
    assert [orientation.update(now_s) for now_s in (0.0, 1.0, 2.0)] == [90.0, -90.0, 0.0]


@pytest.mark.parametrize(
    ("sample", "angle_deg"),
    [
        (UP, 90.0),
        (DOWN, -90.0),
        (LEVEL, 0.0),
        ("00 00 00 00 80 c1", 0.0),
        ("40 1f 00 00 20 36", 30.0),
        ("c0 e0 00 00 20 36", -30.0),
        ("00 00 80 3e 00 00", 0.0),
    ],
)
def test_sign_and_byte_order(sample: str, angle_deg: float) -> None:
    """+1 g on x is an arrow that points up; y and z, display up or down, say nothing about it."""
    assert inclination_deg(bytes.fromhex(sample)) == pytest.approx(angle_deg, abs=0.01)


@given(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0), st.sampled_from([0.9, 1.0, 1.024]))
def test_inclination_of_any_attitude(angle_deg: float, roll_deg: float, scale: float) -> None:
    """asin(-a.e) whatever the roll and the chip's scale; a digit is 1 mg, and asin is steep near the vertical."""
    felt = [-scale * part for part in gravity_in_case(angle_deg, roll_deg)]
    sample = b"".join((round(part * 1000) * 16).to_bytes(2, "little", signed=True) for part in felt)
    seen_deg = inclination_deg(sample)
    assert not isinstance(seen_deg, SensorFault)
    assert math.sin(math.radians(seen_deg)) == pytest.approx(math.sin(math.radians(angle_deg)), abs=2e-3)


def test_alarm_over_a_sphere_of_attitudes() -> None:
    """Whatever the roll, an arrow below -5 degrees alarms and no other does: up, level and display down are allowed."""
    chip = perfect()
    for angle_deg in (-90.0, -60.0, -30.0, -10.0, -5.2, -4.8, -1.0, 0.0, 1.0, 5.0, 30.0, 60.0, 90.0):
        for roll_deg in range(-180, 180, 15):
            down = -math.sin(math.radians(angle_deg)) > math.sin(math.radians(5.0))
            assert alarm_after_61_s(chip, angle_deg, roll_deg) is down, (angle_deg, roll_deg)


@pytest.mark.parametrize("roll_deg", [0.0, 90.0, 180.0])
def test_units_never_alarm_when_level_and_always_at_ten_degrees(roll_deg: float) -> None:
    """An offset of 40 mg and its noise are 2.5 degrees: inside the tolerance of 5."""
    for seed in range(60):
        chip = draw_accelerometer(np.random.default_rng(seed), np.random.default_rng(seed + 1000))
        assert not alarm_after_61_s(chip, 0.0, roll_deg)
        assert alarm_after_61_s(chip, -10.0, roll_deg)


def test_alarm_takes_more_than_a_minute_and_clears_at_once() -> None:
    """On after 60 s without a break; off with the first reading that is not down; then 60 s anew."""
    chip = perfect()
    _, orientation = fitted(chip)

    def alarm_at(now_s: float, angle_deg: float) -> bool:
        chip.place(gravity_in_case(angle_deg, 0.0))
        orientation.update(now_s)
        return orientation.alarm

    assert [alarm_at(now_s, -45.0) for now_s in (0.0, 30.0, 60.0, 60.125)] == [False, False, False, True]
    assert [alarm_at(now_s, -45.0) for now_s in (100.0, 1000.0)] == [True, True]
    assert not alarm_at(1001.0, 0.0)
    assert [alarm_at(now_s, -45.0) for now_s in (1002.0, 1061.0)] == [False, False]
    assert not alarm_at(1061.5, -4.0)
    assert [alarm_at(now_s, -45.0) for now_s in (1062.0, 1121.0, 1122.5)] == [False, False, True]


@pytest.mark.parametrize("step", range(4))
def test_no_answer(scripted: Script, step: int) -> None:
    """At whatever step nobody acknowledges: a fault, and the chip is set up again next time."""
    whole = [*SET_UP, (0x19, "a8 read 6", LEVEL)]
    address, asked, _ = whole[step]
    orientation = Orientation(scripted([*whole[:step], (address, asked, "nak"), *whole]))
    assert orientation.update(0.0) is SensorFault.NO_ANSWER
    assert orientation.update(1.0) == 0.0


def test_another_chip_is_no_answer(scripted: Script) -> None:
    """A chip with another identity is not set up, let alone believed."""
    assert Orientation(scripted([(0x19, "0f read 1", "44")])).update(0.0) is SensorFault.NO_ANSWER


@pytest.mark.parametrize("sample", ["00 00 00 00 00 00", "f0 7f f0 7f f0 7f", "10 4b 00 00 00 00", "f0 31 00 00 00 00"])
def test_what_is_not_gravity_is_a_fault(scripted: Script, sample: str) -> None:
    """No sample yet, full scale on all axes, 1.201 g, 0.799 g."""
    orientation = Orientation(scripted([*SET_UP, (0x19, "a8 read 6", sample)]))
    assert orientation.update(0.0) is SensorFault.OUT_OF_RANGE


@pytest.mark.parametrize("sample", ["00 4b 00 00 00 00", "00 32 00 00 00 00"])
def test_the_limits_of_gravity_are_readings(sample: str) -> None:
    """1.200 g and 0.800 g."""
    assert inclination_deg(bytes.fromhex(sample)) == 90.0


def test_a_reset_chip_is_set_up_again() -> None:
    """It sleeps and gives zeros once; the next update wakes it."""
    chip = perfect()
    _, orientation = fitted(chip)
    chip.place(gravity_in_case(90.0, 0.0))
    assert orientation.update(0.0) == 90.0
    chip.power_on()
    assert [orientation.update(1.0), orientation.update(2.0)] == [SensorFault.OUT_OF_RANGE, 90.0]


def test_a_fault_neither_raises_nor_clears_nor_delays() -> None:
    """Pointing down for 61 s, half of them without an answer, alarms; the alarm outlasts a fault."""
    chip = perfect()
    bus, orientation = fitted(chip)
    chip.place(gravity_in_case(-90.0, 0.0))
    orientation.update(0.0)
    bus.detach(0x19)
    assert orientation.update(61.0) is SensorFault.NO_ANSWER
    assert not orientation.alarm
    bus.attach(0x19, chip)
    orientation.update(62.0)
    assert orientation.alarm
    bus.detach(0x19)
    orientation.update(63.0)
    assert orientation.alarm
