"""What hands do to the meter, what it notices, and what is to be seen of it (ADR-044, 045, 053, 057, 072)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.power.pack import Pack, fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import FITS, Place
from meterbench.dut.reference_meter.hardware.sensors.hall_switch import RingMagnet
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.status import Alarm, Status
from meterbench.world.segment import Course
from tests.dut.reference_meter.line import Line, make

MAGNET_MT = 25.0
"""Every Hall switch operates at 10 mT."""


def line(*, fidelity: Fidelity = Fidelity.AUTO) -> Line:
    """A meter of still water that has settled."""
    line = Line(make(fidelity=fidelity))
    line.flow(0.0, 10.0)
    return line


def seen(meter: ReferenceMeter) -> set[str]:
    """The icons, but for the plus that blinks."""
    return set(meter.look().icons) - {"FLOW"}


def told(meter: ReferenceMeter, log: LogType) -> list[tuple[EventCode, float]]:
    """Events of a log, and when they were by the meter's clock."""
    return [(event.code, event.clock_ticks / 8) for event in meter.reading.events(log)]


def codes(meter: ReferenceMeter, log: LogType) -> list[EventCode]:
    return [event.code for event in meter.reading.events(log)]


def still(line: Line, duration_s: float) -> None:
    """Let time pass at once."""
    end_s = line.now_s + duration_s
    line.meter.live(Course(np.array([line.now_s, end_s]), np.zeros(1), np.full(1, 20.0), np.full(1, 0.5)))
    line.now_s = end_s


def pack_for(place: Place, soc: float = 1.0) -> Pack:
    pack = fresh_pack(FITS[place], 2 if place is Place.EXTERNAL else 1)
    pack.wear((1.0 - soc) * pack.cell.type.capacity_mah * (2 if place is Place.EXTERNAL else 1))
    return pack


# Lid, magnet, position.


@pytest.mark.requirement("ADR-044")
@pytest.mark.parametrize("at_once", [False, True])
def test_the_lid(at_once: bool) -> None:
    """Open for ten minutes: known within half a second, on record, shown until it is acknowledged with the lid on."""
    bench = line()
    meter = bench.meter
    opened_s = bench.now_s
    meter.open_case()
    still(bench, 600.0) if at_once else bench.flow(0.0, 600.0)
    assert meter.registers().alarms == Alarm.CASE_OPEN
    assert seen(meter) == {"TAMPER"}
    meter.commands.acknowledge(Alarm.CASE_OPEN)
    assert seen(meter) == {"TAMPER"}
    closed_s = bench.now_s
    meter.close_case()
    bench.flow(0.0, 60.0)
    assert seen(meter) == {"TAMPER"}
    meter.commands.acknowledge(Alarm.CASE_OPEN)
    assert seen(meter) == set()
    (opened, early, closed, late) = told(meter, LogType.TAMPER)
    assert early[0] == late[0] == EventCode.ALARMS_ACKNOWLEDGED
    assert opened == (EventCode.CASE_OPENED, pytest.approx(opened_s + 0.25, abs=0.26))
    assert closed == (EventCode.CASE_CLOSED, pytest.approx(closed_s + 0.25, abs=0.26))


def test_a_lid_that_is_lifted_for_a_blink_is_not_open() -> None:
    """50 ms, bounces and all, whatever the phase against the meter's cycles."""
    for phase in range(10):
        bench = line(fidelity=Fidelity.TRANSIT)
        bench.flow(0.0, 0.1 + 0.0125 * phase)
        bench.meter.open_case()
        bench.flow(0.0, 0.05)
        bench.meter.close_case()
        bench.flow(0.0, 20.0)
        assert codes(bench.meter, LogType.TAMPER) == []


@pytest.mark.requirement("ADR-044")
@pytest.mark.parametrize("pole", [1.0, -1.0])
def test_the_magnet(pole: float) -> None:
    """Known after more than a second, gone likewise; carried past it is no attempt."""
    bench = line()
    meter = bench.meter
    for held_s, noticed in ((0.9, False), (30.0, True)):
        put_s = bench.now_s
        meter.expose(pole * MAGNET_MT)
        bench.flow(0.0, held_s)
        taken_s = bench.now_s
        meter.expose(0.0)
        bench.flow(0.0, 30.0)
        assert (seen(meter) == {"TAMPER"}) == noticed
    began, ended = told(meter, LogType.TAMPER)
    assert began == (EventCode.MAGNET_BEGAN, pytest.approx(put_s + 1.75, abs=0.4))
    assert ended == (EventCode.MAGNET_ENDED, pytest.approx(taken_s + 1.75, abs=0.4))


def test_the_test_magnet_at_its_distances() -> None:
    """ISO 4064-2, 8.16: on the case it is noticed, from half a metre it is not."""
    bench = line()
    bench.meter.expose(RingMagnet().field_mt(500.0))
    bench.flow(0.0, 30.0)
    assert codes(bench.meter, LogType.TAMPER) == []
    bench.meter.expose(RingMagnet().field_mt(10.0))
    bench.flow(0.0, 30.0)
    assert codes(bench.meter, LogType.TAMPER) == [EventCode.MAGNET_BEGAN]


@pytest.mark.requirement("ADR-019")
@pytest.mark.requirement("ADR-024")
@pytest.mark.parametrize(
    ("inclination_deg", "roll_deg", "tilted"),
    [(-90.0, 0.0, True), (-15.0, 0.0, True), (-15.0, 180.0, True), (0.0, 180.0, False), (90.0, 0.0, False)],
)
def test_the_position(inclination_deg: float, roll_deg: float, tilted: bool) -> None:
    """Any but the arrow downward, which is known after a minute to a minute and a half."""
    bench = line()
    meter = bench.meter
    turned_s = bench.now_s
    meter.turn(inclination_deg, roll_deg)
    bench.flow(0.0, 59.0)
    assert codes(meter, LogType.TAMPER) == []
    still(bench, 600.0)
    assert seen(meter) == ({"TAMPER"} if tilted else set())
    meter.turn(0.0)
    bench.flow(0.0, 30.0)
    assert codes(meter, LogType.TAMPER) == ([EventCode.TILT_BEGAN, EventCode.TILT_ENDED] if tilted else [])
    if tilted:
        assert 60.0 < told(meter, LogType.TAMPER)[0][1] - turned_s < 90.0


@pytest.mark.requirement("ADR-044")
def test_attempts_while_the_meter_is_off_are_found_at_the_start() -> None:
    """Lid, magnet and position, as they are when the supply is back."""
    bench = line()
    meter = bench.meter
    packs = {place: meter.remove(place) for place in list(meter.packs)}
    meter.fail_supply()
    meter.open_case()
    meter.expose(MAGNET_MT)
    meter.turn(-90.0)
    for place, pack in packs.items():
        meter.insert(place, pack)
    still(bench, 800.0)
    assert meter.powered
    assert meter.registers().alarms == Alarm.CASE_OPEN | Alarm.MAGNET | Alarm.TILT


# The valve.


def test_the_valve() -> None:
    """Its end switch is on record, shown, and in the status."""
    bench = line()
    meter = bench.meter
    for closed in (True, False):
        meter.close_valve(closed)
        bench.flow(0.0, 60.0)
        assert seen(meter) == ({"VALVE_CLOSED"} if closed else set())
        assert bool(meter.registers().status & Status.VALVE_CLOSED) == closed
    assert codes(meter, LogType.FLOW) == [EventCode.VALVE_CLOSED, EventCode.VALVE_OPENED]


def test_a_closed_valve_is_closed_after_a_loss_of_supply() -> None:
    """The end switch has not moved."""
    bench = line()
    meter = bench.meter
    meter.close_valve(True)
    bench.flow(0.0, 60.0)
    meter.fail_supply()
    still(bench, 600.0)
    assert seen(meter) == {"VALVE_CLOSED"}
    assert codes(meter, LogType.FLOW) == [EventCode.VALVE_CLOSED]


def test_a_valve_that_was_closed_without_supply_is_closed() -> None:
    bench = line()
    meter = bench.meter
    meter.fail_supply()
    meter.close_valve(True)
    still(bench, 600.0)
    assert seen(meter) == {"VALVE_CLOSED"}


# Packs.


@pytest.mark.requirement("ADR-045")
@pytest.mark.requirement("ADR-053")
def test_packs() -> None:
    """External, C1, backup: what goes and comes is on record, the source follows at once, and with it the mode."""
    bench = line()
    meter = bench.meter
    meter.insert(Place.EXTERNAL, pack_for(Place.EXTERNAL))
    bench.flow(0.0, 10.0)
    assert (meter.registers().source.name, meter.registers().external_percent) == ("EXTERNAL", 100)
    meter.remove(Place.C1)
    bench.flow(0.0, 10.0)
    assert (meter.registers().mode, seen(meter)) == (Mode.NORMAL, set())
    meter.remove(Place.EXTERNAL)
    bench.flow(0.0, 10.0)
    assert (meter.registers().mode, meter.registers().source.name) == (Mode.MEASUREMENT, "BACKUP")
    assert meter.registers().external_percent is None
    meter.insert(Place.C1, pack_for(Place.C1))
    bench.flow(0.0, 10.0)
    assert (meter.registers().mode, meter.registers().source.name) == (Mode.NORMAL, "MAIN")
    power = codes(meter, LogType.POWER)
    inserted, removed, changed = EventCode.PACK_INSERTED, EventCode.PACK_REMOVED, EventCode.SOURCE_CHANGED
    assert [code for code in power if code is not changed] == [inserted, removed, removed, inserted]
    assert power.count(changed) == 3
    assert codes(meter, LogType.STANDARD) == [EventCode.MODE_CHANGED] * 2


@pytest.mark.requirement("ADR-045")
@pytest.mark.parametrize(("place", "icon"), [(Place.C1, "INTERNAL"), (Place.EXTERNAL, "EXTERNAL")])
def test_a_pack_that_is_nearly_empty_shows(place: Place, icon: str) -> None:
    """When the hourly checks have found out, and not any more with a new one."""
    bench = line()
    meter = bench.meter
    if place is Place.C1:
        meter.remove(place)
    meter.insert(place, pack_for(place, soc=0.0))
    still(bench, 5 * 3600.0)
    assert seen(meter) == {f"LOW_BATTERY_{icon}"}
    meter.remove(place)
    still(bench, 3600.0)
    meter.insert(place, pack_for(place))
    still(bench, 5 * 3600.0)
    assert seen(meter) == set()
    power = codes(meter, LogType.POWER)
    assert (
        power.count(EventCode[f"LOW_BATTERY_{icon}_BEGAN"]) == power.count(EventCode[f"LOW_BATTERY_{icon}_ENDED"]) == 1
    )


def test_what_hands_cannot_do_is_refused() -> None:
    """And leaves the meter as it was."""
    bench = line()
    meter = bench.meter
    before = codes(meter, LogType.POWER)
    for wrong in (
        lambda: meter.insert(Place.C1, pack_for(Place.C1)),
        lambda: meter.insert(Place.C2, pack_for(Place.BACKUP)),
        lambda: meter.remove(Place.EXTERNAL),
    ):
        with pytest.raises(ValueError, match="pack"):
            wrong()
    assert codes(meter, LogType.POWER) == before
    assert meter.packs == {Place.C1, Place.BACKUP}


def test_packs_are_checked_on_the_clocks_hour() -> None:
    """Also when the clock has been set: a pack that is empty is found out at three full hours, not beside them."""
    bench = line()
    meter = bench.meter
    meter.remove(Place.C1)
    meter.insert(Place.C1, pack_for(Place.C1, soc=0.0))
    meter.commands.set_clock(20 * 3600 * 8 + 8 * 600)
    still(bench, 5 * 3600.0)
    (low,) = [event for event in meter.reading.events(LogType.POWER) if event.code.name.startswith("LOW")]
    assert low.clock_ticks / 8 == pytest.approx(22 * 3600.0, abs=1.0)


# Off.


@pytest.mark.requirement("ADR-057")
def test_without_supply_the_glass_is_blank_and_nothing_answers() -> None:
    bench = line()
    meter = bench.meter
    meter.fail_supply()
    assert not meter.powered
    assert str(meter.look()) == ""
    for ask in (meter.registers, lambda: meter.reading, lambda: meter.commands):
        with pytest.raises(Refused, match="is Off"):
            ask()
    still(bench, 600.0)
    assert meter.powered
    meter.commands.show(Screen.VOLUME)
    assert (meter.look().text, meter.look().unit) == ("000000.000", "m³")


@pytest.mark.requirement("ADR-034")
def test_what_was_taken_before_a_loss_of_supply_does_not_act_any_more() -> None:
    """It would write an old state over the new one, and give numbers a second time."""
    bench = line()
    meter = bench.meter
    old = meter.commands
    given = {old.count_up(0) for _ in range(60)}
    meter.fail_supply()
    still(bench, 600.0)
    given |= {meter.commands.count_up(0) for _ in range(60)}
    try:
        for _ in range(60):
            number = old.count_up(0)
            assert number not in given
            given.add(number)
    except Refused:
        return


@pytest.mark.requirement("ADR-034")
def test_no_total_falls_by_what_was_taken_before_a_loss_of_supply() -> None:
    bench = line()
    meter = bench.meter
    old = meter.commands
    meter.fail_supply()
    still(bench, 600.0)
    bench.flow(1000.0, 600.0)
    total_l = meter.registers().forward_l
    try:
        for _ in range(1000):
            old.acknowledge(Alarm(0))
    except Refused:
        return
    meter.unit.board.supply.short()
    still(bench, 600.0)
    assert meter.registers().forward_l >= total_l - 1000.0 / 3600.0


@pytest.mark.requirement("ADR-030")
def test_no_hour_is_captured_twice() -> None:
    """The supply goes in the second after a full hour: the clock goes on beyond it, and no record's total falls."""
    bench = line()
    meter = bench.meter
    bench.flow(1000.0, 3600.0 - bench.now_s + 0.3)
    assert len(meter.reading.profile(Period.HOUR)) == 1
    meter.fail_supply()
    still(bench, 2 * 3600.0)
    rows = meter.reading.profile(Period.HOUR)
    assert np.diff(rows["clock_ticks"]).tolist() == [3600 * 8] * (len(rows) - 1)
    assert np.diff(rows["forward_nl"]).min() >= 0


def test_a_command_may_find_that_the_supply_fails() -> None:
    """Then the meter is Off, and says so as to any other command."""
    bench = line()
    meter = bench.meter
    meter.fail_in_write(3)
    with pytest.raises(Refused, match="Off"):
        meter.commands.acknowledge(Alarm(0))
    assert not meter.powered


# The display.


@pytest.mark.requirement("ADR-072")
def test_icons_of_the_flow() -> None:
    """DRY, LEAK, BURST, the minus: each when it is so, and all gone afterwards."""
    bench = line()
    meter = bench.meter
    meter.commands.configure(Settings(600.0, leak_after_s=60, burst_after_s=20, reverse_after_s=5))
    bench.flow(2000.0, 30.0)
    assert seen(meter) == {"BURST"}
    bench.flow(100.0, 60.0)
    assert seen(meter) == {"LEAK"}
    bench.flow(-100.0, 60.0)
    assert seen(meter) == {"REVERSE"}
    bench.flow(0.0, 60.0)
    assert seen(meter) == set()
    bench.flow(0.0, 60.0, fill=0.0)
    assert seen(meter) == {"DRY"}
    bench.flow(0.0, 60.0)
    assert seen(meter) == set()
    assert [code.name for code in codes(meter, LogType.FLOW)] == [
        "BURST_BEGAN",
        "LEAK_BEGAN",
        "BURST_ENDED",
        "REVERSE_BEGAN",
        "LEAK_ENDED",
        "REVERSE_ENDED",
        "DRY_BEGAN",
        "DRY_ENDED",
    ]


@pytest.mark.requirement("ADR-072")
@pytest.mark.parametrize(("flow_l_h", "changes"), [(10.0, 10), (100.0, 20), (1000.0, 40), (2000.0, 80)])
def test_the_plus_blinks_the_faster_the_more_flows(flow_l_h: float, changes: int) -> None:
    """Looked at eight times a second for ten seconds: half, one, two and four times a second."""
    bench = line(fidelity=Fidelity.TRANSIT)
    bench.flow(flow_l_h, 10.0)
    lit = []
    for _ in range(81):
        lit.append("FLOW" in bench.meter.look().icons)
        bench.flow(flow_l_h, 0.125)
    assert sum(a != b for a, b in pairwise(lit)) == pytest.approx(changes, abs=2)
    bench.flow(0.0, 10.0)
    assert "FLOW" not in bench.meter.look().icons


@pytest.mark.requirement("ADR-017")
@pytest.mark.requirement("ADR-063")
def test_test_shows_six_decimals_until_it_ends() -> None:
    """###.###### and nothing else while it lasts; then the cycle again with three decimals."""
    bench = line()
    meter = bench.meter
    bench.flow(2500.0, 3600.0)
    meter.commands.configure(Settings(750.0, test_time_out_s=60, screens=(Screen.VOLUME,)))
    meter.commands.enter_test()
    for _ in range(5):
        digits = f"{meter.registers().forward_nl // 10**6:09d}"
        look = meter.look()
        assert (look.text, look.unit, look.captions) == (f"{digits[:3]}.{digits[3:]}", "m³", {"TOTAL", "TEST"})
        bench.flow(100.0, 11.0)
    bench.flow(0.0, 6.0)
    total_nl = meter.registers().forward_nl
    look = meter.look()
    assert (look.text, look.captions) == (f"{total_nl // 10**12:06d}.{total_nl // 10**9 % 1000:03d}", {"TOTAL"})


@pytest.mark.requirement("ADR-062")
def test_transportation_shows_until_ten_litres_have_flowed() -> None:
    bench = line()
    meter = bench.meter
    meter.commands.enter_transportation()
    still(bench, 86_400.0)
    assert seen(meter) == {"TRANSPORTATION"}
    bench.flow(1000.0, 35.5)
    assert seen(meter) == {"TRANSPORTATION"}
    bench.flow(1000.0, 1.0)
    assert seen(meter) == set()
    assert meter.registers().forward_l == pytest.approx(10.14, rel=0.01)


@pytest.mark.requirement("ADR-070")
def test_the_screens_come_in_turn_with_their_units() -> None:
    """As delivered, five seconds each, and round again."""
    bench = Line(make())
    shown = []
    for _ in range(9):
        bench.flow(0.0, 2.5)
        look = bench.meter.look()
        shown.append((look.unit, "".join(sorted(look.captions))))
        bench.flow(0.0, 2.5)
    assert shown == [
        ("m³", "TOTAL"),
        ("m³", "REVERSE"),
        ("m³/h", ""),
        ("", ""),
        ("", ""),
        ("", "INFO"),
        ("", "SW"),
        ("", "CRC"),
        ("m³", "TOTAL"),
    ]


@pytest.mark.requirement("ADR-071")
def test_the_segment_test_lights_everything() -> None:
    bench = line()
    bench.meter.commands.show(Screen.SEGMENT_TEST)
    look = bench.meter.look()
    assert look.text == "8.8.8.8.8.:8.8.:8.8"
    assert (len(look.icons), len(look.captions), look.wan_bars) == (13, 8, 4)
    bench.meter.commands.show(None)
    assert bench.meter.look().text != look.text


def test_the_air_around_the_meter_is_shown() -> None:
    """Within its offset; the crystal runs slower in the heat: 1.8 s a day at 50 degC."""
    bench = line()
    meter = bench.meter
    meter.commands.show(Screen.AMBIENT_TEMPERATURE)
    for temp_c in (20.0, 50.0):
        meter.set_ambient(temp_c)
        bench.flow(0.0, 1.0)
        look = meter.look()
        assert (float(look.text), look.unit) == (pytest.approx(temp_c, abs=3.0), "°C")
    begun_ticks = meter.registers().clock_ticks
    still(bench, 86_400.0)
    at_50_s = (meter.registers().clock_ticks - begun_ticks) / 8.0
    meter.set_ambient(25.0)
    begun_ticks = meter.registers().clock_ticks
    still(bench, 86_400.0)
    at_25_s = (meter.registers().clock_ticks - begun_ticks) / 8.0
    assert at_25_s - at_50_s == pytest.approx(0.034e-6 * 25.0**2 * 86_400.0, abs=0.26)
