"""A chamber around the simulated line: driver, wire, air, probe, and at last the meters.

Kind: plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.instruments.capabilities import ClimateChamber, ResistanceThermometer
from meterbench.instruments.drivers import opener
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock
from tests.conftest import QUICK_METER, station_content

DRIVERS = ["weiss_simserv", "espec_p300"]
METERS = [QUICK_METER, {**QUICK_METER, "serial": "20000002"}]


class Room:
    """A lab with a chamber and a probe in it, or without."""

    def __init__(self, driver: str | None, **virtual: Any) -> None:
        content = station_content(*METERS, **virtual)
        if driver is not None:
            content["instruments"]["chamber"] = {"driver": driver}
            content["instruments"]["chamber_probe"] = {"driver": "keysight_34461a"}
        self.lab = VirtualLab(station.parse(content, "test"))
        self.addresses = self.lab.start()
        self.clock = VirtualClock(self.lab.advance)
        self._open: list[Any] = []

    def instrument(self, role: str, driver: str) -> Any:
        place = Place(role, self.addresses[role][0], self.clock, driver)
        self._open.append(opener(driver)(place))
        return self._open[-1]

    def ambient_c(self) -> list[float]:
        """What the meters themselves take for the air's temperature."""
        return [self.lab._loop.call(lambda m=meter: m.registers().ambient_temp_c) for meter in self.lab.meters]

    def close(self) -> None:
        for each in self._open:
            each.close()
        self.lab.stop()


@pytest.fixture(params=DRIVERS)
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    made = Room(request.param)
    made.driver = request.param
    yield made
    made.close()


def test_heating_to_55_degrees(room: Room) -> None:
    """The air follows its ramp of 3 K/min, the meters half an hour later; then all is at rest, and time is cheap."""
    chamber: ClimateChamber = room.instrument("chamber", room.driver)
    probe: ResistanceThermometer = room.instrument("chamber_probe", "keysight_34461a")
    room.clock.sleep(60.0)
    before_c = room.ambient_c()
    chamber.start(55.0)
    room.clock.sleep(300.0)
    status = chamber.status()
    assert status.running
    assert status.temp_c == pytest.approx(20.0 + 15.0, abs=1.2)
    assert _temp_c(probe) == pytest.approx(room.lab.chamber.air_temp_c, abs=0.05)
    warmed_k = [now_c - then_c for now_c, then_c in zip(room.ambient_c(), before_c, strict=True)]
    assert all(0.5 < each_k < 3.0 for each_k in warmed_k), warmed_k

    room.clock.sleep(1500.0)
    assert chamber.status().temp_c == pytest.approx(55.0, abs=1.0)
    warmed_k = [now_c - then_c for now_c, then_c in zip(room.ambient_c(), before_c, strict=True)]
    assert all(15.0 < each_k < 26.0 for each_k in warmed_k), warmed_k

    room.clock.sleep(5.0 * 3600.0)
    warmed_k = [now_c - then_c for now_c, then_c in zip(room.ambient_c(), before_c, strict=True)]
    assert warmed_k == pytest.approx([35.0, 35.0], abs=0.25)
    assert room.lab.chamber.steady


def test_made_safe_it_drifts_back(room: Room) -> None:
    chamber: ClimateChamber = room.instrument("chamber", room.driver)
    chamber.start(-20.0)
    room.clock.sleep(3600.0)
    chamber.make_safe()
    assert not room.lab.chamber.steady
    room.clock.sleep(6.0 * 3600.0)
    status = chamber.status()
    assert not status.running
    assert status.temp_c == pytest.approx(20.0, abs=2.5)


def test_a_tripped_limiter_is_seen_by_the_probe(room: Room) -> None:
    """The chamber says that it runs at 55 degC, without an alarm; the independent probe says what is true."""
    chamber: ClimateChamber = room.instrument("chamber", room.driver)
    probe: ResistanceThermometer = room.instrument("chamber_probe", "keysight_34461a")
    chamber.start(55.0)
    room.clock.sleep(3600.0)
    room.lab._loop.call(room.lab.chamber.trip_limiter)
    room.clock.sleep(3600.0)
    status = chamber.status()
    assert (status.running, status.setpoint_c, status.alarms) == (True, 55.0, ())
    assert _temp_c(probe) < 40.0


def test_without_a_chamber_nothing_is_different() -> None:
    """No chamber, no climate: the meters keep the air they were made in."""
    room = Room(None, ambient_temp_c=31.0)
    try:
        assert room.lab.chamber is None
        room.clock.sleep(600.0)
        assert room.ambient_c() == pytest.approx([20.0, 20.0], abs=3.0)
    finally:
        room.close()


def test_meters_in_a_chamber_feel_the_hall_at_first() -> None:
    room = Room("weiss_simserv", ambient_temp_c=31.0)
    try:
        room.clock.sleep(600.0)
        assert room.ambient_c() == pytest.approx([31.0, 31.0], abs=3.0)
        assert room.lab.advance(1e5)
    finally:
        room.close()


def test_heating_costs_little_time() -> None:
    """Some hundred pieces for five hours, not 180 000 steps of the plant."""
    room = Room("weiss_simserv")
    try:
        steps = []
        advance = room.lab.plant.advance
        room.lab.plant.advance = lambda duration_s: steps.append(duration_s) or advance(duration_s)
        room.lab.chamber.setpoint_c = 55.0
        room.lab.chamber.start()
        room.clock.sleep(5.0 * 3600.0)
        assert len(steps) < 1500
    finally:
        room.close()


def _temp_c(probe: ResistanceThermometer) -> float:
    """By the nominal curve of IEC 60751, above 0 degC."""
    r = probe.resistance_ohm() / 100.0
    a, b = 3.9083e-3, -5.775e-7
    return (-a + (a * a - 4.0 * b * (1.0 - r)) ** 0.5) / (2.0 * b)
