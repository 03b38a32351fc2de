"""A master meter on its wire, and water that the test turns on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from meterbench.instruments.capabilities import MasterReading
from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.master_meter.modbus_master import MasterMeterSettings, ModbusMasterMeter
from meterbench.instruments.master_meter.modbus_master_sim import MasterErrors, ModbusMasterSim, WaterSeen
from meterbench.instruments.master_meter.profile import load_profile
from tests.instruments.subjects import Subject

NAMES = ("krohne_mfc400", "krohne_ifc300", "siemens_mag6000", "endress_promass")
LINK_DEADLINE_S = 0.12
FAITHFUL = MasterErrors()


@dataclass
class Water:
    """Water that flows as the test says; its density is a plain number, its time the test's."""

    flow_l_h: float = 2500.0
    temp_c: float = 20.0
    density_kg_m3: float = 998.2
    now_s: float = 0.0
    volume_l: float = 0.0
    each_step: list[Callable[[], None]] = field(default_factory=list)

    def seen(self) -> WaterSeen:
        return WaterSeen(lambda: self.flow_l_h, lambda: self.volume_l, lambda: self.temp_c, lambda: self.density_kg_m3)

    def run(self, duration_s: float) -> None:
        """Let it run at the present flow."""
        self.now_s += duration_s
        self.volume_l += self.flow_l_h * duration_s / 3600.0
        for look in self.each_step:
            look()


@dataclass
class Bench:
    """A simulated master meter that is served, and its water."""

    name: str
    sim: ModbusMasterSim
    water: Water
    address: str
    loop_thread: LoopThread

    def run(self, duration_s: float) -> None:
        """Let the water run, in the loop in which the simulator lives."""
        self.loop_thread.call(lambda: self.water.run(duration_s))

    def meter(self, **settings: Any) -> ModbusMasterMeter:
        """A driver that is not opened yet, with a short deadline."""
        given = {"accept_low_flow_cutoff": not load_profile(self.name).low_flow_cutoffs} | settings
        checked = MasterMeterSettings.model_validate(given)
        link = ModbusLink("master_a", self.address, unit_id=checked.unit_id, deadline_s=LINK_DEADLINE_S)
        return ModbusMasterMeter("master_a", link, load_profile(self.name), checked)


@contextmanager
def serving(loop_thread: LoopThread, name: str, wire: str = "tcp", **box: Any) -> Iterator[Bench]:
    """``box``: what ``ModbusMasterSim`` takes; without errors unless they are given."""
    water = Water()

    async def start() -> tuple[ModbusMasterSim, str]:
        given = {"errors": FAITHFUL, "faults": FaultPlan(), "rng": np.random.default_rng(1)} | box
        sim = ModbusMasterSim(load_profile(name), water.seen(), lambda: water.now_s, given.pop("rng"), **given)
        water.each_step.append(sim.sample)
        return sim, await sim.start(wire)

    sim, address = loop_thread.run(start())
    try:
        yield Bench(name, sim, water, address, loop_thread)
    finally:
        loop_thread.run(sim.stop())


Serve = Callable[..., Bench]
"""``serve(name, wire, **box)``: a master meter that is served until the end of the test."""
Open = Callable[..., ModbusMasterMeter]
"""``opened(bench, **settings)``: a driver on it, closed after the test."""


@contextmanager
def subject_of(loop_thread: LoopThread, name: str, wire: str, answers: int) -> Iterator[Subject]:
    """A master meter for the fault matrix: one reading of a meter with errors of its own."""
    errors = MasterErrors(gain=1.002, zero_l_h=0.01, temp_offset_c=0.05, density_offset_kg_m3=0.2)
    with serving(loop_thread, name, wire, errors=errors) as bench:
        meter = bench.meter()
        meter.open()
        first_l = meter.read().volume_l
        coriolis = load_profile(name).coriolis

        def right(answer: object) -> bool:
            """Flow and volume within 0.3 %, 0.1 K, 0.3 kg/m3; the totaliser as far as a float32 can tell."""
            if not isinstance(answer, MasterReading):
                return False
            water = bench.water
            water_is = not coriolis or (
                abs(answer.water_temp_c - water.temp_c) < 0.1 and abs(answer.density_kg_m3 - water.density_kg_m3) < 0.3
            )
            passed_l = answer.volume_l - first_l
            return (
                water_is
                and abs(answer.flow_l_h - water.flow_l_h) < 0.003 * water.flow_l_h + 0.02
                and abs(passed_l - water.volume_l) < 0.003 * water.volume_l + 0.07
            )

        def change() -> None:
            bench.water.flow_l_h = 1000.0 + (bench.water.flow_l_h - 900.0) % 8000.0
            bench.water.temp_c = 15.0 + (bench.water.temp_c - 14.0) % 20.0
            bench.run(20.0)

        try:
            yield Subject(
                meter, bench.sim.faults, ask=meter.read, right=right, change=change, answers=answers, deadline_s=3.0
            )
        finally:
            meter.close()
