"""Losses of the supply at the worst moments, and what else hands can do at them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.power.places import Place as FirmwarePlace
from meterbench.dut.reference_meter.metrology.records.columns import Column
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.status import Alarm, Status
from meterbench.world.segment import Course, Segment
from tests.dut.reference_meter.line import make

HOUR = 3600 * 8
DAY_S = 86_400.0


class Bench:
    """A meter, and the time."""

    def __init__(self, fidelity: Fidelity = Fidelity.AUTO) -> None:
        self.meter: ReferenceMeter = make(fidelity=fidelity)
        self.now_s = 0.0

    def live(self, duration_s: float, flow_l_h: float = 0.0, fill: float = 1.0) -> None:
        self.meter.advance(Segment(self.now_s, duration_s, flow_l_h, 20.0, 0.5, fill))
        self.now_s += duration_s

    def course(self, duration_s: float, flow_l_h: float = 0.0) -> None:
        edges_s = self.now_s + np.array([0.0, duration_s])
        self.meter.live(Course(edges_s, np.full(1, flow_l_h), np.full(1, 20.0), np.full(1, 0.5)))
        self.now_s += duration_s

    def to_clock(self, ticks: int, flow_l_h: float = 0.0) -> None:
        """Live until the meter's clock shows this."""
        while (left := ticks - self.meter.registers().clock_ticks) > 0:
            self.live(left / 8.0 if left > 8 else 0.0625, flow_l_h)

    @property
    def hours(self) -> list[int]:
        rows = self.meter.reading.profile(Period.HOUR)
        assert not (rows["clock_ticks"] % HOUR).any()
        return [int(ticks) // HOUR for ticks in rows["clock_ticks"]]

    def codes(self, log: LogType) -> list[EventCode]:
        return [event.code for event in self.meter.reading.events(log)]


def test_a_course_after_short_segments_keeps_its_hours() -> None:
    """Three seconds in short segments, which wait to be measured together, then five hours at once: five records."""
    bench = Bench(Fidelity.SEGMENT)
    bench.live(600.0)
    for _ in range(3):
        bench.live(1.0, 100.0)
    bench.course(5 * 3600.0)
    assert bench.hours == [1, 2, 3, 4, 5]


def test_an_hour_is_recorded_once() -> None:
    """A loss half a second after the full hour: it stands in the profile once, and the totals there never fall."""
    bench = Bench()
    bench.to_clock(HOUR + 4, 1000.0)
    bench.meter.fail_supply()
    bench.live(2 * 3600.0)
    assert bench.hours == [1, 2]
    assert (np.diff(bench.meter.reading.profile(Period.HOUR)["forward_nl"]) >= 0).all()


def cut_at_the_hour(after_bytes: int) -> Bench:
    """Two hours with a clock that was set meanwhile; the second record is cut after so many bytes."""
    bench = Bench()
    bench.to_clock(2 * HOUR - 80, 100.0)
    bench.meter.commands.set_clock(bench.meter.registers().clock_ticks)
    bench.to_clock(2 * HOUR - 2, 100.0)
    bench.meter.fail_in_write(after_bytes)
    bench.live(3.0, 100.0)
    bench.live(2 * 3600.0)
    return bench


CUTS = range(0, 1400, 35)


def test_no_cut_loses_an_hour() -> None:
    """Wherever a cut falls among what is written on the hour, the record is there before it or is made afterwards."""
    assert [cut for cut in CUTS if cut_at_the_hour(cut).hours[:2] != [1, 2]] == []


def test_no_cut_loses_a_mark() -> None:
    """Wherever a cut falls, one of the records says that the clock was set."""
    without = []
    for cut in CUTS:
        marks = cut_at_the_hour(cut).meter.reading.profile(Period.HOUR)["status"]
        if not (marks & int(Status.CLOCK_SET)).any():
            without.append(cut)
    assert without == []


def test_a_command_may_be_the_last() -> None:
    """The supply fails in what a command writes: it is refused, the meter is Off, and comes back."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.fail_in_write(10)
    with pytest.raises(Refused):
        bench.meter.commands.enter_test()
    bench.live(1.0)
    assert not bench.meter.powered
    bench.live(3600.0)
    assert bench.meter.powered


def test_reading_needs_no_write() -> None:
    """Until something is written the meter lives, and is read."""
    bench = Bench()
    bench.live(3700.0)
    bench.meter.fail_in_write(0)
    assert len(bench.meter.reading.profile(Period.HOUR)) == 1


def test_the_supply_may_fail_while_it_is_about_to_fail_in_a_write() -> None:
    """Both hands at once are a loss like any other."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.fail_in_write(100)
    bench.meter.fail_supply()
    assert not bench.meter.powered


def test_nothing_obeys_while_off() -> None:
    """Commands that were fetched before a loss are refused after it."""
    bench = Bench()
    bench.live(60.0)
    commands = bench.meter.commands
    bench.meter.fail_supply()
    with pytest.raises(Refused):
        commands.set_clock(10**9)


def died(*, swapped: bool) -> Bench:
    """C1 is empty, then the capacitor; C1 is exchanged for a new one while the meter is Off, or another day."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.remove(Place.BACKUP)
    bench.meter.unit.board.supply.pack(Place.C1).wear(7600.0)
    bench.live(30 * DAY_S)
    assert not bench.meter.powered
    if swapped:
        bench.meter.remove(Place.C1)
        bench.meter.insert(Place.C1, fresh_pack("LS26500"))
    bench.live(DAY_S)
    return bench


def test_a_cell_that_was_exchanged_while_off_is_not_low() -> None:
    """The usual exchange, of a meter that has died: LOWBAT goes once it is told of it, and the source is C1."""
    bench = died(swapped=True)
    assert bench.meter.registers().mode is Mode.NORMAL
    bench.meter.commands.battery_replaced(FirmwarePlace.C1)
    assert Alarm.LOW_BATTERY_INTERNAL not in bench.meter.registers().alarms
    assert bench.meter.registers().internal_percent == 100
    assert EventCode.BATTERY_REPLACED in bench.codes(LogType.POWER)


def test_a_start_on_another_source_is_told() -> None:
    """Off on the last of the capacitor in MEASUREMENT, back on C1 in NORMAL: the logs end with both."""
    bench = Bench()
    bench.live(60.0)
    for place in (Place.C1, Place.BACKUP):
        bench.meter.remove(place)
    bench.live(30 * DAY_S)
    bench.meter.insert(Place.C1, fresh_pack("LS26500"))
    bench.live(DAY_S)
    assert bench.meter.registers().mode is Mode.NORMAL
    modes = [event for event in bench.meter.reading.events(LogType.STANDARD) if event.code is EventCode.MODE_CHANGED]
    assert tuple(Mode)[modes[-1].value_b] is Mode.NORMAL


def test_tilt_outlasts_a_loss() -> None:
    """A meter that hangs upside down all the time begins TILT once."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.turn(-60.0)
    bench.live(200.0)
    bench.meter.fail_supply()
    bench.live(3600.0)
    assert bench.codes(LogType.TAMPER) == [EventCode.TILT_BEGAN]


def test_lid_and_magnet_outlast_a_loss() -> None:
    """A lid that stays open and a magnet that stays begin once."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.open_case()
    bench.meter.expose(30.0)
    bench.live(200.0)
    bench.meter.fail_supply()
    bench.live(3600.0)
    assert bench.codes(LogType.TAMPER) == [EventCode.CASE_OPENED, EventCode.MAGNET_BEGAN]


def test_dry_outlasts_a_loss() -> None:
    """A pipe that stays empty begins DRY once."""
    bench = Bench()
    bench.live(60.0)
    bench.live(60.0, fill=0.0)
    bench.meter.fail_supply()
    bench.live(3600.0, fill=0.0)
    assert bench.codes(LogType.FLOW) == [EventCode.DRY_BEGAN]


@pytest.mark.parametrize("while_off", [False, True])
def test_a_closed_valve_outlasts_a_loss(while_off: bool) -> None:
    """The end switch still says closed after a loss, or was closed during one."""
    bench = Bench()
    bench.live(60.0)
    if not while_off:
        bench.meter.close_valve(True)
    bench.meter.fail_supply()
    if while_off:
        bench.meter.close_valve(True)
    bench.live(3600.0)
    assert Status.VALVE_CLOSED in bench.meter.registers().status


def test_a_clock_set_forth_and_back_misses_nothing() -> None:
    """Two hours forward and back again within the minute: every hour is there, and none is said to be missing."""
    bench = Bench()
    bench.live(3700.0)
    now = bench.meter.registers().clock_ticks
    bench.meter.commands.set_clock(now + 2 * HOUR)
    bench.meter.commands.set_clock(now)
    bench.live(2 * 3600.0)
    assert bench.hours == [1, 2, 3]
    assert not (bench.meter.reading.profile(Period.HOUR)["status"] & int(Status.CAPTURES_MISSED)).any()


def test_batteries_are_checked_on_the_hour() -> None:
    """On the hour by the meter's clock (power/manager.py), also after it was set: LOWBAT with the third bad check."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.commands.set_clock(100 * HOUR - 600 * 8)
    bench.meter.unit.board.supply.pack(Place.C1).wear(7600.0)
    bench.live(6 * 3600.0)
    low = [
        event.clock_ticks
        for event in bench.meter.reading.events(LogType.POWER)
        if event.code is EventCode.LOW_BATTERY_INTERNAL_BEGAN
    ]
    assert low == [pytest.approx(102 * HOUR, abs=2)]


def test_a_clock_set_before_the_first_segment_is_kept() -> None:
    """Somebody may set the clock of a meter that has not seen water yet."""
    bench = Bench()
    bench.now_s = 1e6
    bench.meter.commands.set_clock(10**9)
    bench.live(10.0)
    assert bench.meter.registers().clock_ticks == pytest.approx(10**9 + 80, abs=1)


def lived_until_off(piece_s: float) -> tuple[float, float]:
    """Seconds on the meter's clock when the last of the capacitor was used up, without a pack, and litres."""
    bench = Bench()
    bench.live(60.0)
    for place in (Place.C1, Place.BACKUP):
        bench.meter.remove(place)
    bench.live(15 * DAY_S)
    while bench.meter.powered:
        bench.live(piece_s, 100.0)
    bench.meter.insert(Place.C1, fresh_pack("LS26500"))
    bench.live(3600.0)
    (start,) = (
        event
        for event in bench.meter.reading.events(LogType.STANDARD)
        if event.code is EventCode.STARTED_AFTER_POWER_LOSS
    )
    return start.clock_ticks / 8.0, bench.meter.registers().forward_l


def test_the_meter_is_off_when_its_rail_is() -> None:
    """However the time is cut, the same moment: nothing is measured without a supply."""
    at_once_s, at_once_l = lived_until_off(DAY_S)
    in_pieces_s, in_pieces_l = lived_until_off(1000.0)
    assert in_pieces_s == pytest.approx(at_once_s, abs=1.0)
    assert in_pieces_l == pytest.approx(at_once_l, abs=0.1)


def fading(after_bytes: int) -> Bench:
    """The last millivolts of the capacitor, with a supply that also fails in a write."""
    bench = Bench()
    bench.live(60.0)
    for place in (Place.BACKUP, Place.C1):
        bench.meter.remove(place)
    bench.meter.unit.board.supply.spc_v = 2.2003
    bench.meter.fail_in_write(after_bytes)
    while bench.meter.powered:
        bench.live(600.0)
    return bench


def test_the_last_save_may_be_cut() -> None:
    """The supply fails in the save that the brown-out calls for: a loss like any other."""
    plenty = 10**7
    left = fading(plenty).meter.unit.board.memory._left
    assert left is not None
    assert not fading(plenty - left - 100).meter.powered


def test_a_meter_that_has_not_lived_cannot_lose_its_supply() -> None:
    """Its clock has no time yet that could be kept."""
    with pytest.raises(Refused, match="begun to live"):
        Bench().meter.fail_supply()


def test_pulses_never_run_back() -> None:
    """A bench takes differences of the count: over a loss none is negative, and none comes while the meter is Off."""
    bench = Bench()
    bench.live(600.3, 2500.0)
    before = bench.meter.pulse_count(bench.now_s)
    bench.meter.fail_supply()
    assert bench.meter.pulse_count(bench.now_s) == before
    bench.live(600.0, 2500.0)
    assert bench.meter.powered
    after = bench.meter.pulse_count(bench.now_s)
    bench.live(60.0, 2500.0)
    assert before <= after
    assert bench.meter.pulse_count(bench.now_s) - after == pytest.approx(2500.0 / 60.0 * 1e4, rel=0.01)


def test_segments_shorter_than_a_microsecond_are_lived_through() -> None:
    """A coupled plant makes such: the supply has nothing to say to them, and time goes on."""
    bench = Bench()
    for _ in range(3):
        bench.live(1e-8, 100.0)
        bench.live(3600.0, 100.0)
    assert bench.hours[:2] == [1, 2]


def test_a_supply_cannot_fail_after_less_than_nothing() -> None:
    bench = Bench()
    bench.live(60.0)
    with pytest.raises(ValueError, match="-5 bytes"):
        bench.meter.fail_in_write(-5)
    bench.live(60.0)
    assert bench.meter.powered


@pytest.mark.parametrize("cut", range(0, 1200, 40))
def test_no_change_is_without_its_event(cut: int) -> None:
    """Settings and columns, whatever byte of the change the supply fails at."""
    bench = Bench()
    bench.live(3700.0)
    was = bench.meter.reading.settings()
    bench.meter.fail_in_write(cut)
    with contextlib.suppress(Refused):
        bench.meter.commands.configure(replace(was, burst_limit_l_h=50.0))
    with contextlib.suppress(Refused):
        bench.meter.commands.set_columns(Period.HOUR, Column.TIME)
    bench.live(1800.0)
    told = bench.codes(LogType.STANDARD)
    assert bench.meter.reading.settings() == was or EventCode.CONFIGURATION_CHANGED in told
    assert len(bench.hours) == 1 or EventCode.COLUMNS_CHANGED in told


def test_nobody_can_hide_the_volume() -> None:
    """A screen that was selected by command makes way after a minute."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.commands.configure(replace(bench.meter.reading.settings(), screens=(Screen.VOLUME,)))
    bench.meter.commands.show(Screen.CHECKSUM)
    assert "CRC" in bench.meter.look().captions
    bench.live(61.0)
    assert "TOTAL" in bench.meter.look().captions


@pytest.mark.parametrize("piece_s", [0.5, 25.0, 1000.0])
def test_it_comes_back_however_time_is_told(piece_s: float) -> None:
    """A lost supply recharges the capacitor in some minutes: no longer because somebody looks at the meter often."""
    bench = Bench()
    bench.live(600.0)
    bench.meter.fail_supply()
    for _ in range(round(1000.0 / piece_s)):
        bench.live(piece_s, 2000.0)
    assert bench.meter.registers().forward_l == pytest.approx(2000.0 * (1000.0 - 266.0) / 3600.0, rel=0.01)


def test_a_pack_put_in_after_a_brown_out_feeds_at_once() -> None:
    """With the capacitor between the voltages at which it warns and at which the meter starts."""
    bench = Bench()
    bench.live(60.0)
    for place in (Place.C1, Place.BACKUP):
        bench.meter.remove(place)
    while bench.meter.powered:
        bench.live(DAY_S / 4)
    bench.meter.insert(Place.C1, fresh_pack("LS26500"))
    for _ in range(60):
        bench.live(10.0)
    assert bench.meter.powered


@pytest.mark.parametrize("cut", [60, 300, 400, 900])
def test_an_attempt_that_was_logged_is_not_forgotten(cut: int) -> None:
    """The lid is opened, the supply fails within the second in a write, the lid is closed while the meter is Off."""
    bench = Bench()
    bench.live(600.0)
    bench.meter.fail_in_write(cut)
    bench.meter.open_case()
    while bench.meter.powered:
        bench.live(0.125)
    bench.meter.close_case()
    bench.live(3600.0)
    assert bench.codes(LogType.TAMPER) == [EventCode.CASE_OPENED, EventCode.CASE_CLOSED]
    assert bench.meter.registers().alarms == bench.meter.registers().to_push == Alarm.CASE_OPEN


@pytest.mark.parametrize("cut", range(0, 1200, 40))
def test_alarms_are_those_of_the_log(cut: int) -> None:
    """A lid is opened, closed and acknowledged, the supply fails in one of the writes: what the log says is so."""
    bench = Bench()
    bench.live(600.0)
    bench.meter.fail_in_write(cut)
    with contextlib.suppress(Refused):
        bench.meter.open_case()
        bench.live(1.0)
        bench.meter.close_case()
        bench.live(1.0)
        bench.meter.commands.acknowledge(Alarm.CASE_OPEN)
        bench.live(5.0)
    bench.meter.close_case()
    bench.live(3600.0)
    latched = False
    for code in bench.codes(LogType.TAMPER):
        latched = code is EventCode.CASE_OPENED or (latched and code is not EventCode.ALARMS_ACKNOWLEDGED)
    assert (Alarm.CASE_OPEN in bench.meter.registers().alarms) is latched


@pytest.mark.parametrize("flow_l_h", [1.1, 1.25, 30.0])
def test_a_leak_goes_on_over_a_loss(flow_l_h: float) -> None:
    """It is not over because a mean of 64 s has to be made anew."""
    bench = Bench()
    bench.live(2 * DAY_S, flow_l_h)
    bench.meter.fail_supply()
    bench.live(3600.0, flow_l_h)
    assert bench.meter.registers().alarms == Alarm.LEAK
    bench.live(3600.0)
    assert bench.codes(LogType.FLOW) == [EventCode.LEAK_BEGAN, EventCode.LEAK_ENDED]


def test_a_tracked_zero_outlasts_a_loss() -> None:
    """What was found at the closed valve stays in force, and is noted once, also if the valve is opened while Off."""
    bench = Bench()
    bench.meter = make(truth=Truth(zero_offset_ps=3.0))
    bench.live(60.0)
    bench.meter.close_valve(True)
    bench.live(3600.0)
    tracked_ps = bench.meter.registers().zero_correction_ps
    assert tracked_ps > 2.0
    bench.meter.fail_supply()
    bench.meter.close_valve(False)
    bench.live(3600.0)
    for _ in range(2):
        assert bench.meter.registers().zero_correction_ps == tracked_ps
        notes = [record.event for record in bench.meter.reading.audit_records()]
        assert [note for note in notes if note.startswith("zero")] == [
            f"zero tracked to {tracked_ps:+.2f} ps beside the sealed one"
        ]
        bench.meter.fail_supply()
        bench.live(3600.0)


def test_what_changed_while_off_is_logged_at_the_start() -> None:
    """A valve that was closed and a pack that was taken out by hand."""
    bench = Bench()
    bench.live(60.0)
    bench.meter.fail_supply()
    bench.meter.close_valve(True)
    bench.meter.remove(Place.C1)
    bench.live(3600.0)
    assert EventCode.VALVE_CLOSED in bench.codes(LogType.FLOW)
    assert EventCode.PACK_REMOVED in bench.codes(LogType.POWER)


@pytest.mark.parametrize("days", [0.2, 20.0])
def test_missed_captures_are_told_with_the_record_behind_them(days: float) -> None:
    """However long the piece of time is in which that falls."""
    bench = Bench()
    bench.live(3700.0)
    bench.meter.commands.set_clock(bench.meter.registers().clock_ticks + 3 * HOUR)
    bench.course(days * DAY_S)
    told = [event for event in bench.meter.reading.events(LogType.STANDARD) if event.code is EventCode.CAPTURES_MISSED]
    assert [(event.clock_ticks, event.value_a) for event in told] == [(5 * HOUR, 3)]


def test_a_kept_interface_acts_in_the_present() -> None:
    """Short segments wait to be measured together: whoever asks or commands does not see that."""
    bench = Bench()
    bench.live(600.0)
    reading, commands = bench.meter.reading, bench.meter.commands
    for _ in range(30):
        bench.live(0.125, 2000.0)
    assert reading.registers() == bench.meter.registers()
    for _ in range(30):
        bench.live(0.125, 2000.0)
    commands.set_clock(10**9)
    assert bench.meter.registers().clock_ticks == 10**9


def test_a_course_shorter_than_a_microsecond_is_lived_through() -> None:
    bench = Bench()
    bench.live(600.0)
    bench.course(1e-7)
    bench.live(600.0)
    assert bench.meter.registers().clock_ticks == 1200 * 8


def test_batteries_are_checked_on_the_hour_in_the_first_life_too() -> None:
    """Production sets the clock before the first segment: three checks find a pack that dies at the full hours."""
    bench = Bench()
    bench.now_s = 20 * 60.0
    bench.live(60.0)
    bench.meter.unit.board.supply.pack(Place.C1).wear(7600.0)
    bench.live(6 * 3600.0)
    told = [event for event in bench.meter.reading.events(LogType.POWER) if event.code is EventCode.SOURCE_CHANGED]
    assert [event.clock_ticks for event in told] == [3 * HOUR]
