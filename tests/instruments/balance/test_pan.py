"""The simulated weighing cell: settling, stability and errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from meterbench.instruments.balance.pan import CellSpec, Pan


class Bench:
    """A pan, the mass on it and the time."""

    def __init__(self, seed: int = 0, **spec: float) -> None:
        self.mass_g = 0.0
        self.now_s = 0.0
        self.pan = Pan(lambda: self.mass_g, lambda: self.now_s, np.random.default_rng(seed), CellSpec(**spec))

    def after(self, duration_s: float) -> Pan:
        self.now_s += duration_s
        self.pan.look()
        return self.pan


def test_a_step_of_mass_is_followed_with_the_time_constant() -> None:
    bench = Bench(repeatability_g=0.0, drift_sd_g_h=0.0)
    bench.mass_g = 100.0
    bench.after(0.0)
    assert bench.after(1.5).gross_g() == pytest.approx(100.0 * (1.0 - math.exp(-1.0)), abs=0.01)


def test_looking_more_often_changes_nothing() -> None:
    """An even flow looked at once in a minute and a thousand times shows the same lag: flow x time constant."""
    seldom, often = Bench(repeatability_g=0.0), Bench(repeatability_g=0.0)
    seldom.mass_g = 600.0
    seldom.after(60.0)
    for _ in range(1000):
        often.mass_g += 0.6
        often.after(0.06)
    assert often.pan.gross_g() == pytest.approx(600.0 - 10.0 * 1.5, abs=1e-3)
    assert seldom.pan.gross_g() == pytest.approx(often.pan.gross_g(), abs=1e-6)


def test_stable_only_after_two_seconds_of_rest_and_settled_to_a_step() -> None:
    bench = Bench(repeatability_g=0.0, drift_sd_g_h=0.0)
    assert not bench.after(1.9).stable
    assert bench.after(0.1).stable
    bench.mass_g = 5000.0
    bench.after(0.0)
    while not bench.pan.stable:
        bench.after(0.1)
        assert bench.now_s < 60.0
    assert abs(bench.pan.gross_g() - 5000.0) < 0.1
    assert bench.now_s - 2.0 == pytest.approx(1.5 * math.log(5000.0 / 0.036), abs=0.5)


@pytest.mark.parametrize(("flow_g_s", "stable"), [(1.0 / 3.6, False), (0.06, False), (0.04, True)])
def test_a_flow_of_less_than_a_step_in_two_seconds_goes_unnoticed(flow_g_s: float, stable: bool) -> None:
    """Also if nobody looked for an hour: 1 L/h never looks stable."""
    bench = Bench()
    for duration_s in (3600.0, 0.5, 0.5):
        bench.mass_g += flow_g_s * duration_s
        assert bench.after(duration_s).stable is stable


def test_repeatability_is_drawn_anew_for_each_loading_and_stays_while_stable() -> None:
    bench = Bench(seed=1, drift_sd_g_h=0.0)
    shown_g = []
    for _ in range(200):
        for bench.mass_g in (1000.0, 0.0):
            bench.after(0.0)
            bench.after(60.0)
            bench.after(60.0)
        shown_g.append(bench.pan.gross_g())
        assert bench.after(1.0).gross_g() == shown_g[-1]
    assert np.std(shown_g) == pytest.approx(0.1, rel=0.2)
    assert np.mean(shown_g) == pytest.approx(0.0, abs=0.03)


def test_linearity_is_within_a_step_and_nil_at_the_ends() -> None:
    for seed in range(20):
        bench = Bench(seed, repeatability_g=0.0, drift_sd_g_h=0.0)
        for load, limit_g in [(0.0, 1e-9), (75_000.0, 0.1), (150_000.0, 1e-6)]:
            bench.mass_g = load
            bench.after(0.0)
            assert abs(bench.after(600.0).gross_g() - load) <= limit_g
