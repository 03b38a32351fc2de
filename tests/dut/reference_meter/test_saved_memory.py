"""A meter that is made again from the memory of the one before."""

from __future__ import annotations

import pytest

from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.world.segment import Segment
from tests.dut.reference_meter.line import make, nameplate

HOUR_S = 3600.0


def lived(start_s: float = 0.0) -> ReferenceMeter:
    """A meter after two hours and ten minutes of flow."""
    meter = make()
    meter.advance(Segment(start_s, 2 * HOUR_S + 600.0, 100.0, 20.0, 0.5))
    return meter


def again(memory: bytes) -> ReferenceMeter:
    return ReferenceMeter(nameplate(), seed=1, memory=memory)


@pytest.mark.requirement("ADR-030")
def test_it_goes_on_with_what_it_had() -> None:
    """Totals to the nanolitre, profiles and settings are those of the moment at which the memory was taken; what flows
    later adds to them."""
    first = lived()
    memory, before = first.saved_memory(), first.registers()
    second = again(memory)
    assert (second.registers().forward_nl, second.registers().reverse_nl) == (before.forward_nl, before.reverse_nl)
    for period in Period:
        assert second.reading.profile(period).tolist() == first.reading.profile(period).tolist()
    assert len(second.reading.profile(Period.HOUR)) == 2
    second.advance(Segment(1e6, HOUR_S, 100.0, 20.0, 0.5))
    assert second.registers().forward_l - before.forward_l == pytest.approx(100.0, rel=0.005)


def test_it_knows_that_its_clock_stood_still() -> None:
    """The clock goes on from where it was, not valid, whatever time it is; the event is logged; setting it helps."""
    first = lived(start_s=86_400.0)
    saved_ticks = first.registers().clock_ticks
    second = again(first.saved_memory())
    second.advance(Segment(1e9, 1.0, 0.0, 20.0, 0.5))
    assert not second.registers().clock_valid
    assert second.registers().clock_ticks == pytest.approx(saved_ticks + 8, abs=1)
    assert second.reading.events(LogType.STANDARD)[-1].code is EventCode.STARTED_AFTER_POWER_LOSS
    second.commands.set_clock(8 * 10**9)
    assert second.registers().clock_valid
    assert second.registers().clock_ticks == 8 * 10**9


def test_taking_the_memory_changes_nothing() -> None:
    """A meter whose memory is taken again and again has the totals and records of one that is left alone."""
    left_alone, taken = make(), make()
    for n in range(90):
        for meter in (left_alone, taken):
            meter.advance(Segment(n * 60.0, 60.0, 50.0, 20.0, 0.5))
        taken.saved_memory()
    assert taken.registers() == left_alone.registers()
    assert taken.reading.profile(Period.HOUR).tolist() == left_alone.reading.profile(Period.HOUR).tolist()


def test_the_memory_of_a_meter_that_is_off() -> None:
    """It is what the loss of supply has left."""
    meter = lived()
    total_nl = meter.registers().forward_nl
    for place in meter.packs:
        meter.remove(place)
    meter.fail_supply()
    with pytest.raises(Refused, match="is Off"):
        meter.registers()
    left_nl = again(meter.saved_memory()).registers().forward_nl
    assert 0 <= total_nl - left_nl <= 1.1 * 100.0 / 3600.0 * 1e9


def test_the_memory_of_another_part_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot take over 100 bytes"):
        again(bytes(100))
