"""The diverter's edges are exact however time is cut, and the tank neither makes nor loses water."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.world.weighing import Diverter, WeighTank

ON_S, OFF_S, END_S = 1.0, 4.0, 5.0
CUTS = st.lists(st.floats(0.001, 4.999), max_size=25)


def play(cuts: list[float], skew: float = 0.02) -> tuple[Diverter, list[tuple[bool, float]], float]:
    """To the tank at ON_S, back at OFF_S, time cut at ``cuts``: diverter, edges and seconds of full jet in the tank."""
    diverter = Diverter(switch_skew=skew)
    edges: list[tuple[bool, float]] = []
    diverter.listeners.append(lambda level, at_s: edges.append((level, at_s)))
    now_s, jet_s = 0.0, 0.0
    for stop_s in sorted({*cuts, ON_S, OFF_S, END_S}):
        while stop_s - now_s > 1e-9:
            step_s = max(min(stop_s, diverter.next_event_s(now_s)) - now_s, 1e-9)
            jet_s += step_s * diverter.advance(now_s, step_s)
            now_s += step_s
        if stop_s in (ON_S, OFF_S):
            diverter.command(stop_s == ON_S, now_s)
    return diverter, edges, jet_s


@settings(deadline=None)
@given(CUTS, st.floats(-0.3, 0.3))
def test_gate_edges_are_exact(cuts: list[float], skew: float) -> None:
    """The gate changes when the plug passes the switch: delay + (1/2 + skew) travel on, delay + (1/2 - skew) off."""
    diverter, edges, jet_s = play(cuts, skew)
    opened_s = ON_S + diverter.delay_s + (0.5 + skew) * diverter.travel_s
    closed_s = OFF_S + diverter.delay_s + (0.5 - skew) * diverter.travel_s
    assert [level for level, _ in edges] == [True, False]
    assert [at_s for _, at_s in edges] == pytest.approx([opened_s, closed_s], abs=1e-7)
    assert diverter.gate_duration_s == pytest.approx(closed_s - opened_s, abs=1e-7)
    assert (diverter.travel_on_s, diverter.travel_off_s) == pytest.approx((diverter.travel_s,) * 2, abs=1e-7)
    assert jet_s == pytest.approx(OFF_S - ON_S, abs=1e-7)


def test_the_skewed_switch_is_the_rigs_timing_error() -> None:
    """The gate is shorter than the jet was in the tank by 2 skew travel: 2.4 ms, what a laboratory must find out."""
    diverter, _, jet_s = play([])
    assert jet_s - diverter.gate_duration_s == pytest.approx(2.4e-3, abs=1e-7)


def test_a_command_that_changes_nothing_moves_nothing() -> None:
    """Sent to the side where it is, the diverter stays; called back before it moved, it has given no edge."""
    diverter = Diverter()
    diverter.command(False, 0.0)
    assert diverter.still
    diverter.command(True, 0.0)
    diverter.advance(0.0, 0.01)
    diverter.command(False, 0.01)
    assert diverter.still
    assert not diverter.gate


def test_called_back_half_way_it_returns_from_there() -> None:
    """Turned round in mid-travel the position goes on from where it is, after the valve's delay."""
    diverter = Diverter()
    diverter.command(True, 0.0)
    diverter.advance(0.0, 0.04)
    diverter.advance(0.04, 0.012)
    diverter.command(False, 0.052)
    assert diverter.position == pytest.approx(0.2)
    assert diverter.next_event_s(0.052) == pytest.approx(0.092)
    diverter.advance(0.052, 0.04)
    diverter.advance(0.092, 0.012)
    assert diverter.position == pytest.approx(0.0)
    assert diverter.still


STEPS = st.lists(st.tuples(st.floats(1e-6, 500.0), st.floats(0.0, 5e3), st.floats(0.0, 1e-3)), max_size=15)


@settings(deadline=None)
@given(STEPS)
def test_mass_is_conserved(steps: list[tuple[float, float, float]]) -> None:
    """What left the diverter is in the tank, still falling, or evaporated."""
    tank = WeighTank(mass_g=100.0)
    poured_g = evaporated_g = 0.0
    for duration_s, inflow_g, evaporation_g_s in steps:
        if evaporation_g_s * duration_s > tank.mass_g:
            continue
        tank.advance(duration_s, inflow_g, evaporation_g_s)
        poured_g += inflow_g
        evaporated_g += evaporation_g_s * duration_s
        assert tank.falling_g >= 0.0
    assert tank.mass_g + tank.falling_g + evaporated_g == pytest.approx(100.0 + poured_g, rel=1e-12)


@settings(deadline=None)
@given(st.floats(0.01, 100.0), st.floats(0.01, 0.99), st.floats(0.0, 1000.0))
def test_one_step_equals_two(duration_s: float, part: float, rate_g_s: float) -> None:
    """An even inflow gives the same tank whether time goes by in one step or two."""
    whole, cut = WeighTank(), WeighTank()
    whole.advance(duration_s, rate_g_s * duration_s, 1e-4)
    for step_s in (part * duration_s, (1.0 - part) * duration_s):
        cut.advance(step_s, rate_g_s * step_s, 1e-4)
    assert (cut.mass_g, cut.falling_g) == pytest.approx((whole.mass_g, whole.falling_g), rel=1e-9, abs=1e-9)


def test_water_arrives_late() -> None:
    """After the jet has gone, its water still arrives; 5 s later less than 0.1 % of a second's flow is in the air."""
    tank = WeighTank()
    tank.advance(60.0, 60.0 * 700.0, 0.0)
    assert tank.falling_g == pytest.approx(0.7 * 700.0)
    tank.advance(5.0, 0.0, 0.0)
    assert tank.falling_g < 0.7


def test_draining_leaves_the_heel() -> None:
    """The drain empties the tank at its rate down to the heel, never below, and evaporation never below nothing."""
    tank = WeighTank(mass_g=5000.0, drain_open=True)
    tank.advance(1.0, 0.0, 0.0)
    assert (tank.mass_g, tank.drained) == (3000.0, False)
    tank.advance(10.0, 0.0, 0.0)
    assert (tank.mass_g, tank.drained) == (tank.heel_g, True)
    tank.advance(1.0, 0.0, 1e6)
    assert tank.mass_g == 0.0
