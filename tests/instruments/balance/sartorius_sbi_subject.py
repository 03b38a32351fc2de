"""The balance for the fault matrix: a stable weighing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from meterbench.instruments.balance.sartorius_sbi import SbiBalance
from meterbench.instruments.balance.sartorius_sbi_sim import SartoriusSbiSim
from meterbench.instruments.faults import FaultKind
from meterbench.instruments.links.loop_thread import LoopThread
from meterbench.instruments.links.serial_link import SerialLink
from tests.instruments.balance.world import LINK_DEADLINE_S, World
from tests.instruments.subjects import Subject

SETTLED_S = 30.0


@contextmanager
def make(loop_thread: LoopThread) -> Iterator[Subject]:
    """A pan that has settled; its zero is where it was at the last change of the mass."""
    world = World(loop_thread, SartoriusSbiSim)
    address = loop_thread.run(world.sim.start("pty"))
    link = SerialLink("balance", address, deadline_s=LINK_DEADLINE_S)
    link.drain = partial(link.drain, silence_s=0.01)  # type: ignore[method-assign]
    balance = SbiBalance("balance", link, world.clock)
    balance.open()
    zero_g = 0.0

    def ask() -> float:
        world.clock.sleep(SETTLED_S)
        return balance.weigh_stable_g(60.0)

    def change() -> None:
        nonlocal zero_g
        world.load(world.mass_g + 100.0)
        zero_g = world.sim._zero_g  # a restart moves it: weighings from before do not compare

    def right(answer: object) -> bool:
        """Within one step of the display."""
        return isinstance(answer, float) and abs(answer - (world.mass_g - zero_g)) < 0.0101

    try:
        yield Subject(
            balance,
            world.faults,
            ask=ask,
            right=right,
            change=change,
            answers=2,
            deadline_s=4.0,
            cannot={
                FaultKind.WRONG_UNIT: "the line has one balance and no addresses",
                FaultKind.QUEUE: "SBI has no error queue",
            },
        )
    finally:
        balance.close()
        loop_thread.run(world.sim.stop())
