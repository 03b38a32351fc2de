"""A recorded flow trace under pytest: one conclusion a meter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from meterbench.bench.bench import Bench
from meterbench.bench.pytest_plugin import Outcome
from meterbench.bench.run import Run
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures import edition
from meterbench.procedures.draw_profile import NAME, draw_profile
from meterbench.procedures.flow_trace import read_trace


@pytest.fixture(scope="module")
def profile(request: pytest.FixtureRequest, run_programme: Callable[..., Outcome]) -> Outcome:
    path: Path | None = request.config.getoption("--flow-trace")
    if path is None:
        pytest.skip("no --flow-trace CSV: draw-profile plays a recorded trace")
    unit: str = request.config.getoption("--flow-unit")
    draws = read_trace(path, unit)
    tables = edition.load()

    def procedure(run: Run, bench: Bench) -> None:
        draw_profile(run, bench, tables, draws)

    settings = {"trace": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "flow_unit": unit}
    return run_programme(Programme(NAME, "Recorded draws", tables.header(""), settings), procedure)


@pytest.mark.requirement("ADR-011")
def test_draw_profile(profile: Outcome, meter: Nameplate) -> None:
    """The meter registers what the recorded draws let through, within the MPE of the zones that they use."""
    profile.assert_meter(meter.serial)
