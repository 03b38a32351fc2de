"""What a person is asked to do where no driver can, ready to be asked: handling and disturbances (ISO 4064-2, 7 and 8).

Each task has a name, a sentence for a person, and the same as ``details`` for panels and programs (docs/reference/
operator.md). ``meter`` in the details is a serial number.
"""

from __future__ import annotations

from meterbench.instruments.capabilities import OperatorTask

DONE, NOT_DONE = "done", "not done"
YES, NO = "yes", "no"
HANDLING_S = 600.0
"""Time for what takes hands, in seconds of the clock."""
DISTURBANCE_S = 1800.0
"""Time for what takes a device of its own: an ESD gun, an antenna, a shaker."""
PLUMBING_S = 3600.0
"""Time for what takes a spanner."""

# In the line.


def mount(serial: str, slot: int) -> OperatorTask:
    """Clamp the meter into ``slot``."""
    what = f"Clamp meter {serial} into slot {slot}, arrow in the direction of the flow, and close it."
    return _to_do("mount", what, PLUMBING_S, meter=serial, slot=slot)


def turn_round(serial: str, *, reverse: bool) -> OperatorTask:
    """Clamp the meter with its arrow against the flow, or with it again."""
    way = "against" if reverse else "in"
    what = f"Clamp meter {serial} with its arrow {way} the direction of the flow, and bleed the line."
    return _to_do("turn_round", what, PLUMBING_S, meter=serial, direction="reverse" if reverse else "forward")


def incline(serial: str, inclination_deg: float) -> OperatorTask:
    """Mount the meter with the flow arrow rising by so much from the horizontal; 90 is vertical, upward."""
    what = f"Mount meter {serial} with its flow arrow rising by {inclination_deg:g}° from the horizontal."
    return _to_do("incline", what, PLUMBING_S, meter=serial, inclination_deg=inclination_deg)


def fit_disturber(serial: str, disturber: str, place: str) -> OperatorTask:
    """Fit flow disturber 1, 2 or 3 ``upstream`` or ``downstream`` of the meter, without straight pipe between."""
    what = f"Fit flow disturber {disturber} directly {place} of meter {serial}, and bleed the line."
    return _to_do("fit_disturber", what, PLUMBING_S, meter=serial, disturber=disturber, place=place)


def remove_disturber(serial: str) -> OperatorTask:
    """Take the flow disturber out again."""
    what = f"Take the flow disturber at meter {serial} out, and bleed the line."
    return _to_do("remove_disturber", what, PLUMBING_S, meter=serial)


def take_out(serial: str) -> OperatorTask:
    """Put a straight pipe in the place of the meter."""
    return _to_do("take_out", f"Put a straight pipe in the place of meter {serial}.", PLUMBING_S, meter=serial)


def put_back(serial: str) -> OperatorTask:
    """Put the meter in its place again."""
    return _to_do("put_back", f"Put meter {serial} back in its place, and bleed the line.", PLUMBING_S, meter=serial)


def drain_line() -> OperatorTask:
    """Let the water out of the line and of the meters."""
    return _to_do("drain_line", "Let all water out of the line and the meters.", PLUMBING_S)


def fill_line() -> OperatorTask:
    """Fill line and meters with water again, without air."""
    return _to_do("fill_line", "Fill the line and the meters with water, and bleed them.", PLUMBING_S)


# On the pressure stand.


def pressurise(serial: str, pressure_mpa: float) -> OperatorTask:
    """Raise the pressure slowly with the test pump and shut it in; the answer is what the gauge shows, in MPa."""
    what = (
        f"Connect meter {serial}, filled and bled, to the test pump. Raise the pressure slowly to {pressure_mpa:g} "
        "MPa, shut it in, and enter what the gauge shows in MPa."
    )
    return _to_tell("pressurise", what, PLUMBING_S, meter=serial, pressure_mpa=pressure_mpa)


def read_gauge(serial: str) -> OperatorTask:
    """The answer is what the gauge of the test pump shows, in MPa."""
    what = f"Enter what the gauge at meter {serial} shows in MPa."
    return _to_tell("read_gauge", what, HANDLING_S, meter=serial)


def leak_check(serial: str) -> OperatorTask:
    """Is it tight: no water outside, none in the indicating device, no damage."""
    what = f"Is meter {serial} tight and whole: no water outside, none in the indicating device, no damage?"
    return _to_judge("leak_check", what, meter=serial)


def release_pressure(serial: str) -> OperatorTask:
    """Let the pressure off, slowly."""
    what = f"Release the pressure at meter {serial} slowly, and take it off the test pump."
    return _to_do("release_pressure", what, PLUMBING_S, meter=serial)


# Disturbances.


def magnet_on(serial: str, magnet: str, position: str) -> OperatorTask:
    """Put ``magnet`` (its number) against the meter at ``position`` (in words, for the record)."""
    what = f"Put magnet {magnet} against meter {serial}: {position}. Leave it there."
    return _to_do("magnet_on", what, HANDLING_S, meter=serial, magnet=magnet, position=position)


def magnet_off(serial: str, magnet: str) -> OperatorTask:
    """Take the magnet away, far from meters and bench."""
    what = f"Take magnet {magnet} away from meter {serial}, at least 1 m from every meter."
    return _to_do("magnet_off", what, HANDLING_S, meter=serial, magnet=magnet)


def electrostatic_discharge(
    serial: str, level_kv: float, point: str, *, contact: bool, discharges: int = 10, apart_s: float = 10.0
) -> OperatorTask:
    """``discharges`` of ``level_kv`` (with its sign) at ``point``, by contact or through air, while water flows."""
    how = "contact" if contact else "air"
    what = (
        f"Apply {discharges} {how} discharges of {level_kv:+g} kV to meter {serial}: {point}, {apart_s:g} s apart. "
        "Answer after the last one."
    )
    return _to_do("discharge", what, DISTURBANCE_S, meter=serial, level_kv=level_kv, point=point, mode=how,
                  discharges=discharges, apart_s=apart_s)  # fmt: skip


def field_on(serial: str, frequency_mhz: float, level_v_m: float, polarisation: str) -> OperatorTask:
    """Switch the field on: 80 % AM by 1 kHz."""
    what = (
        f"Expose meter {serial} to {level_v_m:g} V/m at {frequency_mhz:g} MHz, 80 % AM by 1 kHz, {polarisation} "
        "polarisation, and leave it on."
    )
    return _to_do("field_on", what, DISTURBANCE_S, meter=serial, frequency_mhz=frequency_mhz, level_v_m=level_v_m,
                  polarisation=polarisation)  # fmt: skip


def field_off(serial: str) -> OperatorTask:
    """Switch the field off."""
    return _to_do("field_off", f"Switch the field at meter {serial} off.", HANDLING_S, meter=serial)


def vibration(serial: str, axis: str, programme: str) -> OperatorTask:
    """Run the shaker's ``programme`` along ``axis``."""
    what = f"Run the vibration programme {programme!r} on meter {serial} along the {axis} axis."
    return _to_do("vibration", what, DISTURBANCE_S, meter=serial, axis=axis, programme=programme)


# At the meter.


def set_mode(serial: str, mode: str) -> OperatorTask:
    """Put the meter into ``TEST``, ``TRANSPORTATION`` or back to ``NORMAL``, with the maker's application."""
    what = f"Put meter {serial} into {mode} mode with the maker's application."
    return _to_do("set_mode", what, HANDLING_S, meter=serial, mode=mode)


def read_display(serial: str, screen: str = "volume") -> OperatorTask:
    """The answer is what the meter's own display shows, with its unit: its ``volume``, ``reverse volume``, ``flow
    rate``, ``ambient temperature``, ``date``, ``time`` or ``info code``."""
    what = f"Enter what the display of meter {serial} shows as its {screen}, with all digits and the unit."
    return _to_tell("read_display", what, HANDLING_S, meter=serial, screen=screen)


def read_icons(serial: str) -> OperatorTask:
    """The answer is a list of the icons on the display, separated by commas, or ``none``."""
    what = f"Enter the icons that the display of meter {serial} shows, with commas between them, or none."
    return _to_tell("read_icons", what, HANDLING_S, meter=serial)


def read_software(serial: str) -> OperatorTask:
    """The answer is identifier and checksum of the legally relevant software as displayed, with a blank between."""
    what = f"Enter identifier and checksum of the software that the display of meter {serial} shows."
    return _to_tell("read_software", what, HANDLING_S, meter=serial)


def segment_test(serial: str) -> OperatorTask:
    """All segments on, then all off."""
    what = f"Start the display test of meter {serial}: are all segments on first, and then all off?"
    return _to_judge("segment_test", what, meter=serial)


def open_case(serial: str) -> OperatorTask:
    """Lift the lid over the button."""
    return _to_do("open_case", f"Open the case of meter {serial}.", HANDLING_S, meter=serial)


def close_case(serial: str) -> OperatorTask:
    """Put the lid back."""
    return _to_do("close_case", f"Close the case of meter {serial}.", HANDLING_S, meter=serial)


def ancillary(serial: str, device: str, *, active: bool) -> OperatorTask:
    """Let an ancillary device (``wan``, ``valve`` …) work, or not."""
    what = f"Switch {device} of meter {serial} {'on, and keep it working' if active else 'off'}."
    return _to_do("ancillary", what, HANDLING_S, meter=serial, device=device, active="yes" if active else "no")


# Its sources: C1, C2, backup, external.


def insert_source(serial: str, source: str) -> OperatorTask:
    """Put a fresh battery in."""
    what = f"Put a fresh battery into meter {serial}: {source}."
    return _to_do("insert_source", what, HANDLING_S, meter=serial, source=source)


def remove_source(serial: str, source: str) -> OperatorTask:
    """Take the battery out."""
    return _to_do("remove_source", f"Take {source} out of meter {serial}.", HANDLING_S, meter=serial, source=source)


def connect_supply(serial: str, source: str) -> OperatorTask:
    """Put the leads of the power supply in the place of one source, all others taken out; the supply is on."""
    what = f"Take all batteries out of meter {serial} and put the leads of its power supply in the place of {source}."
    return _to_do("connect_supply", what, HANDLING_S, meter=serial, source=source)


def disconnect_supply(serial: str) -> OperatorTask:
    """Put the meter's own batteries back, then take the leads out."""
    what = f"Put the batteries of meter {serial} back, and take the leads of the power supply out."
    return _to_do("disconnect_supply", what, HANDLING_S, meter=serial)


def visual_check(question: str) -> OperatorTask:
    """Look and answer ``question``, which is put so that yes is good."""
    return _to_judge("visual_check", question)


# Of the functions that the maker describes.


def watch_display(serial: str, watch_s: float) -> OperatorTask:
    """The answer lists the screens that were seen, each with text, unit and words, with semicolons between them, or is
    ``blank``."""
    what = (
        f"Watch the display of meter {serial} for {watch_s:g} s and enter every screen that you see: its digits, unit "
        "and words, with semicolons between the screens, or blank."
    )
    return _to_tell("watch_display", what, HANDLING_S, meter=serial, watch_s=watch_s)


def acknowledge(serial: str) -> OperatorTask:
    """Acknowledge its alarms, with the maker's application."""
    what = f"Acknowledge all alarms of meter {serial} with the maker's application."
    return _to_do("acknowledge", what, HANDLING_S, meter=serial)


def set_clock(serial: str) -> OperatorTask:
    """Set its clock, with the maker's application."""
    what = f"Set the clock of meter {serial} with the maker's application."
    return _to_do("set_clock", what, HANDLING_S, meter=serial)


def move_valve(serial: str, *, closed: bool) -> OperatorTask:
    """Close or open the supply valve that belongs to the meter."""
    what = f"{'Close' if closed else 'Open'} the supply valve of meter {serial}."
    return _to_do("move_valve", what, HANDLING_S, meter=serial, position="closed" if closed else "open")


def drain_capacitor(serial: str) -> OperatorTask:
    """Discharge the pulse capacitor, all sources out or off."""
    what = f"Discharge the pulse capacitor of meter {serial} at its connector."
    return _to_do("drain_capacitor", what, HANDLING_S, meter=serial)


def present_nameplate(slot: int) -> OperatorTask:
    """Lay the scanner before the nameplate in a slot, so that it reads it again and again."""
    what = f"Point the scanner at the nameplate of the meter in slot {slot}, and leave it reading again and again."
    return _to_do("present_nameplate", what, HANDLING_S, slot=slot)


def put_scanner_away() -> OperatorTask:
    """The scanner reads nothing any more."""
    return _to_do("put_scanner_away", "Put the scanner away.", HANDLING_S)


def _to_do(name: str, instruction: str, deadline_s: float, **details: str | float) -> OperatorTask:
    return OperatorTask(name, instruction, (DONE, NOT_DONE), deadline_s, details=details)


def _to_judge(name: str, question: str, **details: str | float) -> OperatorTask:
    return OperatorTask(name, question, (YES, NO), HANDLING_S, details=details)


def _to_tell(name: str, instruction: str, deadline_s: float, **details: str | float) -> OperatorTask:
    return OperatorTask(name, instruction, (), deadline_s, details=details)
