"""Information concerning the type (ISO 4064-3, 4.2): what the record knows of it; the rest is left to be filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meterbench.bench.record import RunRecord
from meterbench.reports.blocks import BLANK, Block, Facts, Text
from meterbench.reports.common_sections import meters_table
from meterbench.reports.tables import nominal_text

Meter = dict[str, Any]


def _flow_m3_h(key: str) -> Callable[[Meter], str]:
    return lambda meter: f"{nominal_text(meter[key] / 1000.0)} m³/h"


_FIELDS: tuple[tuple[str, Callable[[Meter], str] | None], ...] = (
    ("Manufacturer", None),
    ("Model, designation", lambda meter: str(meter["designation"])),
    ("Type details", lambda meter: f"DN {meter['dn']}"),
    ("Q1", _flow_m3_h("q1_l_h")),
    ("Q2", _flow_m3_h("q2_l_h")),
    ("Q3", _flow_m3_h("q3_l_h")),
    ("Q4", _flow_m3_h("q4_l_h")),
    ("Q2/Q1", lambda meter: nominal_text(round(meter["q2_l_h"] / meter["q1_l_h"], 9))),
    ("Q3/Q1", lambda meter: str(meter["ratio"])),
    ("Measuring principle", None),
    ("Accuracy class", lambda meter: str(meter["accuracy_class"])),
    ("Temperature class", lambda meter: str(meter["temperature_class"])),
    ("Environmental class", None),
    ("Electromagnetic environment", None),
    ("Maximum admissible pressure", lambda meter: f"{meter['max_pressure_mpa']:g} MPa"),
    ("Orientation limitation", None),
    ("Tested at severity", None),
    ("Connection type", None),
    ("Straight inlet and outlet, flow conditioner", None),
    ("Mounting, orientation", None),
    ("Pressure loss class", lambda meter: str(meter["pressure_loss_class"])),
    ("Reverse flow", None),
    ("Resolution of the indicator", None),
    ("Indicating range", None),
    ("Flow profile sensitivity class", None),
    ("Power supply: type, Umax, Umin", None),
)
"""Fields of the record of an electronic meter, and where a sample's nameplate tells them."""


def type_information(record: RunRecord) -> list[Block]:
    """Samples, the fields of the type, and the software that the samples showed."""
    items = [(name, _told(record.batch, tell)) for name, tell in _FIELDS]
    shown = {
        act["details"].get("meter", ""): " ".join(act["answer"].split())
        for act in record.acts
        if act["name"] == "read_software"
    }
    software = "; ".join(f"{serial}: {answer}" for serial, answer in shown.items())
    items.append(("Software identification, as displayed", software or BLANK))
    return [
        meters_table(record),
        Facts(items),
        Text("A blank line is to be filled in: the record of the run does not hold it.", "note"),
    ]


def _told(batch: list[Meter], tell: Callable[[Meter], str] | None) -> str:
    if tell is None:
        return BLANK
    try:
        return ", ".join(dict.fromkeys(tell(meter) for meter in batch)) or BLANK
    except (KeyError, TypeError):
        return BLANK  # not in this record
