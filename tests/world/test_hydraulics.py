"""Valves, the flow on which pump and losses agree, and the statistics of the flow's unrest."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.world.hydraulics import LINES, PUMP_DROOP_KPA, SHUT_BELOW, FlowNoise, Valve, settled_flow_l_h


def square(kpa_per_m3_h_2: float) -> Callable[[float], float]:
    """Bodies of the square law."""
    return lambda flow_l_h: kpa_per_m3_h_2 * (flow_l_h / 1000.0) ** 2


@settings(deadline=None)
@given(
    source_kpa=st.floats(1.0, 1600.0),
    kpa_at_1_m3_h=st.floats(0.0, 100.0),
    exponent=st.floats(1.0, 2.0),
    kv_m3_h=st.floats(1e-4, 12.0),
)
def test_the_settled_flow_uses_up_the_pressure(
    source_kpa: float, kpa_at_1_m3_h: float, exponent: float, kv_m3_h: float
) -> None:
    """At the settled flow droop, bodies and valve take the pump's pressure: to 4e-9, twice what the flow is found to.

    For bodies of any law from linear to square, from no loss to far more than the valve's, the bodies are asked ten
    times at the most: a scan may afford that.
    """
    asked_l_h = []

    def bodies_kpa(flow_l_h: float) -> float:
        asked_l_h.append(flow_l_h)
        return kpa_at_1_m3_h * (flow_l_h / 1000.0) ** exponent

    flow_m3_h = settled_flow_l_h(source_kpa, bodies_kpa, kv_m3_h) / 1000.0
    assert len(asked_l_h) <= 10
    used_kpa = flow_m3_h**2 * (PUMP_DROOP_KPA + 100.0 / kv_m3_h**2) + kpa_at_1_m3_h * flow_m3_h**exponent
    assert used_kpa == pytest.approx(source_kpa, rel=4e-9)


@pytest.mark.parametrize("kv_m3_h", [1e-4, 0.014, 0.45, 12.0])
def test_square_bodies_have_a_closed_form(kv_m3_h: float) -> None:
    """The flow through bodies of the square law is the root of the pressure over all resistances."""
    expected_l_h = 1000.0 * math.sqrt(400.0 / (PUMP_DROOP_KPA + 4 * 6.4 + 100.0 / kv_m3_h**2))
    assert settled_flow_l_h(400.0, square(4 * 6.4), kv_m3_h) == pytest.approx(expected_l_h, rel=1e-12)


def test_no_pressure_or_no_opening_is_no_flow() -> None:
    """A pump at rest or a valve in its seat lets nothing through."""
    assert settled_flow_l_h(0.0, square(6.4), 1.0) == 0.0
    assert settled_flow_l_h(400.0, square(6.4), Valve(LINES["C"], position=SHUT_BELOW / 2).kv_m3_h) == 0.0


def test_the_lines_cover_every_flow_of_the_series() -> None:
    """At 400 kPa and four bodies in line, A, B and C reach from 1.5 to 7 875 L/h without a hole between them."""
    reach = []
    for name, loss in (("A", 4 * 6.4), ("B", 4 * 6.4), ("C", 4 * 1.008)):
        low, high = Valve(LINES[name], position=SHUT_BELOW), Valve(LINES[name], position=1.0)
        reach.append([settled_flow_l_h(400.0, square(loss), valve.kv_m3_h) for valve in (low, high)])
    assert reach[0][0] < 1.5
    assert reach[0][1] > 20.0 > reach[1][0]
    assert reach[1][1] > 600.0 > reach[2][0]
    assert reach[2][1] > 7875.0


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0.0, 30.0), min_size=1, max_size=6))
def test_a_valve_travels_at_its_own_speed(position: float, target: float, steps_s: list[float]) -> None:
    """However time is cut, a valve has gone speed times time towards its target, and not past it."""
    valve = Valve(LINES["A"], position, target)
    for step_s in steps_s:
        valve.travel(step_s)
    reach = math.fsum(steps_s) / LINES["A"].stroke_s
    expected = target if abs(target - position) <= reach else position + math.copysign(reach, target - position)
    assert valve.position == pytest.approx(expected, abs=1e-12)


CHAINS = 4000
TOTAL_S = 6.0


def _chains(steps: int, step_s: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the time and end value of CHAINS stationary processes, each advanced in ``steps``."""
    rng = np.random.default_rng(seed)
    means, ends = np.empty(CHAINS), np.empty(CHAINS)
    for chain in range(CHAINS):
        noise = FlowNoise(1.0, rng, now=float(rng.standard_normal()))
        means[chain] = math.fsum(noise.advance(step_s) for _ in range(steps)) / steps
        ends[chain] = noise.now
    return means, ends


@pytest.mark.parametrize(
    ("steps", "step_s"), [(1, TOTAL_S), (12, TOTAL_S / 12), (10, 5e-4)], ids=["one long", "many short", "very short"]
)
def test_one_long_step_has_the_statistics_of_many_short(steps: int, step_s: float) -> None:
    """Variance of the mean, of the end, and their covariance are the process's however it is cut.

    The estimates of 4 000 seeded chains must lie within four standard deviations (99.99 %) of the exact figures
    2(a - 1 + exp(-a))/a^2, 1 and (1 - exp(-a))/a, where a is the time over the correlation time.
    """
    means, ends = _chains(steps, step_s, seed=20)
    a = steps * step_s / 2.0
    mean_var = 2.0 * (a - 1.0 + math.exp(-a)) / a**2
    covariance = -math.expm1(-a) / a
    assert abs(np.mean(means**2) / mean_var - 1.0) < 4.0 * math.sqrt(2.0 / CHAINS)
    assert abs(np.mean(ends**2) - 1.0) < 4.0 * math.sqrt(2.0 / CHAINS)
    assert abs(np.mean(means * ends) - covariance) < 4.0 * math.sqrt((mean_var + covariance**2) / CHAINS)


@pytest.mark.parametrize("a", [2e-4, 2e-3, 0.25, 3.0])
def test_one_step_from_a_known_start(a: float) -> None:
    """From a start of 3 the mean over a times the correlation time has the process's expectation and variance.

    Expected 3 (1 - exp(-a))/a, variance (2a - 3 + 4 exp(-a) - exp(-2a))/a^2 (by its series where that cancels), within
    four standard deviations of 4 000 seeded draws.
    """
    rng = np.random.default_rng(3)
    means = np.array([FlowNoise(1.0, rng, now=3.0).advance(2.0 * a) for _ in range(CHAINS)])
    variance = 2.0 * a / 3.0 - a**2 / 2.0 if a < 0.01 else (2 * a - 3 + 4 * math.exp(-a) - math.exp(-2 * a)) / a**2
    assert abs(means.var() / variance - 1.0) < 4.0 * math.sqrt(2.0 / CHAINS)
    assert abs(means.mean() + 3.0 * math.expm1(-a) / a) < 4.0 * math.sqrt(variance / CHAINS)


def test_no_unrest_is_exactly_none() -> None:
    """With a standard deviation of 0 the flow is what the valve says, to the last digit, and no number is drawn."""
    rng = np.random.default_rng(1)
    assert FlowNoise(0.0, rng).advance(5.0) == 0.0
    assert rng.standard_normal() == np.random.default_rng(1).standard_normal()
