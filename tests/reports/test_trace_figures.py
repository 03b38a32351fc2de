"""The figure over time: what was kept is drawn, with its unit, and no spike is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from meterbench.reports.trace_figures import POINTS, over_time

START = datetime(2026, 11, 22, 7)


def series(count: int, **values: object) -> dict[str, np.ndarray]:
    utc = np.datetime64(START, "us") + np.arange(count) * np.timedelta64(500_000, "us")
    return {"utc": utc, **{name: np.asarray(value) for name, value in values.items()}}


def test_each_kind_has_a_panel_with_its_unit() -> None:
    """Flow, pressure and temperature of the rig, the current of a supply; words are not drawn."""
    svg = over_time(
        {
            "rig": series(
                10,
                state=["RUNNING"] * 10,
                flow_line_c_l_h=np.full(10, 2500.0),
                flow_line_a_l_h=np.zeros(10),
                pressure_upstream_kpa=np.full(10, 400.0),
                tank_temp_c=np.full(10, 20.0),
            ),
            "supply_1": series(10, voltage_v=np.full(10, 3.6), current_ma=np.full(10, 0.0234)),
        },
        [("Q3", START, START + timedelta(seconds=4))],
    )
    for said in (
        "flow / (L/h)",
        "pressure / kPa",
        "temperature / °C",
        "current / mA",
        "line C",
        "supply 1: current",
        "Q3",
    ):
        assert said in svg
    assert "line A" not in svg, "a line that carried nothing is no line of the legend"
    assert "2026-11-22 07:00 UTC" in svg


def test_an_axis_tells_its_values_as_they_are() -> None:
    """No offset or power of ten beside the axis; and the noise of what stands still does not fill its panel."""
    noise = np.random.default_rng(1).normal(0.0, 2e-6, 50)
    svg = over_time({"supply_1": series(50, voltage_v=3.601 + noise, current_ma=0.01776 + noise)}, [])
    assert "1e−6" not in svg
    assert "1e-6" not in svg
    for tick in ("3.60", "3.65", "0.0178"):
        assert tick in svg


def test_what_a_series_is_called() -> None:
    """The rig's values by their own names, a witness's by the instrument's."""
    svg = over_time(
        {
            "rig": series(5, pressure_upstream_kpa=np.full(5, 400.0)),
            "pressure": series(5, pressure_kpa=np.full(5, 399.0)),
        },
        [],
    )
    assert "pressure (reference)" in svg
    assert "pressure upstream" in svg


def test_the_same_traces_give_the_same_bytes() -> None:
    """A report written again is the same."""
    traces = {"rig": series(5, tank_temp_c=np.arange(5.0))}
    assert over_time(traces, []) == over_time(traces, [])


def test_one_spike_among_many_samples_is_drawn() -> None:
    """Thinning keeps the lowest and the highest of each stretch."""
    from meterbench.reports import trace_figures

    count = 50 * POINTS
    values = np.full(count, 400.0)
    values[12_345] = 1700.0
    drawn = trace_figures._drawn("p", np.arange(float(count)), values, trace_figures.KINDS[1])
    assert drawn is not None
    assert drawn.values.max() == 1700.0
    assert len(drawn.values) <= POINTS


@pytest.mark.parametrize("traces", [{}, {"rig": series(3, state=["SAFE"] * 3)}])
def test_nothing_to_draw_is_no_figure(traces: dict[str, dict[str, np.ndarray]]) -> None:
    """Rather than empty axes."""
    assert over_time(traces, []) == ""
