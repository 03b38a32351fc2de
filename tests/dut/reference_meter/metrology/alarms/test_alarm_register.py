"""What is going on, what stays until it is acknowledged, what must be told (ADR-033, 044, 046)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.alarms.alarm_register import AlarmRegister
from meterbench.dut.reference_meter.metrology.status import NO_ALARM, Alarm

TAMPERING = {Alarm.CASE_OPEN, Alarm.MAGNET, Alarm.TILT}
ALARMS = st.sets(st.sampled_from(list(Alarm)))
ACTS = st.lists(
    st.tuples(st.sampled_from(["on", "off", "acknowledge", "told"]), ALARMS.filter(bool), ALARMS), max_size=25
)


def flags(alarms: set[Alarm]) -> Alarm:
    together = NO_ALARM
    for alarm in alarms:
        together |= alarm
    return together


@given(ALARMS, ALARMS, ALARMS, ACTS)
def test_three_sets(
    present: set[Alarm], latched: set[Alarm], to_push: set[Alarm], acts: list[tuple[str, set[Alarm], set[Alarm]]]
) -> None:
    """Against plain sets, whatever comes and goes, and from whatever was before a loss of supply."""
    latched &= TAMPERING
    register = AlarmRegister(flags(present), flags(latched), flags(to_push))
    for act, alarms, pushed in acts:
        if act == "on":
            for alarm in alarms:
                register.change(alarm, on=True, pushed=flags(pushed))
            present |= alarms
            latched |= alarms & TAMPERING
            to_push |= alarms & pushed
        elif act == "off":
            for alarm in alarms:
                register.change(alarm, on=False, pushed=flags(pushed))
            present -= alarms
        elif act == "acknowledge":
            register.acknowledge(flags(alarms))
            latched -= alarms - present
        else:
            register.told(flags(alarms))
            to_push -= alarms
        assert (register.present, register.latched, register.to_push) == (
            flags(present),
            flags(latched),
            flags(to_push),
        )
        assert register.active == flags(present | latched)


@pytest.mark.requirement("ADR-044")
def test_a_lid_that_was_put_back_hides_nothing() -> None:
    """It counts until it is acknowledged, which works only once the lid is closed; a leak goes by itself."""
    register = AlarmRegister()
    for alarm in (Alarm.CASE_OPEN, Alarm.LEAK):
        register.change(alarm, on=True, pushed=NO_ALARM)
    register.acknowledge(Alarm.CASE_OPEN | Alarm.LEAK)
    assert register.active == Alarm.CASE_OPEN | Alarm.LEAK
    for alarm in (Alarm.CASE_OPEN, Alarm.LEAK):
        register.change(alarm, on=False, pushed=NO_ALARM)
    assert register.active == Alarm.CASE_OPEN
    register.acknowledge(Alarm.MAGNET)
    assert register.active == Alarm.CASE_OPEN
    register.acknowledge(Alarm.CASE_OPEN)
    assert register.active == NO_ALARM


@pytest.mark.requirement("ADR-046")
def test_what_ended_is_still_to_be_told() -> None:
    """If it is on the list; being told and being acknowledged have nothing to do with each other."""
    register = AlarmRegister()
    for alarm in (Alarm.BURST, Alarm.DRY):
        register.change(alarm, on=True, pushed=Alarm.BURST | Alarm.TILT)
        register.change(alarm, on=False, pushed=Alarm.BURST | Alarm.TILT)
    register.acknowledge(Alarm.BURST)
    assert register.to_push == Alarm.BURST
    register.told(Alarm.BURST)
    assert register.to_push == NO_ALARM
