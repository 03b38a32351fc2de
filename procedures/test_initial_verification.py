"""Initial verification under pytest: one conclusion a meter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meterbench.bench.bench import Bench
from meterbench.bench.pytest_plugin import Outcome
from meterbench.bench.run import Run
from meterbench.bench.session import Programme
from meterbench.dut.meter import Nameplate
from meterbench.procedures import edition
from meterbench.procedures.initial_verification import NAME, initial_verification


@pytest.fixture(scope="module")
def verification(run_programme: Callable[..., Outcome]) -> Outcome:
    tables = edition.load()

    def procedure(run: Run, bench: Bench) -> None:
        initial_verification(run, bench, tables)

    return run_programme(Programme(NAME, "Initial verification", tables.header(tables.verification_clause)), procedure)


@pytest.mark.clause("10")
@pytest.mark.requirement("ADR-011")
def test_initial_verification(verification: Outcome, meter: Nameplate) -> None:
    """The meter's errors of indication at Q3, Q2 and Q1 are within the MPE (ISO 4064-2, clause 10)."""
    verification.assert_meter(meter.serial)
