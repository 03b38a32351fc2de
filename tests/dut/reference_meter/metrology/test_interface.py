"""The walls of the legally relevant software: no way to a total, a parameter or a record (ADR-034)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter import metrology
from meterbench.dut.reference_meter.hardware.lcd import read_segments
from meterbench.dut.reference_meter.metrology import interface
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from meterbench.dut.reference_meter.metrology.firmware import Firmware
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum
from meterbench.dut.reference_meter.metrology.interface import Commands, Reading
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.power.places import Place
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS, USUAL_COLUMNS, Column
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.status import Alarm
from tests.dut.reference_meter.metrology.running import (
    DAY,
    EPOCH_2026,
    HOUR,
    Desk,
    at_once,
    events,
    filled,
    shots,
    start,
)
from tests.dut.reference_meter.shown import glass_with

Call = Callable[[Commands], object]
EVERY_ALARM = Alarm(sum(Alarm))
FITTED = (Place.C1, Place.BACKUP)
"""Where the meter on the desk has packs."""

VALID: dict[str, list[Call]] = {
    "set_clock": [
        lambda commands: commands.set_clock(0),
        lambda commands: commands.set_clock(EPOCH_2026 + 12 * HOUR),
        lambda commands: commands.set_clock(EPOCH_2026 + 100 * DAY + 5),
        lambda commands: commands.set_clock(EPOCH_2026 - 3),
    ],
    "enter_test": [lambda commands: commands.enter_test()],
    "leave_test": [lambda commands: commands.leave_test()],
    "enter_transportation": [lambda commands: commands.enter_transportation()],
    "configure": [
        lambda commands: commands.configure(Settings(1.0, 1.0, 1, 1, 1, 1, Alarm(0), 1, 6, (Screen.VOLUME,))),
        lambda commands: commands.configure(Settings(1e6, 1e6, volume_decimals=1)),
    ],
    "set_columns": [
        lambda commands: commands.set_columns(Period.HOUR, Column.TIME),
        lambda commands: commands.set_columns(Period.DAY, ALL_COLUMNS),
        lambda commands: commands.set_columns(Period.MONTH, Column.TIME | Column.FORWARD),
    ],
    "show": [lambda commands, screen=screen: commands.show(screen) for screen in (*Screen, None)],
    "report_wan": [lambda commands, level=level: commands.report_wan(level) for level in (0, 4, None)],
    "report_supply": [lambda commands: commands.report_supply(small_credit=True, limited=True)],
    "battery_replaced": [lambda commands, place=place: commands.battery_replaced(place) for place in FITTED],
    "acknowledge": [
        lambda commands: commands.acknowledge(EVERY_ALARM),
        lambda commands: commands.acknowledge(Alarm(0)),
    ],
    "told": [lambda commands: commands.told(EVERY_ALARM), lambda commands: commands.told(Alarm(0))],
    "count_up": [lambda commands: commands.count_up(0), lambda commands: commands.count_up(7)],
}
"""Every command, with arguments that it takes."""


INVALID: dict[str, list[Call]] = {
    "set_clock": [
        lambda commands: commands.set_clock(-1),
        lambda commands: commands.set_clock(2**62),
        lambda commands: commands.set_clock(math.nan),
        lambda commands: commands.set_clock(-math.inf),
        lambda commands: commands.set_clock(EPOCH_2026 + 0.5),
        lambda commands: commands.set_clock(True),
        lambda commands: commands.set_clock("now"),
    ],
    "configure": [lambda commands: commands.configure(None)],
    "set_columns": [
        lambda commands: commands.set_columns(Period.HOUR, Column.FLOW),
        lambda commands: commands.set_columns(Period.HOUR, Column(0)),
        lambda commands: commands.set_columns(Period.HOUR, Column.TIME | Column(1 << 20)),
        lambda commands: commands.set_columns("HOUR", Column.TIME),
        lambda commands: commands.set_columns(Period.HOUR, 1),
    ],
    "show": [
        lambda commands: commands.show("FLOW"),
        lambda commands: commands.show(1),
    ],
    "report_wan": [
        lambda commands: commands.report_wan(-1),
        lambda commands: commands.report_wan(5),
        lambda commands: commands.report_wan(math.nan),
        lambda commands: commands.report_wan(2.5),
        lambda commands: commands.report_wan("2"),
    ],
    "battery_replaced": [lambda commands: commands.battery_replaced("C1")],
    "acknowledge": [lambda commands: commands.acknowledge(None)],
    "told": [lambda commands: commands.told(None)],
    "count_up": [
        lambda commands: commands.count_up(-1),
        lambda commands: commands.count_up(8),
        lambda commands: commands.count_up(1.0),
        lambda commands: commands.count_up("0"),
    ],
}
"""Arguments that no command takes."""

EVERY_VALID = [
    pytest.param(name, call, id=f"{name}{n}") for name, calls in VALID.items() for n, call in enumerate(calls)
]
EVERY_INVALID = [
    pytest.param(name, call, id=f"{name}{n}") for name, calls in INVALID.items() for n, call in enumerate(calls)
]


def lived(desk: Desk | None = None) -> Firmware:
    """A meter with 26 hours behind it: forward and reverse water, records, an alarm that came and went."""
    desk = desk or Desk()
    firmware = filled(start(desk=desk, clock_ticks=EPOCH_2026 - 26 * HOUR))
    firmware.measure(shots(300.0, HOUR))
    firmware.measure(shots(-50.0, HOUR // 2))
    desk.magnet = True
    firmware.moved()
    firmware.measure(shots(0.0, HOUR // 2))
    desk.magnet = False
    firmware.moved()
    firmware.measure(shots(20.0, 100))
    at_once(firmware, 20.0, 24 * HOUR - 100)
    firmware.measure(shots(20.0, 100))
    return firmware


def legally_relevant(firmware: Firmware) -> dict[str, Any]:
    """What no command may change."""
    reading = Reading(firmware)
    registers = reading.registers()
    return {
        "totals": (registers.forward_nl, registers.reverse_nl),
        "pulses": firmware.measurement.pulse_count(0, 1.0),
        "software": reading.software(),
        "audit": reading.audit_records(),
        "calibration": firmware.measurement.calibration,
        "counters": (registers.measuring_cycles, registers.lost_shots, registers.refused_shots),
        "flow": (registers.flow_l_h, registers.water_temp_c),
        **{period.name: reading.profile(period).tobytes() for period in Period},
    }


def goes_on(firmware: Firmware) -> None:
    """It measures, records, saves and shows."""
    before = firmware.registers()
    firmware.measure(shots(1000.0, 2 * HOUR))
    after = firmware.registers()
    assert after.forward_nl - before.forward_nl == pytest.approx(2000e9, rel=1e-4)
    assert after.clock_ticks == before.clock_ticks + 2 * HOUR
    firmware.save()
    glass_with(firmware.frame())


def test_the_tables_above_name_every_command() -> None:
    """A new command has to be added here."""
    public = {name for name, _ in inspect.getmembers(Commands, inspect.isfunction) if not name.startswith("_")}
    assert set(VALID) == public
    with_arguments = {name for name in public if len(inspect.signature(getattr(Commands, name)).parameters) > 1}
    assert set(INVALID) == with_arguments - {"report_supply"}


@pytest.mark.requirement("ADR-034")
@pytest.mark.parametrize(("name", "call"), EVERY_VALID)
@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.TEST, Mode.TRANSPORTATION])
def test_no_command_changes_what_is_legally_relevant(name: str, call: Call, mode: Mode) -> None:
    """Carried out or refused, in any mode. Other columns empty the profile they are for, and no other; all else of the
    past is as it was, and what is on record stays there."""
    firmware = lived()
    if mode is Mode.TEST:
        firmware.enter_test()
    if mode is Mode.TRANSPORTATION:
        firmware.enter_transportation()
    before = legally_relevant(firmware)
    records = {log: firmware.kept.logs.events(log) for log in LogType}
    try:
        call(Commands(firmware))
    except Refused:
        assert mode is not Mode.NORMAL
    after = legally_relevant(firmware)
    if name == "set_columns":
        (emptied,) = {period.name for period in Period if not after[period.name]}
        before[emptied] = b""
        assert events(firmware, EventCode.COLUMNS_CHANGED)
    assert after == before
    for log, earlier in records.items():
        assert firmware.kept.logs.events(log)[: len(earlier)] == earlier
    goes_on(firmware)


@pytest.mark.requirement("ADR-034")
@pytest.mark.parametrize(("name", "call"), EVERY_INVALID)
def test_what_no_command_takes_is_refused(name: str, call: Call) -> None:
    """Nothing at all changes, and the meter goes on."""
    firmware = lived()
    before, shown = legally_relevant(firmware), firmware.frame()
    on_record = events(firmware)
    clock_ticks = firmware.registers().clock_ticks
    with pytest.raises(Refused):
        call(Commands(firmware))
    assert legally_relevant(firmware) == before
    assert firmware.registers().clock_ticks == clock_ticks
    assert firmware.frame() == shown
    assert events(firmware) == on_record
    goes_on(firmware)


@pytest.mark.requirement("ADR-045")
@pytest.mark.parametrize("place", [Place.C2, Place.EXTERNAL])
def test_a_pack_that_is_not_there_cannot_be_a_new_one(place: Place) -> None:
    """It would be shown with 100 %, or lend its charge to the one beside it."""
    firmware = lived()
    before = (firmware.registers().internal_percent, firmware.registers().external_percent)
    with suppress(Refused):
        Commands(firmware).battery_replaced(place)
    assert not events(firmware, EventCode.BATTERY_REPLACED)
    assert (firmware.registers().internal_percent, firmware.registers().external_percent) == before


@pytest.mark.requirement("ADR-034")
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([call for name, calls in VALID.items() for call in calls]),
            st.sampled_from([0.0, 0.9, 3.0, 400.0, 2500.0, -40.0]),
            st.integers(1, 40_000),
        ),
        max_size=12,
    )
)
def test_commands_have_no_bearing_on_what_is_measured(acts: list[tuple[Call, float, int]]) -> None:
    """Two meters live through the same water; one is commanded about. Their totals are the same to the nanolitre."""
    commanded, left_alone = filled(start()), filled(start())
    for call, flow_l_h, cycles in acts:
        with suppress(Refused):
            call(Commands(commanded))
        for firmware in (commanded, left_alone):
            firmware.measure(shots(flow_l_h, cycles))
    one, other = commanded.registers(), left_alone.registers()
    assert (one.forward_nl, one.reverse_nl, one.flow_l_h) == (other.forward_nl, other.reverse_nl, other.flow_l_h)
    assert commanded.measurement.pulse_count(0, 1.0) == left_alone.measurement.pulse_count(0, 1.0)


IMMUTABLE = (int, float, str, bytes, bool, type(None), Enum)


def mutable_parts(value: object, path: str) -> list[str]:
    """Where in a value something could be changed."""
    if isinstance(value, IMMUTABLE):
        return []
    if isinstance(value, (tuple, frozenset)):
        return [part for index, each in enumerate(value) for part in mutable_parts(each, f"{path}[{index}]")]
    if isinstance(value, np.ndarray):
        return _writable(value, path)
    if is_dataclass(value):
        found = []
        for field in fields(value):
            try:
                setattr(value, field.name, getattr(value, field.name))
                found.append(f"{path}.{field.name}")
            except (AttributeError, TypeError):
                pass
            found += mutable_parts(getattr(value, field.name), f"{path}.{field.name}")
        return found
    return [f"{path}: {type(value).__name__}"]


def _writable(array: np.ndarray | None, path: str) -> list[str]:
    found = []
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            found.append(path)
        array, path = array.base, f"{path}.base"
    return found


READINGS: dict[str, Callable[[Reading], list[object]]] = {
    "software": lambda reading: [reading.software()],
    "registers": lambda reading: [reading.registers()],
    "settings": lambda reading: [reading.settings()],
    "columns": lambda reading: [reading.columns(period) for period in Period],
    "profile": lambda reading: [reading.profile(period) for period in Period],
    "events": lambda reading: [reading.events(log) for log in LogType],
    "audit_records": lambda reading: [reading.audit_records()],
    "frame": lambda reading: [reading.frame()],
}
"""Everything that can be read."""


def test_the_table_above_names_every_reading() -> None:
    public = {name for name, _ in inspect.getmembers(Reading, inspect.isfunction) if not name.startswith("_")}
    assert set(READINGS) == public


@pytest.mark.requirement("ADR-034")
@pytest.mark.parametrize("name", READINGS)
def test_what_is_read_cannot_be_changed(name: str) -> None:
    """Down to the last part: frozen, read-only, or of a type without any inside."""
    for value in READINGS[name](Reading(lived())):
        assert mutable_parts(value, name) == []


@pytest.mark.requirement("ADR-034")
def test_settings_given_from_outside_cannot_be_changed_later() -> None:
    """The firmware goes by what it was told, not by what became of it in somebody else's hands."""
    screens: Any = [Screen.FLOW, Screen.VOLUME]
    firmware = filled(start())
    try:
        Commands(firmware).configure(Settings(100.0, screens=screens))
    except Refused:
        return
    screens.remove(Screen.VOLUME)
    assert Screen.VOLUME in Reading(firmware).settings().screens


@pytest.mark.requirement("ADR-034")
def test_a_copy_that_was_changed_changes_nothing() -> None:
    """Whatever is done to an array that was read: the next one has what was captured."""
    reading = Reading(lived())
    for period in Period:
        rows = reading.profile(period)
        before = rows.tobytes()
        below: Any = rows
        while isinstance(below, np.ndarray):
            if below.flags.writeable:
                below.view(np.uint8)[...] = 0
            below = below.base
        assert reading.profile(period).tobytes() == before


@pytest.mark.requirement("ADR-034")
def test_neither_interface_lets_anybody_through() -> None:
    """What is public of both are functions, and none gives away the firmware or a part of it that can act."""
    firmware = lived()
    for door in (Reading(firmware), Commands(firmware)):
        public = [name for name in dir(door) if not name.startswith("_")]
        assert all(inspect.ismethod(getattr(door, name)) for name in public)
        assert all(name.startswith("_") for name in vars(door))


@pytest.mark.requirement("ADR-034")
def test_whoever_uses_the_interface_needs_nothing_else() -> None:
    """Every type of the package that goes in or comes out, and every part of those, is named by the interface."""
    wanted: set[type] = {Refused}
    for of in (Reading, Commands):
        for name, function in inspect.getmembers(of, inspect.isfunction):
            if not name.startswith("_"):
                wanted |= {each for hint in get_type_hints(function).values() for each in types_in(hint)}
    assert {each.__name__ for each in wanted} <= set(interface.__all__)
    assert all(getattr(interface, each.__name__) is each for each in wanted)


def types_in(hint: object) -> set[type]:
    """Types of the metrology that a hint mentions, with those of the fields of its dataclasses."""
    found = {each for part in get_args(hint) for each in types_in(part)}
    if isinstance(hint, type) and hint.__module__.startswith(metrology.__name__):
        found.add(hint)
        if is_dataclass(hint):
            found |= {each for field in get_type_hints(hint).values() for each in types_in(field)}
    return found


@pytest.mark.requirement("ADR-034")
def test_the_software_says_who_it_is() -> None:
    """Identifier and checksum as they are shown on the display, and the digest of the unit's own parameters."""
    firmware = lived()
    software = Reading(firmware).software()
    assert (software.identifier, software.checksum) == (SOFTWARE_ID, software_checksum())
    assert software.parameters == firmware.measurement.calibration.digest == firmware.audit_records[-1].parameters
    for screen, text in ((Screen.SOFTWARE, software.identifier), (Screen.CHECKSUM, software.checksum)):
        Commands(firmware).show(screen)
        shown = read_segments(glass_with(Reading(firmware).frame()).lit)
        assert shown.text.strip().upper() == text


def test_readings_are_those_of_the_firmware() -> None:
    """Registers, columns, rows, events and the frame: one of each, by another way."""
    firmware = lived()
    reading = Reading(firmware)
    registers = reading.registers()
    # 300 L, and 24 hours and 12.5 s at 20 L/h, of true times without noise.
    assert registers.forward_l == pytest.approx(300.0 + 20.0 * (24.0 + 12.5 / 3600.0), abs=0.05)
    assert registers.reverse_l == pytest.approx(25.0, rel=1e-3)
    assert registers.clock_ticks == EPOCH_2026 + 140
    assert reading.settings() == firmware.settings
    assert reading.columns(Period.DAY) == USUAL_COLUMNS
    assert len(reading.profile(Period.HOUR)) == 26
    assert reading.profile(Period.DAY)["clock_ticks"].tolist() == [EPOCH_2026 - DAY, EPOCH_2026]
    assert [event.code for event in reading.events(LogType.TAMPER)] == [EventCode.MAGNET_BEGAN, EventCode.MAGNET_ENDED]
    assert [record.event for record in reading.audit_records()] == ["calibrated", "sealed"]
    assert reading.frame() == firmware.frame()
