"""The SIMSERV chamber for the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.capabilities import ChamberStatus
from meterbench.instruments.chamber.weiss_simserv import WeissSimservSettings, open_weiss_simserv
from meterbench.instruments.chamber.weiss_simserv_sim import WeissSimservSim
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from tests.instruments.chamber.cabinet import LINK_DEADLINE_S, Cabinet, quick_sockets
from tests.instruments.subjects import Subject


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Start at 55 degC and 93 %, which a change makes 35 degC and 60 % and back, and look at the status; the air jumps
    with it."""
    cabinet, faults = Cabinet(loop_thread), FaultPlan(seed=1)
    sim = WeissSimservSim(cabinet.chamber, cabinet.now_s, faults=faults)
    address = loop_thread.run(sim.start())
    damp, dry = (55.0, 93.0), (35.0, 60.0)
    wanted = [damp]

    def jump() -> None:
        temp_c, humidity_percent = wanted[0]
        cabinet.jump(temp_c - 2.3, humidity_percent - 4.2)

    with quick_sockets():
        box = open_weiss_simserv(Place("chamber", address, cabinet.clock), WeissSimservSettings())
        box._link._deadline_s = LINK_DEADLINE_S

        def ask() -> ChamberStatus:
            jump()
            temp_c, humidity_percent = wanted[0]
            box.start(temp_c, humidity_percent=humidity_percent)
            jump()
            return box.status()

        def right(answer: object) -> bool:
            assert isinstance(answer, ChamberStatus)
            chamber = cabinet.chamber
            told = (answer.running, answer.setpoint_c)
            near = abs(answer.temp_c - chamber.air_temp_c) <= 0.0501
            near &= abs(answer.humidity_percent - chamber.air_humidity_percent) <= 0.0501
            # A restart after the last question of all is news for the next one.
            return (
                near and answer.alarms == () and told in ((chamber.running, chamber.setpoint_c), (True, wanted[0][0]))
            )

        def change() -> None:
            wanted[0] = dry if wanted[0] == damp else damp
            jump()

        try:
            yield Subject(
                box,
                faults,
                ask=ask,
                right=right,
                change=change,
                answers=40,
                deadline_s=3.0,
                cannot={
                    FaultKind.WRONG_UNIT: "a TCP connection has one chamber",
                    FaultKind.QUEUE: "its alarms are states, not a queue: tests of their own",
                },
            )
        finally:
            box.close()
            loop_thread.run(sim.stop())
