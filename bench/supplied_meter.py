"""A simulated meter on a simulated supply, whose leads stand in the place of a pack; the supply measures what the
meter draws there."""

from __future__ import annotations

from meterbench.dut.reference_meter.hardware.power.pack import Inserted
from meterbench.dut.reference_meter.hardware.power.played_pack import PlayedPack
from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.supply.fed_load import Drawn, Output
from meterbench.instruments.supply.keysight_n6705c_sim import KeysightN6705CSim
from meterbench.instruments.supply.rs_ngu201_sim import RsNgu201Sim


class SuppliedMeter:
    """A ``Load``: with its first output the meter's packs are out, the leads are in C1, and its capacitor has settled
    on the supply. From then on they stay where somebody puts them."""

    def __init__(self, meter: ReferenceMeter) -> None:
        self._meter = meter
        self._leads = PlayedPack()
        self._connected_once = False
        self.place: Place | None = None
        """Where the leads are; None: outside."""
        self._packs: dict[Place, Inserted] = {}
        """Taken out for the leads."""

    def feed(self, output: Output) -> None:
        """The supply has this output from now on."""
        self._meter.turn_up(self._leads, output.open_v, output.resistance_ohm, output.limit_ma)
        if output.open_v > 0.0 and not self._connected_once:
            self.connect(Place.C1)

    def connect(self, place: Place) -> None:
        """Take all packs out, and put the leads into a place."""
        if self.place is not None:
            self._meter.remove(self.place)
        self._packs |= self._meter.lead_in(self._leads, place)
        self.place, self._connected_once = place, True

    def disconnect(self) -> None:
        """Put the packs back and take the leads out: those of the leads' own place at last. Nothing happens while the
        leads are outside."""
        if self.place is None:
            return
        last, self.place = self.place, None
        for place, pack in self._packs.items():
            if place not in self._meter.packs:
                self._meter.insert(place, pack)
        self._meter.remove(last)
        if last in self._packs:
            self._meter.insert(last, self._packs[last])
        self._packs = {}

    def drawn(self) -> Drawn:
        """What the meter takes; between two of its shots evenly, but for the part of each shot that the capacitor's own
        resistance leaves to the supply."""
        if self.place is None:
            return Drawn(self._leads.open_v, 0.0, self._leads.drawn_mah)
        voltage_v, current_ma = self._meter.at_leads(self.place)
        shots_per_s, shot_mc = self._meter.shots_at_leads(self.place)
        return Drawn(voltage_v, current_ma, self._leads.drawn_mah, shots_per_s, shot_mc)


class SupplyServer(ScpiServer):
    """Serves a supply that looks at its load after each step of the world."""

    def __init__(self, box: RsNgu201Sim | KeysightN6705CSim, faults: FaultPlan) -> None:
        super().__init__(box.scpi, faults)
        self.sample = box.sample
