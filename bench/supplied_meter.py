"""A simulated meter on a simulated supply: the leads go into C1, and the supply measures what the meter draws there."""

from __future__ import annotations

from meterbench.dut.reference_meter.hardware.power.played_pack import PlayedPack
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.supply.fed_load import Drawn, Output
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim


class SuppliedMeter:
    """A ``Load``: with its first output the meter's packs are out, and its capacitor has settled on the supply."""

    def __init__(self, meter: ReferenceMeter) -> None:
        self._meter = meter
        self._leads = PlayedPack()
        self._led_in = False

    def feed(self, output: Output) -> None:
        """The supply has this output from now on."""
        if self._led_in:
            self._meter.turn_up(self._leads, output.open_v, output.resistance_ohm, output.limit_ma)
        elif output.open_v > 0.0:
            self._leads = PlayedPack(output.open_v, output.resistance_ohm, output.limit_ma)
            self._meter.lead_in(self._leads)
            self._led_in = True

    def drawn(self) -> Drawn:
        """What the meter takes; between two of its shots evenly, but for the part of each shot that the capacitor's own
        resistance leaves to the supply."""
        if not self._led_in:
            return Drawn(0.0, 0.0, 0.0)
        voltage_v, current_ma = self._meter.at_leads()
        shots_per_s, shot_mc = self._meter.shots_at_leads()
        return Drawn(voltage_v, current_ma, self._leads.drawn_mah, shots_per_s, shot_mc)


class SupplyServer(ScpiServer):
    """Serves a supply that looks at its load after each step of the world."""

    def __init__(self, box: RsNgu201Sim | KeysightN6705CSim, faults: FaultPlan) -> None:
        super().__init__(box.scpi, faults)
        self.sample = box.sample
