"""The operator's panel for the fault matrix: a number that somebody reads after half a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from meterbench.instruments.capabilities import OperatorTask
from meterbench.instruments.faults import FaultKind, FaultPlan
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from meterbench.instruments.operator import operator_panel
from meterbench.instruments.operator.operator_panel import OperatorPanel
from meterbench.instruments.operator.operator_panel_sim import OperatorPanelSim, Work
from meterbench.instruments.operator.panel_lines import TERMINATOR
from meterbench.world.clock import VirtualClock
from tests.instruments.subjects import Subject

QUICK_S = 0.12
TASK = OperatorTask("read_gauge", "Enter what the gauge shows.", (), 600.0, details={"meter": "10000001"})


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A gauge that shows 1.600 MPa, and 1 kPa more after a change; reading it takes 10 s."""
    now_s, shown_kpa = [0.0], [1600]
    faults = FaultPlan(seed=1)

    def reading() -> str:
        return f"{shown_kpa[0] / 1000:.3f}"

    sim = OperatorPanelSim(lambda name, details: Work(10.0, reading), lambda: now_s[0], faults=faults)

    def advance(duration_s: float) -> bool:
        now_s[0] += duration_s
        loop_thread.call(sim.sample)
        return True

    before, operator_panel.DEADLINE_S = operator_panel.DEADLINE_S, QUICK_S
    link = SerialLink("operator", loop_thread.run(sim.start()), deadline_s=QUICK_S, terminator=TERMINATOR)
    link.drain = partial(link.drain, silence_s=0.01)  # type: ignore[method-assign]
    panel = OperatorPanel("operator", link, VirtualClock(advance))
    panel.open()

    def change() -> None:
        shown_kpa[0] += 1

    try:
        yield Subject(
            panel,
            faults,
            ask=lambda: panel.ask(TASK).answer,
            right=lambda answer: answer == reading(),
            change=change,
            answers=4,
            deadline_s=8.0,
            cannot={
                FaultKind.SATURATE: "it measures nothing",
                FaultKind.WRONG_UNIT: "a panel has no address",
                FaultKind.QUEUE: "a panel has no error queue",
            },
        )
    finally:
        operator_panel.DEADLINE_S = before
        panel.close()
        loop_thread.run(sim.stop())
