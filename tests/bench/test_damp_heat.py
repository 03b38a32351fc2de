"""Damp heat, cyclic (iso4064.md 2.8), through driver, wire, chamber and meters: two cycles of 24 h.

Kind: plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest

from meterbench.instruments.capabilities import ChamberStatus, ClimateChamber
from tests.bench.test_climate_coupling import DRIVERS, Room

LOWER_C, UPPER_C = 25.0, 55.0
SATURATED_PERCENT, DAMP_PERCENT = 98.0, 95.0
"""Set for more than 95 % while the temperature changes and is low, and for 93 % or more while it is high."""
COURSE = ((0.0, LOWER_C), (3.0, UPPER_C), (12.0, UPPER_C), (13.5, 40.0), (16.5, LOWER_C), (24.0, LOWER_C))
"""Hours and degC: up in 3 h, held to hour 12, down in 3 to 6 h of which the first 1.5 h at 10 K/h, held to hour 24."""
RAMP_STEP_S, HOLD_STEP_S = 360.0, 2700.0


class Seen(NamedTuple):
    """One look at the chamber, and what was wanted of it."""

    hour: float
    wanted_c: float
    high: bool
    status: ChamberStatus
    true_percent: float


@pytest.fixture(params=DRIVERS)
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    made = Room(request.param)
    made.driver = request.param
    yield made
    made.close()


def one_cycle(room: Room, chamber: ClimateChamber) -> list[Seen]:
    """The set-point goes in small steps, so that a chamber without a gradient does the same."""
    seen: list[Seen] = []
    begun_s = room.clock.now_s()
    for (from_h, from_c), (to_h, to_c) in pairwise(COURSE):
        high = from_c == to_c == UPPER_C
        step_s = RAMP_STEP_S if from_c != to_c else HOLD_STEP_S
        steps = round((to_h - from_h) * 3600.0 / step_s)
        for step in range(1, steps + 1):
            wanted_c = from_c + (to_c - from_c) * step / steps
            if from_c != to_c or step == 1:
                chamber.start(wanted_c, humidity_percent=DAMP_PERCENT if high else SATURATED_PERCENT)
            room.clock.sleep(begun_s + 3600.0 * from_h + step * step_s - room.clock.now_s())
            hour = from_h + step * step_s / 3600.0
            seen.append(Seen(hour, wanted_c, high, chamber.status(), room.lab.chamber.air_humidity_percent))
    return seen


def test_two_cycles_stay_within_their_tolerances(room: Room) -> None:
    """Upper 55 +/- 2 degC and 93 % or more; lower 25 +/- 3 degC, changes, and more than 95 % there; as the chamber says
    it, and in truth. The meters follow, both times."""
    chamber: ClimateChamber = room.instrument("chamber", room.driver)
    chamber.start(LOWER_C, humidity_percent=SATURATED_PERCENT)
    room.clock.sleep(7200.0)
    for _ in range(2):
        seen = one_cycle(room, chamber)
        for each in seen:
            lowest_percent = 93.0 if each.high else 95.0
            assert each.status.running
            assert each.status.temp_c == pytest.approx(each.wanted_c, abs=2.0), each
            assert each.status.humidity_percent >= lowest_percent, each
            assert each.true_percent >= lowest_percent, each
            assert each.status.humidity_percent == pytest.approx(each.true_percent, abs=2.0), each
        assert seen[-1].hour == 24.0
        assert room.ambient_c() == pytest.approx([LOWER_C] * len(room.lab.meters), abs=2.0)


def test_an_empty_humidifier_shows(room: Room) -> None:
    """The chamber holds its temperature, and no alarm tells: only the air's humidity does."""
    chamber: ClimateChamber = room.instrument("chamber", room.driver)
    chamber.start(UPPER_C, humidity_percent=DAMP_PERCENT)
    room.clock.sleep(3600.0)
    assert chamber.status().humidity_percent >= 93.0

    def run_dry() -> None:
        room.lab.chamber.humidifier_empty = True

    room.lab._loop.call(run_dry)
    room.clock.sleep(1800.0)
    status = chamber.status()
    assert (status.running, status.alarms) == (True, ())
    assert status.temp_c == pytest.approx(UPPER_C, abs=2.0)
    assert status.humidity_percent < 80.0
