"""The type evaluation (ISO 4064-2, 7 and 8) of an ADR meter: its tests in order, and the conclusion on every sample."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from meterbench.bench.bench import Bench
from meterbench.bench.run import Run
from meterbench.bench.verdict import Verdict, worst
from meterbench.procedures.clauses.absence_of_flow import absence_of_flow
from meterbench.procedures.clauses.ancillary_devices import ancillary_devices
from meterbench.procedures.clauses.climate import ROLES as CLIMATE
from meterbench.procedures.clauses.cold import cold
from meterbench.procedures.clauses.damp_heat import damp_heat
from meterbench.procedures.clauses.dry_heat import dry_heat
from meterbench.procedures.clauses.electrostatic_discharge import electrostatic_discharge
from meterbench.procedures.clauses.flow_disturbance import flow_disturbance
from meterbench.procedures.clauses.flow_reversal import flow_reversal
from meterbench.procedures.clauses.intrinsic_error import intrinsic_error
from meterbench.procedures.clauses.magnetic_field import magnetic_field
from meterbench.procedures.clauses.overload_temperature import overload_temperature
from meterbench.procedures.clauses.pressure_loss import pressure_loss
from meterbench.procedures.clauses.radiated_field import radiated_field
from meterbench.procedures.clauses.software_examination import software_examination
from meterbench.procedures.clauses.static_pressure import static_pressure
from meterbench.procedures.clauses.water_pressure import water_pressure
from meterbench.procedures.clauses.water_temperature import water_temperature
from meterbench.procedures.collecting import warn_of_certificates
from meterbench.procedures.edition import Edition, Test
from meterbench.procedures.initial_verification import batch_rating
from meterbench.procedures.trial import NotDone, Trial

NAME = "type-approval"


@dataclass(frozen=True, slots=True)
class Procedure:
    """How a test is carried out, what it needs beyond the rig, and about how long it takes at the bench."""

    carry_out: Callable[[Trial], None]
    needs: tuple[str, ...] = ()
    """Roles."""
    bench_s: float = 3600.0


PROCEDURES: dict[str, Procedure] = {
    "static_pressure": Procedure(static_pressure, ("operator",), 5_400.0),
    "intrinsic_error": Procedure(intrinsic_error, ("operator",), 40_000.0),
    "water_temperature": Procedure(water_temperature, (), 25_000.0),
    "overload_temperature": Procedure(overload_temperature, ("operator",), 30_000.0),
    "water_pressure": Procedure(water_pressure, (), 4_000.0),
    "flow_reversal": Procedure(flow_reversal, ("operator",), 6_000.0),
    "pressure_loss": Procedure(pressure_loss, ("operator",), 2_500.0),
    "flow_disturbance": Procedure(flow_disturbance, ("operator",), 14_000.0),
    "magnetic_field": Procedure(magnetic_field, ("operator",), 1_800.0),
    "ancillary_devices": Procedure(ancillary_devices, ("operator",), 1_800.0),
    "dry_heat": Procedure(dry_heat, CLIMATE, 30_000.0),
    "cold": Procedure(cold, CLIMATE, 24_000.0),
    "damp_heat": Procedure(damp_heat, CLIMATE, 200_000.0),
    "electrostatic_discharge": Procedure(electrostatic_discharge, ("operator",), 5_000.0),
    "radiated_field": Procedure(radiated_field, ("operator",), 18_000.0),
    "absence_of_flow": Procedure(absence_of_flow, ("operator",), 5_400.0),
    "software_examination": Procedure(software_examination, ("operator",), 600.0),
}
"""By the test's key in the edition."""


def begin(run: Run, bench: Bench, edition: Edition, selected: Collection[str]) -> None:
    """What is ahead, what does not apply, and what is to be known before the first test; ``selected`` are keys."""
    batch_rating(bench.batch)  # samples of one type
    warn_of_certificates(run, bench)
    run.plan([(test.name, PROCEDURES[test.key].bench_s) for test in edition.tests() if test.key in selected])
    for clause, (title, reason) in edition.not_applicable().items():
        run.not_applicable(clause, title, reason)


def carry_out(run: Run, bench: Bench, edition: Edition, test: Test) -> None:
    """One test on its samples, to its conclusion; done already before a resume, it is not done again."""
    meters = bench.batch[: test.samples] if test.samples else bench.batch
    if all((test.clause, meter.serial) in run.clauses for meter in meters):
        return
    trial, procedure = Trial(run, bench, edition, test, meters), PROCEDURES[test.key]
    missing = [role for role in procedure.needs if not bench.has(role)]
    try:
        if missing:
            raise NotDone(f"this station has no {', no '.join(missing)}")
        procedure.carry_out(trial)
    except NotDone as cause:
        for meter in meters:
            trial.conclude_meter(meter, Verdict.INVALID, [str(cause)])


def finish(run: Run, bench: Bench, edition: Edition) -> None:
    """The conclusion on every meter: the worst of the tests that were carried out on it."""
    titles = {test.clause: test.title for test in edition.tests()}
    for meter in bench.batch:
        found = {clause: verdict for (clause, serial), verdict in run.clauses.items() if serial == meter.serial}
        reasons = [
            f"{clause} {titles.get(clause, '')}: {verdict}"
            for clause, verdict in found.items()
            if verdict is not Verdict.PASS
        ]
        run.conclude_meter(meter.serial, worst(found.values()), reasons)


def type_evaluation(run: Run, bench: Bench, edition: Edition) -> None:
    """All tests, in the order of the edition."""
    tests = [test for test in edition.tests() if test.key in PROCEDURES]
    begin(run, bench, edition, [test.key for test in tests])
    for test in tests:
        carry_out(run, bench, edition, test)
    finish(run, bench, edition)
