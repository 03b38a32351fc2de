"""What the tests of the reference meter share: making one, and letting water flow through it."""

from __future__ import annotations

from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.sensors.fitted import Fitted
from meterbench.dut.variants import rating
from meterbench.world.segment import Segment

LARGEST_Q3 = {15: 2.5, 20: 4, 25: 6.3}


def nameplate(dn: int = 15, serial: str = "10000001", pulse_volume_ml: float = 0.1) -> Nameplate:
    """Of the R1600 of a diameter."""
    designation = Designation(dn, 1, 1)
    return Nameplate(serial, designation, rating(designation, LARGEST_Q3[dn], 1600), pulse_volume_ml)


def make(
    dn: int = 15,
    truth: Truth | None = None,
    *,
    seed: int = 1,
    serial: str = "10000001",
    fidelity: Fidelity = Fidelity.AUTO,
    fitted: Fitted = Fitted.NONE,
    pulse_volume_ml: float = 0.1,
) -> ReferenceMeter:
    """A meter in the line."""
    plate = nameplate(dn, serial, pulse_volume_ml)
    return ReferenceMeter(plate, truth, seed=seed, fidelity=fidelity, fitted=fitted)


class Line:
    """A line with one meter: lets water of any kind flow through it, one stretch after the other."""

    def __init__(self, meter: ReferenceMeter) -> None:
        self.meter = meter
        self.now_s = 0.0

    def flow(
        self,
        flow_l_h: float,
        duration_s: float,
        temp_c: float = 20.0,
        *,
        pressure_mpa: float = 0.5,
        fill: float = 1.0,
        bubbles: float = 0.0,
        microbubbles: float = 0.0,
    ) -> float:
        """Let water flow; what the meter registered meanwhile, forward less reverse, in L."""
        before = self.meter.registers()
        self.meter.advance(Segment(self.now_s, duration_s, flow_l_h, temp_c, pressure_mpa, fill, bubbles, microbubbles))
        self.now_s += duration_s
        after = self.meter.registers()
        return after.forward_l - before.forward_l - (after.reverse_l - before.reverse_l)
