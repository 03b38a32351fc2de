"""The functions of an ADR meter by its technical description that no test of the type evaluation covers, and that can
be seen from outside."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from meterbench.procedures.edition import Edition
from meterbench.procedures.functions.battery_life import battery_life
from meterbench.procedures.functions.display import display
from meterbench.procedures.functions.flow_alarms import burst, leak, reverse
from meterbench.procedures.functions.formats import formats
from meterbench.procedures.functions.icons_shown import icons_shown
from meterbench.procedures.functions.low_battery import low_battery
from meterbench.procedures.functions.measuring_cycle import measuring_cycle
from meterbench.procedures.functions.modes import measurement_mode, transportation_mode, verification_mode
from meterbench.procedures.functions.nameplate import nameplate
from meterbench.procedures.functions.off_state import off_state
from meterbench.procedures.functions.shown_registers import shown_registers
from meterbench.procedures.functions.tamper import tamper
from meterbench.procedures.functions.threshold import threshold
from meterbench.procedures.suite import Procedure, Suite

NAME = "functional"

_ON_SUPPLY = ("operator", "supply")

PROCEDURES: dict[str, Procedure] = {
    "nameplate": Procedure(nameplate, ("operator", "scanner"), 900.0),
    "display": Procedure(display, ("operator",), 600.0),
    "formats": Procedure(formats, ("operator",), 600.0),
    "registers": Procedure(shown_registers, ("operator",), 5_500.0),
    "threshold": Procedure(threshold, ("operator",), 2_500.0),
    "tamper": Procedure(tamper, ("operator",), 5_000.0),
    "reverse": Procedure(reverse, ("operator",), 2_700.0),
    "burst": Procedure(burst, ("operator",), 5_500.0),
    "leak": Procedure(leak, ("operator",), 89_000.0),
    "transportation": Procedure(transportation_mode, ("operator",), 1_500.0),
    "test_mode": Procedure(verification_mode, ("operator",), 89_000.0),
    "measurement": Procedure(measurement_mode, _ON_SUPPLY, 2_500.0),
    "measuring_cycle": Procedure(measuring_cycle, _ON_SUPPLY, 5_000.0),
    "battery_life": Procedure(battery_life, _ON_SUPPLY, 94_000.0, on_request=True),
    "low_battery": Procedure(low_battery, _ON_SUPPLY, 68_000.0),
    "icons": Procedure(icons_shown, ("operator",), 2_000.0),
    "off_state": Procedure(off_state, _ON_SUPPLY, 4_000.0),
}
"""By the function's key in ``functions.toml``. The mean current is measured before a test ends the WAN's connection."""


def suite(edition_id: str = "2014", **changes: dict[str, Any]) -> Suite:
    """The programme; errors of indication are judged by an edition of the standard. ``changes`` replace figures of
    functions: ``leak={"period_s": {…}}``; a record says so in its title."""
    tables = _table(f"editions/{edition_id}.toml")
    functions = _table("functions.toml")
    for key, figures in changes.items():
        functions["tests"][key] |= figures
    if changes:
        functions["title"] += f", with other figures in {', '.join(sorted(changes))}"
    edition = Edition(tables | functions)
    return Suite(NAME, "Functions of the ADR series", "5 to 15", edition, edition.tests(), PROCEDURES)


def _table(path: str) -> dict[str, Any]:
    return tomllib.loads((files("meterbench.procedures") / path).read_text(encoding="utf-8"))
