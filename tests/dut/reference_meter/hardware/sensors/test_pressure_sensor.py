"""The pressure sensor's registers, byte by byte (metering.md 4.2, ADR-021)."""

from __future__ import annotations

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.sensors.pressure_sensor import (
    FULL_SCALE_MPA,
    PressureErrors,
    PressureSensor,
    draw_pressure_errors,
)

ATMOSPHERE_MPA = 0.101325


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def perfect(clock: Clock) -> PressureSensor:
    return PressureSensor(PressureErrors(noise=0.0), clock, np.random.default_rng(1))


def converted(sensor: PressureSensor, clock: Clock) -> str:
    sensor.write(0x30, b"\x0a")
    clock.now_s += 0.020
    return sensor.read(0x06, 5).hex(" ")


@pytest.mark.parametrize(
    ("gauge_mpa", "temp_c", "result"),
    [
        (0.0, 0.0, "00 00 00 00 00"),
        (1e-6, 1.0, "00 00 04 01 00"),
        (-1e-6, -1.0, "ff ff fc ff 00"),
        (0.5, 20.0, "1e 84 80 14 00"),
        (1.6, 70.0, "61 a8 00 46 00"),
        (-0.05, -25.0, "fc f2 c0 e7 00"),
        (2.09715175, 127.99609375, "7f ff ff 7f ff"),
        (2.2, 200.0, "7f ff ff 7f ff"),
        (-2.097152, -128.0, "80 00 00 80 00"),
        (-2.2, -200.0, "80 00 00 80 00"),
    ],
)
def test_result_bytes(gauge_mpa: float, temp_c: float, result: str) -> None:
    """24 and 16 bits, high byte first, two's complement, 4 counts a Pa and 256 a K, saturating; gauge pressure."""
    clock = Clock()
    sensor = perfect(clock)
    sensor.expose(gauge_mpa + ATMOSPHERE_MPA, temp_c)
    assert converted(sensor, clock) == result


def test_reading_too_early_gives_the_last_result() -> None:
    """For 20 ms the busy bit stands and the old result; both change together."""
    clock = Clock()
    sensor = perfect(clock)
    assert sensor.read(0x30, 1) == b"\x00"
    sensor.expose(0.5 + ATMOSPHERE_MPA, 20.0)
    sensor.write(0x30, b"\x0a")
    clock.now_s += 0.0199
    assert sensor.read(0x30, 1) == b"\x0a"
    assert sensor.read(0x06, 5) == bytes(5)
    clock.now_s += 0.0002
    assert sensor.read(0x30, 1) == b"\x02"
    assert sensor.read(0x06, 5).hex(" ") == "1e 84 80 14 00"
    sensor.expose(1.6 + ATMOSPHERE_MPA, 70.0)
    sensor.write(0x30, b"\x0a")
    assert sensor.read(0x06, 5).hex(" ") == "1e 84 80 14 00"


def test_a_result_is_of_its_own_moment() -> None:
    """What happens to the pressure after the command does not count, however late the result is read."""
    clock = Clock()
    sensor = perfect(clock)
    sensor.expose(0.5 + ATMOSPHERE_MPA, 20.0)
    sensor.write(0x30, b"\x0a")
    sensor.expose(1.6 + ATMOSPHERE_MPA, 70.0)
    clock.now_s += 60.0
    assert sensor.read(0x06, 5).hex(" ") == "1e 84 80 14 00"


@pytest.mark.parametrize("payload", [(0x30, b"\x02"), (0x30, b""), (0x06, b"\x0a"), (0xA5, b"\x0a")])
def test_only_the_combined_command_converts(payload: tuple[int, bytes]) -> None:
    """Another command, none, or another register leave the result as it was."""
    clock = Clock()
    sensor = perfect(clock)
    sensor.expose(0.5 + ATMOSPHERE_MPA, 20.0)
    sensor.write(*payload)
    clock.now_s += 1.0
    assert sensor.read(0x06, 5) == bytes(5)


def test_a_command_during_a_conversion_starts_over() -> None:
    """The combined one for 20 ms from then on, of the pressure then; another one ends the conversion without result."""
    clock = Clock()
    sensor = perfect(clock)
    sensor.expose(1.6 + ATMOSPHERE_MPA, 70.0)
    sensor.write(0x30, b"\x0a")
    clock.now_s += 0.015
    sensor.expose(0.5 + ATMOSPHERE_MPA, 20.0)
    sensor.write(0x30, b"\x0a")
    clock.now_s += 0.015
    assert sensor.read(0x30, 1) == b"\x0a"
    clock.now_s += 0.0051
    assert sensor.read(0x06, 5).hex(" ") == "1e 84 80 14 00"
    sensor.expose(1.6 + ATMOSPHERE_MPA, 70.0)
    sensor.write(0x30, b"\x0a")
    sensor.write(0x30, b"\x09")
    clock.now_s += 0.021
    assert sensor.read(0x06, 5).hex(" ") == "1e 84 80 14 00"


def test_units_have_errors_of_their_own() -> None:
    """100 units stay within 0.9 % of full scale without noise, and at least one comes near it in either sense."""
    rng = np.random.default_rng(5)
    errors = [
        (unit.indicated_mpa(gauge_mpa, temp_c) - gauge_mpa) / FULL_SCALE_MPA
        for unit in (draw_pressure_errors(rng) for _ in range(100))
        for gauge_mpa in (0.0, 1.6)
        for temp_c in (-25.0, 70.0)
    ]
    assert max(map(abs, errors)) <= 0.009
    assert max(errors) > 0.005
    assert min(errors) < -0.005


def test_noise_has_its_standard_deviation() -> None:
    """500 conversions scatter by 160 Pa within 15 % (about five standard deviations of theirs)."""
    clock = Clock()
    sensor = PressureSensor(PressureErrors(), clock, np.random.default_rng(6))
    counts = [int.from_bytes(bytes.fromhex(converted(sensor, clock))[:3], "big", signed=True) for _ in range(500)]
    assert np.std(counts) / 4 == pytest.approx(160.0, rel=0.15)
