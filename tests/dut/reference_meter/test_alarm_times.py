"""The alarms over flow come and go at the cycle at which they ought to, whatever the fidelity (metering.md, section 6).

What is expected comes from ``alarm_oracle``, which knows nothing of the firmware. Flows that are clear of every limit
leave it one cycle; for drips it tells by how many the noise may shift a moving mean.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, LogType
from meterbench.dut.reference_meter.metrology.settings import Settings
from meterbench.dut.reference_meter.metrology.status import Alarm
from meterbench.world.segment import Course, Segment
from tests.dut.reference_meter.alarm_oracle import (
    CYCLES_A_SECOND,
    Q1_L_H,
    Q3_L_H,
    AlarmOracle,
    Expected,
    differences,
)
from tests.dut.reference_meter.line import make

Stretches = list[tuple[float, float]]
"""Flow in L/h, and for how many seconds."""
Change = tuple[int, Alarm, bool]
HOUR_S, MINUTE_S = 3600.0, 60.0
CALM = (0.0, 100.0)
USE: Stretches = [(720.0, 20.0), (0.0, 40.0), (150.0, 7.0), (0.0, 1800.0), (400.0, 600.0), (0.0, 4000.0)]
"""Draws of an evening, on top of whatever leaks."""


def by_segments(meter: ReferenceMeter, stretches: Stretches, start_s: float) -> None:
    for flow_l_h, duration_s in stretches:
        meter.advance(Segment(start_s, duration_s, flow_l_h, 20.0, 0.5))
        start_s += duration_s


def by_course(meter: ReferenceMeter, stretches: Stretches, start_s: float) -> None:
    edges_s = start_s + np.concatenate(([0.0], np.cumsum([duration_s for _, duration_s in stretches])))
    flow_l_h = np.array([flow_l_h for flow_l_h, _ in stretches])
    meter.live(Course(edges_s, flow_l_h, np.full(len(flow_l_h), 20.0), np.full(len(flow_l_h), 0.5)))


WAYS = {
    "every shot": (Fidelity.TRANSIT, by_segments),
    "segments": (Fidelity.SEGMENT, by_segments),
    "course": (Fidelity.SEGMENT, by_course),
    "usual": (Fidelity.AUTO, by_segments),
}
"""How to live through stretches."""


def edges_of(dn: int, stretches: tuple[tuple[float, float], ...] | Stretches) -> list[int]:
    """Ticks of the same unit's clock at the edges of the stretches: its crystal is not that of the world."""
    meter, now_s, ticks = make(dn, fidelity=Fidelity.SEGMENT), 0.0, [0]
    for _, duration_s in stretches:
        meter.advance(Segment(now_s, duration_s, 0.0, 20.0, 0.5))
        now_s += duration_s
        ticks.append(meter.registers().clock_ticks)
    return ticks


def expected_of(dn: int, stretches: Stretches) -> list[Expected]:
    """What the oracle makes of them."""
    return _expected_of(dn, tuple(stretches))


@cache
def _expected_of(dn: int, stretches: tuple[tuple[float, float], ...]) -> list[Expected]:
    oracle = AlarmOracle(dn)
    for (flow_l_h, _), (begin, end) in zip(stretches, pairwise(edges_of(dn, stretches)), strict=True):
        oracle.see(end - begin, flow_l_h)
    return oracle.take()


def seen_of(meter: ReferenceMeter) -> list[Change]:
    """The log of what flowed."""
    names = {EventCode[f"{alarm.name}_BEGAN"]: (alarm, True) for alarm in (Alarm.REVERSE, Alarm.LEAK, Alarm.BURST)}
    names |= {EventCode[f"{alarm.name}_ENDED"]: (alarm, False) for alarm, _ in names.values()}
    return [(event.clock_ticks, *names[event.code]) for event in meter.reading.events(LogType.FLOW)]


def leaking(drip_l_h: float, hours: float, use: bool) -> Stretches:
    """A drip for so long, with an evening's draws on top or without."""
    if not use:
        return [CALM, (drip_l_h, hours * HOUR_S), CALM]
    evening_s = sum(duration_s for _, duration_s in USE)
    rounds = int(hours * HOUR_S // evening_s)
    rest_s = hours * HOUR_S - rounds * evening_s
    return [
        CALM,
        *[(drip_l_h + flow_l_h, duration_s) for flow_l_h, duration_s in USE * rounds],
        (drip_l_h, rest_s),
        CALM,
    ]


LEAKS = {
    f"{drip_l_h} L/h for {hours} h, {'with' if use else 'without'} use": leaking(drip_l_h, hours, use)
    for drip_l_h in (1.2, 2.0, 6.0)
    for hours, use in ((23.5, False), (25.0, False), (25.0, True))
}
OTHERS: dict[str, Stretches] = {
    "interrupted at hour 23": [CALM, (6.0, 23 * HOUR_S), (0.0, MINUTE_S), (6.0, 25 * HOUR_S), CALM],
    "interrupted for 20 s": [CALM, (60.0, 23 * HOUR_S), (0.0, 20.0), (60.0, 2 * HOUR_S), CALM],
    "burst of 29 min": [CALM, (2250.0, 29 * MINUTE_S), CALM],
    "burst of 31 min": [CALM, (2250.0, 31 * MINUTE_S), CALM],
    "burst with a gap of 20 s": [CALM, (2250.0, 15 * MINUTE_S), (0.0, 20.0), (2250.0, 16 * MINUTE_S), CALM],
    "burst with a gap of a minute": [CALM, (2250.0, 20 * MINUTE_S), (0.0, 60.0), (2250.0, 20 * MINUTE_S), CALM],
    "burst in the middle of a draw": [CALM, (600.0, HOUR_S), (900.0, 40 * MINUTE_S), (600.0, HOUR_S), CALM],
    "reverse of half Q1": [CALM, (-0.78, HOUR_S), CALM],
    "reverse of 1.2 Q1": [CALM, (-1.875, HOUR_S), CALM],
    "reverse of 100 L/h": [CALM, (-100.0, HOUR_S), CALM],
    "reverse of 100 L/h for 5 s": [CALM, (-100.0, 5.0), CALM],
    "all at once": [(6.0, 25 * HOUR_S), (2250.0, HOUR_S), (-100.0, HOUR_S), (6.0, 25 * HOUR_S), CALM],
}
COUNTS = {
    "interrupted at hour 23": 2,
    "interrupted for 20 s": 0,
    "burst of 29 min": 0,
    "burst of 31 min": 2,
    "burst with a gap of 20 s": 0,
    "burst with a gap of a minute": 0,
    "burst in the middle of a draw": 2,
    "reverse of half Q1": 0,
    "reverse of 1.2 Q1": 2,
    "reverse of 100 L/h": 2,
    "reverse of 100 L/h for 5 s": 0,
    "all at once": 8,
}
"""Changes: the oracle is not to be asked alone."""


@pytest.mark.requirement("ADR-042")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("leak", LEAKS)
def test_leaks(leak: str, way: str) -> None:
    """Drips: LEAK after 24 h of them and not before, gone half a minute after them, and no other alarm."""
    stretches = LEAKS[leak]
    expected = expected_of(15, stretches)
    assert [(change.alarm, change.on) for change in expected] == (
        [] if "23.5" in leak else [(Alarm.LEAK, True), (Alarm.LEAK, False)]
    )
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, stretches, 0.0)
    assert differences(expected, seen_of(meter), more=1) == []


@pytest.mark.requirement("ADR-041")
@pytest.mark.requirement("ADR-042")
@pytest.mark.requirement("ADR-043")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", OTHERS)
def test_scenarios(scenario: str, way: str) -> None:
    """Bursts, reverse flow, leaks with gaps: as the oracle says."""
    stretches = OTHERS[scenario]
    expected = expected_of(15, stretches)
    assert len(expected) == COUNTS[scenario]
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, stretches, 0.0)
    assert differences(expected, seen_of(meter)) == []


@pytest.mark.parametrize("scenario", ["burst of 31 min", "all at once", "reverse of 100 L/h"])
def test_fidelities_agree_to_a_cycle(scenario: str) -> None:
    """Clear of every limit, all ways of living come to the same tick, or to one beside it."""
    seen = []
    for fidelity, live in WAYS.values():
        meter = make(15, fidelity=fidelity)
        live(meter, OTHERS[scenario], 0.0)
        seen.append(seen_of(meter))
    for other in seen[1:]:
        assert [change[1:] for change in other] == [change[1:] for change in seen[0]]
        assert all(abs(tick - first) <= 1 for (tick, _, _), (first, _, _) in zip(other, seen[0], strict=True))


@pytest.mark.parametrize("dn", [20, 25])
def test_larger_meters(dn: int) -> None:
    """Limits go with the size: 0.9 Q3, 1.2 Q1 in reverse."""
    stretches = [CALM, (0.9 * Q3_L_H[dn], 31 * MINUTE_S), CALM, (-1.2 * Q1_L_H[dn], HOUR_S), (6.0, 25 * HOUR_S), CALM]
    expected = expected_of(dn, stretches)
    assert [change.alarm for change in expected if change.on] == [Alarm.BURST, Alarm.REVERSE, Alarm.LEAK]
    for fidelity, live in WAYS.values():
        meter = make(dn, fidelity=fidelity)
        live(meter, stretches, 0.0)
        assert differences(expected, seen_of(meter)) == []


def test_waveforms() -> None:
    """With both bursts of every shot captured: reverse flow, and a burst and a leak with their times cut to seconds."""
    stretches: Stretches = [(0.0, 10.0), (-100.0, 20.0), (0.0, 40.0), (2250.0, 30.0), (30.0, 40.0), (0.0, 40.0)]
    edges = edges_of(15, stretches)
    oracle = AlarmOracle(15, burst_after_s=20, leak_after_s=60)
    for (flow_l_h, _), (begin, end) in zip(stretches, pairwise(edges), strict=True):
        oracle.see(end - begin, flow_l_h)
    expected = oracle.take()
    assert len(expected) == 6
    meter = make(15, fidelity=Fidelity.WAVEFORM)
    meter.commands.configure(Settings(burst_limit_l_h=0.3 * Q3_L_H[15], burst_after_s=20, leak_after_s=60))
    by_segments(meter, stretches, 0.0)
    assert differences(expected, seen_of(meter)) == []


def swing(minutes: float) -> Stretches:
    """20 L/h to and fro at 0.1 Hz."""
    return [(20.0, 5.0), (-20.0, 5.0)] * round(minutes * 6)


@pytest.mark.requirement("ADR-041")
@pytest.mark.parametrize("way", WAYS)
def test_a_swing_is_no_reverse_flow(way: str) -> None:
    """Water that swings to and fro is no reverse flow (settings.py); both registers grow."""
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, [CALM, *swing(10.0), CALM], 0.0)
    assert seen_of(meter) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_swing_grows_both_registers(way: str) -> None:
    """Ten minutes of it are 1.667 L each way, within 2 %: at each turn a shot may be of either side."""
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, [CALM, *swing(10.0), CALM], 0.0)
    registers = meter.registers()
    assert registers.forward_l == pytest.approx(10.0 / 6.0, rel=0.02)
    assert registers.reverse_l == pytest.approx(10.0 / 6.0, rel=0.02)


@pytest.mark.requirement("ADR-063")
@pytest.mark.parametrize("way", WAYS)
def test_test_times_out_during_reverse(way: str) -> None:
    """TEST ends to the tick a day after it was entered, and REVERSE goes on as if nothing had been."""
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, [CALM], 0.0)
    entered = meter.registers().clock_ticks
    meter.commands.enter_test()
    stretches: Stretches = [(0.0, 20 * HOUR_S), (-100.0, 6 * HOUR_S), CALM]
    live(meter, stretches, 100.0)
    modes = [
        (event.clock_ticks, tuple(Mode)[event.value_b])
        for event in meter.reading.events(LogType.STANDARD)
        if event.code is EventCode.MODE_CHANGED
    ]
    assert modes == [(entered, Mode.TEST), (entered + 86_400 * CYCLES_A_SECOND, Mode.NORMAL)]
    assert differences(expected_of(15, [CALM, *stretches]), seen_of(meter)) == []


@pytest.mark.requirement("ADR-062")
@pytest.mark.parametrize("way", WAYS)
def test_transportation_outlives_the_c_cell(way: str) -> None:
    """On the backup cell it goes on until 10 L have flowed, in either direction, and becomes MEASUREMENT then."""
    fidelity, live = WAYS[way]
    meter = make(15, fidelity=fidelity)
    live(meter, [CALM], 0.0)
    meter.commands.enter_transportation()
    live(meter, [(0.0, HOUR_S), (30.0, 600.0), CALM], 100.0)
    cell = meter.unit.board.supply.pack(Place.C1)
    cell.wear(0.99 * cell.soc * 7700.0)
    now_s = 100.0 + HOUR_S + 700.0
    live(meter, [(0.0, 4 * HOUR_S), (-30.0, 360.0), CALM], now_s)
    assert meter.registers().source.name == "BACKUP"
    assert meter.registers().mode is Mode.TRANSPORTATION
    now_s += 4 * HOUR_S + 460.0
    began = meter.registers().clock_ticks
    live(meter, [(12.0, 0.5 * HOUR_S), CALM], now_s)
    assert meter.registers().mode is Mode.MEASUREMENT
    ended = [event for event in meter.reading.events(LogType.STANDARD) if event.code is EventCode.MODE_CHANGED][-1]
    # 5 L forward and 3 L back before: 2 L at 12 L/h are missing, with 0.3 % of all and 20 mL for four edges.
    assert (ended.clock_ticks - began) / CYCLES_A_SECOND == pytest.approx(600.0, abs=0.05 * 300.0)
