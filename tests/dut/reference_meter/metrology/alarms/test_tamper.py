"""Lid, magnet and position: when they are looked at, and what comes of it (ADR-044)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.sensors import accelerometer
from meterbench.dut.reference_meter.hardware.sensors.accelerometer import Accelerometer, gravity_in_case
from meterbench.dut.reference_meter.hardware.sensors.i2c_bus import Bus
from meterbench.dut.reference_meter.metrology.alarms.flow_alarms import AlarmChange
from meterbench.dut.reference_meter.metrology.alarms.tamper import TamperWatch
from meterbench.dut.reference_meter.metrology.status import NO_ALARM, Alarm

S = 8
"""Ticks of a second."""
Act = tuple[int, str, bool]
"""Tick, what is moved (case, magnet, arrow), and whether to where it is an attempt to tamper."""


class Board:
    """A lid, a magnet and an accelerometer without noise, and what is read of them."""

    def __init__(self, *, answers: bool = True) -> None:
        self.bus = Bus()
        self.chip = Accelerometer((0.0, 0.0, 0.0), np.random.default_rng(0), noise_g=0.0)
        if answers:
            self.bus.attach(accelerometer.ADDRESS, self.chip)
        self.lid_open = self.magnet = False
        self.reads = 0

    def case_pressed(self, tick: int) -> bool:
        self.reads += 1
        return not self.lid_open

    def hall_on(self, tick: int) -> bool:
        return self.magnet

    def move(self, what: str, tampered: bool) -> None:
        if what == "case":
            self.lid_open = tampered
        elif what == "magnet":
            self.magnet = tampered
        else:
            self.chip.place(gravity_in_case(-90.0 if tampered else 0.0, 0.0))


def watched(acts: list[Act], until: int, *, always: bool = False, board: Board | None = None) -> list[AlarmChange]:
    """What is noticed: at every look that is asked for, or at every tick."""
    board = board or Board()
    watch = TamperWatch(board, 0)
    changes = []
    for tick in range(until + 1):
        if tick and (always or tick == watch.next_look):
            changes += watch.look(tick)
        for at, what, tampered in acts:
            if at == tick:
                board.move(what, tampered)
                watch.wake(tick)
    return changes


@pytest.mark.requirement("ADR-044")
@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        # The lid: at the second look, 0.125 s after the first.
        ([(100, "case", True), (200, "case", False)], [(102, Alarm.CASE_OPEN, True), (202, Alarm.CASE_OPEN, False)]),
        ([(100, "case", True), (101, "case", False)], []),
        # The magnet: looked at every half second; a second is not yet more than a second.
        ([(100, "magnet", True), (200, "magnet", False)], [(116, Alarm.MAGNET, True), (216, Alarm.MAGNET, False)]),
        ([(100, "magnet", True), (115, "magnet", False)], []),
        # The position: every ten seconds; a minute is not yet more than a minute.
        ([(100, "arrow", True), (3000, "arrow", False)], [(160 + 70 * S, Alarm.TILT, True), (3040, Alarm.TILT, False)]),
        ([(100, "arrow", True), (160 + 70 * S - 1, "arrow", False)], []),
        # All three.
        (
            [(100, "case", True), (100, "magnet", True), (100, "arrow", True)],
            [(102, Alarm.CASE_OPEN, True), (116, Alarm.MAGNET, True), (720, Alarm.TILT, True)],
        ),
    ],
)
def test_when_it_is_noticed(acts: list[Act], expected: list[tuple[int, Alarm, bool]]) -> None:
    assert watched(acts, 4000) == [AlarmChange(*each) for each in expected]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 1500), st.sampled_from(["case", "magnet", "arrow"]), st.booleans()), max_size=10)
)
def test_what_is_not_looked_at_would_show_nothing(acts: list[Act]) -> None:
    """Looked at when it is due, or at every tick: the same is noticed at the same time."""
    acts = sorted(acts)
    assert watched(acts, 2600) == watched(acts, 2600, always=True)


@pytest.mark.parametrize("acts", [[], [(100, "case", True)], [(100, "arrow", True)], [(100, "magnet", True)]])
@pytest.mark.parametrize("answers", [True, False])
def test_it_rests_when_all_has_settled(acts: list[Act], answers: bool) -> None:
    """With whatever alarm, and with an accelerometer that does not answer, nothing is read for an hour."""
    board = Board(answers=answers)
    watched(acts, 1000, board=board)
    watch = TamperWatch(board, 0)
    for tick in range(1, 1000):
        if tick == watch.next_look:
            watch.look(tick)
    assert watch.next_look is None


def test_an_untouched_meter_is_read_once() -> None:
    """At its start."""
    board = Board()
    assert watched([], 10_000, board=board) == []
    assert board.reads == 1


def test_a_deaf_accelerometer_hides_neither_lid_nor_magnet() -> None:
    acts = [(100, "case", True), (100, "magnet", True), (100, "arrow", True)]
    changes = watched(acts, 3000, board=Board(answers=False))
    assert [(each.alarm, each.on) for each in changes] == [(Alarm.CASE_OPEN, True), (Alarm.MAGNET, True)]


def restarted(present: Alarm, until: int, *moved: str) -> tuple[list[AlarmChange], Alarm]:
    """A watch after a loss of supply: what it notices, and what is going on at the end."""
    board = Board()
    for what in moved:
        board.move(what, True)
    watch = TamperWatch(board, 0, present)
    assert watch.present == present
    changes = []
    for tick in range(1, until):
        if tick == watch.next_look:
            changes += watch.look(tick)
    return changes, watch.present


@pytest.mark.parametrize(
    ("alarm", "moved"),
    [
        (Alarm.CASE_OPEN, "case"),
        (Alarm.MAGNET, "magnet"),
        (Alarm.TILT, "arrow"),
    ],
)
def test_what_goes_on_over_a_loss_of_supply_is_no_news(alarm: Alarm, moved: str) -> None:
    """It is neither over nor does it begin again."""
    assert restarted(alarm, 2000, moved) == ([], alarm)


@pytest.mark.parametrize(("alarm", "tick"), [(Alarm.CASE_OPEN, 2), (Alarm.MAGNET, 16)])
def test_what_ended_without_supply_is_noticed(alarm: Alarm, tick: int) -> None:
    assert restarted(alarm, 2000) == ([AlarmChange(tick, alarm, False)], NO_ALARM)


def test_a_position_put_right_without_supply_is_noticed() -> None:
    """With the first look."""
    changes, present = restarted(Alarm.TILT, 2000)
    assert [(each.alarm, each.on) for each in changes] == [(Alarm.TILT, False)]
    assert present == NO_ALARM


def test_what_began_without_supply_is_noticed() -> None:
    """Everything at once; alarms that are no attempts to tamper are not its affair."""
    changes, present = restarted(NO_ALARM, 2000, "case", "magnet", "arrow")
    assert [(each.alarm, each.on) for each in changes] == [
        (Alarm.CASE_OPEN, True),
        (Alarm.MAGNET, True),
        (Alarm.TILT, True),
    ]
    assert present == Alarm.CASE_OPEN | Alarm.MAGNET | Alarm.TILT
    assert TamperWatch(Board(), 0, Alarm.LEAK | Alarm.DRY).next_look is None
