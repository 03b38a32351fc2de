"""The meter's two-wire resistance input: what the firmware is told of the element at the end of the leads.

Two wires cannot tell the element from its leads: loop and contact resistance are part of the reading (metering.md 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from meterbench.dut.reference_meter.hardware.sensors.pt1000 import Element, draw_element

LEAD_LOOP_OHM = 0.025
"""0.1 m of a copper pair of 0.14 mm2 (metering.md 4.1)."""
REFERENCE_TOLERANCE = 1e-4
"""[design] The reference resistor's tolerance, 0.01 %: 0.03 K at 70 degC."""
NOISE_OHM = 0.01
"""[design] Standard deviation of one reading: 2.6 mK."""
RANGE_OHM = (0.0, 2000.0)
"""[design] Where the converter saturates; an open circuit reads the upper end."""


class WireFault(Enum):
    """What can happen to the leads."""

    OPEN = "open"
    SHORT = "short"


@dataclass(slots=True)
class ResistanceInput:
    """One unit's input with its element; ``rng`` draws its noise. Leads and faults may change in service."""

    element: Element
    reference_error: float
    """The reference resistor's own deviation, relative; positive reads high."""
    rng: np.random.Generator
    noise_ohm: float = NOISE_OHM
    lead_loop_ohm: float = LEAD_LOOP_OHM
    contact_ohm: float = 0.0
    fault: WireFault | None = None
    played_ohm: Callable[[], float] | None = None
    """A resistance simulator is connected in the element's place: what it and its leads have now; infinite: open."""

    def measured_ohm(self, element_temp_c: float) -> float:
        """One reading, ohm, with the element at this temperature (degC)."""
        reading_ohm = self._at_terminals_ohm(element_temp_c) * (1.0 + self.reference_error)
        reading_ohm += self.noise_ohm * float(self.rng.standard_normal())
        lowest_ohm, highest_ohm = RANGE_OHM
        return min(max(reading_ohm, lowest_ohm), highest_ohm)

    def _at_terminals_ohm(self, element_temp_c: float) -> float:
        if self.fault is WireFault.OPEN:
            return math.inf
        if self.fault is WireFault.SHORT:
            element_ohm = 0.0
        elif self.played_ohm is not None:
            element_ohm = self.played_ohm()
        else:
            element_ohm = self.element.resistance_ohm(element_temp_c)
        return element_ohm + self.lead_loop_ohm + self.contact_ohm


def draw_resistance_input(unit_rng: np.random.Generator, noise_rng: np.random.Generator) -> ResistanceInput:
    """The input and element of a unit: ``unit_rng`` decides what they are, ``noise_rng`` what will be read."""
    return ResistanceInput(
        element=draw_element(unit_rng),
        reference_error=float(unit_rng.uniform(-REFERENCE_TOLERANCE, REFERENCE_TOLERANCE)),
        rng=noise_rng,
    )
