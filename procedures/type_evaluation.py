"""The type evaluation (ISO 4064-2, 7 and 8) of an ADR meter: its tests in order, and the conclusion on every sample."""

from __future__ import annotations

from meterbench.procedures.clauses.absence_of_flow import absence_of_flow
from meterbench.procedures.clauses.ancillary_devices import ancillary_devices
from meterbench.procedures.clauses.climate import ROLES as CLIMATE
from meterbench.procedures.clauses.cold import cold
from meterbench.procedures.clauses.damp_heat import damp_heat
from meterbench.procedures.clauses.dry_heat import dry_heat
from meterbench.procedures.clauses.durability_continuous import durability_continuous
from meterbench.procedures.clauses.durability_discontinuous import durability_discontinuous
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
from meterbench.procedures.clauses.supply_interruption import supply_interruption
from meterbench.procedures.clauses.supply_voltage import supply_voltage
from meterbench.procedures.clauses.water_pressure import water_pressure
from meterbench.procedures.clauses.water_temperature import water_temperature
from meterbench.procedures.edition import Edition
from meterbench.procedures.suite import Procedure, Suite

NAME = "type-approval"


PROCEDURES: dict[str, Procedure] = {
    "static_pressure": Procedure(static_pressure, ("operator",), 5_400.0),
    "intrinsic_error": Procedure(intrinsic_error, ("operator",), 40_000.0),
    "water_temperature": Procedure(water_temperature, (), 25_000.0),
    "overload_temperature": Procedure(overload_temperature, ("operator",), 30_000.0),
    "water_pressure": Procedure(water_pressure, (), 4_000.0),
    "flow_reversal": Procedure(flow_reversal, ("operator",), 6_000.0),
    "pressure_loss": Procedure(pressure_loss, ("operator",), 2_500.0),
    "flow_disturbance": Procedure(flow_disturbance, ("operator",), 14_000.0),
    "durability_discontinuous": Procedure(durability_discontinuous, ("operator",), 3_250_000.0),
    "durability_continuous": Procedure(durability_continuous, ("operator",), 410_000.0),
    "magnetic_field": Procedure(magnetic_field, ("operator",), 1_800.0),
    "ancillary_devices": Procedure(ancillary_devices, ("operator",), 1_800.0),
    "dry_heat": Procedure(dry_heat, CLIMATE, 30_000.0),
    "cold": Procedure(cold, CLIMATE, 24_000.0),
    "damp_heat": Procedure(damp_heat, CLIMATE, 200_000.0),
    "supply_voltage": Procedure(supply_voltage, ("operator", "supply"), 80_000.0),
    "supply_interruption": Procedure(supply_interruption, ("operator",), 6_000.0),
    "electrostatic_discharge": Procedure(electrostatic_discharge, ("operator",), 5_000.0),
    "radiated_field": Procedure(radiated_field, ("operator",), 18_000.0),
    "absence_of_flow": Procedure(absence_of_flow, ("operator",), 5_400.0),
    "software_examination": Procedure(software_examination, ("operator",), 600.0),
}
"""By the test's key in the edition."""


def suite(edition: Edition) -> Suite:
    """The programme by an edition of the standard."""
    tests = [test for test in edition.tests() if test.key in PROCEDURES]
    return Suite(NAME, "Type evaluation", "7, 8", edition, tests, PROCEDURES, edition.not_applicable())
