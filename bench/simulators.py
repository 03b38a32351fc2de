"""Which simulator stands behind which driver's name, and how each is wired to the one plant: the virtual lab's."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.instruments.balance.mettler_mt_sics_sim import MtSicsSim
from meterbench.instruments.counter.keysight_53220a_sim import Keysight53220ASim
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.instruments.scpi.server import ScpiServer
from meterbench.instruments.thermometer.keysight_34461a_sim import Keysight34461ASim
from meterbench.world.plant import Plant
from meterbench.world.sensors import PlatinumProbe


class Server(Protocol):
    """A simulator on its wire; made, started, used and stopped in the lab's loop."""

    async def start(self, wire: str = "", /) -> str:
        """Open ``wire`` (empty: the usual one); the address to give to the driver. ``ConfigError`` if it has no such
        wire."""

    async def stop(self) -> None:
        """Take it off its wire; safe to call twice."""


@runtime_checkable
class Sampled(Protocol):
    """A simulator that must look at the plant after each step of the world."""

    def sample(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """An instrument of a simulated station, and what stands behind it."""

    role: str
    driver: str
    settings: Mapping[str, Any]
    slot: int
    """From 1; 0 for instruments that are no slot's."""
    plant: Plant
    meter: ReferenceMeter | None
    """What is clamped into that slot."""
    plc: PlcLogic
    rng: np.random.Generator
    """A stream of its own."""
    faults: FaultPlan
    seed: int

    def now_s(self) -> float:
        """The world's time."""
        return self.plant.now_s

    @property
    def of_slot(self) -> ReferenceMeter:
        """The meter, of an instrument that is one a slot."""
        if self.meter is None:
            raise ValueError(f"{self.role} belongs to no slot")
        return self.meter


def _rig_plc(seat: Simulated) -> Server:
    return ModbusPlcSim(seat.plc, seat.faults)


def _mt_sics(seat: Simulated) -> Server:
    return MtSicsSim(seat.plant.pan_mass_g, seat.now_s, seat.rng, faults=seat.faults)


def _keysight_34461a(seat: Simulated) -> Server:
    probe = PlatinumProbe(r0_ohm=100.0 * (1.0 + 2e-5 * float(seat.rng.standard_normal())))
    multimeter = Keysight34461ASim(
        lambda: probe.resistance_ohm(seat.plant.water_temp_middle_c), random.Random(seat.seed)
    )
    return ScpiServer(multimeter.scpi, seat.faults)


def _keysight_53220a(seat: Simulated) -> Server:
    counter = Keysight53220ASim(lambda at_s: seat.of_slot.pulse_count(at_s), serial=f"MY5000{seat.slot:04}")
    seat.plant.diverter.listeners.append(counter.on_gate)
    return ScpiServer(counter.scpi, seat.faults)


SIMULATORS: dict[str, Callable[[Simulated], Server]] = {
    "rig_plc": _rig_plc,
    "mt_sics": _mt_sics,
    "keysight_34461a": _keysight_34461a,
    "keysight_53220a": _keysight_53220a,
}
"""By the name of the driver that speaks with it."""
