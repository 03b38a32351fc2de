"""Each clause has a bad unit that fails it and no other: whole type evaluations, four units a line. Kind: plant.

Figures are shortened where only time is at stake: fewer durability cycles with faster wear, one place of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.record import load
from meterbench.bench.session import Programme, session
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum
from meterbench.procedures import edition, type_evaluation
from tests.conftest import QUICK_METER, station_content

BAD_UNITS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaking body": ("7.3", {"leak_above_mpa": 2.2}),
    "gain drifts with the water's temperature": ("7.5", {"gain_slope_percent_k": 0.15}),
    "weak pressure rating": ("7.7", {"gain_percent_mpa": 2.4}),
    "bad reverse calibration": ("7.8", {"reverse_offset_l_h": 2.0}),
    "loses too much pressure": ("7.9", {"loss_factor": 1.5}),
    "sensitive to the flow profile": ("7.10", {"swirl_percent": 3.0}),
    "ages": ("7.11", {"gain_percent": -0.9, "wear_percent_1000_m3": 13.0}),
    "sensitive to magnets": ("7.12", {"magnet_percent": 3.5}),
    "heat": ("8.2", {"heat_percent_k": 0.32}),
    "cold": ("8.3", {"cold_percent_k": 0.13}),
    "humidity": ("8.4", {"damp_percent": 1.6}),
    "supply": ("8.5.3", {"low_supply_percent_v": 11.0}),
    "reset by ESD": ("8.11", {"esd_upset_s": 0.15}),
    "noisy in a field": ("8.12", {"field_percent": 2.0}),
    "creeps at zero flow": ("8.17", {"creep": True}),
    "changed firmware": ("software", {"software_altered": True}),
}
"""What is wrong, the one clause that it fails, and how it is seeded."""
A_LINE = 4
LINES = [list(BAD_UNITS)[first : first + A_LINE] for first in range(0, len(BAD_UNITS), A_LINE)]


def shortened() -> edition.Edition:
    """The edition with every sample in every test, and less of what only takes time."""
    changes: dict[str, dict[str, Any]] = {test.key: {"samples": 0} for test in edition.load().tests()}
    changes["durability_discontinuous"] |= {"cycles": {"value": 5000, "confirmed": False}}
    changes["durability_continuous"] |= {"duration_s": {"value": 600.0, "confirmed": False}}
    changes["radiated_field"] |= {
        "frequencies_mhz": {"values": [435.0], "confirmed": False},
        "polarisations": {"names": ["vertical"], "confirmed": False},
    }
    once: dict[str, dict[str, Any]] = {
        "flow_disturbance": {"disturbers": {"tests": [["1", "1", "upstream"]]}},
        "magnetic_field": {"positions": {"places": ["indicating device"]}},
        "electrostatic_discharge": {"points": {"contact": ["coupling plane"], "air": ["display window"]}},
        "supply_voltage": {"sources": {"names": ["C1"]}, "switch_overs": {"pairs": [["C1", "BACKUP"]]}},
    }
    for key, figures in once.items():
        changes[key] |= {name: figure | {"confirmed": False} for name, figure in figures.items()}
    return edition.load(**changes)


def line(units: Mapping[str, dict[str, Any]]) -> station.StationFile:
    """A station with these units, as their serials are named, and all that a type evaluation needs."""
    meters = [QUICK_METER | {"serial": serial, "truth": truth} for serial, truth in units.items()]
    content = station_content(*meters)
    content["type"] = {"software": f"{SOFTWARE_ID} {software_checksum()}"}
    calibration = {"certificate": "V", "due": "2027-06-30"}
    content["instruments"] |= {
        "operator": {"driver": "operator_panel", "address": "virtual"},
        "pressure": {"driver": "keller_bus", "address": "virtual",
                     "calibration": calibration | {"expanded_uncertainty": "1.5 kPa"}},
        "chamber": {"driver": "weiss_simserv", "address": "virtual"},
        "chamber_probe": {"driver": "keysight_34461a", "address": "virtual",
                          "calibration": calibration | {"expanded_uncertainty": "0.05 K"},
                          "probe": {"r0_ohm": 100.0, "a": 3.9083e-3, "b": -5.775e-7, "c": -4.183e-12}},
        "supply": {"driver": "rs_ngu201", "address": ["virtual"] * len(meters),
                   "calibration": calibration | {"expanded_uncertainty": "0.1 %"}},
    }  # fmt: skip
    return station.parse(content, "test")


def _is_of(clause: str, whole: str) -> bool:
    """7.11.2 and 7.11.3 are parts of 7.11: what ages in the first has aged in the second."""
    return clause == whole or clause.startswith(f"{whole}.")


@pytest.mark.sweep  # minutes a line: each clause's own tests have its bad unit, too
@pytest.mark.parametrize("named", LINES, ids=[", ".join(names) for names in LINES])
def test_a_bad_unit_fails_its_clause_and_no_other(named: list[str], tmp_path: Path) -> None:
    """Of a line with four bad units each one fails the clause that it is bad in, and passes all others."""
    tables = shortened()
    units = {f"3000000{number}": BAD_UNITS[name][1] for number, name in enumerate(named)}
    suite = type_evaluation.suite(tables)
    programme = Programme(suite.name, suite.title, tables.header(suite.clause))
    with session(line(units), programme, tmp_path / "run") as (run, bench):
        suite.carry_out_all(run, bench)
    record = load(tmp_path / "run")
    found = {
        serial: {each.clause: each.verdict for each in record.clause_verdicts if each.meter == serial}
        for serial in units
    }
    every_clause = [test.clause for test in tables.tests()]
    expected = {
        serial: {clause: "FAIL" if _is_of(clause, BAD_UNITS[name][0]) else "PASS" for clause in every_clause}
        for serial, name in zip(units, named, strict=True)
    }
    reasons = [(each.clause, each.meter, each.reasons) for each in record.clause_verdicts if each.reasons]
    assert found == expected, reasons
