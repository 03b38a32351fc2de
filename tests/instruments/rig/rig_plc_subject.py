"""The rig's PLC for the fault matrix: its status, on Modbus TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.capabilities import RigState, RigStatus
from meterbench.instruments.faults import FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.rig.modbus_plc import ModbusPlcRig
from meterbench.instruments.rig.modbus_plc_sim import ModbusPlcSim
from meterbench.instruments.rig.plc_map import PlcState
from meterbench.world.clock import VirtualClock
from tests.instruments.rig.conftest import LINK_DEADLINE_S, StandIn
from tests.instruments.subjects import Subject


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A PLC whose logic is a stand-in; the flow in line A, the state and the alarms are what is asked."""
    core = StandIn()
    sim = ModbusPlcSim(core)
    address = loop_thread.run(sim.start("tcp"))
    rig = ModbusPlcRig("rig", ModbusLink("rig", address, deadline_s=LINK_DEADLINE_S), VirtualClock(lambda _: True))
    rig.open()

    def right(answer: object) -> bool:
        """To the last digit: the stand-in's numbers are whole."""
        if not isinstance(answer, RigStatus):
            return False
        shown = (answer.flow_l_h["A"], answer.leak_rate_kpa_min, answer.state, answer.alarms)
        state = RigState(PlcState(int(core.image["state"])).name)
        return shown == (core.image["flow_line_a"], core.image["leak_rate"], state, frozenset())

    def change() -> None:
        core.image["flow_line_a"] += 5
        core.image["uptime_s"] += 100

    try:
        yield Subject(
            rig,
            sim.faults,
            ask=rig.status,
            right=right,
            change=change,
            answers=1,
            deadline_s=1.0,
            cannot={FaultKind.QUEUE: "its own errors are alarms, and those are part of every status"},
        )
    finally:
        rig.close()
        loop_thread.run(sim.stop())
