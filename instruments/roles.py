"""The roles that instruments fill at a station: what a bench asks for, whatever the maker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """What a station file may, or must, say of a role."""

    does: str
    """In a few words, for tables and ``--help``."""
    required: bool = False
    per_slot: bool = False
    """One instrument a slot of the line, in order; where it is not required, the first slots may have one."""
    unit: str = ""
    """In which its certificate states an uncertainty, as the bench computes; empty where no result rests on it."""


ROLES = {
    "rig": Role("pump, valves, diverter, pressures: the flow rig's PLC", required=True, unit="s"),
    "balance": Role("weighs what was collected", required=True, unit="g"),
    "thermometer": Role("platinum probe in the line", required=True, unit="K"),
    "counter": Role("counts the meter's test pulses", required=True, per_slot=True, unit="%"),
    "master_a": Role("flow meter in line A", unit="%"),
    "master_b": Role("flow meter in line B", unit="%"),
    "master_c": Role("flow meter in line C", unit="%"),
    "pressure": Role("gauge pressure before the meters", unit="kPa"),
    "chamber": Role("climate around the meter"),
    "chamber_probe": Role("platinum probe in the chamber", unit="K"),
    "supply": Role("stands for the meter's battery, and measures its current", per_slot=True, unit="%"),
    "aux_supply": Role("feeds what stands beside the meter"),
    "rtd": Role("stands for the meter's PT1000", per_slot=True, unit="ohm"),
    "analyser": Role("sees the meter's transmissions", unit="dB"),
    "scanner": Role("reads the barcode on the nameplate"),
    "operator": Role("the person at the bench: magnets, ESD, vibration, and what no driver can do"),
}
"""In the order in which tables list them."""

REQUIRED = tuple(name for name, role in ROLES.items() if role.required)
"""What a station must have."""
