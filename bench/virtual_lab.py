"""The virtual laboratory: one plant, reference meters in its line, and a simulator behind every instrument's address.

Simulators are served by one asyncio loop in a background thread, and the world is touched only there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from meterbench.bench.instrument_sections import InstrumentSection
from meterbench.bench.line_sections import VirtualMeterSection, VirtualSection
from meterbench.bench.simulators import SIMULATORS, Sampled, Server, Simulated
from meterbench.bench.station import StationFile
from meterbench.bench.virtual_operator import VirtualOperator
from meterbench.dut.reference_meter.hardware.body import Body, draw_body
from meterbench.dut.reference_meter.hardware.truth import Truth
from meterbench.dut.reference_meter.meter import Fitted, ReferenceMeter
from meterbench.errors import ConfigError
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.rig.plc_logic import PlcLogic
from meterbench.instruments.roles import ROLES
from meterbench.world.air import Air
from meterbench.world.climate import Chamber, Climate
from meterbench.world.plant import Plant, PlantSpec, Slot

WALL_STEP_S = 0.02
LONGEST_WALL_STEP_S = 0.5
"""A machine that is too slow must not take ever longer steps to catch up."""


class VirtualLab:
    """Everything that answers on the other side of the wires; ``start`` it, take its ``addresses``, ``advance`` it."""

    def __init__(self, station: StationFile) -> None:
        if station.virtual is None:
            raise ValueError("this station is not simulated")
        self._station = station
        self._spec = station.virtual
        self._streams = np.random.SeedSequence(self._spec.seed)
        self.addresses: dict[str, list[str]] = {}
        """By role; one counter a slot."""
        self.meters = [_meter(section, self._spec.seed) for section in self._spec.meters]
        bodies = [
            draw_body(
                meter.nameplate.designation.dn,
                self._rng(f"body {meter.nameplate.serial}"),
                meter.unit.sensor.truth,
            )
            for meter in self.meters
        ]
        self.plant = _plant(self._spec, self.meters, bodies, self._rng("plant"), self._rng("air"))
        self.chamber = Chamber(lambda: self.plant.air) if station.instruments.chamber else None
        self._climate = Climate(self.chamber, self.meters) if self.chamber else None
        self.plc = PlcLogic(self.plant, self._rng("rig"))
        self.plant.controllers.append(self.plc)
        self.operator = VirtualOperator(self.plant, self.meters, bodies, self._rng("operator's hand"))
        self._speed = 1.0
        self.lost_s = 0.0
        """World seconds that the machine could not keep up with, when it lives on by itself."""
        self._loop = LoopThread("virtual-lab")
        self._servers: list[Server] = []
        self._samplers: list[Callable[[], None]] = []

    def start(self, speed: float | None = None) -> dict[str, list[str]]:
        """Open all simulators on loopback ports that the system chooses; their addresses by role.

        ``speed``: the world lives on by itself, so many times as fast as a real one; without, ``advance`` moves it.
        """
        self._loop.start()
        self.addresses = self._loop.run(self._start())
        if speed is not None:
            self._speed = speed
            self._loop.call(lambda: self._loop.loop.call_later(WALL_STEP_S, self._live, time.monotonic()))
        return self.addresses

    def _live(self, since_s: float) -> None:
        now_s = time.monotonic()
        passed_s = now_s - since_s
        if passed_s > LONGEST_WALL_STEP_S:
            self.lost_s += (passed_s - LONGEST_WALL_STEP_S) * self._speed
            passed_s = LONGEST_WALL_STEP_S
        self._advance(passed_s * self._speed)
        self._loop.loop.call_later(WALL_STEP_S, self._live, now_s)

    def advance(self, duration_s: float) -> bool:
        """Let the world live on by ``duration_s`` seconds; True if the plant was steady all the while.

        A chamber moves for hours, and so slowly that nobody needs to look at it twice a second for that.
        """
        return self._loop.call(lambda: self._advance(duration_s))

    def stop(self) -> None:
        """Close all simulators; safe to call twice."""
        servers, self._servers = self._servers, []
        for server in servers:
            self._loop.run(server.stop())
        self._loop.stop()

    async def _start(self) -> dict[str, list[str]]:
        addresses: dict[str, list[str]] = {}
        for role, section in self._station.instruments.by_role().items():
            if not section.simulated:
                continue
            if ROLES[role].per_slot:
                wires = list(enumerate(section.virtual_wires(len(self.meters)), start=1))
            else:
                wires = [(0, section.virtual_wires(1)[0])]
            addresses[role] = [await self._serve(role, section, wire, slot) for slot, wire in wires]
        return addresses

    async def _serve(self, role: str, section: InstrumentSection, wire: str, slot: int) -> str:
        seat = Simulated(
            role=role,
            driver=section.driver,
            settings=section.settings,
            slot=slot,
            plant=self.plant,
            meter=self.meters[slot - 1] if slot else None,
            plc=self.plc,
            chamber=self.chamber,
            operator=self.operator,
            rng=self._rng(f"{role} {slot}" if slot else role),
            faults=self._faults(role),
            seed=self._spec.seed,
        )
        server = SIMULATORS[section.driver](seat)
        if isinstance(server, Sampled):
            self._samplers.append(server.sample)
        self._servers.append(server)
        try:
            return await server.start(wire)
        except ConfigError as error:
            raise ConfigError(f"instruments.{role}.address: {section.driver}: {error}") from None

    def _advance(self, duration_s: float) -> bool:
        self.plc.bench_turn(duration_s)
        steady = True

        def advance_plant(piece_s: float) -> bool:
            nonlocal steady
            steady = self.plant.advance(piece_s) and steady
            return steady

        if self._climate is None:
            advance_plant(duration_s)
        else:
            self._climate.advance(duration_s, advance_plant)
        for sample in self._samplers:
            sample()
        return steady

    def _rng(self, name: str) -> np.random.Generator:
        """A stream of its own for each source of chance: what one instrument draws moves no other."""
        key = int.from_bytes(name.encode(), "big")
        return np.random.default_rng(np.random.SeedSequence((self._spec.seed, key)))

    def _faults(self, role: str) -> FaultPlan:
        sections = self._spec.faults.get(role, [])
        return FaultPlan(tuple(section.fault() for section in sections), self._spec.seed)


def _meter(section: VirtualMeterSection, seed: int) -> ReferenceMeter:
    truth = Truth(**section.truth.model_dump(exclude={"water_leak_l_h"}))
    return ReferenceMeter(section.nameplate(), truth, seed=seed, fitted=Fitted(section.sensor))


def _plant(
    spec: VirtualSection,
    meters: list[ReferenceMeter],
    bodies: list[Body],
    rng: np.random.Generator,
    weather: np.random.Generator,
) -> Plant:
    slots = [
        Slot(meter, body.loss_kpa, section.truth.water_leak_l_h)
        for meter, body, section in zip(meters, bodies, spec.meters, strict=True)
    ]
    air = Air(
        spec.ambient_temp_c,
        pressure_hpa=1013.25 + 8.0 * float(weather.standard_normal()),
        humidity_percent=float(np.clip(50.0 + 8.0 * weather.standard_normal(), 10.0, 90.0)),
    )
    plant_spec = PlantSpec(
        water_temp_c=spec.water_temp_c,
        supply_pressure_kpa=1000.0 * spec.supply_pressure_mpa,
        flow_noise=spec.flow_noise_percent / 100.0,
    )
    return Plant(plant_spec, air, slots, rng)
