"""The driver's exact exchange, and the gauge with its sensor (metering.md 4.2, ADR-021)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.hardware.sensors.pressure_sensor import (
    PressureErrors,
    PressureSensor,
    draw_pressure_errors,
)
from meterbench.dut.reference_meter.metrology.sensors.fault import SensorFault
from meterbench.dut.reference_meter.metrology.sensors.i2c import I2cBus
from meterbench.dut.reference_meter.metrology.sensors.pressure_gauge import PressureGauge, PressureReading, decode

START = (0x6D, "30 0a", None)
Script = Callable[[list[tuple[int, str, str | None]]], I2cBus]


class Board:
    """A gauge, its bus and its sensor, with a clock that stands until it is told."""

    def __init__(self, errors: PressureErrors, conversion_s: float = 0.020) -> None:
        self.now_s = 0.0
        self.sensor = PressureSensor(errors, lambda: self.now_s, np.random.default_rng(1), conversion_s)
        self.bus = Bus()
        self.bus.attach(0x6D, self.sensor)
        self.gauge = PressureGauge(self.bus)

    def reading(self, gauge_mpa: float, temp_c: float) -> PressureReading | SensorFault | None:
        self.sensor.expose(0.101325 + gauge_mpa, temp_c)
        self.gauge.start(self.now_s)
        self.now_s += 0.025
        return self.gauge.read(self.now_s)


@pytest.mark.parametrize(
    ("result", "reading"),
    [
        ("1e 84 80 14 00", PressureReading(0.5, 20.0)),
        ("61 a8 00 46 00", PressureReading(1.6, 70.0)),
        ("ff ff ff ff ff", PressureReading(-0.25e-6, -1 / 256)),
        ("00 00 01 00 01", PressureReading(0.25e-6, 1 / 256)),
        ("fc f2 c0 e7 00", PressureReading(-0.05, -25.0)),
        ("7a 12 00 7f ff", PressureReading(2.0, 127.99609375)),
    ],
)
def test_exchange(scripted: Script, result: str, reading: PressureReading) -> None:
    """Start, look at the command register, read five bytes: 24 and 16 bits, high byte first, signed."""
    gauge = PressureGauge(scripted([START, (0x6D, "30 read 1", "02"), (0x6D, "06 read 5", result)]))
    gauge.start(10.0)
    assert gauge.read(10.02) == reading


@pytest.mark.parametrize("result", ["80 00 00 80 00", "fc f2 bf 00 00", "7a 12 01 00 00", "7f ff ff 00 00"])
def test_implausible_pressure_is_a_fault(scripted: Script, result: str) -> None:
    """One count beyond -0.05 or 2.0 MPa, and the ends of the word."""
    gauge = PressureGauge(scripted([START, (0x6D, "30 read 1", "02"), (0x6D, "06 read 5", result)]))
    gauge.start(10.0)
    assert gauge.read(10.02) is SensorFault.OUT_OF_RANGE


@given(st.integers(-(2**23), 2**23 - 1), st.integers(-(2**15), 2**15 - 1))
def test_decode_all_words(pressure: int, temp: int) -> None:
    """Every word comes out as its number: 4 counts a Pa and 256 a K."""
    words = (pressure % 2**24 << 16 | temp % 2**16).to_bytes(5, "big")
    reading = decode(words)
    assert round(reading.gauge_mpa * 4e6) == pressure
    assert reading.chip_temp_c * 256 == temp


def test_the_bus_rests_during_the_conversion(scripted: Script) -> None:
    """Before 20 ms have gone by nothing is asked; then the busy bit decides, up to 100 ms."""
    busy = (0x6D, "30 read 1", "0a")
    gauge = PressureGauge(scripted([START, busy, busy, (0x6D, "30 read 1", "02"), (0x6D, "06 read 5", "00 " * 5)]))
    gauge.start(1.0)
    assert gauge.read(1.0) is None
    assert gauge.read(1.0199) is None
    assert gauge.read(1.0201) is None
    assert gauge.read(1.0999) is None
    assert gauge.read(1.1001) == PressureReading(0.0, 0.0)


def test_busy_for_too_long(scripted: Script) -> None:
    """After 100 ms the busy bit is a fault, and the next reading has to be started."""
    gauge = PressureGauge(scripted([START, (0x6D, "30 read 1", "0a")]))
    gauge.start(1.0)
    assert gauge.read(1.1001) is SensorFault.BUSY
    with pytest.raises(RuntimeError, match="started"):
        gauge.read(1.2)


@pytest.mark.parametrize(
    "exchanges",
    [
        [(0x6D, "30 0a", "nak")],
        [START, (0x6D, "30 read 1", "nak")],
        [START, (0x6D, "30 read 1", "02"), (0x6D, "06 read 5", "nak")],
    ],
)
def test_no_answer(scripted: Script, exchanges: list[tuple[int, str, str | None]]) -> None:
    """A chip that does not acknowledge, at whatever step, is a fault and not an error in the firmware."""
    gauge = PressureGauge(scripted(exchanges))
    gauge.start(1.0)
    assert gauge.read(1.02) is SensorFault.NO_ANSWER


def test_a_result_is_read_once() -> None:
    """Without a new start there is no second reading: a stale one would look like a fresh one."""
    board = Board(PressureErrors(noise=0.0))
    with pytest.raises(RuntimeError, match="started"):
        board.gauge.read(0.0)
    assert board.reading(0.5, 20.0) == PressureReading(0.5, 20.0)
    with pytest.raises(RuntimeError, match="started"):
        board.gauge.read(board.now_s)


def test_a_sensor_that_comes_back_is_read_again() -> None:
    """Lost, then soldered in again: the fault goes with its cause."""
    board = Board(PressureErrors(noise=0.0))
    board.bus.detach(0x6D)
    assert board.reading(0.5, 20.0) is SensorFault.NO_ANSWER
    board.bus.attach(0x6D, board.sensor)
    assert board.reading(0.5, 20.0) == PressureReading(0.5, 20.0)


def test_a_stuck_sensor_is_busy() -> None:
    """A conversion that takes ten seconds: not ready, then a fault."""
    board = Board(PressureErrors(), conversion_s=10.0)
    assert board.reading(0.5, 20.0) is None
    board.now_s += 0.1
    assert board.gauge.read(board.now_s) is SensorFault.BUSY


def test_units_read_within_one_percent_of_full_scale() -> None:
    """100 units, 0..1.6 MPa, -25..70 degC: within 16 kPa, and some use half of it; the chip's temperature fits."""
    rng = np.random.default_rng(11)
    errors_mpa = []
    for _ in range(100):
        board = Board(draw_pressure_errors(rng))
        for gauge_mpa in (0.0, 0.4, 0.8, 1.2, 1.6):
            for temp_c in (-25.0, 20.0, 70.0):
                reading = board.reading(gauge_mpa, temp_c)
                assert isinstance(reading, PressureReading)
                assert reading.chip_temp_c == temp_c
                errors_mpa.append(reading.gauge_mpa - gauge_mpa)
    assert max(map(abs, errors_mpa)) <= 0.016
    assert max(errors_mpa) > 0.008
    assert min(errors_mpa) < -0.008
