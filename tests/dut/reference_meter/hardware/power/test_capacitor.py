"""The capacitor's way between its sources and its drain, against a plain numeric integration (metering.md 5.2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.power.capacitor import Capacitor, Feed, next_phase

FARAD = 15.0


def walk(start_v: float, feeds: list[Feed], drain_a: float, duration_s: float) -> tuple[float, list[float]]:
    """The judged way: phase after phase; final voltage and charge of each source."""
    given_c, spc_v, left_s = [0.0] * len(feeds), start_v, duration_s
    while left_s > 0.0:
        phase = next_phase(spc_v, feeds, drain_a, FARAD)
        step_s = min(left_s, phase.duration_s)
        for number in phase.conducting:
            given_c[number] += phase.charge_c(feeds[number], step_s)
        spc_v = phase.end_v if step_s == phase.duration_s else phase.at_v(step_s)
        left_s -= step_s
    return spc_v, given_c


def integrate(
    start_v: float, feeds: list[Feed], drain_a: float, duration_s: float, steps: int = 4000
) -> tuple[float, list[float]]:
    """Small steps of the midpoint rule on the circuit's equation."""

    def currents_a(spc_v: float) -> list[float]:
        return [max(0.0, (feed.open_v - spc_v) / feed.ohm) for feed in feeds]

    spc_v, given_c, step_s = start_v, [0.0] * len(feeds), duration_s / steps
    for _ in range(steps):
        middle_v = spc_v + 0.5 * step_s * (sum(currents_a(spc_v)) - drain_a) / FARAD
        middle_a = currents_a(middle_v)
        given_c = [charge + step_s * current for charge, current in zip(given_c, middle_a, strict=True)]
        spc_v += step_s * (sum(middle_a) - drain_a) / FARAD
    return spc_v, given_c


@settings(deadline=None, max_examples=60)
@given(
    st.floats(1.0, 3.7),
    st.lists(st.builds(Feed, st.floats(2.0, 3.66), st.floats(10.0, 500.0)), max_size=2),
    st.floats(0.0, 2e-3),
    st.floats(1.0, 3000.0),
)
def test_phases_are_the_circuit(start_v: float, feeds: list[Feed], drain_a: float, duration_s: float) -> None:
    """Voltage and each source's charge, for any two sources behind diodes, near and far from rest."""
    spc_v, given_c = walk(start_v, feeds, drain_a, duration_s)
    expected_v, expected_c = integrate(start_v, feeds, drain_a, duration_s)
    assert spc_v == pytest.approx(expected_v, abs=1e-4)
    assert given_c == pytest.approx(expected_c, abs=2e-3)
    assert math.fsum(given_c) == pytest.approx(FARAD * (spc_v - start_v) + drain_a * duration_s, abs=1e-9)


def test_no_source_charges_another() -> None:
    """At 3.3 V between a source of 3.6 V and one of 3.0 V, only the first gives."""
    phase = next_phase(3.3, [Feed(3.0, 10.0), Feed(3.6, 10.0)], 0.0, FARAD)
    assert phase.conducting == (1,)
    assert phase.settles_v == pytest.approx(3.6)
    assert phase.tau_s == pytest.approx(150.0)


def test_time_to_a_level() -> None:
    """From 0 V towards 3.6 V behind 10 ohm: 63.2 % after 150 s; 3.6 V itself never."""
    phase = next_phase(0.0, [Feed(3.6, 10.0)], 0.0, FARAD)
    assert phase.reaches_s(3.6 * (1.0 - math.exp(-1.0))) == pytest.approx(150.0)
    assert phase.reaches_s(3.6) == math.inf
    assert phase.reaches_s(0.0) == 0.0


def test_an_empty_capacitor_stays_empty() -> None:
    phase = next_phase(0.0, [], 2e-6, FARAD)
    assert phase.at_v(1e9) == 0.0
    assert phase.duration_s == math.inf


@pytest.mark.parametrize(
    ("current_ma", "duration_s", "droop_mv"), [(500.0, 1.0, 33.0), (350.0, 3.0, 70.0), (250.0, 10.0, 167.0)]
)
def test_droop_of_pulses(current_ma: float, duration_s: float, droop_mv: float) -> None:
    """metering.md 5.2, without the resistance."""
    phase = next_phase(3.6, [], 1e-3 * current_ma, FARAD)
    assert 1e3 * (3.6 - phase.at_v(duration_s)) == pytest.approx(droop_mv, abs=0.5)


def test_resistance_triples_in_the_cold() -> None:
    assert [Capacitor().esr_at_ohm(temp_c) for temp_c in (20.0, -25.0)] == pytest.approx([0.15, 0.45])
