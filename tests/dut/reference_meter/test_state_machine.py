"""A meter in rough hands: whatever is done to it in whatever order, it says and keeps what it ought to.

What that is, ``witness`` knows; here are the hands. The worst moments have tests of their own in ``test_losses``.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.metrology.status import Alarm
from tests.dut.reference_meter.witness import DAY_S, TAMPER_SETTLES_S, TICKS_S, Stretch, Witness

STILL, REVERSE = (0.0,), (-0.5, -1.2, -3.0, -30.0, -400.0)
DRIPS, TAPS, BURSTS = (1.2, 2.0, 3.0, 6.0), (30.0, 150.0, 600.0), (900.0, 2000.0, 3000.0)
FLOWS = STILL + DRIPS + TAPS + BURSTS + REVERSE
SHORT_S = (1.0, 4.0, 20.0, 61.0, 600.0, 1_700.0, 1_900.0)
LONG_S = (*SHORT_S, 3_600.0, 6 * 3_600.0, 26 * 3_600.0, 3 * DAY_S)
PLACES = st.sampled_from(Place)
powered = precondition(lambda machine: machine.witness.meter.powered)


class RoughHands(RuleBasedStateMachine):
    """Random sequences of all that can be done to a meter."""

    dn = 15

    @initialize()
    def begin(self) -> None:
        self.witness = Witness(self.dn)

    @powered
    @rule(flow_l_h=st.sampled_from(FLOWS), duration_s=st.sampled_from(LONG_S))
    def flow(self, flow_l_h: float, duration_s: float) -> None:
        self.witness.live(Stretch(duration_s, flow_l_h))

    @powered
    @rule(days=st.sampled_from((5.0, 12.0, 31.0)), flow_l_h=st.sampled_from((0.0, -0.5, 6.0, 30.0)))
    def long_time(self, days: float, flow_l_h: float) -> None:
        self.witness.live(Stretch(days * DAY_S, flow_l_h))

    @powered
    @rule(duration_s=st.sampled_from((4.0, 61.0, 1_900.0, 26 * 3_600.0)))
    def empty_pipe(self, duration_s: float) -> None:
        self.witness.live(Stretch(duration_s, 0.0, wet=False), Stretch(20.0, 0.0))

    @powered
    @rule(
        draws=st.lists(
            st.tuples(
                st.sampled_from((61.0, 600.0, 7_200.0)), st.sampled_from((4.0, 20.0, 600.0)), st.sampled_from(TAPS)
            ),
            min_size=1,
            max_size=12,
        ),
        drip_l_h=st.sampled_from((0.0, 2.0)),
    )
    def household(self, draws: list[tuple[float, float, float]], drip_l_h: float) -> None:
        stretches = [
            part
            for pause_s, draw_s, flow_l_h in draws
            for part in (Stretch(pause_s, drip_l_h), Stretch(draw_s, drip_l_h + flow_l_h))
        ]
        self.witness.live(*stretches, Stretch(61.0, drip_l_h), at_once=True)

    @powered
    @rule(
        taps=st.lists(st.tuples(st.sampled_from((0.5, 1.0, 3.0)), st.sampled_from(TAPS)), min_size=1, max_size=6),
        hours=st.sampled_from((0.5, 5.0)),
    )
    def unseen(self, taps: list[tuple[float, float]], hours: float) -> None:
        """Short taps that wait to be measured together, and a long stretch at once, without a look in between."""
        short = [Stretch(duration_s, flow_l_h) for duration_s, flow_l_h in taps]
        self.witness.live_unseen(short, Stretch(hours * 3600.0, 0.0))

    @rule(place=PLACES, charge=st.sampled_from((1.0, 1.0, 0.5, 0.02)))
    def pack(self, place: Place, charge: float) -> None:
        witness = self.witness
        if place in witness.meter.packs:
            witness.remove(place)
        else:
            witness.insert(place, charge)
        if not witness.meter.powered:
            witness.wait_for_power()

    @powered
    @rule(place=PLACES, flow_l_h=st.sampled_from((0.0, 2.0)))
    def dying_pack(self, place: Place, flow_l_h: float) -> None:
        """A pack that dies within weeks, if it feeds, while another is there: nobody but the source notices."""
        witness = self.witness
        if place not in witness.meter.packs and any(witness.good(slot) for slot in witness.slots.values()):
            witness.insert(place, 0.0305)
            witness.live(Stretch(20.0 * DAY_S, flow_l_h))
            witness.remove(place)

    @powered
    @rule(place=PLACES)
    def dead_pack(self, place: Place) -> None:
        """A pack that was dead when it was put in: it never feeds, and is told after three checks."""
        witness = self.witness
        if place not in witness.meter.packs:
            witness.insert(place, 0.02)
            witness.on(4 * 3600.0)

    @powered
    @rule(flow_l_h=st.sampled_from((0.0, 30.0)))
    def starve(self, flow_l_h: float) -> None:
        """No pack at all until the meter is Off: an orderly loss, as the capacitor fades for more than a week."""
        witness = self.witness
        for place in witness.meter.packs:
            witness.remove(place)
        witness.live(Stretch(5.0 * DAY_S, flow_l_h))
        assert witness.meter.powered
        witness.live(Stretch(40.0 * DAY_S, flow_l_h))
        assert not witness.meter.powered
        witness.wait_for_power()

    @powered
    @rule(alarm=st.sampled_from(sorted(TAMPER_SETTLES_S)))
    def tamper(self, alarm: Alarm) -> None:
        self.witness.touch(alarm, not self.witness.contacts[alarm].on)
        self.witness.on(120.0)

    @powered
    @rule(alarm=st.sampled_from((Alarm.MAGNET, Alarm.TILT)))
    def tamper_in_passing(self, alarm: Alarm) -> None:
        """A magnet carried past, a meter turned in somebody's hands: no alarm."""
        witness = self.witness
        if not witness.contacts[alarm].on:
            witness.touch(alarm, True)
            witness.on(0.7 if alarm is Alarm.MAGNET else 35.0)
            witness.touch(alarm, False)
            witness.on(120.0)

    @powered
    @rule()
    def acknowledge(self) -> None:
        self.witness.acknowledge()
        self.witness.told()

    @powered
    @rule(by_s=st.sampled_from((-26 * 3600, -3600, -100, -1, 1, 100, 3600, 5400, 3 * 86_400)))
    def set_clock(self, by_s: int) -> None:
        self.witness.set_clock(by_s * TICKS_S)

    @powered
    @rule(what=st.sampled_from(("test", "leave", "transportation")))
    def mode(self, what: str) -> None:
        witness = self.witness
        {"test": witness.enter_test, "leave": witness.leave_test, "transportation": witness.enter_transportation}[
            what
        ]()

    @rule(temp_c=st.sampled_from((-15.0, 20.0, 55.0)))
    def ambient(self, temp_c: float) -> None:
        self.witness.meter.set_ambient(temp_c)

    @powered
    @rule()
    def supply_fails(self) -> None:
        if self.witness.calm_for(2.0):
            self.witness.fail_supply()
            self.witness.wait_for_power()

    @powered
    @rule(after_bytes=st.integers(0, 3000))
    def supply_fails_in_write(self, after_bytes: int) -> None:
        if self.witness.calm_for(after_bytes / 250.0 + 6.0):
            self.witness.fail_in_write(after_bytes)
            self.witness.wait_for_power()

    def teardown(self) -> None:
        if hasattr(self, "witness"):
            self.witness.check_records()


class RoughHandsDn25(RoughHands):
    """The same, to the largest."""

    dn = 25


def run(machine: type[RoughHands], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_meter_in_rough_hands() -> None:
    """Volumes, alarms, modes, sources and records stay right in whatever order things happen."""
    run(RoughHands, examples=50, steps=25)


@pytest.mark.sweep
@pytest.mark.parametrize("machine", [RoughHands, RoughHandsDn25])
def test_meters_in_rough_hands_for_long(machine: type[RoughHands]) -> None:
    """The same, many times."""
    run(machine, examples=1000, steps=60)
