"""Recorded household draws through the meter: months in closed form, one second a sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from meterbench.dut.reference_meter.meter import Fidelity
from meterbench.world.segment import Course
from tests.dut.reference_meter.line import make

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "data" / "consumption"
L_H_PER_ML_S = 3.6


def recorded(name: str) -> Course:
    """One second of flow a sample; a gap does not mean flow (SOURCE.md beside the data)."""
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"the recorded flows are not here: {path}")
    unix_s, ml_s = np.loadtxt(path, unpack=True)
    keep = np.concatenate((np.diff(unix_s) >= 1.0, [True]))
    unix_s, ml_s = unix_s[keep] - unix_s[0], ml_s[keep]
    edges_s = np.union1d(unix_s, unix_s + 1.0)
    flow_l_h = np.zeros(len(edges_s) - 1)
    flow_l_h[np.searchsorted(edges_s, unix_s)] = ml_s * L_H_PER_ML_S
    return Course(edges_s, flow_l_h, np.full(len(flow_l_h), 18.0), np.full(len(flow_l_h), 0.5))


@pytest.mark.requirement("ADR-011")
@pytest.mark.parametrize(("name", "litres"), [("weusedto_washingmachine.csv", 1692.0), ("weusedto_shower.csv", 6359.8)])
def test_months_of_draws_are_registered(name: str, litres: float) -> None:
    """The published sums come out within 0.5 %: 0.2 % of calibration, and samples of a second against eight shots."""
    course = recorded(name)
    meter = make(fidelity=Fidelity.SEGMENT)
    meter.live(course)
    true_l = float((course.flow_l_h * np.diff(course.edges_s)).sum()) / 3600.0
    assert true_l == pytest.approx(litres, rel=0.005)
    assert meter.registers().forward_l == pytest.approx(true_l, rel=0.005)
    assert meter.registers().reverse_nl == 0
