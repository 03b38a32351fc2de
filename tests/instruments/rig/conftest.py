"""A rig whose PLC's logic is a stand-in: the wire, the driver and the Modbus view are the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from meterbench.instruments.links.address import parse_tcp
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig import plc_map
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.world.clock import VirtualClock

LINK_DEADLINE_S = 0.12


def an_image() -> dict[str, float | int]:
    """Every process value is its own address, so that none can be taken for another."""
    image: dict[str, float | int] = {
        each.name: each.address for each in plc_map.IMAGE.registers if each.name not in plc_map.OF_THE_VIEW
    }
    return image | {
        "plc_fw": 0x0142,
        "uptime_s": 1000,
        "state": int(plc_map.PlcState.IDLE),
        "alarm_word_1": 0,
        "alarm_word_2": 0,
        "interlock_word": plc_map.ALL_INTERLOCKS,
        "gate_time_us": 60_000_123,
    }


@dataclass
class StandIn:
    """A ``PlcCore`` that remembers what it was told."""

    image: dict[str, float | int] = field(default_factory=an_image)
    executed: list[tuple[int, dict[str, float | int]]] = field(default_factory=list)
    result: int = 0
    beats: list[int] = field(default_factory=list)
    remote: int = 0

    def process_image(self) -> Mapping[str, float | int]:
        return self.image

    def setpoints_in_force(self) -> Mapping[str, float]:
        return {}

    def execute(self, command: int, setpoints: Mapping[str, float | int]) -> int:
        self.executed.append((command, dict(setpoints)))
        return self.result

    def beat(self, value: int) -> None:
        self.beats.append(value)

    def remote_request(self, value: int) -> None:
        self.remote = value

    def restart(self) -> None:
        self.image |= {"uptime_s": 0, "state": int(plc_map.PlcState.SAFE)}

    @property
    def commands(self) -> list[str]:
        return [plc_map.Command(command).name for command, _ in self.executed]


@dataclass
class Served:
    """The stand-in, its Modbus view, where that listens, and a link to it."""

    core: StandIn
    sim: ModbusPlcSim
    address: str
    link: ModbusLink
    clock: VirtualClock

    @property
    def host(self) -> str:
        return parse_tcp(self.address)[0]

    @property
    def port(self) -> int:
        return parse_tcp(self.address)[1]


@pytest.fixture
def served(loop_thread: LoopThread, request: pytest.FixtureRequest) -> Iterator[Served]:
    """On Modbus TCP, or on the wire that the test's parameter names."""
    core = StandIn()
    sim = ModbusPlcSim(core)
    address = loop_thread.run(sim.start(getattr(request, "param", "tcp")))
    link = ModbusLink("rig", address, deadline_s=LINK_DEADLINE_S)
    yield Served(core, sim, address, link, VirtualClock(lambda _: True))
    link.close()
    loop_thread.run(sim.stop())


@pytest.fixture
def rig(served: Served) -> ModbusPlcRig:
    rig = ModbusPlcRig("rig", served.link, served.clock)
    rig.open()
    return rig
