"""The P-300 chamber for the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meterbench.instruments.capabilities import ChamberStatus
from meterbench.instruments.chamber import espec_p300
from meterbench.instruments.chamber.espec_p300 import EspecP300Settings, open_espec_p300
from meterbench.instruments.chamber.espec_p300_sim import EspecP300Sim
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.place import Place
from tests.instruments.chamber.cabinet import LINK_DEADLINE_S, Cabinet, quick_sockets
from tests.instruments.subjects import Subject


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """Start at 55 degC, which a change makes 35 degC and back, and look at the status; the air jumps with it."""
    cabinet, faults = Cabinet(loop_thread), FaultPlan(seed=1)
    sim = EspecP300Sim(cabinet.chamber, cabinet.now_s, faults=faults)
    address = loop_thread.run(sim.start())
    wanted_c = [55.0]
    with quick_sockets():
        box = open_espec_p300(Place("chamber", address, cabinet.clock), EspecP300Settings())
        box._link._deadline_s = LINK_DEADLINE_S
        before, espec_p300.RESYNCHRONISE_S = espec_p300.RESYNCHRONISE_S, LINK_DEADLINE_S

        def ask() -> ChamberStatus:
            cabinet.chamber.air_temp_c = wanted_c[0] - 2.3
            box.start(wanted_c[0])
            cabinet.chamber.air_temp_c = wanted_c[0] - 2.3
            return box.status()

        def right(answer: object) -> bool:
            assert isinstance(answer, ChamberStatus)
            truth = (cabinet.chamber.running, cabinet.chamber.setpoint_c)
            told = (answer.running, answer.setpoint_c)
            near = abs(answer.temp_c - cabinet.chamber.air_temp_c) <= 0.0501
            # A restart after the last question of all is news for the next one.
            return near and answer.alarms == () and told in (truth, (True, wanted_c[0]))

        def change() -> None:
            wanted_c[0] = 35.0 if wanted_c[0] == 55.0 else 55.0
            cabinet.chamber.air_temp_c = wanted_c[0] - 2.3

        try:
            yield Subject(
                box,
                faults,
                ask=ask,
                right=right,
                change=change,
                answers=20,
                deadline_s=3.0,
                cannot={
                    FaultKind.WRONG_UNIT: "answers carry no address",
                    FaultKind.QUEUE: "its alarms are states, not a queue: tests of their own",
                },
            )
        finally:
            espec_p300.RESYNCHRONISE_S = before
            box.close()
            loop_thread.run(sim.stop())
