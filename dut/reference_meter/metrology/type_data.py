"""What every meter of a nominal diameter has in common: drawing, expansion, and the type's correction over Re.

The figures are data (``type_data.toml``). The correction was measured on prototypes; ``production/characterise.py``
says how, and makes it again.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from meterbench.dut.reference_meter.metrology.calibration import Calibration


@cache
def type_calibration(dn: int) -> Calibration:
    """The calibration that the programme is loaded with: the type's, no unit's. ``KeyError`` for other diameters."""
    text = resources.files(__package__).joinpath("type_data.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    drawing, correction = told["drawing"][str(dn)], told["correction"]
    return Calibration(
        throat_m=drawing["throat_m"],
        axial_m=drawing["axial_m"],
        legs_m=drawing["legs_m"],
        expansion_per_k=told["material"]["expansion_per_k"],
        re_knots=tuple(correction["re_knots"]),
        factors=tuple(correction["factors"]),
    )
